"""A worker's window: stills and live video of its cameras, over a socket of this machine, out of the ring and without re-encoding.

One request a connection, a line of JSON: {"camera": id, "want": "still" | "live"}. Answers are messages: four bytes length (big
endian, of what follows), one byte kind, the rest. Kinds: `j` a still (JPEG), `m` the MIME type of what follows, `i` its opening
segment, `k` a fragment that begins with a keyframe, `f` another fragment, `e` why there is nothing (more).

The worker has one thread and wakes four times a second; so nothing here waits: a viewer that does not read is dropped.
"""

from __future__ import annotations

import hashlib
import json
import socket
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sewu.base.errors import SewuError
from sewu.base.records import Packet

MAX_REQUEST_BYTES = 1024
MAX_VIEWERS = 256
MAX_BEHIND_BYTES = 8 << 20
"""A viewer that has not read so much is gone, or too slow to be live."""
STILLS_A_TURN = 8
LONGEST_PATH = 100
"""Of a socket's path; the system allows 107 bytes."""


def window_path(folder: Path, shard: int) -> Path:
    """Where a worker's window is: in its folder, or, when that path is too long for a socket, in the temporary folder."""
    path = folder.resolve() / f"shard-{shard}.sock"
    if len(str(path).encode()) <= LONGEST_PATH:
        return path
    name = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"sewu-{name}-{shard}.sock"


def windows_in(folder: Path) -> list[Path]:
    """The windows of the workers that watch into this folder, in their order."""
    shards = sorted(int(name) for path in folder.glob("shard-*/") if (name := path.name.removeprefix("shard-")).isdigit())
    return [window_path(folder, shard) for shard in shards]


class Fragments(Protocol):
    """What turns packets into fragments; see `sewu.connect.fragments.FragmentedMp4`."""

    mime: str
    init: bytes

    def fits(self, packet: Packet) -> bool: ...

    def fragment(self, packets: Sequence[Packet], next_dts: int | None = None) -> bytes: ...


@dataclass
class _Viewer:
    connection: socket.socket
    asked: bytes = b""
    camera_id: str | None = None
    waiting: bytearray = field(default_factory=bytearray)
    is_last: bool = False
    stream: Fragments | None = None


class Window:
    """Serves viewers of one worker's cameras.

    Args:
        path: of the socket; what is left there from a killed worker is removed.
        begin: makes fragments, from a keyframe on. still: a camera's newest picture as JPEG; None when there is none.
        recent: a camera's packets since its last keyframe.
    """

    def __init__(
        self,
        path: Path,
        begin: Callable[[Packet], Fragments],
        still: Callable[[str], bytes | None],
        recent: Callable[[str], Sequence[Packet]],
    ) -> None:
        """Raises OSError when the socket cannot be made."""
        self._path, self._begin, self._still, self._recent = path, begin, still, recent
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(64)
        self._listener.setblocking(False)
        self._viewers: list[_Viewer] = []

    @property
    def watched_live(self) -> frozenset[str]:
        """Cameras that somebody watches live."""
        return frozenset(viewer.camera_id for viewer in self._viewers if viewer.camera_id is not None and not viewer.is_last)

    def take(self, camera_id: str, packets: Sequence[Packet]) -> None:
        """A camera's packets that have come, in order."""
        for viewer in self._viewers:
            if viewer.camera_id == camera_id and not viewer.is_last:
                self._send_packets(viewer, packets)

    def turn(self) -> None:
        """Let in who waits, answer what was asked, send what can be sent. Never waits."""
        self._accept()
        stills = 0
        for viewer in list(self._viewers):
            if viewer.camera_id is None and not self._read(viewer):
                continue
            if viewer.camera_id is None and b"\n" in viewer.asked:
                stills += self._answer(viewer, stills)
            self._write(viewer)

    def close(self) -> None:
        """End for everybody."""
        for viewer in list(self._viewers):
            self._drop(viewer)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            while len(self._viewers) < MAX_VIEWERS:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                self._viewers.append(_Viewer(connection))

    def _read(self, viewer: _Viewer) -> bool:
        try:
            data = viewer.connection.recv(MAX_REQUEST_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        viewer.asked += data
        if not data or len(viewer.asked) > MAX_REQUEST_BYTES:
            self._drop(viewer)
            return False
        return True

    def _answer(self, viewer: _Viewer, stills: int) -> int:
        """Begin to answer; returns 1 when a still was made. Stills beyond a turn's share wait for the next turn."""
        try:
            wanted = json.loads(viewer.asked)
            camera_id, want = str(wanted["camera"]), wanted["want"]
        except (ValueError, KeyError, TypeError):
            self._end(viewer, "not understood")
            return 0
        recent = self._recent(camera_id)
        if not recent:
            self._end(viewer, "no picture")
            return 0
        if want == "live":
            viewer.camera_id = camera_id
            self._send_packets(viewer, recent)
            return 0
        if stills >= STILLS_A_TURN:
            return 0
        picture = self._still(camera_id)
        if picture is None:
            self._end(viewer, "no picture")
        else:
            viewer.camera_id, viewer.is_last = camera_id, True
            viewer.waiting += message(b"j", picture)
        return 1

    def _send_packets(self, viewer: _Viewer, packets: Sequence[Packet]) -> None:
        """Begin, or go on, with these packets; a stream that has changed begins anew at its next keyframe."""
        try:
            run: list[Packet] = []
            for packet in packets:
                if viewer.stream is None or not viewer.stream.fits(packet):
                    if not packet.is_keyframe:
                        continue
                    self._flush(viewer, run)
                    run, viewer.stream = [], self._begin(packet)
                    viewer.waiting += message(b"m", viewer.stream.mime.encode()) + message(b"i", viewer.stream.init)
                if packet.is_keyframe:
                    self._flush(viewer, run)
                    run = []
                run.append(packet)
            self._flush(viewer, run)
        except SewuError as error:
            self._end(viewer, error.what)
        if len(viewer.waiting) > MAX_BEHIND_BYTES:
            self._drop(viewer)

    @staticmethod
    def _flush(viewer: _Viewer, run: Sequence[Packet]) -> None:
        if run and viewer.stream is not None:
            viewer.waiting += message(b"k" if run[0].is_keyframe else b"f", viewer.stream.fragment(run))

    @staticmethod
    def _end(viewer: _Viewer, why: str) -> None:
        viewer.camera_id, viewer.is_last = viewer.camera_id or "", True
        viewer.waiting += message(b"e", why.encode())

    def _write(self, viewer: _Viewer) -> None:
        try:
            while viewer.waiting:
                sent = viewer.connection.send(viewer.waiting[: 1 << 18])
                del viewer.waiting[:sent]
            if viewer.is_last or (viewer.camera_id is not None and viewer.connection.recv(1) == b""):
                self._drop(viewer)
        except BlockingIOError:
            return
        except OSError:
            self._drop(viewer)

    def _drop(self, viewer: _Viewer) -> None:
        viewer.connection.close()
        if viewer in self._viewers:
            self._viewers.remove(viewer)


def message(kind: bytes, body: bytes) -> bytes:
    """One message as it goes over the socket."""
    return (len(body) + 1).to_bytes(4, "big") + kind + body
