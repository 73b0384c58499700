"""Make people unrecognisable in pictures that leave the control room."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sewu.base.errors import BadSource
from sewu.base.records import Image

HEAD_SHARE = 0.35
"""The upper part of a person's box that holds the head, also of one who bends or rides."""
BLOCKS = 4
"""The head is reduced to so many blocks across before it is smoothed: nothing of a face is left to restore."""


def burn_masks(jpeg: bytes, polygons: Sequence[Sequence[tuple[float, float]]], widest_px: int | None = None) -> bytes:
    """A JPEG with these parts of it black; polygons in shares of width and height, 0 to 1. `widest_px`: made smaller than that.

    Raises:
        BadSource: the picture cannot be decoded or written; it must then not be shown.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise BadSource("A picture cannot be decoded, so its masks cannot be burnt in.", "Look at another moment.")
    size = np.array([image.shape[1], image.shape[0]], np.float64)
    for polygon in polygons:
        cv2.fillPoly(image, [np.rint(np.asarray(polygon, np.float64) * size).astype(np.int32)], (0, 0, 0))
    if widest_px is not None and image.shape[1] > widest_px:  # after the masks, so that nothing of them is left at their edges
        height = max(1, round(image.shape[0] * widest_px / image.shape[1]))
        image = cv2.resize(image, (widest_px, height), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not done:
        raise BadSource("A picture cannot be written, so its masks cannot be burnt in.", "Look at another moment.")
    return data.tobytes()


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
