"""What the camera's chip and the weather add to a picture: grain, streaks of rain; and its form for the encoder."""

from __future__ import annotations

import cv2
import numpy as np

from sewu.base.records import Image
from sewu.simulate.scenes.light import Lighting

SPARE_PX = 64
"""The grain is larger than the picture by this, so that each tick shows another part of it."""
RAIN_FIELDS = 5
RAIN_LEVELS = 20.0
DROPS_PER_MEGAPIXEL = 420


class Sensor:
    """Adds grain and rain. The same tick gives the same picture.

    Both are drawn once and shifted, because drawing them per pixel and picture cost more than the scene.
    """

    def __init__(self, lighting: Lighting, size_px: tuple[int, int]) -> None:
        self.size_px = size_px
        width, height = size_px
        random = np.random.default_rng(7)
        spread = lighting.grain * 1.5 * 255 * (1.2 - 0.3 * min(1.0, lighting.exposure))
        grain = random.uniform(-0.5, 0.5, (height + SPARE_PX, width + SPARE_PX)) * spread
        self._more, self._less = (np.round(np.maximum(part, 0)).astype(np.uint8) for part in (grain, -grain))
        self._rain = [_streaks(size_px, random, lighting.rain) for _ in range(RAIN_FIELDS if lighting.rain > 0 else 0)]

    def planes(self, image: Image, tick: int) -> Image:
        """A picture (H, W, 3), RGB, as the encoder takes it: uint8 (H * 3 / 2, W), I420, BT.601 in limited range."""
        width, height = self.size_px
        made = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)
        luma = made[:height]
        if self._rain:
            shift = tick * 17 % width
            field = self._rain[tick % RAIN_FIELDS]
            cv2.add(luma[:, shift:], field[:, : width - shift], dst=luma[:, shift:])
            cv2.add(luma[:, :shift], field[:, width - shift :], dst=luma[:, :shift])
        x, y = tick * 29 % SPARE_PX, tick * 43 % SPARE_PX
        cv2.add(luma, self._more[y : y + height, x : x + width], dst=luma)
        cv2.subtract(luma, self._less[y : y + height, x : x + width], dst=luma)
        return np.asarray(made, np.uint8)


def _streaks(size_px: tuple[int, int], random: np.random.Generator, strength: float) -> Image:
    """One field of falling drops as they look during one exposure: uint8 (H, W), to be added."""
    width, height = size_px
    field = np.zeros((height, width), np.uint8)
    for _ in range(round(DROPS_PER_MEGAPIXEL * width * height / 1e6)):
        x, y = int(random.integers(width)), int(random.integers(-height // 8, height))
        near = float(random.uniform(0.3, 1.0))
        long_px = max(2, round(near * height / 9))
        end = (x - round(long_px * 0.07), y + long_px)
        cv2.line(field, (x, y), end, round(strength * RAIN_LEVELS * (0.4 + 0.6 * near)), 1, cv2.LINE_AA)
    return np.asarray(cv2.blur(field, (3, 3)), np.uint8)


def smaller(planes: Image, size_px: tuple[int, int], to_px: tuple[int, int]) -> Image:
    """I420 planes scaled down, each pixel the mean of what it covers. Sides are even."""
    (width, height), (to_width, to_height) = size_px, to_px
    colour = planes[height:].reshape(2, height // 2, width // 2)
    luma = cv2.resize(planes[:height], to_px, interpolation=cv2.INTER_AREA)
    made = [luma.ravel(), *(cv2.resize(plane, (to_width // 2, to_height // 2), interpolation=cv2.INTER_AREA).ravel() for plane in colour)]
    return np.asarray(np.concatenate(made).reshape(to_height * 3 // 2, to_width), np.uint8)
