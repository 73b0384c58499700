"""What a decoder gives: boxes before suppression, with the picture of the batch each belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sewu.base.errors import BadModel
from sewu.base.records import Floats, Ints

Tensors = list[NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes of a whole batch.

    pictures: int64 (n,), index into the batch. boxes_px: float32 (n, 4), xyxy in pixels of the model's input.
    scores: float32 (n,), 0 to 1. labels: int64 (n,), the model's own class index.
    """

    pictures: Ints
    boxes_px: Floats
    scores: Floats
    labels: Ints


@lru_cache(maxsize=64)
def grid(input_px: tuple[int, int], strides: tuple[int, ...], offset: float) -> tuple[Floats, Floats]:
    """Anchor points of all levels, row by row.

    Returns:
        float32 (n, 2), x and y in cells, shifted by `offset`; float32 (n, 1), the stride of each. Read-only.
    """
    points, steps = [], []
    for stride in strides:
        columns, rows = -(-input_px[0] // stride), -(-input_px[1] // stride)
        y, x = np.mgrid[0:rows, 0:columns]
        points.append(np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32) + np.float32(offset))
        steps.append(np.full((rows * columns, 1), stride, np.float32))
    cells, sizes = np.concatenate(points), np.concatenate(steps)
    cells.flags.writeable = False
    sizes.flags.writeable = False
    return cells, sizes


def activate(values: Floats, how: str) -> Floats:
    """Sigmoid or softmax over the last axis, or the values as they are."""
    if how == "sigmoid":
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -60.0, 60.0))), np.float32)
    if how == "softmax":
        return softmax(values)
    return values


def softmax(values: Floats) -> Floats:
    """Softmax over the last axis."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def corners(boxes: Floats, box_format: str) -> Floats:
    """Boxes of any format -> xyxy. (n, 4) -> (n, 4)."""
    if box_format == "cxcywh":
        half = boxes[:, 2:] / 2
        return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
    return boxes[:, [1, 0, 3, 2]] if box_format == "yxyx" else boxes


def in_pixels(boxes: Floats, unit: str, input_px: tuple[int, int]) -> Floats:
    """Shares of the input's sides -> pixels. (n, 4) xyxy -> (n, 4) xyxy."""
    return boxes * np.array([*input_px, *input_px], np.float32) if unit == "ratio" else boxes


def misfit(family: str, outputs: Tensors, expected: str) -> BadModel:
    """The error for outputs that are not the family's."""
    shapes = ", ".join(str(tuple(output.shape)) for output in outputs)
    return BadModel(
        f"The model's outputs {shapes} are not those of the family {family!r} ({expected}).",
        "Correct family, input size, strides, reg_max or names in its card.",
    )
