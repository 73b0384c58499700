"""Rendered scenes for the motion detector: a textured street, noise, and one thing that moves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sewu.base.records import Floats, Frame, Image


@dataclass
class Street:
    """A fixed picture of kerbs and walls, seen with sensor noise."""

    seed: int = 0
    size_px: tuple[int, int] = (640, 360)
    noise: float = 3.0

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        coarse = random.uniform(70, 170, (12, 20, 3)).astype(np.float32)
        fine = random.uniform(-25, 25, (90, 160, 1)).astype(np.float32)
        self.picture = cv2.resize(coarse, self.size_px, interpolation=cv2.INTER_NEAREST) + cv2.resize(fine, self.size_px)[:, :, None]
        self._random = random

    def seen(
        self,
        at_s: float,
        boxes: list[tuple[int, int, int, int]] | None = None,
        light: float = 1.0,
        shift_px: tuple[float, float] = (0.0, 0.0),
        shadow: tuple[int, int, int, int] | None = None,
    ) -> Frame:
        """A frame with red things in `boxes` (xyxy)."""
        picture: np.ndarray = self.picture.copy()
        if shadow is not None:
            left, top, right, bottom = shadow
            picture[top:bottom, left:right] *= 0.7
        for left, top, right, bottom in boxes or []:
            picture[top:bottom, left:right] = (40, 40, 220)
        if shift_px != (0.0, 0.0):
            matrix = np.array([[1, 0, shift_px[0]], [0, 1, shift_px[1]]], np.float32)
            picture = cv2.warpAffine(picture, matrix, self.size_px, borderMode=cv2.BORDER_REFLECT)
        noisy = picture * light + self._random.normal(0, self.noise, picture.shape)
        return Frame("cam", at_s, as_image(noisy))


def as_image(values: np.ndarray) -> Image:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def walker(at_s: float, speed_px_s: float = 60.0) -> tuple[int, int, int, int]:
    """A box of a person's shape that walks to the right from x = 40."""
    x = round(40 + speed_px_s * at_s)
    return x, 150, x + 40, 240


def as_row(box: tuple[int, int, int, int]) -> Floats:
    return np.array([box], np.float32)
