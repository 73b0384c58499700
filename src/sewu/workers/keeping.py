"""What a worker keeps: observations, events, evidence; and what it does when the disk takes nothing any more.

A full disk must not stop the watch: what was found waits in memory, bounded, is tried again at every tick, and the
worker says so until there is room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import structlog

from sewu.base.errors import SewuError
from sewu.base.records import Event, Observation
from sewu.flow import Ending, Look
from sewu.store.events import EventStore
from sewu.store.observations import ObservationStore
from sewu.workers.exhibits import Exhibits

log = structlog.get_logger()

MAX_WAITING = 100_000
"""Observations, and events, that wait for room on the disk; beyond it the oldest are lost and counted."""
WRITE_BYTES = 2 << 20
"""Evidence written per tick."""


class Keeper:
    """A shard's sink. Call `flush` once a tick.

    `started`: events begun. `lost`: observations and events that found no room in time. `fault`: why the disk refuses, else None.
    """

    def __init__(self, observations: ObservationStore, events: EventStore, exhibits: Exhibits | None) -> None:
        self._observations, self._events, self.exhibits = observations, events, exhibits
        self._held: deque[Observation] = deque()
        self._messages: deque[Event] = deque()
        self.started = self.lost = 0
        self.fault: SewuError | None = None

    def take(self, look: Look) -> None:
        """Everything that one look led to."""
        self._hold(look.observations, self.exhibits.take(look) if self.exhibits and look.events else look.events)

    def ended(self, camera_id: str, at_s: float, ending: Ending) -> None:
        """The camera is no longer watched."""
        self._hold(ending.observations, self.exhibits.named(ending.events) if self.exhibits else ending.events)

    def flush(self) -> None:
        """Store what waits, and work on the evidence."""
        try:
            if self._messages:
                self._events.add(self._messages)
                self._messages.clear()
            self._observations.commit()
            if self._held:
                # Handed over first: what `add` has taken is kept by the store, also when its own commit is refused.
                held, self._held = self._held, deque()
                self._observations.add(held)
                self._observations.commit()
            self.fault = None
        except SewuError as error:
            if self.fault is None:
                log.error("the disk refuses; watching goes on, what was found waits", reason=error.what, advice=error.advice)
            self.fault = error
        if self.exhibits:
            self.exhibits.work(WRITE_BYTES)

    def close(self) -> None:
        """Store the rest. Raises `StoreFull` when it cannot be."""
        try:
            self.flush()
            if self.exhibits:
                self.exhibits.close()
            self._observations.close()
        finally:
            self._events.close()

    def _hold(self, observations: Iterable[Observation], events: Iterable[Event]) -> None:
        self._held.extend(observations)
        for event in events:
            self.started += event.phase == "start"
            self._messages.append(event)
        for waiting in (self._held, self._messages):
            while len(waiting) > MAX_WAITING:
                waiting.popleft()
                self.lost += 1
