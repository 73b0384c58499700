"""The service's side of the workers' windows: however many watch a camera, it is asked for once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sewu.workers.fleet import shard_of

MAX_MESSAGE_BYTES = 16 << 20
STILL_FRESH_S = 1.0
WAIT_S = 5.0
QUEUE_MESSAGES = 64
"""About fifteen seconds of live video; a viewer that is further behind goes on at the newest keyframe."""
LINGER_S = 3.0
"""An upstream goes on for so long without viewers: people flick through cameras."""

Message = tuple[bytes, bytes]
"""Kind and body; see `sewu.workers.window`."""


@dataclass(eq=False)
class Viewer:
    """One who watches. `lost`: messages skipped because this viewer did not keep up."""

    queue: asyncio.Queue[Message | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_MESSAGES))
    lost: int = 0

    def give(self, message: Message | None, since_keyframe: Sequence[Message]) -> None:
        """Hand on a message; one who is full is emptied and goes on from the last keyframe."""
        if not self.queue.full():
            self.queue.put_nowait(message)
            return
        while not self.queue.empty():
            self.queue.get_nowait()
            self.lost += 1
        for kept in since_keyframe[-QUEUE_MESSAGES + 1 :]:
            self.queue.put_nowait(kept)


@dataclass(eq=False)
class _Upstream:
    viewers: set[Viewer] = field(default_factory=set)
    opening: list[Message] = field(default_factory=list)
    group: list[Message] = field(default_factory=list)
    """All since the last keyframe: with it a new viewer starts at once."""
    task: asyncio.Task[None] | None = None

    def take(self, message: Message) -> None:
        if message[0] == b"m":
            self.opening, self.group = [message], []
        elif message[0] == b"i":
            self.opening.append(message)
        else:
            self.group = [message] if message[0] == b"k" else [*self.group, message][-QUEUE_MESSAGES + 4 :]
        for viewer in self.viewers:
            viewer.give(message, [*self.opening, *self.group])


class Viewing:
    """Stills and live video of all workers' cameras.

    Args:
        sockets: the windows there are now, in the order of their workers.
    """

    def __init__(self, sockets: Callable[[], Sequence[Path]]) -> None:
        self._sockets = sockets
        self._upstreams: dict[str, _Upstream] = {}
        self._stills: dict[str, asyncio.Task[bytes | None]] = {}

    @property
    def upstreams(self) -> int:
        """Cameras that are asked for now."""
        return len(self._upstreams)

    async def still(self, camera_id: str) -> bytes | None:
        """The newest picture as JPEG, at most a second older than it could be; None when no worker has one."""
        task = self._stills.get(camera_id)
        if task is None:
            task = self._stills[camera_id] = asyncio.create_task(self._ask_still(camera_id))
            asyncio.get_running_loop().call_later(STILL_FRESH_S, lambda: self._stills.pop(camera_id, None))
        return await asyncio.shield(task)

    @asynccontextmanager
    async def watch(self, camera_id: str) -> AsyncIterator[Viewer]:
        """Join: what comes is in the viewer's queue, from a keyframe on; None at the end."""
        upstream = self._upstreams.get(camera_id)
        if upstream is None:
            upstream = self._upstreams[camera_id] = _Upstream()
            upstream.task = asyncio.create_task(self._run(camera_id, upstream))
        viewer = Viewer()
        for message in [*upstream.opening, *upstream.group]:
            viewer.give(message, ())
        upstream.viewers.add(viewer)
        try:
            yield viewer
        finally:
            upstream.viewers.discard(viewer)

    async def close(self) -> None:
        """End all."""
        upstreams = (upstream.task for upstream in self._upstreams.values())
        tasks: list[asyncio.Task[object]] = [task for task in (*upstreams, *self._stills.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, camera_id: str, upstream: _Upstream) -> None:
        why: Message = (b"e", b"no picture")
        try:
            async for message in self._messages(camera_id, "live"):
                if message[0] == b"e":
                    why = message
                    break
                upstream.take(message)
                if not upstream.viewers:
                    await asyncio.sleep(LINGER_S)
                    if not upstream.viewers:
                        break
        finally:
            if self._upstreams.get(camera_id) is upstream:
                del self._upstreams[camera_id]
            for viewer in upstream.viewers:
                viewer.give(why, ())
                viewer.give(None, ())

    async def _ask_still(self, camera_id: str) -> bytes | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                async for kind, body in self._messages(camera_id, "still"):
                    return body if kind == b"j" else None
        return None

    async def _messages(self, camera_id: str, want: str) -> AsyncIterator[Message]:
        """What the worker that has this camera says; nothing when none has it."""
        sockets = list(self._sockets())
        first = shard_of(camera_id, len(sockets)) if sockets else 0
        for path in [*sockets[first : first + 1], *sockets[:first], *sockets[first + 1 :]]:
            answered = False
            async for message in _asked(path, camera_id, want):
                if message[0] == b"e" and not answered:
                    break  # not this worker's camera, or no picture of it: the next may have it
                answered = True
                yield message
            if answered:
                return


async def _asked(path: Path, camera_id: str, want: str) -> AsyncIterator[Message]:
    try:
        reader, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        return
    try:
        writer.write(json.dumps({"camera": camera_id, "want": want}).encode() + b"\n")
        await writer.drain()
        while True:
            size = int.from_bytes(await reader.readexactly(4), "big")
            if not 1 <= size <= MAX_MESSAGE_BYTES:
                return
            body = await reader.readexactly(size)
            yield body[:1], body[1:]
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()
