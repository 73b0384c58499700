"""YOLOX: one row per grid cell, objectness times class.

Ge et al., YOLOX: Exceeding YOLO Series in 2021, arXiv 2107.08430, section 2.1. A row is (x, y, w, h, objectness,
classes): x and y in cells from the cell's corner, w and h as logarithms of cells, unless exported decoded.
"""

from __future__ import annotations

import numpy as np

from sewu.detect.cards import OutputSpec
from sewu.detect.families.candidates import Candidates, Tensors, activate, corners, grid, misfit

MAX_LOG_SIDE = 12.0
"""Keeps exp() finite on nonsense; e^12 cells are larger than any picture."""


def decode(outputs: Tensors, spec: OutputSpec, input_px: tuple[int, int], min_score: float) -> Candidates:
    """One output, (batch, cells, 5 + classes). Each cell reports its best class.

    Raises:
        BadModel: the shape does not belong to this input size and these strides.
    """
    cells, strides = grid(input_px, spec.strides, 0.0)
    if not outputs or outputs[0].ndim != 3 or outputs[0].shape[1] != len(cells) or outputs[0].shape[2] < 6:
        raise misfit("yolox", outputs, f"(batch, {len(cells)}, 5 + classes)")
    rows = outputs[0]
    # A class score is at most 1, so a cell below min_score in objectness cannot reach it: most rows end here.
    pictures, indices = np.nonzero(activate(rows[:, :, 4], spec.activation) >= min_score)
    chosen = rows[pictures, indices].astype(np.float32, copy=False)
    chances = activate(chosen[:, 4:], spec.activation)
    labels = chances[:, 1:].argmax(axis=1)
    scores = chances[:, 0] * chances[np.arange(len(chances)), labels + 1]
    keep = scores >= min_score
    chosen, indices = chosen[keep], indices[keep]
    boxes = chosen[:, :4]
    if not spec.decoded:
        centre = (boxes[:, :2] + cells[indices]) * strides[indices]
        boxes = np.concatenate([centre, np.exp(np.minimum(boxes[:, 2:], MAX_LOG_SIDE)) * strides[indices]], axis=1)
    return Candidates(pictures[keep], corners(boxes, "cxcywh"), scores[keep], labels[keep])
