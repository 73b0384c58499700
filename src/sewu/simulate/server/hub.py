"""What the listeners of one server share: cameras, media, faults, sessions, the pacer."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sewu.base.clock import Clock
from sewu.base.errors import BadSettings
from sewu.simulate.server.auth import Guard
from sewu.simulate.server.faults import ActiveFault, Fault
from sewu.simulate.server.media import Media, load_media
from sewu.simulate.server.pacing import Pacer
from sewu.simulate.server.plan import Quality, ServedCamera, ServerPlan, StreamFile
from sewu.simulate.server.playing import Counts, Epoch, Identity, Playing
from sewu.simulate.server.sinks import Address, TcpSink, UdpSink

FileKey = tuple[Path, float | None]


class Cuttable(Protocol):
    """A connection that a fault can reset."""

    def cut(self) -> None: ...


@dataclass(eq=False, slots=True)
class Session:
    """One RTSP session: one client of one stream. `owner` is the connection, for sessions that die with it."""

    id: str
    camera_id: str
    playing: Playing
    sink: TcpSink | UdpSink
    last_seen_s: float
    owner: object
    is_playing: bool = False


@dataclass(slots=True)
class Hub:
    """Everything that is not a socket."""

    plan: ServerPlan
    clock: Clock
    media: dict[FileKey, Media] = field(default_factory=dict)
    guard: Guard = field(default_factory=Guard)
    counts: Counts = field(default_factory=Counts)
    cameras: dict[str, ServedCamera] = field(init=False)
    pacer: Pacer = field(init=False)
    epoch: Epoch = field(init=False)
    sessions: dict[str, Session] = field(default_factory=dict)
    faults: dict[str, ActiveFault] = field(default_factory=dict)
    on_fault: list[Callable[[str, ActiveFault | None], None]] = field(default_factory=list)
    _by_rtcp: dict[tuple[str, int], Session] = field(default_factory=dict)
    _playing: dict[tuple[str, Quality], Playing] = field(default_factory=dict)
    _connections: dict[str, set[Cuttable]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cameras = {camera.id: camera for camera in self.plan.cameras}
        self.pacer = Pacer(self.clock, self.plan.server.tick_s)
        self.epoch = Epoch(self.clock.steady_s(), self.clock.now_s())

    def load(self) -> None:
        """Read every file once. Raises BadSource."""
        for camera in self.plan.cameras:
            for file in (camera.main, camera.sub):
                if file is not None and key_of(file) not in self.media:
                    self.media[key_of(file)] = load_media(file.path, file.duration_s)

    def media_of(self, camera_id: str, quality: Quality) -> Media | None:
        """What the camera plays at this quality; None when there is no such stream."""
        camera = self.cameras.get(camera_id)
        file = camera.file(quality) if camera else None
        return self.media[key_of(file)] if file else None

    def playing(self, camera_id: str, quality: Quality) -> Playing | None:
        """The stream's state, made when first asked for; None when there is no such stream."""
        known = self._playing.get((camera_id, quality))
        media = self.media_of(camera_id, quality)
        if known is not None or media is None:
            return known
        seed = zlib.crc32(f"{camera_id}/{quality}".encode())
        identity = Identity(seed, seed >> 8 & 0xFFFF, secrets.randbits(32), f"{camera_id}.{quality}@sewu")
        playing = Playing(media, self.epoch, self.cameras[camera_id].phase_s, identity, self.counts)
        playing.fault = self.faults.get(camera_id)
        self._playing[camera_id, quality] = playing
        return playing

    def playing_of(self, camera_id: str) -> list[tuple[Quality, Playing]]:
        """Those streams of a camera that were ever asked for."""
        return [(quality, playing) for (owner, quality), playing in self._playing.items() if owner == camera_id]

    # Faults

    def set_fault(self, camera_id: str, what: Fault | None) -> None:
        """Begin a fault, or end it with None.

        Raises:
            BadSettings: there is no such camera.
        """
        if camera_id not in self.cameras:
            raise BadSettings(f"There is no camera {camera_id!r}.", "Name one of the cameras that are served.")
        active = ActiveFault(camera_id, what, self.clock.steady_s()) if what else None
        if active is None:
            self.faults.pop(camera_id, None)
        else:
            self.faults[camera_id] = active
        for _, playing in self.playing_of(camera_id):
            playing.set_fault(active)
        for told in self.on_fault:
            told(camera_id, active)
        self._cut_if_down(camera_id)

    def is_down(self, camera_id: str) -> bool:
        """Whether its connections are to be reset now."""
        active = self.faults.get(camera_id)
        return active is not None and active.is_down(self.clock.steady_s())

    def _cut_if_down(self, camera_id: str) -> None:
        if self.is_down(camera_id):
            for connection in list(self._connections.get(camera_id, ())):
                connection.cut()
            self.end_sessions([s for s in self.sessions.values() if s.camera_id == camera_id])

    # Connections and sessions

    def attach(self, camera_id: str, connection: Cuttable) -> None:
        """Remember that this connection is about this camera."""
        self._connections.setdefault(camera_id, set()).add(connection)

    def detach(self, connection: Cuttable, camera_ids: Iterable[str]) -> None:
        """A connection ended."""
        for camera_id in camera_ids:
            members = self._connections.get(camera_id)
            if members is not None:
                members.discard(connection)
                if not members:
                    del self._connections[camera_id]

    def add_session(self, session: Session) -> None:
        """Remember a session; one of the same id is replaced."""
        self.sessions[session.id] = session
        if isinstance(session.sink, UdpSink):
            self._by_rtcp[session.sink.rtcp[:2]] = session

    def play(self, session: Session) -> None:
        """Send pictures from now on."""
        if not session.is_playing:
            session.is_playing = True
            session.sink.wants_keyframe = True
            session.sink.next_report_s = 0.0
            session.playing.sinks.append(session.sink)
            self.pacer.add(session.playing)

    def pause(self, session: Session) -> None:
        """Send no more pictures; the session stays."""
        if session.is_playing:
            session.is_playing = False
            session.playing.sinks.remove(session.sink)

    def end_sessions(self, sessions: Iterable[Session]) -> None:
        """Stop and forget."""
        for session in list(sessions):
            self.pause(session)
            self.sessions.pop(session.id, None)
            if isinstance(session.sink, UdpSink):
                self._by_rtcp.pop(session.sink.rtcp[:2], None)

    def heard_from(self, rtcp: Address) -> None:
        """A receiver report came over UDP: its session is alive (RFC 2326 section 12.37)."""
        session = self._by_rtcp.get(rtcp[:2])
        if session is not None:
            session.last_seen_s = self.clock.steady_s()

    def sweep(self) -> None:
        """Drop silent sessions, and reset the connections of cameras that just went down."""
        oldest_s = self.clock.steady_s() - self.plan.server.session_timeout_s
        for session in [s for s in self.sessions.values() if s.last_seen_s < oldest_s]:
            self.end_sessions([session])
            if isinstance(session.sink, TcpSink) and hasattr(session.owner, "cut"):
                session.owner.cut()
        for camera_id in list(self.faults):
            self._cut_if_down(camera_id)


def key_of(file: StreamFile) -> FileKey:
    """Files are shared by path and length of the repeat."""
    return file.path, file.duration_s
