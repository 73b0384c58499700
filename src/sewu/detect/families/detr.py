"""D-FINE, RT-DETR and RF-DETR: a fixed number of queries, each one box or nothing.

Raw: class logits (batch, queries, classes) and boxes (batch, queries, 4), cxcywh in shares of the input
(Carion et al., arXiv 2005.12872, section 3.1). Finished, as the official D-FINE and RT-DETR exports give them:
labels, boxes and scores, the boxes in the pixels of `orig_target_sizes`, which Sewu sets to the input's size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sewu.detect.cards import OutputSpec
from sewu.detect.families.candidates import Candidates, Tensors, activate, corners, in_pixels, misfit


def decode(outputs: Tensors, spec: OutputSpec, input_px: tuple[int, int], min_score: float) -> Candidates:
    """Names in the card, where given, stand in the order logits, boxes; finished: labels, boxes, scores.

    Raises:
        BadModel: the outputs cannot be told apart.
    """
    labels, boxes, scores = _finished(outputs, spec) if spec.decoded else _raw(outputs, spec)
    pictures, queries = np.nonzero(scores >= min_score)
    chosen = boxes[pictures, queries].astype(np.float32, copy=False)
    chosen = in_pixels(corners(chosen, spec.box_format), spec.box_unit, input_px)
    return Candidates(pictures, chosen, scores[pictures, queries].astype(np.float32), labels[pictures, queries].astype(np.int64))


def _raw(outputs: Tensors, spec: OutputSpec) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    expected = "logits (batch, queries, classes) and boxes (batch, queries, 4)"
    if len(outputs) < 2 or any(output.ndim != 3 for output in outputs[:2]):
        raise misfit("detr", outputs, expected)
    logits, boxes = outputs[:2]
    if not spec.names:
        fours = [output.shape[2] == 4 for output in outputs[:2]]
        if sum(fours) != 1:
            raise misfit("detr", outputs, f"{expected}; give their names in the card")
        logits, boxes = (outputs[1], outputs[0]) if fours[0] else (outputs[0], outputs[1])
    if boxes.shape[2] != 4 or boxes.shape[:2] != logits.shape[:2]:
        raise misfit("detr", outputs, expected)
    chances = activate(logits, spec.activation)
    return chances.argmax(axis=2), boxes, chances.max(axis=2)


def _finished(outputs: Tensors, spec: OutputSpec) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    expected = "labels (batch, queries), boxes (batch, queries, 4) and scores (batch, queries)"
    if len(outputs) < 3:
        raise misfit("detr", outputs, expected)
    labels, boxes, scores = outputs[:3]
    if not spec.names:
        flat = [output for output in outputs if output.ndim == 2]
        whole = [output for output in flat if np.issubdtype(output.dtype, np.integer)]
        parts = [output for output in flat if np.issubdtype(output.dtype, np.floating)]
        solid = [output for output in outputs if output.ndim == 3 and output.shape[2] == 4]
        if (len(whole), len(parts), len(solid)) != (1, 1, 1):
            raise misfit("detr", outputs, f"{expected}; give their names in the card")
        labels, boxes, scores = whole[0], solid[0], parts[0]
    if boxes.ndim != 3 or boxes.shape[2] != 4 or labels.shape != boxes.shape[:2] or scores.shape != boxes.shape[:2]:
        raise misfit("detr", outputs, expected)
    return labels, boxes, scores
