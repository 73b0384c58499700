"""What following costs: looks per second on one core, and the time of one large assignment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sewu.base.interfaces import State, Tracker
from sewu.base.records import Detections, Tracks
from sewu.follow.association import assign, near_pairs, widened_iou


class TimedTracker:
    """A `Tracker` around another that adds up the CPU time its updates take.

    Give it to whatever drives a tracker; read `looks` and `cpu_s` afterwards.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.looks = 0
        self.cpu_s = 0.0

    @property
    def rate_fps(self) -> float | None:
        """Looks per CPU second; None before the clock has ticked."""
        return self.looks / self.cpu_s if self.cpu_s > 0 else None

    def update(self, detections: Detections) -> Tracks:
        before_s = time.process_time()
        tracks = self.tracker.update(detections)
        self.cpu_s += time.process_time() - before_s
        self.looks += 1
        return tracks

    def state(self) -> State:
        return self.tracker.state()

    def restore(self, state: State) -> None:
        self.tracker.restore(state)


@dataclass(frozen=True, slots=True)
class AssociationCost:
    """CPU milliseconds to associate `tracks` with as many detections: the median and the slowest of `repeats`."""

    tracks: int
    repeats: int
    median_ms: float
    worst_ms: float
    matched: int


def time_looks(make: Callable[[], Tracker], looks: Sequence[Detections], repeats: int = 3) -> float | None:
    """Looks per CPU second of fresh trackers over `looks`, the best of `repeats` runs; None when too short to measure."""
    rates = []
    for _ in range(repeats):
        timed = TimedTracker(make())
        for look in looks:
            timed.update(look)
        rates.append(timed.rate_fps)
    known = [rate for rate in rates if rate is not None]
    return max(known) if known else None


def time_association(count: int = 1000, size_px: tuple[int, int] = (1920, 1080), repeats: int = 7) -> AssociationCost:
    """Associate `count` people spread at random over a picture with `count` shaken detections of them.

    Boxes are 25 to 100 px wide and twice as high, so that many overlap and compete.
    """
    rng = np.random.default_rng(1)
    wide = rng.uniform(25, 100, (count, 1))
    centre = rng.uniform(0, 1, (count, 2)) * size_px
    half = np.concatenate([wide / 2, wide], axis=1)
    tracks = np.concatenate([centre - half, centre + half], axis=1)
    shaken = (tracks + rng.normal(0, 0.05, tracks.shape) * wide)[rng.permutation(count)]
    reach_px = 0.1 * wide[:, 0]
    spent_ms, matched = [], 0
    for _ in range(repeats):
        before_s = time.process_time()
        rows, columns = near_pairs(tracks, shaken, reach_px)
        overlap = widened_iou(tracks[rows], shaken[columns], reach_px[rows])
        kept = overlap >= 0.2
        matched = len(assign(rows[kept], columns[kept], overlap[kept], (count, count))[0])
        spent_ms.append((time.process_time() - before_s) * 1000)
    return AssociationCost(count, repeats, float(np.median(spent_ms)), max(spent_ms), matched)
