"""Time that was really watched: looks come 0.04 s to 30 s apart, cameras drop out, clocks are set back.

`WatchedTime` turns the times of the looks into one axis that only goes forward and that a gap does not
lengthen; dwell clocks live on it. `Windows` cuts the time into counting windows and says how much of each was watched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from sewu.base.interfaces import State

DEFAULT_MAX_GAP_S = 45.0
"""Half as long again as the longest promised interval between looks (30 s)."""


@dataclass(frozen=True, slots=True)
class Step:
    """From the last look to this one. `from_s` is None where the time between was not watched."""

    from_s: float | None
    to_s: float
    set_back: bool

    @property
    def watched_s(self) -> float:
        """How much of the step counts as watched."""
        return 0.0 if self.from_s is None else self.to_s - self.from_s


class WatchedTime:
    """Adds up the time between looks; a longer pause than `max_gap_s`, or a clock set back, adds nothing."""

    def __init__(self, max_gap_s: float = DEFAULT_MAX_GAP_S) -> None:
        self._max_gap_s = max_gap_s
        self._last_s: float | None = None
        self.now_s = 0.0
        """Seconds watched since the beginning: never falls, also when the wall clock does."""

    def advance(self, at_s: float) -> Step:
        """Take in the time of the next look."""
        last_s, self._last_s = self._last_s, at_s
        if last_s is None:
            return Step(None, at_s, False)
        if at_s < last_s:
            return Step(None, at_s, True)
        if at_s - last_s > self._max_gap_s:
            return Step(None, at_s, False)
        self.now_s += at_s - last_s
        return Step(last_s, at_s, False)

    def state(self) -> State:
        return {"last_s": self._last_s, "now_s": self.now_s}

    def restore(self, state: State) -> None:
        self._last_s, self.now_s = state["last_s"], state["now_s"]


@dataclass
class Tally:
    """What one window gathered: sums over events, and levels that held for a time."""

    start_s: float
    watched_s: float = 0.0
    looks: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    maxima: dict[str, float] = field(default_factory=dict)
    integrals: dict[str, float] = field(default_factory=dict)
    looked: dict[str, float] = field(default_factory=dict)

    def add(self, key: str, amount: float = 1.0) -> None:
        """Count something that happened."""
        self.sums[key] = self.sums.get(key, 0.0) + amount

    def mean(self, key: str) -> float | None:
        """Mean of a level over the watched time; over the looks where no time was watched; None without a look."""
        if self.watched_s > 0 and key in self.integrals:
            return self.integrals[key] / self.watched_s
        return self.looked[key] / self.looks if key in self.looked and self.looks else None


class Windows:
    """Counting windows that start at multiples of `window_s`, so that those of different cameras line up.

    A level reported at one look holds until the next look, unless a gap lies between.
    """

    def __init__(self, window_s: float) -> None:
        self.window_s = window_s
        self.current: Tally | None = None
        self._levels: dict[str, float] = {}

    def advance(self, step: Step) -> list[Tally]:
        """Go to the next look. Returns the windows that are over, oldest first; those nobody looked into are left out."""
        if step.set_back:
            self.current = None
        over: list[Tally] = []
        start_s = math.floor(step.to_s / self.window_s) * self.window_s
        if step.from_s is not None:
            self._fill(step.from_s, step.to_s, over)
        if self.current is None or self.current.start_s != start_s:
            if self.current is not None:
                over.append(self.current)
            self.current = Tally(start_s)
        self.current.looks += 1
        return over

    def level(self, key: str, value: float) -> None:
        """A level seen at this look."""
        if self.current is None:
            raise ValueError("advance the windows before giving them a level")
        self._levels[key] = value
        self.current.maxima[key] = max(value, self.current.maxima.get(key, value))
        self.current.looked[key] = self.current.looked.get(key, 0.0) + value

    def coverage(self, tally: Tally) -> float:
        """Share of the window that was watched, 0 to 1."""
        return min(1.0, tally.watched_s / self.window_s)

    def end_s(self, tally: Tally) -> float:
        return tally.start_s + self.window_s

    def close(self) -> Tally | None:
        """The window under way, given out as it stands; the next look begins a new one."""
        tally, self.current = self.current, None
        return tally

    def _fill(self, from_s: float, to_s: float, over: list[Tally]) -> None:
        """Share the watched time from one look to the next among the windows it lies in."""
        at_s = from_s
        while at_s < to_s:
            start_s = math.floor(at_s / self.window_s) * self.window_s
            if self.current is None or self.current.start_s != start_s:
                if self.current is not None:
                    over.append(self.current)
                self.current = Tally(start_s, maxima=dict(self._levels))
            until_s = min(to_s, start_s + self.window_s)
            if until_s <= at_s:  # a window shorter than the clock's resolution
                break
            self.current.watched_s += until_s - at_s
            for key, value in self._levels.items():
                self.current.integrals[key] = self.current.integrals.get(key, 0.0) + value * (until_s - at_s)
            at_s = until_s

    def state(self) -> State:
        tally = self.current
        fields = ("start_s", "watched_s", "looks", "sums", "maxima", "integrals", "looked")
        saved = None if tally is None else {name: _copied(getattr(tally, name)) for name in fields}
        return {"current": saved, "levels": dict(self._levels)}

    def restore(self, state: State) -> None:
        saved = state["current"]
        self.current = None if saved is None else Tally(**{name: _copied(value) for name, value in saved.items()})
        self._levels = dict(state["levels"])


def _copied(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value
