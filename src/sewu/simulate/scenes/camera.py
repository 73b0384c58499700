"""The camera on its pole: metres to pixels and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sewu.base.records import Doubles


@dataclass(frozen=True, slots=True)
class PoleCamera:
    """A pinhole camera `height_m` above the ground at (x_m, y_m), looking along `yaw_deg` (0 is +x, 90 is +y) and down by `tilt_deg`."""

    x_m: float
    y_m: float
    height_m: float
    yaw_deg: float
    tilt_deg: float
    across_deg: float
    """Horizontal field of view, of the pinhole camera."""
    k1: float = 0.0
    """How the lens bends: a point at r (1 = the focal length from the middle) is seen at r (1 + k1 r^2); negative is a barrel.

    Source: Brown 1966, "Decentering distortion of lenses"; OpenCV's first coefficient.
    """

    def view(self) -> Doubles:
        """Rows right, down, forward of the camera in the world; (3, 3)."""
        yaw, tilt = math.radians(self.yaw_deg), math.radians(self.tilt_deg)
        forward = np.asarray([math.cos(yaw) * math.cos(tilt), math.sin(yaw) * math.cos(tilt), -math.sin(tilt)])
        right = np.asarray([math.sin(yaw), -math.cos(yaw), 0.0])
        return np.stack([right, np.cross(forward, right), forward])

    def matrix(self, size_px: tuple[int, int]) -> Doubles:
        """3 x 4 matrix from the world (m, homogeneous) to the picture (px, homogeneous; the third is the depth in metres)."""
        width, height = size_px
        focal = self.focal_px(size_px)
        inner = np.asarray([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
        view = self.view()
        eye = np.asarray([self.x_m, self.y_m, self.height_m])
        return np.asarray(inner @ np.concatenate([view, -(view @ eye)[:, None]], axis=1), np.float64)

    def focal_px(self, size_px: tuple[int, int]) -> float:
        """Focal length of the pinhole camera."""
        return size_px[0] / 2 / math.tan(math.radians(self.across_deg) / 2)

    def lens(self, size_px: tuple[int, int]) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """From px of the pinhole camera (n, 2) to px of the picture, as the lens bends them."""
        if self.k1 == 0.0:
            return lambda xy_px: xy_px
        middle, focal = np.asarray(size_px, np.float64) / 2, self.focal_px(size_px)
        # Beyond its crest the polynomial turns back; such points lie far outside the picture and are held at the crest.
        crest = math.inf if self.k1 > 0 else 1 / (-3 * self.k1)

        def bend(xy_px: NDArray[Any]) -> NDArray[Any]:
            off = (xy_px - middle) / focal
            square = np.square(off).sum(axis=1, keepdims=True)
            held = np.minimum(square, crest)
            scale = (1 + self.k1 * held) * np.sqrt(held / np.maximum(square, 1e-12))
            bent: NDArray[Any] = (middle + off * scale * focal).astype(xy_px.dtype)
            return bent

        return bend

    def clip_matrix(self, size_px: tuple[int, int], near_m: float = 0.5, far_m: float = 400.0) -> Doubles:
        """4 x 4 matrix to OpenGL's clip space, x and y as in `matrix`."""
        width, height = size_px
        p = self.matrix(size_px)
        a, b = (far_m + near_m) / (far_m - near_m), -2 * far_m * near_m / (far_m - near_m)
        return np.stack([2 * p[0] / width - p[2], p[2] - 2 * p[1] / height, a * p[2] + [0, 0, 0, b], p[2]])

    def ground_to_picture(self, size_px: tuple[int, int]) -> Doubles:
        """3 x 3 homography from the ground (m) to the picture (px)."""
        return self.matrix(size_px)[:, [0, 1, 3]]

    def to_picture_px(self, at_m: Doubles, size_px: tuple[int, int]) -> Doubles:
        """Points of the world (n, 3) in the picture: (n, 3) of x px, y px and depth m (not positive: behind the camera)."""
        p = self.matrix(size_px)
        seen = at_m @ p[:, :3].T + p[:, 3]
        seen[:, :2] /= np.where(np.abs(seen[:, 2:]) < 1e-9, 1e-9, seen[:, 2:])
        seen[:, :2] = self.lens(size_px)(seen[:, :2])
        return np.asarray(seen, np.float64)
