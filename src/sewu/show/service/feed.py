"""What changed, told to every screen that listens: one reader of the outbox, once a second, each listener within its rights.

A listener that reads too slowly is let go; it comes back with the number of the last change it saw, and is told the rest from
the outbox. Listeners with the same rights share the same bytes, and a change is looked up by its area, not tried on everybody.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType

import structlog

from sewu.base.errors import SewuError
from sewu.base.rights import Scope
from sewu.show.service.rights import Action, Caller
from sewu.store.operations.outbox import Change, Outbox

log = structlog.get_logger()
EVERY_S = 1.0
BATCH = 20_000
"""Changes read at once."""
QUEUED = 32
"""Batches that a listener may lag behind before it is let go."""
TOPIC_ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        "incident": "incident.read",
        "event": "incident.read",
        "camera": "camera.read",
        "state": "camera.read",
        "area": "area.read",
        "rule": "rule.read",
        "zone": "zone.read",
        "evidence": "evidence.read",
        "agency": "agency.read",
        "call": "call.read",
        "obligation": "obligation.read",
        "network": "asset.read",
    }
)
"""The right that hearing of a change takes; a topic that is not here is told to nobody."""
Rights = tuple[tuple[str, Scope], ...]


def rights_of(caller: Caller) -> Rights:
    """What a caller may hear of: each topic with its scope."""
    scopes = ((topic, caller.scope(action)) for topic, action in TOPIC_ACTIONS.items())
    return tuple((topic, scope) for topic, scope in scopes if scope.areas)


class Listener:
    """One open stream. `next` waits for bytes; None means that it was let go."""

    def __init__(self, rights: Rights, position: int) -> None:
        self.rights, self.position = rights, position
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED + 1)
        self.gone = False

    def offer(self, text: bytes) -> bool:
        """Queue a batch; False when too many wait already: then the listener is let go."""
        if self._queue.qsize() >= QUEUED:
            self.let_go()
            return False
        self._queue.put_nowait(text)
        return True

    def let_go(self) -> None:
        """End the stream after what is queued."""
        if not self.gone:
            self.gone = True
            self._queue.put_nowait(None)

    async def next(self) -> bytes | None:
        """The next batch."""
        return await self._queue.get()


class Index:
    """Finds whom a change concerns: by topic and each area above it."""

    def __init__(self, groups: Iterable[Rights]) -> None:
        self._found: dict[tuple[str, str], list[tuple[Rights, tuple[str, ...] | None]]] = {}
        self._city: dict[str, list[tuple[Rights, tuple[str, ...] | None]]] = {}
        for rights in groups:
            for topic, scope in rights:
                for area in scope.areas:
                    self._found.setdefault((topic, area), []).append((rights, scope.agencies))
                if any(area.count(".") <= 1 for area in scope.areas):
                    self._city.setdefault(topic, []).append((rights, scope.agencies))

    def of(self, change: Change) -> set[Rights]:
        """The rights that reach this change; what has no area is only for those who reach a whole city, what is an agency's only
        for those who reach that agency."""
        if change.area_code is None:
            found = self._city.get(change.topic, [])
        else:
            found, area = [], change.area_code
            while area:
                found = found + self._found.get((change.topic, area), [])
                area = area.rpartition(".")[0]
        return {rights for rights, agencies in found if agencies is None or change.agency is None or change.agency in agencies}


class Feed:
    """Reads the outbox and feeds the listeners."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._groups: dict[Rights, set[Listener]] = {}
        self._task: asyncio.Task[None] | None = None
        self.position = 0
        self.let_go = 0

    def __len__(self) -> int:
        return sum(len(group) for group in self._groups.values())

    async def start(self) -> None:
        """Begin at the outbox's end."""
        self.position = (await self._outbox.ends())[1]
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End every stream and the reader."""
        self.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def close(self) -> None:
        """Let everybody go: the service ends."""
        for listener in [one for group in self._groups.values() for one in group]:
            listener.let_go()

    def listen(self, rights: Rights) -> Listener:
        """Hear of everything after now; what came before is asked of `past`."""
        listener = Listener(rights, self.position)
        self._groups.setdefault(rights, set()).add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Hear no more."""
        group = self._groups.get(listener.rights)
        if group is not None:
            group.discard(listener)
            if not group:
                del self._groups[listener.rights]

    async def past(self, rights: Rights, after: int, up_to: int) -> tuple[list[bytes], bool]:
        """What these rights reach of the changes after `after`, and whether the outbox still holds all of them."""
        oldest, _ = await self._outbox.ends()
        complete = after + 1 >= oldest if oldest else True
        index, texts = Index([rights]), []
        while after < up_to and (rows := await self._outbox.after(after, BATCH, up_to)):
            texts.append(message([change for change in rows if index.of(change)], rows[-1].sequence))
            after = rows[-1].sequence
        return texts, complete

    async def step(self) -> int:
        """Read what is new and hand it on; returns how many changes were read."""
        rows = await self._outbox.after(self.position, BATCH)
        if not rows:
            return 0
        self.position = rows[-1].sequence
        index = Index(self._groups)
        chosen: dict[Rights, list[Change]] = {}
        for change in rows:
            for rights in index.of(change):
                chosen.setdefault(rights, []).append(change)
        for rights, group in list(self._groups.items()):
            text = message(chosen.get(rights, []), self.position)
            for listener in list(group):
                if not listener.offer(text):
                    self.let_go += 1
                    self.leave(listener)
        return len(rows)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                while await self.step() == BATCH:
                    pass
            except SewuError as error:
                log.warning("changes cannot be read now", reason=error.what)


def message(changes: Iterable[Change], position: int) -> bytes:
    """One SSE message: of each thing only its newest change. Without any, only the position moves on."""
    newest = {(change.topic, change.subject_id): change for change in changes}
    if not newest:
        return f"id: {position}\n\n".encode()
    rows = [{"topic": c.topic, "id": c.subject_id, "area_code": c.area_code, "at_s": c.at_s} for c in newest.values()]
    return f"id: {position}\nevent: changes\ndata: {json.dumps(rows, separators=(',', ':'))}\n\n".encode()
