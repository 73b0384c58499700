"""SSD style: boxes with scores, and classes or a score for each class.

Finished lists come from TensorFlow's exporter (boxes, scores, classes, count; yxyx shares) and from torchvision
(boxes, scores, labels without a batch axis; xyxy pixels). Lists without classes are (batch, n, classes) scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sewu.base.records import Ints
from sewu.detect.cards import OutputSpec
from sewu.detect.families.candidates import Candidates, Tensors, activate, corners, in_pixels, misfit


def decode(outputs: Tensors, spec: OutputSpec, input_px: tuple[int, int], min_score: float) -> Candidates:
    """Names in the card stand in the order boxes, scores[, classes[, count]]; without names that is the model's order.

    Raises:
        BadModel: the shapes do not fit each other.
    """
    if len(outputs) < 2:
        raise misfit("ssd", outputs, "boxes, scores and classes")
    boxes, scores = outputs[0], outputs[1]
    classes = outputs[2] if len(outputs) > 2 else None
    if boxes.ndim == 2:
        boxes, scores = boxes[None], scores[None]
        classes = None if classes is None else classes[None]
    if boxes.ndim != 3 or boxes.shape[2] != 4 or scores.shape[:2] != boxes.shape[:2]:
        raise misfit("ssd", outputs, "boxes (batch, n, 4), then scores")
    labels, best = _best(scores, classes, outputs, spec)
    valid = best >= min_score
    if len(outputs) > 3:
        counts = outputs[3].reshape(-1).astype(np.int64)
        if len(counts) != len(boxes):
            raise misfit("ssd", outputs, "one count per picture")
        valid &= np.arange(boxes.shape[1])[None, :] < counts[:, None]
    pictures, rows = np.nonzero(valid)
    chosen = in_pixels(corners(boxes[pictures, rows].astype(np.float32), spec.box_format), spec.box_unit, input_px)
    return Candidates(pictures, chosen, best[pictures, rows].astype(np.float32), labels[pictures, rows])


def _best(scores: NDArray[Any], classes: NDArray[Any] | None, outputs: Tensors, spec: OutputSpec) -> tuple[Ints, NDArray[Any]]:
    """Class and score of each box, (batch, n) both."""
    if scores.ndim == 3:
        chances = activate(scores, spec.activation)
        return chances.argmax(axis=2), chances.max(axis=2)
    if classes is None or classes.shape != scores.shape:
        raise misfit("ssd", outputs, "a class for every score")
    return classes.astype(np.int64), activate(scores, spec.activation)
