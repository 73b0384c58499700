"""The life of a parking bay: who is in it, since when, and which vehicle belongs to which bay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.optimize import linear_sum_assignment

from sewu.base.boxes import AnyFloats
from sewu.base.records import Doubles
from sewu.base.space import Zone

MIN_AREA_PX2 = 1e-6
"""A box without area stands nowhere: 0, not 0/0."""
MIN_SHARE = 0.3
"""A vehicle belongs to a bay when its footprint and the bay share at least this much of the smaller of the two."""


@dataclass
class Bay:
    """One bay. Times on the watched axis; `occupied` is None until it was first seen."""

    zone: Zone
    occupied: bool | None = None
    since_s: float = 0.0
    pending_s: float | None = None
    arrival_seen: bool = False

    def see(self, occupied: bool, now_s: float, confirm_s: float) -> tuple[bool, float | None]:
        """Take a verdict in. Returns whether the state changed, and the dwell in seconds of a visit that is over.

        The first verdict counts at once; later ones must hold for `confirm_s`, and count from their beginning.
        """
        if self.occupied is None:
            self.occupied, self.since_s = occupied, now_s
            return True, None
        if occupied == self.occupied:
            self.pending_s = None
            return False, None
        if self.pending_s is None:
            self.pending_s = now_s
        if now_s - self.pending_s < confirm_s:
            return False, None
        visit_s = self.pending_s - self.since_s if self.occupied else None
        self.occupied, self.since_s, self.pending_s = occupied, self.pending_s, None
        return True, visit_s


def footprint_px(box: AnyFloats, height_px: float) -> tuple[float, float, float, float]:
    """What a vehicle covers of the ground in the picture: the lower `height_px` of its box.

    Seen straight down that is all of it; seen at a slant the box also shows the vehicle's height, above.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    return x0, max(y0, y1 - height_px), x1, y1


def assigned(boxes_px: Sequence[Sequence[float]], polygons: Sequence[shapely.Polygon]) -> dict[int, int]:
    """Which box stands in which bay: one to one, with the most overlap in all. Returns bay index -> box index."""
    if not boxes_px or not polygons:
        return {}
    shares: Doubles = np.zeros((len(polygons), len(boxes_px)))
    boxes = np.asarray(boxes_px, np.float64)
    for row, polygon in enumerate(polygons):
        x0, y0, x1, y1 = polygon.bounds
        near = np.flatnonzero((boxes[:, 0] < x1) & (boxes[:, 2] > x0) & (boxes[:, 1] < y1) & (boxes[:, 3] > y0))
        if len(near) == 0:
            continue
        feet = shapely.box(*np.array([footprint_px(boxes[i], y1 - y0) for i in near]).T)
        smaller = np.minimum(shapely.area(feet), polygon.area)
        shares[row, near] = shapely.area(shapely.intersection(feet, polygon)) / np.maximum(smaller, MIN_AREA_PX2)
    rows, columns = linear_sum_assignment(-shares)
    return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if shares[r, c] >= MIN_SHARE}
