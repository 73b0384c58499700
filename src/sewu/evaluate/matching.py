"""Who belongs to whom: overlaps in double precision and one-to-one matching, for all metrics."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from sewu.base.records import Bools, Doubles, Ints


def overlaps(a_px: Doubles, b_px: Doubles) -> Doubles:
    """IoU of every pair in double precision, so that a pair at exactly the threshold counts as the reference counts it.

    (n, 4), (m, 4) xyxy -> (n, m), 0 where both are empty.
    """
    a_px, b_px = np.asarray(a_px, np.float64), np.asarray(b_px, np.float64)
    low = np.maximum(a_px[:, None, :2], b_px[None, :, :2])
    high = np.minimum(a_px[:, None, 2:], b_px[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0.0), axis=2)
    area_a = np.prod(np.maximum(a_px[:, 2:] - a_px[:, :2], 0.0), axis=1)
    area_b = np.prod(np.maximum(b_px[:, 2:] - b_px[:, :2], 0.0), axis=1)
    union = area_a[:, None] + area_b[None, :] - both
    return np.asarray(np.divide(both, union, out=np.zeros_like(both), where=union > 0), np.float64)


def match_most(distances: Doubles, allowed: Bools) -> tuple[Ints, Ints]:
    """As many allowed pairs as possible, and among those the least total distance.

    (n, m) each, distances not negative -> indices of rows and of columns, of one length.
    """
    if not allowed.any():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    forbidden = (float(distances[allowed].max()) + 1.0) * (min(distances.shape) + 1)
    rows, columns = linear_sum_assignment(np.where(allowed, distances, forbidden))
    kept = allowed[rows, columns]
    return rows[kept].astype(np.int64), columns[kept].astype(np.int64)
