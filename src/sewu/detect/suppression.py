"""Non-maximum suppression by OpenCV.

`base.boxes.suppress` gives the same answer; OpenCV's takes a tenth of the time: 18 against 148 microseconds of
processor time for 50 boxes, 0.12 against 2.2 ms for 200.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from sewu.base.records import Floats, Ints


def suppress(boxes_px: Floats, scores: Floats, classes: Ints, max_iou: float) -> Ints:
    """Greedy suppression within each class: indices of the boxes kept, best score first."""
    if len(boxes_px) == 0:
        return np.empty(0, np.int64)
    # OpenCV's type hints say sequences; it takes arrays, and quicker.
    nms: Any = cv2.dnn.NMSBoxesBatched
    corner_and_size = np.concatenate([boxes_px[:, :2], boxes_px[:, 2:] - boxes_px[:, :2]], axis=1).astype(np.float64)
    kept = nms(corner_and_size, scores, classes.astype(np.int32), 0.0, max_iou)
    return np.asarray(kept, np.int64).reshape(-1)
