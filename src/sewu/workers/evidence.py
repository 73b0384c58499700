"""Listeners that keep what was found: observations and events in the stores, clips around each event."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog

from sewu.base.errors import SewuError, StoreFull
from sewu.base.records import Packet
from sewu.connect.remux import suffix_for, write_clip
from sewu.connect.ring import Ring
from sewu.flow import Ending, Look
from sewu.store.events import EventStore
from sewu.store.observations import ObservationStore

log = structlog.get_logger()

COMMIT_EVERY_LOOKS = 50


class Recorded:
    """Stores observations and events as they come. Raises `StoreFull` from `on_look`, which stops its source."""

    def __init__(self, observations: ObservationStore, events: EventStore) -> None:
        self._observations, self._events = observations, events
        self._looks = 0

    def on_packet(self, packet: Packet) -> None:
        """Nothing."""

    def on_look(self, look: Look) -> None:
        self._observations.add(look.observations)
        self._events.add(look.events)
        self._looks += 1
        if self._looks % COMMIT_EVERY_LOOKS == 0:
            self._observations.commit()

    def on_end(self, at_s: float, ending: Ending) -> None:
        try:
            self._observations.add(ending.observations)
            self._events.add(ending.events)
            self._observations.close()
        finally:
            self._events.close()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A clip that waits for its last seconds to arrive."""

    event_id: str
    from_s: float
    to_s: float


class Clips:
    """Cuts a clip around the moment each event was noticed: `before_s` to `after_s`, not re-encoded.

    A clip that cannot be cut is logged and counted; the event is stored all the same.
    """

    def __init__(self, folder: Path, before_s: float = 5.0, after_s: float = 5.0) -> None:
        self._folder, self._before_s, self._after_s = folder, before_s, after_s
        self._ring = Ring(keep_s=before_s + after_s + 2.0)
        self._wanted: list[_Wanted] = []
        self._camera_id: str | None = None
        self.written: dict[str, str] = {}
        self.failed = 0

    def on_packet(self, packet: Packet) -> None:
        self._camera_id = packet.camera_id
        self._ring.add(packet)
        ready = [wanted for wanted in self._wanted if packet.at_s >= wanted.to_s]
        for wanted in ready:
            self._wanted.remove(wanted)
            self._cut(wanted)

    def on_look(self, look: Look) -> None:
        for event in look.events:
            if event.phase == "start":
                self._wanted.append(_Wanted(event.id, event.at_s - self._before_s, event.at_s + self._after_s))

    def on_end(self, at_s: float, ending: Ending) -> None:
        for wanted in self._wanted:
            self._cut(wanted)
        self._wanted.clear()

    def _cut(self, wanted: _Wanted) -> None:
        packets = self._ring.clip(self._camera_id or "", wanted.from_s, wanted.to_s)
        if not packets:
            return
        path = self._folder / f"{wanted.event_id}{suffix_for(packets[0].stream.codec)}"
        try:
            write_clip(packets, path)
            self.written[wanted.event_id] = path.name
        except StoreFull:
            raise
        except SewuError as error:
            self.failed += 1
            log.warning("a clip could not be written", event_id=wanted.event_id, reason=error.what)
