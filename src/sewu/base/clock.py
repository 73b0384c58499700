"""The only place that asks the system for the time.

Stages never call it: time arrives with the data, so a clip is analysed the same at any speed.
Supervisors and schedulers take a `Clock` as a parameter, and tests give them a `ManualClock`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now_s(self) -> float:
        """UTC seconds since 1970-01-01; may jump when the machine's clock is set."""
        ...

    def steady_s(self) -> float:
        """Seconds that only go forward, from an unknown origin; for intervals and time-outs."""
        ...

    def cpu_s(self) -> float:
        """Processor seconds that this process has used, all threads together."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Wait at least `duration_s`."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_s(self) -> float:
        return time.time()

    def steady_s(self) -> float:
        return time.monotonic()

    def cpu_s(self) -> float:
        return time.process_time()

    def sleep(self, duration_s: float) -> None:
        time.sleep(max(0.0, duration_s))


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, start_s: float = 1_700_000_000.0) -> None:
        self._now_s = start_s
        self._steady_s = 0.0

    def now_s(self) -> float:
        return self._now_s

    def steady_s(self) -> float:
        return self._steady_s

    def cpu_s(self) -> float:
        return self._steady_s

    def sleep(self, duration_s: float) -> None:
        self.advance(max(0.0, duration_s))

    def advance(self, duration_s: float) -> None:
        """Let time pass."""
        self._now_s += duration_s
        self._steady_s += duration_s

    def jump(self, offset_s: float) -> None:
        """Set the wall clock forward or back, as NTP or a person does; steady time does not move."""
        self._now_s += offset_s


def iso_utc(at_s: float) -> str:
    """`at_s` as ISO 8601 in UTC with milliseconds, for example `2026-11-24T08:30:00.250Z`."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
