"""Make people unrecognisable in pictures that leave the control room."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from sewu.base.records import Image

HEAD_SHARE = 0.35
"""The upper part of a person's box that holds the head, also of one who bends or rides."""
BLOCKS = 4
"""The head is reduced to so many blocks across before it is smoothed: nothing of a face is left to restore."""


def blur_people(image: Image, boxes_px: NDArray[np.floating]) -> Image:
    """A copy with the head part of each box made unrecognisable. boxes_px: (n, 4) xyxy of persons and riders."""
    masked = image.copy()
    height, width = image.shape[:2]
    for x0, y0, x1, y1 in np.asarray(boxes_px, np.float64):
        margin = 0.1 * (x1 - x0)
        left, right = max(0, int(x0 - margin)), min(width, int(np.ceil(x1 + margin)))
        top, bottom = max(0, int(y0 - margin)), min(height, int(np.ceil(y0 + HEAD_SHARE * (y1 - y0))))
        if right - left < 2 or bottom - top < 2:
            continue
        head = masked[top:bottom, left:right]
        rows = max(1, round(BLOCKS * head.shape[0] / head.shape[1]))
        blocks = cv2.resize(head, (BLOCKS, min(rows, 2 * BLOCKS)), interpolation=cv2.INTER_AREA)
        masked[top:bottom, left:right] = cv2.resize(blocks, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    return masked
