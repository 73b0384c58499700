"""A model and motion together: what the model names keeps its name, what else moves is an "object".

For views a model was not trained on, cars seen from straight above for example, and for what it has no class for. It costs
one background model per camera, and reports every branch that moves: choose it where nothing that moves may be missed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sewu.base.boxes import areas_px2, intersections_px2
from sewu.base.interfaces import Detector
from sewu.base.records import Detections, Frame

COVERED_SHARE = 0.3
"""A moving box is dropped when a named one shares so much of the smaller of the two: it is the same thing, or its shadow."""


class Together:
    """Detections of a model, and of motion where the model has nothing."""

    def __init__(self, named: Detector, motion: Detector, min_score: float = 0.3) -> None:
        """`min_score`: named boxes below it do not stand in the way of a moving one."""
        self.name = f"{named.name}+{motion.name}"
        self._named, self._motion, self._min_score = named, motion, min_score

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One `Detections` per frame, in order."""
        pairs = zip(self._named.detect(frames), self._motion.detect(frames), strict=True)
        return [self._joined(named, moving) for named, moving in pairs]

    def forget(self, camera_id: str) -> None:
        self._named.forget(camera_id)
        self._motion.forget(camera_id)

    def _joined(self, named: Detections, moving: Detections) -> Detections:
        sure = named.boxes_px[named.scores >= self._min_score]
        if len(sure) and len(moving):
            smaller = np.minimum(areas_px2(moving.boxes_px)[:, None], areas_px2(sure)[None, :])
            share = intersections_px2(moving.boxes_px, sure) / np.maximum(smaller, 1e-6)
            moving = moving.select(np.asarray(share.max(axis=1) < COVERED_SHARE, np.bool_))
        return Detections(
            named.camera_id,
            named.at_s,
            np.concatenate([named.boxes_px, moving.boxes_px]),
            np.concatenate([named.scores, moving.scores]),
            np.concatenate([named.classes, moving.classes]),
        )
