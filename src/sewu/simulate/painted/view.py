"""A calibrated camera on a pole, and solids painted back to front with OpenCV."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sewu.base.records import Doubles, Image

Colour = tuple[float, float, float]
SUN = np.array([0.45, -0.3, 0.84])
"""Direction to the sun; faces that turn to it are lighter."""


@dataclass(frozen=True)
class PoleCamera:
    """World: x right, y away, z up, metres; the camera stands at (0, 0, height)."""

    size_px: tuple[int, int] = (960, 540)
    height_m: float = 6.5
    tilt_deg: float = 21.0
    focal_px: float = 780.0

    @property
    def matrix(self) -> Doubles:
        """3 x 4 projection."""
        sin, cos = math.sin(math.radians(self.tilt_deg)), math.cos(math.radians(self.tilt_deg))
        rotation = np.array([[1, 0, 0], [0, -sin, -cos], [0, cos, -sin]])
        intrinsic = np.array([[self.focal_px, 0, self.size_px[0] / 2], [0, self.focal_px, self.size_px[1] / 2], [0, 0, 1.0]])
        return np.asarray(intrinsic @ np.column_stack([rotation, rotation @ np.array([0, 0, -self.height_m])]), np.float64)

    def project(self, points_m: NDArray[np.floating]) -> Doubles:
        """(n, 3) m -> (n, 2) px."""
        homogeneous = np.column_stack([points_m, np.ones(len(points_m))]) @ self.matrix.T
        return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:], np.float64)

    def ground_to_picture(self) -> Doubles:
        """3 x 3 homography of the ground plane."""
        return np.asarray(self.matrix[:, [0, 1, 3]], np.float64)


@dataclass(frozen=True)
class Block:
    """A box on the ground: middle, size (along x, along y, up), height of its foot, colour, and how much narrower its roof is."""

    x: float
    y: float
    size_m: tuple[float, float, float]
    colour: Colour
    z: float = 0.0
    taper: tuple[float, float] = (0.0, 0.0)

    def corners(self) -> Doubles:
        """(8, 3): the four at the foot, then the four at the roof."""
        w, d, h = self.size_m
        foot = np.array([[-w, -d], [w, -d], [w, d], [-w, d]]) / 2
        roof = foot * (1 - np.array(self.taper))
        place = np.array([self.x, self.y])
        low = np.column_stack([foot + place, np.full(4, self.z)])
        high = np.column_stack([roof + place, np.full(4, self.z + h)])
        return np.vstack([low, high])


FACES = (((0, 1, 5, 4), (0, -1, 0)), ((1, 2, 6, 5), (1, 0, 0)), ((3, 0, 4, 7), (-1, 0, 0)), ((4, 5, 6, 7), (0, 0, 1)))


def paint_block(image: Image, camera: PoleCamera, block: Block) -> Doubles:
    """Paint the faces that the camera sees, farther ones first; returns the (8, 2) corners in the picture."""
    corners = block.corners()
    picture = camera.project(corners)
    eye = np.array([0, 0, camera.height_m])
    for indices, normal in FACES:
        middle = corners[list(indices)].mean(axis=0)
        if np.dot(np.array(normal), eye - middle) <= 0:
            continue
        light = 0.62 + 0.38 * max(0.0, float(np.dot(np.array(normal), SUN)))
        polygon = np.round(picture[list(indices)] * 16).astype(np.int32)
        cv2.fillConvexPoly(image, polygon, tuple(min(255.0, c * light) for c in block.colour), cv2.LINE_AA, 4)
    return picture


def paint_shadow(image: Image, camera: PoleCamera, x: float, y: float, size_m: tuple[float, float], height_m: float) -> None:
    """Darken the ground beside a solid, away from the sun."""
    w, d = size_m
    reach = np.array([-SUN[0], -SUN[1]]) / SUN[2] * height_m
    foot = np.array([[-w, -d], [w, -d], [w, d], [-w, d]]) / 2 + np.array([x, y])
    hull = cv2.convexHull(np.vstack([foot, foot + reach]).astype(np.float32))[:, 0]
    polygon = camera.project(np.column_stack([hull, np.zeros(len(hull))]))
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(polygon * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    left, top, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
    if width and height:
        part = image[top : top + height, left : left + width]
        shade = mask[top : top + height, left : left + width, None].astype(np.float32) / 255 * 0.45
        part[:] = (part * (1 - shade)).astype(np.uint8)
