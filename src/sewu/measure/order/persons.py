"""How tall a person is at each depth, and who stood where in the last minute."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from sewu.base.greys import median
from sewu.base.interfaces import State
from sewu.base.records import Doubles, Floats

MAX_SAMPLES = 240
MAX_PERSONS = 24
KEEP_EVERY_S = 0.5
REMEMBER_S = 90.0
MAX_MOMENTS = 200
UNKNOWN_SHARE = 0.25
"""Height of a person as a share of the picture's, until one was seen."""


class Heights:
    """A person's height in pixels as a straight line over the row of the feet (a flat ground seen by a level camera).

    A robust fit to the last boxes; boxes cut off by the edge of the picture are left out.
    """

    def __init__(self, picture_px: tuple[int, int]) -> None:
        self._width_px, self._height_px = picture_px
        self._samples: deque[tuple[float, float]] = deque(maxlen=MAX_SAMPLES)
        self._line = (0.0, UNKNOWN_SHARE * self._height_px)
        self._fresh = 0

    def learn(self, boxes_px: Floats) -> None:
        """Take the boxes of persons seen now. (n, 4)"""
        for x0, y0, x1, y1 in boxes_px.tolist():
            if x0 > 2 and y0 > 2 and x1 < self._width_px - 3 and y1 < self._height_px - 3 and y1 - y0 > 4:
                self._samples.append((y1, y1 - y0))
                self._fresh += 1
        if self._fresh >= 10 or (self._fresh and len(self._samples) < 10):
            self._fresh = 0
            self._fit()

    def at_px(self, feet_row_px: float) -> float:
        """Height of a person whose feet are on this row, px."""
        slope, base = self._line
        return max(slope * feet_row_px + base, 4.0)

    def _fit(self) -> None:
        rows, heights = np.asarray(self._samples, np.float64).T
        middle = median(heights)
        if len(rows) >= 20 and np.ptp(rows) > 0.15 * self._height_px:
            slope, base = _straight(rows, heights)
            off = np.abs(heights - slope * rows - base)
            kept = off <= max(2.5 * median(off), 1.0)
            if np.count_nonzero(kept) >= 10 and np.ptp(rows[kept]) > 0.1 * self._height_px:
                slope, base = _straight(rows[kept], heights[kept])
            if 0.0 <= slope <= 2.0:
                self._line = (float(slope), float(base))
                return
        self._line = (0.0, middle)

    def state(self) -> State:
        return {"samples": [list(sample) for sample in self._samples], "line": list(self._line)}

    def restore(self, state: State) -> None:
        self._samples.extend((float(y), float(h)) for y, h in state["samples"])
        self._line = (float(state["line"][0]), float(state["line"][1]))


class Whereabouts:
    """Boxes of persons over the last minute and a half, twice a second: who was near when something appeared?"""

    def __init__(self) -> None:
        self._moments: deque[tuple[float, list[int], Floats]] = deque(maxlen=MAX_MOMENTS)

    def note(self, at_s: float, ids: list[int], boxes_px: Floats) -> None:
        """Remember who is where now; at most 24 persons."""
        if self._moments and at_s - self._moments[-1][0] < KEEP_EVERY_S:
            return
        self._moments.append((at_s, ids[:MAX_PERSONS], boxes_px[:MAX_PERSONS]))
        while at_s - self._moments[0][0] > REMEMBER_S:
            self._moments.popleft()

    def nearest(self, box_px: Floats, from_s: float, to_s: float, reach_px: float) -> int | None:
        """Id of the person who came nearest to the box in that time; None when nobody came within `reach_px`."""
        best: tuple[float, int] | None = None
        for at_s, ids, boxes_px in self._moments:
            if from_s <= at_s <= to_s and ids:
                gaps = gaps_px(boxes_px, box_px)
                row = int(gaps.argmin())
                # Of equally near ones the later counts: ids change, and the later id is the one still there.
                if gaps[row] <= reach_px and (best is None or gaps[row] <= best[0] + 1.0):
                    best = (min(float(gaps[row]), best[0] if best else math.inf), ids[row])
        return None if best is None else best[1]

    def last_box(self, track_id: int) -> Floats | None:
        """Where that person was last. (4,)"""
        for _, ids, boxes_px in reversed(self._moments):
            if track_id in ids:
                return np.asarray(boxes_px[ids.index(track_id)], np.float32)
        return None

    def last_near_s(self, track_id: int, box_px: Floats, reach_px: float) -> float | None:
        """When that person was last within reach of the box; None when never in the time remembered."""
        for at_s, ids, boxes_px in reversed(self._moments):
            if track_id in ids and gaps_px(boxes_px[ids.index(track_id)][None], box_px)[0] <= reach_px:
                return at_s
        return None


def _straight(x: Doubles, y: Doubles) -> tuple[float, float]:
    """Slope and value at 0 of the least-squares line; a general polynomial fit costs ten times as much. (n,), (n,)."""
    from_x, from_y = x - x.mean(), y - y.mean()
    slope = float(from_x @ from_y) / float(from_x @ from_x)
    return slope, float(y.mean()) - slope * float(x.mean())


def gaps_px(boxes_px: Floats, box_px: Floats) -> Floats:
    """Distance between each box and one box, 0 where they touch. (n, 4), (4,) -> (n,)."""
    dx = np.maximum(np.maximum(box_px[0] - boxes_px[:, 2], boxes_px[:, 0] - box_px[2]), 0)
    dy = np.maximum(np.maximum(box_px[1] - boxes_px[:, 3], boxes_px[:, 1] - box_px[3]), 0)
    return np.asarray(np.hypot(dx, dy), np.float32)
