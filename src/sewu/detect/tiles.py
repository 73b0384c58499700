"""Looking at a large picture piece by piece, and joining what the pieces found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field

from sewu.base.boxes import areas_px2, intersections_px2
from sewu.base.records import Bools, Floats, Ints
from sewu.base.settings import Settings

EDGE_PX = 2.0
"""A box that ends this near to an inner edge of its piece is taken as cut by it (in pixels of the model's input)."""
INSIDE_SHARE = 0.6
"""A cut box is dropped when this much of it lies inside a box of another piece."""


class Tiling(Settings):
    """How to cut a picture into pieces."""

    columns: Annotated[int, Field(ge=1, le=8)] = 2
    """Pieces side by side."""
    rows: Annotated[int, Field(ge=1, le=8)] = 1
    """Pieces above one another."""
    overlap: Annotated[float, Field(ge=0, le=0.5)] = 0.2
    """Share of a piece that the next one sees too; should be wider than the objects."""
    whole: bool = True
    """Look at the whole picture as well: finds what is larger than a piece, at the price of one more pass."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a picture: xyxy in whole pixels, and which of its edges (left, top, right, bottom) are inner ones."""

    box_px: tuple[int, int, int, int]
    inner: tuple[bool, bool, bool, bool] = (False, False, False, False)


@lru_cache(maxsize=512)
def pieces(size_px: tuple[int, int], tiling: Tiling | None) -> tuple[Piece, ...]:
    """The pieces of a picture of (width, height); the whole picture first, where it is one of them."""
    width, height = size_px
    whole = Piece((0, 0, width, height))
    if tiling is None or tiling.columns * tiling.rows == 1:
        return (whole,)
    found = [whole] if tiling.whole else []
    for top, bottom in _spans(height, tiling.rows, tiling.overlap):
        for left, right in _spans(width, tiling.columns, tiling.overlap):
            found.append(Piece((left, top, right, bottom), (left > 0, top > 0, right < width, bottom < height)))
    return tuple(found)


def _spans(length: int, count: int, overlap: float) -> list[tuple[int, int]]:
    """`count` spans of equal length that cover 0..length, neighbours sharing `overlap` of a span."""
    count = min(count, length)
    span = length / (count - (count - 1) * overlap)
    starts = [index * span * (1 - overlap) for index in range(count)]
    return [(round(start), min(length, max(round(start) + 1, round(start + span)))) for start in starts]


def cut_by_edges(boxes_px: Floats, piece: Piece, edge_px: float) -> Bools:
    """Which boxes, in pixels of the picture, end at an inner edge of their piece. (n, 4) -> (n,)."""
    left, top, right, bottom = piece.box_px
    near = np.stack(
        [
            boxes_px[:, 0] <= left + edge_px,
            boxes_px[:, 1] <= top + edge_px,
            boxes_px[:, 2] >= right - edge_px,
            boxes_px[:, 3] >= bottom - edge_px,
        ],
        axis=1,
    )
    return np.asarray((near & np.array(piece.inner)).any(axis=1))


def whole_objects(boxes_px: Floats, classes: Ints, origins: Ints, cut: Bools) -> Bools:
    """Which boxes to keep: a cut box goes when most of it lies in an uncut box of its class from another piece.

    Overlap over union would keep both: half a bus overlaps the whole bus by half.

    Args:
        origins: which piece each box comes from.
    """
    keep = np.ones(len(boxes_px), np.bool_)
    halves, complete = np.flatnonzero(cut), np.flatnonzero(~cut)
    if len(halves) == 0 or len(complete) == 0:
        return keep
    share = intersections_px2(boxes_px[halves], boxes_px[complete]) / np.maximum(areas_px2(boxes_px[halves]), 1e-6)[:, None]
    other = (origins[halves][:, None] != origins[complete][None, :]) & (classes[halves][:, None] == classes[complete][None, :])
    keep[halves] = ~np.any(other & (share >= INSIDE_SHARE), axis=1)
    return keep
