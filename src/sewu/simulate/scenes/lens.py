"""A lens that bends straight lines: pictures are drawn by a wider pinhole camera and bent afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from sewu.base.records import Doubles, Floats, Image
from sewu.simulate.scenes.camera import PoleCamera

STRONGEST_K1 = 0.25
STEPS = 8


class Lens:
    """Bends what a pinhole camera drew.

    Args:
        camera: with the `k1` of the lens, at most `STRONGEST_K1` either way.

    Attributes:
        pinhole: the camera to draw with, so wide that the bent picture has no empty corners.
    """

    def __init__(self, camera: PoleCamera, size_px: tuple[int, int]) -> None:
        self.size_px = size_px
        width, height = size_px
        corner = np.asarray([[0.0, 0.0], [width, 0.0], [width / 2, 0.0], [0.0, height / 2]])
        straight = _straight(camera, corner, size_px)
        middle = np.asarray(size_px) / 2
        # How much farther out the farthest point of an edge must be drawn than the edge of the picture is.
        wider = max(1.0, float((np.abs(straight - middle) / middle).max()))
        half = np.tan(np.radians(camera.across_deg) / 2)
        self.pinhole = replace(camera, across_deg=float(2 * np.degrees(np.arctan(half * wider))), k1=0.0)
        columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        from_px = (_straight(camera, np.stack([columns.ravel(), rows.ravel()], 1), size_px) - middle) / wider + middle - 0.5
        self._map = from_px.reshape(height, width, 2).astype(np.float32)
        nothing: Any = None
        self._maps: Any = cv2.convertMaps(self._map, nothing, cv2.CV_16SC2)

    def bend(self, image: Image) -> Image:
        """A picture of the pinhole camera as the lens shows it."""
        return np.asarray(cv2.remap(image, self._maps[0], self._maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)

    def bend_names(self, names: Floats) -> Floats:
        """Names are not mixed; they may be smaller than the picture."""
        share = self.size_px[0] / names.shape[1]
        if share == 1:
            at: Any = self._map
        else:
            small = (names.shape[1], names.shape[0])
            at = (cv2.resize(self._map, small, interpolation=cv2.INTER_AREA) + 0.5) / np.float32(share) - 0.5
        nothing: Any = None
        return np.asarray(
            cv2.remap(np.ascontiguousarray(names), at, nothing, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), np.float32
        )


def _straight(camera: PoleCamera, bent_px: Doubles, size_px: tuple[int, int]) -> Doubles:
    """Where a pinhole camera sees what the lens shows at these points (n, 2): Newton's method on r (1 + k1 r^2)."""
    middle, focal = np.asarray(size_px, np.float64) / 2, camera.focal_px(size_px)
    off = (bent_px - middle) / focal
    seen = np.linalg.norm(off, axis=1, keepdims=True)
    radius = seen.copy()
    for _ in range(STEPS):
        radius -= (radius * (1 + camera.k1 * radius**2) - seen) / np.maximum(1 + 3 * camera.k1 * radius**2, 0.1)
    return np.asarray(middle + off * (radius / np.maximum(seen, 1e-12)) * focal, np.float64)
