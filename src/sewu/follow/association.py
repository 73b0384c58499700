"""Which detection continues which track: similarities of near pairs only, and the assignment that maximises their sum.

Pairs are kept as parallel arrays (`rows`, `columns`, a value each), because of a thousand tracks and a thousand detections
only a few of the million pairs are near each other.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from sewu.base.records import Doubles, Ints

DENSE_CELLS = 4096
"""Up to so many cells the dense solver is the faster one."""


def near_pairs(a_px: Doubles, b_px: Doubles, reach_px: Doubles) -> tuple[Ints, Ints]:
    """Pairs whose boxes overlap when both are widened by `reach_px` of the first on every side.

    a_px: (n, 4), b_px: (m, 4) xyxy. reach_px: (n,). Returns rows and columns, ordered by row.
    """
    twice = 2 * reach_px
    # float32 halves the memory traffic of the n x m comparisons; the margin keeps rounding from losing a pair.
    low = (a_px[:, :2] - twice[:, None] - 0.01).astype(np.float32)
    high = (a_px[:, 2:] + twice[:, None] + 0.01).astype(np.float32)
    b = b_px.astype(np.float32)
    near = low[:, 0, None] < b[None, :, 2]
    near &= high[:, 0, None] > b[None, :, 0]
    near &= low[:, 1, None] < b[None, :, 3]
    near &= high[:, 1, None] > b[None, :, 1]
    flat = np.flatnonzero(near)
    rows, columns = np.divmod(flat, len(b_px)) if len(flat) else (flat, flat)
    return rows, columns


def widened_iou(a_px: Doubles, b_px: Doubles, reach_px: Doubles | float = 0.0) -> Doubles:
    """IoU of row pairs after widening both boxes by `reach_px` on every side.

    Yang et al. 2023, "Hard to Track Objects with Irregular Motions and Similar Appearances? Make It Easier by Buffering the
    Matching Space" (C-BIoU), with a buffer that follows the prediction's uncertainty instead of a fixed one.
    a_px, b_px: (k, 4) xyxy. reach_px: (k,). Returns (k,).
    """
    twice = np.asarray(2 * reach_px)[..., None]
    both = np.minimum(a_px[:, 2:], b_px[:, 2:]) - np.maximum(a_px[:, :2], b_px[:, :2]) + twice
    np.maximum(both, 0.0, out=both)
    sides_a = a_px[:, 2:] - a_px[:, :2] + twice
    sides_b = b_px[:, 2:] - b_px[:, :2] + twice
    shared = both[:, 0] * both[:, 1]
    union = sides_a[:, 0] * sides_a[:, 1] + sides_b[:, 0] * sides_b[:, 1] - shared
    return np.asarray(shared / np.maximum(union, 1e-9))


def covered(inner_px: Doubles, outer_px: Doubles) -> Doubles:
    """Share of the first box's area inside the second, of row pairs. (k, 4), (k, 4) xyxy -> (k,)."""
    both = np.maximum(np.minimum(inner_px[:, 2:], outer_px[:, 2:]) - np.maximum(inner_px[:, :2], outer_px[:, :2]), 0.0)
    sides = inner_px[:, 2:] - inner_px[:, :2]
    return np.asarray(both[:, 0] * both[:, 1] / np.maximum(sides[:, 0] * sides[:, 1], 1e-9))


def direction_agreement(earlier_px: Doubles, last_px: Doubles, next_px: Doubles, noise_px: Doubles) -> Doubles:
    """How well going on from `last_px` to `next_px` keeps the direction from `earlier_px` to `last_px`.

    OC-SORT's observation-centric momentum (Cao et al. 2023, section 4.2): angles between observations, not between
    filter states. A step no longer than the detections' noise tells no direction, so both steps are weighed against it.
    Points: (k, 2). noise_px: (k,). Returns (k,), from -1 (turned round) over 0 (cannot tell) to 1.
    """
    before, after = last_px - earlier_px, next_px - last_px
    floor = 4 * noise_px * noise_px + 1e-9
    before_2, after_2 = (before * before).sum(axis=1), (after * after).sum(axis=1)
    dot = (before * after).sum(axis=1)
    cosine = dot / np.sqrt(np.maximum(before_2 * after_2, 1e-18))
    sure = np.sqrt((before_2 / (before_2 + floor)) * (after_2 / (after_2 + floor)))
    return np.asarray(cosine * sure)


def assign(rows: Ints, columns: Ints, similarity: Doubles, shape: tuple[int, int]) -> tuple[Ints, Ints]:
    """The one-to-one choice of pairs with the largest sum of similarity.

    rows, columns, similarity: (k,), similarity > 0; a pair that is not listed is never chosen. shape: number of tracks and
    of detections. Returns rows and columns chosen.
    """
    if len(rows) == 0:
        return rows, columns
    # Pairs that compete with no other need no solver; in most pictures that is nearly all of them.
    alone = (np.bincount(rows, minlength=shape[0])[rows] == 1) & (np.bincount(columns, minlength=shape[1])[columns] == 1)
    if alone.all():
        return rows, columns
    contested = ~alone
    chosen = _assign_contested(rows[contested], columns[contested], similarity[contested])
    return np.concatenate([rows[alone], chosen[0]]), np.concatenate([columns[alone], chosen[1]])


def _assign_contested(rows: Ints, columns: Ints, similarity: Doubles) -> tuple[Ints, Ints]:
    row_names, row_index = np.unique(rows, return_inverse=True)
    column_names, column_index = np.unique(columns, return_inverse=True)
    shape = len(row_names), len(column_names)
    if shape[0] * shape[1] <= DENSE_CELLS:
        chosen = _solve(row_index, column_index, similarity, shape)
        return row_names[chosen[0]], column_names[chosen[1]]
    chosen = _solve_sparse(row_index, column_index, similarity, shape)
    return row_names[chosen[0]], column_names[chosen[1]]


def _solve(rows: Ints, columns: Ints, similarity: Doubles, shape: tuple[int, int]) -> tuple[Ints, Ints]:
    table = np.zeros(shape)
    table[rows, columns] = similarity
    chosen = linear_sum_assignment(table, maximize=True)
    real = table[chosen] > 0
    return chosen[0][real], chosen[1][real]


def _solve_sparse(rows: Ints, columns: Ints, similarity: Doubles, shape: tuple[int, int]) -> tuple[Ints, Ints]:
    """The same optimum from the listed pairs alone; each row gets a column of its own that stands for "unmatched"."""
    count, width = shape
    each = np.arange(count)
    worth = float(similarity.max()) + 1.0  # keeps every weight positive: the solver takes a zero for a missing pair
    weights = np.concatenate([worth - similarity, np.full(count, worth)])
    places = np.concatenate([rows, each]), np.concatenate([columns, width + each])
    graph = csr_array((weights, places), shape=(count, width + count))
    r, c = min_weight_full_bipartite_matching(graph)
    real = c < width
    return r[real].astype(np.int64), c[real].astype(np.int64)
