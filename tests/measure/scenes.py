"""A hand-made street: paving with texture, walls, a sensor with noise, persons and bags as patches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from sewu.base.records import Frame, Image, Tracks
from tests.fakes import CAMERA

SIZE_PX = (320, 180)


def street(seed: int = 1, size_px: tuple[int, int] = SIZE_PX) -> Image:
    """A textured scene with structure at all scales. uint8 (H, W, 3)"""
    rng = np.random.default_rng(seed)
    width, height = size_px
    grey = np.full((height, width), 110, np.float32)
    for scale in (4, 12, 40):
        coarse = rng.normal(0, 9, (height // scale + 2, width // scale + 2)).astype(np.float32)
        grey += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    for _ in range(14):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w, h = int(rng.integers(15, 70)), int(rng.integers(10, 50))
        grey[y : y + h, x : x + w] += float(rng.choice([-45, -30, 30, 45]))
    return np.repeat(np.clip(grey, 5, 250).astype(np.uint8)[..., None], 3, axis=2)


def noisy(image: Image, seed: int, sigma: float = 2.0) -> Image:
    """The picture with sensor noise, another draw for each seed."""
    rng = np.random.default_rng(seed)
    return np.asarray(np.clip(image + rng.normal(0, sigma, image.shape), 0, 255), np.uint8)


def paint(image: Image, box_px: tuple[float, float, float, float], level: int) -> Image:
    """The picture with a shaded patch in a box, cut at the picture's edge."""
    painted = image.copy()
    x0, y0, x1, y1 = (max(0, round(value)) for value in box_px)
    patch = painted[y0:y1, x0:x1]
    if patch.size:
        patch[:] = np.clip(level + np.linspace(-8, 8, patch.shape[0])[:, None, None], 0, 255).astype(np.uint8)
    return painted


def frame(image: Image, at_s: float, is_keyframe: bool = False) -> Frame:
    return Frame(CAMERA, at_s, image, is_keyframe)


def nobody(at_s: float) -> Tracks:
    return Tracks.none(CAMERA, at_s)


def clip(path: Path, every: int) -> Iterator[tuple[int, float, Image]]:
    """Every nth picture of a file: number, seconds, BGR."""
    capture = cv2.VideoCapture(str(path))
    rate_fps, number = capture.get(cv2.CAP_PROP_FPS), 0
    try:
        while capture.grab():
            if number % every == 0:
                _, image = capture.retrieve()
                yield number, number / rate_fps, np.asarray(image, np.uint8)
            number += 1
    finally:
        capture.release()
