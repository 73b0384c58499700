"""Events against truth: what was found, what was invented, and how late.

An event and a truth belong together when kind, zone and camera are the same and they overlap in time, give or take a tolerance
at both ends. Each is used once; of all ways to pair them the one with most pairs is taken, then the one with most overlap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sewu.base.records import Doubles, Event
from sewu.evaluate.matching import match_most

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Happening:
    """Something with a start and an end, true or reported. `end_s` None: it lasts until the end of what was watched.

    `zone_id` None in a truth means anywhere.
    """

    kind: str
    start_s: float
    end_s: float | None = None
    zone_id: str | None = None
    camera_id: str | None = None

    def __post_init__(self) -> None:
        if self.end_s is not None and self.end_s < self.start_s:
            raise ValueError(f"{self.kind} ends at {self.end_s} before it starts at {self.start_s}")


@dataclass(frozen=True, slots=True)
class HappeningScore:
    """What matching gave.

    delays_s: float64 (found,), reported start minus true start, negative when early, in order of the truth. end_errors_s:
    the same for ends, of pairs where both ends are known. watched_s: camera-seconds watched, for the false-alarm rate.
    pairs: indices (truth, reported).
    """

    truths: int
    reported: int
    pairs: tuple[tuple[int, int], ...]
    delays_s: Doubles
    end_errors_s: Doubles
    watched_s: float

    @property
    def found(self) -> int:
        return len(self.pairs)

    @property
    def false_alarms(self) -> int:
        return self.reported - self.found

    @property
    def precision(self) -> float | None:
        """None when nothing was reported."""
        return self.found / self.reported if self.reported else None

    @property
    def recall(self) -> float | None:
        """None when nothing happened."""
        return self.found / self.truths if self.truths else None

    @property
    def false_alarms_per_camera_day(self) -> float | None:
        """None when nothing was watched."""
        return self.false_alarms * DAY_S / self.watched_s if self.watched_s > 0 else None

    def delay_s(self, share: float) -> float | None:
        """The start delay that `share` (0 to 1) of the found ones do not exceed; None when none was found."""
        return float(np.quantile(self.delays_s, share, method="inverted_cdf")) if len(self.delays_s) else None


def match_happenings(
    truth: Sequence[Happening], reported: Sequence[Happening], watched_s: float, tolerance_s: float = 0.0
) -> HappeningScore:
    """Pair reports with truth and count.

    Args:
        watched_s: camera-seconds that were watched.
        tolerance_s: how far apart in time two may be and still belong together, on each side.

    Raises:
        ValueError: a negative duration or tolerance.
    """
    if watched_s < 0 or tolerance_s < 0:
        raise ValueError("watched_s and tolerance_s must not be negative")
    shared = np.full((len(truth), len(reported)), -math.inf)
    for i, true in enumerate(truth):
        for j, said in enumerate(reported):
            if _same_matter(true, said):
                shared[i, j] = _overlap_s(true, said, tolerance_s)
    allowed = shared >= 0
    # Least distance = most shared time; capped so that a happening without end does not outweigh all others.
    distance = np.where(allowed, 1.0 / (1.0 + np.where(allowed, shared, 0.0)), 0.0)
    rows, columns = match_most(distance, allowed)
    pairs = tuple(sorted(zip(rows.tolist(), columns.tolist(), strict=True)))
    delays = np.array([reported[j].start_s - truth[i].start_s for i, j in pairs], np.float64)
    ends = [(truth[i].end_s, reported[j].end_s) for i, j in pairs]
    end_errors = np.array([said - true for true, said in ends if true is not None and said is not None], np.float64)
    return HappeningScore(len(truth), len(reported), pairs, delays, end_errors, watched_s)


def _same_matter(true: Happening, said: Happening) -> bool:
    return (
        true.kind == said.kind
        and (true.zone_id is None or true.zone_id == said.zone_id)
        and (true.camera_id is None or true.camera_id == said.camera_id)
    )


def _overlap_s(a: Happening, b: Happening, tolerance_s: float) -> float:
    """Shared time after widening both ends by the tolerance; negative when apart."""
    a_end, b_end = (math.inf if happening.end_s is None else happening.end_s for happening in (a, b))
    return min(a_end, b_end) - max(a.start_s, b.start_s) + tolerance_s


def reported_happenings(events: Iterable[Event]) -> list[Happening]:
    """Events as happenings: one per id, in order of first mention; without an "end" message they are still going on."""
    latest: dict[str, Event] = {}
    for event in events:
        latest[event.id] = event
    return [Happening(event.kind, event.started_at_s, event.ended_at_s, event.zone_id, event.camera_id) for event in latest.values()]
