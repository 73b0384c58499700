"""Arithmetic on boxes: float32 (n, 4), xyxy in pixels, origin top left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sewu.base.records import Bools, Doubles, Floats, Ints

AnyFloats = NDArray[np.floating]


def areas_px2(boxes_px: AnyFloats) -> Floats:
    """Area of each box; inverted boxes have none. (n, 4) -> (n,)."""
    sides = np.maximum(boxes_px[:, 2:] - boxes_px[:, :2], 0.0)
    return np.asarray(sides[:, 0] * sides[:, 1], dtype=np.float32)


def intersections_px2(a_px: AnyFloats, b_px: AnyFloats) -> Floats:
    """Overlap of every pair. (n, 4), (m, 4) -> (n, m)."""
    low = np.maximum(a_px[:, None, :2], b_px[None, :, :2])
    high = np.minimum(a_px[:, None, 2:], b_px[None, :, 2:])
    sides = np.maximum(high - low, 0.0)
    return np.asarray(sides[..., 0] * sides[..., 1], dtype=np.float32)


def iou(a_px: AnyFloats, b_px: AnyFloats) -> Floats:
    """Intersection over union of every pair, 0 where both are empty. (n, 4), (m, 4) -> (n, m)."""
    both = intersections_px2(a_px, b_px)
    union = areas_px2(a_px)[:, None] + areas_px2(b_px)[None, :] - both
    return np.asarray(np.divide(both, union, out=np.zeros_like(both), where=union > 0), dtype=np.float32)


def centres_px(boxes_px: AnyFloats) -> Floats:
    """Middle of each box. (n, 4) -> (n, 2)."""
    return np.asarray((boxes_px[:, :2] + boxes_px[:, 2:]) / 2, dtype=np.float32)


def feet_px(boxes_px: AnyFloats) -> Floats:
    """Middle of the lower edge: where the object stands on the ground. (n, 4) -> (n, 2)."""
    return np.stack([(boxes_px[:, 0] + boxes_px[:, 2]) / 2, boxes_px[:, 3]], axis=1).astype(np.float32)


def clip(boxes_px: AnyFloats, width_px: int, height_px: int) -> Floats:
    """Boxes cut to the picture. (n, 4) -> (n, 4)."""
    limits = np.array([width_px, height_px, width_px, height_px], np.float32)
    return np.asarray(np.clip(boxes_px, 0.0, limits), dtype=np.float32)


def suppress(boxes_px: AnyFloats, scores: AnyFloats, classes: Ints, max_iou: float) -> Ints:
    """Greedy non-maximum suppression within each class.

    Returns:
        Indices of the boxes kept, best score first; of equal scores the earlier one wins.
    """
    order = np.argsort(-scores, kind="stable")
    if len(order) == 0:
        return order.astype(np.int64)
    # Classes are kept apart by moving each to its own region of the plane, so one pass serves all.
    span = float(np.abs(boxes_px).max()) * 2 + 1.0
    shifted = boxes_px.astype(np.float64) + (classes.astype(np.float64) * span)[:, None]
    overlap: Bools = iou(shifted[order], shifted[order]) > max_iou
    kept = np.ones(len(order), np.bool_)
    for row in range(len(order)):
        if kept[row]:
            kept[row + 1 :] &= ~overlap[row, row + 1 :]
    return order[kept].astype(np.int64)


def as_tuple(box_px: AnyFloats | Doubles) -> tuple[float, float, float, float]:
    """One row as plain numbers, for records and JSON."""
    x0, y0, x1, y1 = (float(value) for value in box_px)
    return x0, y0, x1, y1
