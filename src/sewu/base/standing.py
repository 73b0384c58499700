"""Who stands still, where, and for how long: a clock that belongs to the place.

A tracker loses a parked car behind a bus and finds it again under a new id; the car has stood there all the
while. So the clock hangs on the spot (where, how large), and an id only says who is on it now.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from sewu.base.boxes import AnyFloats, iou
from sewu.base.interfaces import State
from sewu.base.records import Tracks

ANCHOR_LOOKS = 10
"""The spot is the mean of the first boxes, then fixed: a running mean would creep along with a queue."""
HIDDEN_INSIDE = 0.85
"""A box that lies this much inside the spot's box is its partly hidden object, however far its centre moved."""
HIDDEN_AREA = 0.3
"""Less than this share of the spot's box left over: not the same object any more."""
SAME_SPOT_IOU = 0.5
MAX_SPOTS = 1024


@dataclass
class Spot:
    """One place where something stands. Times on the watched axis of `WatchedTime`."""

    number: int
    track: int
    box: list[float]
    since_s: float
    seen_s: float
    kind: int
    looks: int = 1
    off: int = 0
    moves: int = 0

    @property
    def dwell_s(self) -> float:
        """How long something was seen to stand here."""
        return self.seen_s - self.since_s


@dataclass
class Standing:
    """Spots of one camera.

    Args:
        tolerance: how far a box may shift from its spot, in its own size (square root of its area).
        memory_s: how long a spot keeps its clock while nobody is seen on it.
    """

    tolerance: float
    memory_s: float
    spots: dict[int, Spot] = field(default_factory=dict)
    _numbers: int = 0

    def update(self, tracks: Tracks, boxes_px: AnyFloats, now_s: float) -> dict[int, Spot]:
        """Take one look. `boxes_px`: the tracks' boxes, (n, 4).

        Returns:
            The spot of every track seen now, by track id; a spot that has just been taken has dwell 0.
        """
        on = {spot.track: spot for spot in self.spots.values()}
        found: dict[int, Spot] = {}
        fresh: list[int] = []
        for row in np.flatnonzero(tracks.seen):
            track, box = int(tracks.ids[row]), np.asarray(boxes_px[row], np.float64)
            spot = on.get(track)
            if spot is None:
                fresh.append(int(row))
            elif self._stays(spot, box):
                self._settle(spot, box, now_s)
                found[track] = spot
            elif spot.off < 2 and not self._far(spot, box):
                found[track] = spot  # one odd box is a detector's slip, two are a move
            else:
                moves = spot.moves + 1
                del self.spots[spot.number]
                found[track] = self._take(track, box, now_s, int(tracks.classes[row]))
                found[track].moves = moves
        self._adopt(tracks, boxes_px, fresh, found, now_s)
        for number in [n for n, spot in self.spots.items() if now_s - spot.seen_s > self.memory_s]:
            del self.spots[number]
        for number in list(self.spots)[: max(0, len(self.spots) - MAX_SPOTS)]:
            del self.spots[number]
        return found

    def _adopt(self, tracks: Tracks, boxes_px: AnyFloats, fresh: list[int], found: dict[int, Spot], now_s: float) -> None:
        """New ids take over the spots that nobody is seen on, best overlap first; the rest get spots of their own."""
        free = [spot for spot in self.spots.values() if spot.track not in found and now_s - spot.seen_s <= self.memory_s]
        if fresh and free:
            overlap = iou(np.asarray(boxes_px)[fresh], np.array([spot.box for spot in free], np.float64))
            for flat in np.argsort(-overlap, axis=None, kind="stable"):
                row, column = divmod(int(flat), len(free))
                if overlap[row, column] < SAME_SPOT_IOU:
                    break
                track, spot = int(tracks.ids[fresh[row]]), free[column]
                if track not in found and spot.track not in found:
                    spot.track = track
                    self._settle(spot, np.asarray(boxes_px[fresh[row]], np.float64), now_s)
                    found[track] = spot
        for index in fresh:
            track = int(tracks.ids[index])
            if track not in found:
                found[track] = self._take(track, np.asarray(boxes_px[index], np.float64), now_s, int(tracks.classes[index]))

    def _take(self, track: int, box: AnyFloats, now_s: float, kind: int) -> Spot:
        self._numbers += 1
        spot = Spot(self._numbers, track, [float(v) for v in box], now_s, now_s, kind)
        self.spots[spot.number] = spot
        return spot

    def _stays(self, spot: Spot, box: AnyFloats) -> bool:
        stays = self._shift(spot, box) <= self.tolerance or _partly_hidden(spot.box, box)
        spot.off = 0 if stays else spot.off + 1
        return stays

    def _far(self, spot: Spot, box: AnyFloats) -> bool:
        return self._shift(spot, box) > max(1.0, 2 * self.tolerance)

    @staticmethod
    def _shift(spot: Spot, box: AnyFloats) -> float:
        x0, y0, x1, y1 = spot.box
        size = math.sqrt(max(1.0, (x1 - x0) * (y1 - y0)))
        return math.hypot((box[0] + box[2] - x0 - x1) / 2, (box[1] + box[3] - y0 - y1) / 2) / size

    def _settle(self, spot: Spot, box: AnyFloats, now_s: float) -> None:
        spot.seen_s = now_s
        if spot.looks < ANCHOR_LOOKS and self._shift(spot, box) <= self.tolerance:
            spot.box = [(old * spot.looks + float(new)) / (spot.looks + 1) for old, new in zip(spot.box, box, strict=True)]
            spot.looks += 1

    def state(self) -> State:
        rows = [[s.number, s.track, list(s.box), s.since_s, s.seen_s, s.kind, s.looks, s.off, s.moves] for s in self.spots.values()]
        return {"numbers": self._numbers, "spots": rows}

    def restore(self, state: State) -> None:
        self._numbers = state["numbers"]
        self.spots = {row[0]: Spot(row[0], row[1], list(row[2]), *row[3:]) for row in state["spots"]}


def _partly_hidden(spot_box: list[float], box: AnyFloats) -> bool:
    x0, y0, x1, y1 = spot_box
    area = float((box[2] - box[0]) * (box[3] - box[1]))
    wide = min(x1, float(box[2])) - max(x0, float(box[0]))
    high = min(y1, float(box[3])) - max(y0, float(box[1]))
    inside = max(0.0, wide) * max(0.0, high)
    return area >= HIDDEN_AREA * (x1 - x0) * (y1 - y0) and inside >= HIDDEN_INSIDE * area
