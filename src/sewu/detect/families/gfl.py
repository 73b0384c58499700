"""NanoDet-Plus and PicoDet: a class score per cell, and a distribution over the distance to each side.

Li et al., Generalized Focal Loss, arXiv 2006.04388, section 3.2: the distance is the expectation of the
distribution over 0..reg_max cells. Yu et al., PP-PicoDet, arXiv 2111.00902.
"""

from __future__ import annotations

import numpy as np

from sewu.base.records import Floats
from sewu.detect.cards import OutputSpec
from sewu.detect.families.candidates import Candidates, Tensors, activate, grid, misfit, softmax


def decode(outputs: Tensors, spec: OutputSpec, input_px: tuple[int, int], min_score: float) -> Candidates:
    """Scores and distributions in one output (NanoDet-Plus) or in two per level (PicoDet), or the finished list.

    NanoDet-Plus: (batch, cells, classes + 4 * (reg_max + 1)). PicoDet: per level (batch, cells, classes) and
    (batch, cells, 4 * (reg_max + 1)), named in that order, all scores first, or told apart by their last axis.
    With `decoded`: (n, 6) rows of class, score, x0, y0, x1, y1 and the number of rows per picture.

    Raises:
        BadModel: the shapes do not belong to this input size, these strides and this reg_max.
    """
    if spec.decoded:
        return _finished(outputs, min_score)
    cells, strides = grid(input_px, spec.strides, spec.cell_offset)
    chances, distances = _split(outputs, spec)
    if chances.shape[1] != len(cells):
        raise misfit("nanodet or picodet", outputs, f"{len(cells)} cells")
    pictures, indices = np.nonzero(activate(chances, spec.activation).max(axis=2) >= min_score)
    chosen = activate(chances[pictures, indices], spec.activation)
    labels = chosen.argmax(axis=1)
    scores = chosen[np.arange(len(chosen)), labels].astype(np.float32, copy=False)
    spread = softmax(distances[pictures, indices].reshape(-1, 4, spec.reg_max + 1).astype(np.float32, copy=False))
    sides = (spread @ np.arange(spec.reg_max + 1, dtype=np.float32)) * strides[indices]
    centre = cells[indices] * strides[indices]
    return Candidates(pictures, np.concatenate([centre - sides[:, :2], centre + sides[:, 2:]], axis=1), scores, labels)


def _split(outputs: Tensors, spec: OutputSpec) -> tuple[Floats, Floats]:
    """Class scores (batch, cells, classes) and distributions (batch, cells, 4 * (reg_max + 1))."""
    width = 4 * (spec.reg_max + 1)
    expected = f"scores and {width} numbers per cell for {len(spec.strides)} levels"
    if any(output.ndim != 3 for output in outputs):
        raise misfit("nanodet or picodet", outputs, expected)
    if len(outputs) == 1 and outputs[0].shape[2] > width:
        return outputs[0][:, :, :-width], outputs[0][:, :, -width:]
    levels = len(spec.strides)
    if len(outputs) != 2 * levels:
        raise misfit("nanodet or picodet", outputs, expected)
    chances, distances = outputs[:levels], outputs[levels:]
    if not spec.names and sum(output.shape[2] == width for output in outputs) == levels:
        chances = sorted((o for o in outputs if o.shape[2] != width), key=lambda o: -o.shape[1])
        distances = sorted((o for o in outputs if o.shape[2] == width), key=lambda o: -o.shape[1])
    matched = all(a.shape[1] == b.shape[1] and b.shape[2] == width for a, b in zip(chances, distances, strict=True))
    if not matched or len({output.shape[2] for output in chances}) != 1:
        raise misfit("nanodet or picodet", outputs, expected)
    return np.concatenate(chances, axis=1), np.concatenate(distances, axis=1)


def _finished(outputs: Tensors, min_score: float) -> Candidates:
    """PaddleDetection's list: (n, 6) rows, and how many of them belong to each picture."""
    rows = next((output for output in outputs if output.ndim == 2 and output.shape[1] == 6), None)
    if rows is None:
        raise misfit("picodet", outputs, "(n, 6) and counts per picture")
    counts = next((output for output in outputs if output.ndim == 1), np.array([len(rows)]))
    if not np.all(counts >= 0) or counts.sum() != len(rows):
        raise misfit("picodet", outputs, "as many rows as the counts say")
    pictures = np.repeat(np.arange(len(counts)), counts.astype(np.int64))
    keep = (rows[:, 1] >= min_score) & (rows[:, 0] >= 0)
    rows = rows[keep].astype(np.float32, copy=False)
    return Candidates(pictures[keep], rows[:, 2:], rows[:, 1], rows[:, 0].astype(np.int64))
