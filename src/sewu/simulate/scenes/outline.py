"""The tight box around what a picture shows of a mesh: its triangles are cut at the edges of the picture, then measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sewu.base.records import Floats

NEAR_M = 0.6
Box = tuple[float, float, float, float]
Bend = Callable[[Floats], Floats]


def shown_box_px(at: Floats, faces: Any, size_px: tuple[int, int], bend: Bend | None = None) -> Box | None:
    """Box xyxy around the part of a mesh that lies inside the picture; None when nothing does.

    A box around all its vertices would be too large for a mesh that the edge of the picture cuts: what lies outside on the left may
    reach higher than what is left of it inside.

    Args:
        at: (n, 3), vertices times the camera's matrix: x and y times depth, and the depth in metres.
        faces: int (m, 3), triangles.
        bend: from px of a pinhole camera (n, 2) to px of the picture, where the lens bends them.
    """
    if not len(faces):
        return None
    if float(at[:, 2].min()) > NEAR_M:
        xy = at[:, :2] / at[:, 2:]
        xy = bend(xy) if bend else xy
        left, top, right, bottom = around = _around(xy)
        if left >= 0 and top >= 0 and right <= size_px[0] and bottom <= size_px[1]:
            return around
        if right <= 0 or bottom <= 0 or left >= size_px[0] or top >= size_px[1]:
            return None
    triangles = at[np.asarray(faces)]
    start, end = triangles.reshape(-1, 3), triangles[:, [1, 2, 0]].reshape(-1, 3)
    start, end = _before_the_lens(start, end)
    from_px, to_px = start[:, :2] / start[:, 2:], end[:, :2] / end[:, 2:]
    cut = _inside(bend(from_px), bend(to_px), size_px) if bend else _inside(from_px, to_px, size_px)
    whole = triangles[(triangles[:, :, 2] > NEAR_M).all(axis=1)]
    flat = (whole[:, :, :2] / whole[:, :, 2:]).reshape(-1, 2)
    corners = _covered_corners((bend(flat) if bend else flat).reshape(-1, 3, 2), size_px)
    points = np.concatenate([cut, corners])
    return _around(np.clip(points, 0, size_px)) if len(points) else None


def _around(xy: Floats) -> Box:
    # Far quicker than the extremes of a narrow array along its long side.
    x, y = np.ascontiguousarray(xy.T)
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _before_the_lens(start: Floats, end: Floats) -> tuple[Floats, Floats]:
    """The part of each edge that is at least `NEAR_M` away; edges wholly nearer are left out."""
    front_a, front_b = start[:, 2] > NEAR_M, end[:, 2] > NEAR_M
    some = front_a | front_b
    start, end, front_a, front_b = start[some], end[some], front_a[some], front_b[some]
    gap = end[:, 2] - start[:, 2]
    share = (NEAR_M - start[:, 2]) / np.where(np.abs(gap) < 1e-9, 1.0, gap)
    meets = start + (end - start) * share[:, None]
    return np.where(front_a[:, None], start, meets), np.where(front_b[:, None], end, meets)


def _inside(start: Floats, end: Floats, size_px: tuple[int, int]) -> Floats:
    """Both ends of the part of each line that lies in the picture.

    Source: Liang and Barsky 1984, "A new concept and method for line clipping".
    """
    step = (end - start).astype(np.float64)
    first, last = np.zeros(len(step)), np.ones(len(step))
    kept = np.ones(len(step), np.bool_)
    for axis in (0, 1):
        for sign, room in ((-1.0, start[:, axis]), (1.0, size_px[axis] - start[:, axis])):
            slope = sign * step[:, axis]
            still = np.abs(slope) < 1e-12
            at = room / np.where(still, 1.0, slope)
            kept &= ~(still & (room < 0))
            first = np.where(~still & (slope < 0), np.maximum(first, at), first)
            last = np.where(~still & (slope > 0), np.minimum(last, at), last)
    kept &= first <= last
    a, way = start[kept], step[kept]
    return np.concatenate([a + way * first[kept, None], a + way * last[kept, None]]).astype(np.float32)


def _covered_corners(triangles: Floats, size_px: tuple[int, int]) -> Floats:
    """The corners of the picture that some triangle (n, 3, 2) covers: (0 to 4, 2)."""
    width, height = size_px
    found = []
    for corner in ((0, 0), (width, 0), (0, height), (width, height)):
        off = triangles - np.asarray(corner, np.float32)
        turn = off[:, :, 0] * np.roll(off[:, :, 1], -1, 1) - off[:, :, 1] * np.roll(off[:, :, 0], -1, 1)
        covers = (turn >= 0).all(axis=1) | (turn <= 0).all(axis=1)
        # A triangle without an area covers nothing.
        if bool((covers & (np.abs(turn.sum(axis=1)) > 1e-3)).any()):
            found.append(corner)
    return np.asarray(found, np.float32).reshape(-1, 2)
