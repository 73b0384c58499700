"""Put pictures into a model's input, and boxes back into the picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sewu.base.records import Floats, Image
from sewu.detect.cards import InputSpec


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a picture lies inside a model's input, in the input's pixels."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int
    scale_x: float
    scale_y: float

    def to_picture(self, boxes_px: Floats) -> Floats:
        """Boxes of the input -> boxes of the picture, not clipped. (n, 4) xyxy -> (n, 4) xyxy."""
        shift = np.array([self.left_px, self.top_px, self.left_px, self.top_px], np.float32)
        scale = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y], np.float32)
        return np.asarray((boxes_px - shift) / scale, np.float32)

    def to_input(self, boxes_px: Floats) -> Floats:
        """Boxes of the picture -> boxes of the input. (n, 4) xyxy -> (n, 4) xyxy."""
        shift = np.array([self.left_px, self.top_px, self.left_px, self.top_px], np.float32)
        scale = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y], np.float32)
        return np.asarray(boxes_px * scale + shift, np.float32)


@lru_cache(maxsize=1024)
def fit(picture_px: tuple[int, int], input_px: tuple[int, int], letterbox: bool, centred: bool) -> Fit:
    """Place a picture of (width, height) in an input of (width, height)."""
    (width, height), (to_width, to_height) = picture_px, input_px
    if not letterbox:
        return Fit(0, 0, to_width, to_height, to_width / width, to_height / height)
    ratio = min(to_width / width, to_height / height)
    # Rounding down is what the official YOLOX demo does; the scale is then taken from the rounded size, so that
    # a box comes back to the pixel it came from.
    new_width, new_height = max(1, int(width * ratio + 1e-6)), max(1, int(height * ratio + 1e-6))
    left, top = ((to_width - new_width) // 2, (to_height - new_height) // 2) if centred else (0, 0)
    return Fit(left, top, new_width, new_height, new_width / width, new_height / height)


@lru_cache(maxsize=1024)
def rectangle_px(picture_px: tuple[int, int], long_side_px: int, multiple_of: int) -> tuple[int, int]:
    """The smallest input (width, height) of the picture's aspect with this long side, rounded up to multiples."""
    width, height = picture_px
    ratio = long_side_px / max(width, height)
    sides = (max(1, int(side * ratio + 1e-6)) for side in (width, height))
    new_width, new_height = (-(-side // multiple_of) * multiple_of for side in sides)
    return new_width, new_height


class Canvas:
    """One input tensor, allocated once and painted again for every look.

    Args:
        spec: the card's input.
        input_px: width and height of the tensor.
        batch: how many pictures it holds.
    """

    def __init__(self, spec: InputSpec, input_px: tuple[int, int], batch: int) -> None:
        width, height = input_px
        self.input_px = input_px
        self.batch = batch
        self._spec = spec
        self._scratch = np.full((height, width, 3), spec.pad_value, np.uint8)
        self._last: Fit | None = None
        shape = (batch, 3, height, width) if spec.layout == "NCHW" else (batch, height, width, 3)
        self.tensor: NDArray[Any] = np.zeros(shape, np.uint8 if spec.dtype == "uint8" else np.float32)
        self._planes: list[NDArray[Any]] = [np.empty((height, width), np.uint8) for _ in range(3)]
        # (p * scale - mean) / std as one multiplication and one addition per colour.
        std = np.array(spec.std, np.float32)
        self._gain = np.float32(spec.scale) / std
        self._bias = -np.array(spec.mean, np.float32) / std
        self._plain = bool(np.all(self._gain == 1) and np.all(self._bias == 0))

    def paint(self, slot: int, picture: Image) -> Fit:
        """Put `picture`, uint8 (H, W, 3) BGR, into place `slot` of the tensor."""
        spec = self._spec
        place = fit((picture.shape[1], picture.shape[0]), self.input_px, spec.resize == "letterbox", spec.anchor == "centre")
        if place != self._last:
            self._scratch[:] = spec.pad_value
            self._last = place
        inside = self._scratch[place.top_px : place.top_px + place.height_px, place.left_px : place.left_px + place.width_px]
        if picture.shape[:2] == (place.height_px, place.width_px):
            inside[:] = picture
        else:
            # OpenCV writes into `inside` where the view suits it and into a new array where it does not.
            resized = cv2.resize(picture, (place.width_px, place.height_px), dst=inside, interpolation=cv2.INTER_LINEAR)
            if resized is not inside:
                inside[:] = resized
        if spec.layout == "NCHW":
            self._to_planes(slot)
        else:
            self._to_rows(slot)
        return place

    def _to_planes(self, slot: int) -> None:
        # OpenCV's split writes into planes of the right size: five times as quick as a transposed copy.
        cv2.split(self._scratch, self._planes)
        for plane in range(3):
            source = self._planes[2 - plane if self._spec.colour == "RGB" else plane]
            target = self.tensor[slot, plane]
            if self._plain or self._spec.dtype == "uint8":
                np.copyto(target, source)
            else:
                np.multiply(source, self._gain[plane], out=target)
                target += self._bias[plane]

    def _to_rows(self, slot: int) -> None:
        ordered = self._scratch[:, :, ::-1] if self._spec.colour == "RGB" else self._scratch
        if self._plain or self._spec.dtype == "uint8":
            np.copyto(self.tensor[slot], ordered)
        else:
            np.multiply(ordered, self._gain, out=self.tensor[slot])
            self.tensor[slot] += self._bias
