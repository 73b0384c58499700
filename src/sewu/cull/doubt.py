"""Looks that found something they were not sure of, where it matters: worth one more look, sooner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sewu.base.boxes import feet_px
from sewu.base.records import CLASS_IDS, Bools, Detections
from sewu.base.space import Scene

UNSURE = (0.25, 0.5)
"""Scores between these: too weak to count, too strong to be nothing. The upper end is where the tracker begins to trust."""


@dataclass
class Doubt:
    """What is unsure on one camera. At most one more look per `rest_s`, so that a doubtful lamp post costs little."""

    scene: Scene
    rest_s: float = 10.0
    _fitted: Scene | None = None
    _asked_at_s: float | None = None

    def about(self, found: Detections, size_px: tuple[int, int]) -> bool:
        """Whether a named object of uncertain score stands in a zone and another look is due. `size_px`: the picture's width and height."""
        if not self.scene.zones or (self._asked_at_s is not None and 0 <= found.at_s - self._asked_at_s < self.rest_s):
            return False
        unsure: Bools = (found.scores >= UNSURE[0]) & (found.scores < UNSURE[1]) & (found.classes != CLASS_IDS["object"])
        if not unsure.any():
            return False
        if self._fitted is None or self._fitted.size_px != size_px:
            self._fitted = self.scene.scaled_to(size_px)
        feet = feet_px(found.boxes_px[unsure])
        if not any(bool(np.any(zone.holds(feet))) for zone in self._fitted.zones):
            return False
        self._asked_at_s = found.at_s
        return True
