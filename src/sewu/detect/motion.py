"""The detector that needs no model: what differs from the camera's own background, class "object".

Each pixel of a small copy keeps its usual colour and how far it usually strays from it. What differs is an object;
what stays different but still becomes background. Everything is learnt by seconds, not by frames, so 25 and 1
frames a second mean the same. Camera shake is taken out by phase correlation; a change of light over the whole
picture is divided out, or learnt anew when it is too large; a shadow is darker than the background but of its
colour. It cannot say what moved, and it merges what touches.

The deviation follows a sigma-delta estimate (Manzanera and Richefeu, A new motion detection algorithm based on
sigma-delta background estimation, 2007): it settles where half of the time is spent, so passing traffic does not
raise it and a waving tree does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sewu.base.records import CLASS_IDS, Bools, Detections, Floats, Frame, Image
from sewu.base.settings import Settings

FOLLOW_S = 10.0
"""Time constant with which background follows slow changes."""
MIN_DIFFERENCE = 18.0
MAX_DIFFERENCE = 60.0
"""Grey levels that make an object, for the steadiest and the most restless pixel."""
RESTLESS = 3.0
"""Multiple of the usual deviation that makes an object."""
DEVIATION_STEP_PER_S = 4.0
MIN_COLOUR_DIFFERENCE = 14.0
"""Difference in Cr or Cb that makes an object whatever its brightness."""
SHADOW_RANGE = (0.55, 0.97)
SHADOW_COLOUR = 7.0
"""A shadow's brightness against the background's, and how far its colour may be off."""
STILL_LEVELS = 14.0
"""A foreground pixel that changes less than this is standing still."""
MIN_ABSORB_S = 2.0
SHAKE_STEP = 2
"""Shake is measured on every second pixel of the small picture: a quarter of the time, still to a tenth of a pixel."""
MIN_SHAKE_PX = 0.3
MAX_SHAKE_SHARE = 0.06
"""A larger shift is not shake: the camera was turned, and the background is learnt anew."""
MIN_RESPONSE = 0.05
MIN_GAIN = 0.9
LIGHT_RANGE = (0.5, 2.0)
LIGHT_STEP = 4
DARK_LEVEL = 12.0
"""Pixels darker than this say nothing about the light."""
BLOWN_LEVEL = 225.0
MAX_FOREGROUND_SHARE = 0.55
CONTRAST_LEVELS = 40.0
"""A mean difference of this many grey levels counts as full contrast."""


class MotionSettings(Settings):
    """How to look for motion."""

    work_width_px: Annotated[int, Field(ge=80, le=1280)] = 320
    """Width of the small copy that is compared; smaller is quicker and blinder."""
    absorb_s: Annotated[float, Field(gt=0, le=86400)] = 60.0
    """What stands still for this long becomes background."""
    warm_up_s: Annotated[float, Field(ge=0, le=600)] = 1.0
    """After the first picture, and after learning anew, nothing is reported for this long."""
    min_area_share: Annotated[float, Field(gt=0, lt=1)] = 0.0008
    """Smallest object, as a share of the picture's area."""
    max_boxes: Annotated[int, Field(ge=1, le=1000)] = 100
    """Boxes reported per frame, best first."""
    max_gap_s: Annotated[float, Field(gt=0)] = 900.0
    """After a longer pause the background is learnt anew."""
    max_cameras: Annotated[int, Field(ge=1)] = 512
    """Cameras remembered (about 2 MB each at 320x180); one more and the one unseen for longest is forgotten."""


class MotionDetector:
    """Finds what moves. State per camera: `forget` drops it, and a first look at a camera finds nothing."""

    def __init__(self, settings: MotionSettings | None = None) -> None:
        self.name = "motion"
        self.settings = settings or MotionSettings()
        self._cameras: dict[str, _Background] = {}

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Look at frames of any cameras; those of one camera in order of time."""
        return [self._look(frame) for frame in frames]

    def forget(self, camera_id: str) -> None:
        """Drop the background of a camera."""
        self._cameras.pop(camera_id, None)

    def _look(self, frame: Frame) -> Detections:
        size_px = _work_size(frame.size_px, self.settings.work_width_px)
        background = self._cameras.pop(frame.camera_id, None)
        if background is None or background.size_px != size_px:
            background = _Background(size_px, self.settings)
        self._cameras[frame.camera_id] = background
        while len(self._cameras) > self.settings.max_cameras:
            del self._cameras[next(iter(self._cameras))]
        return _as_detections(frame, background.look(frame.image, frame.at_s), self.settings.max_boxes)


def _work_size(size_px: tuple[int, int], work_width_px: int) -> tuple[int, int]:
    """Size of the small copy: never larger than the picture, never so flat that the filters fail."""
    width, height = size_px
    ratio = min(1.0, work_width_px / width)
    return max(16, round(width * ratio)), max(16, round(height * ratio))


@dataclass(frozen=True, slots=True)
class _Blobs:
    """boxes_px: float32 (n, 4), xyxy in pixels of the small copy. scores: float32 (n,)."""

    boxes_px: Floats
    scores: Floats
    size_px: tuple[int, int]


def _as_detections(frame: Frame, blobs: _Blobs | None, max_boxes: int) -> Detections:
    if blobs is None or len(blobs.scores) == 0:
        return Detections.none(frame.camera_id, frame.at_s)
    order = np.argsort(-blobs.scores, kind="stable")[:max_boxes]
    scale = np.array([frame.size_px[0] / blobs.size_px[0], frame.size_px[1] / blobs.size_px[1]] * 2, np.float32)
    classes = np.full(len(order), CLASS_IDS["object"], np.int64)
    return Detections(frame.camera_id, frame.at_s, blobs.boxes_px[order] * scale, blobs.scores[order], classes)


class _Background:
    """What one camera looks like when nothing moves.

    Planes are float32 (3, height, width): brightness 0 to 255, Cr and Cb around 0.
    """

    def __init__(self, size_px: tuple[int, int], settings: MotionSettings) -> None:
        self.size_px = size_px
        self._settings = settings
        shape = (size_px[1], size_px[0])
        self._usual: NDArray[np.float32] = np.zeros((3, *shape), np.float32)
        self._other: NDArray[np.float32] = np.zeros((3, *shape), np.float32)
        """What a foreground pixel shows instead, and for how long it has."""
        self._still_s: NDArray[np.float32] = np.zeros(shape, np.float32)
        self._deviation: NDArray[np.float32] = np.full(shape, MIN_DIFFERENCE, np.float32)
        self._last_s: float | None = None
        self._learnt_s = 0.0
        self._seen = 0
        small = (max(8, size_px[0] // SHAKE_STEP), max(8, size_px[1] // SHAKE_STEP))
        self._window = cv2.createHanningWindow(small, cv2.CV_32F)
        self._open = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
        # Taller than wide: a person falls apart into head, trunk and legs sooner than into halves.
        self._close = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 9))

    def look(self, image: Image, at_s: float) -> _Blobs | None:
        """Compare with the background and learn; None while there is no background to compare with."""
        planes = self._planes(image)
        elapsed_s = 0.0 if self._last_s is None else at_s - self._last_s
        if self._last_s is None or not -1.0 <= elapsed_s <= self._settings.max_gap_s:
            self._learn_anew(planes, at_s)
            return None
        self._last_s = max(at_s, self._last_s)
        elapsed_s = max(0.0, elapsed_s)
        shift = self._shake_px(planes[0])
        if shift is not None:
            planes = np.stack([_moved(plane, shift) for plane in planes])
        light = self._light(planes[0])
        if light is not None:
            planes /= np.float32(light)
            difference, foreground = self._compare(planes, light)
        if light is None or float(foreground.mean()) > MAX_FOREGROUND_SHARE:
            self._learn_anew(planes, at_s)
            return None
        self._learn(planes, foreground, elapsed_s, light)
        if at_s - self._learnt_s < self._settings.warm_up_s:
            return None
        return self._blobs(foreground, difference, shift)

    def _planes(self, image: Image) -> NDArray[np.float32]:
        small = cv2.resize(image, self.size_px, interpolation=cv2.INTER_AREA)
        colours = cv2.cvtColor(cv2.GaussianBlur(small, (5, 5), 0), cv2.COLOR_BGR2YCrCb)
        planes = np.stack(cv2.split(colours)).astype(np.float32)
        planes[1:] -= 128.0
        return planes

    def _learn_anew(self, planes: NDArray[np.float32], at_s: float) -> None:
        self._usual = planes.copy()
        self._still_s.fill(0.0)
        self._deviation.fill(MIN_DIFFERENCE)
        self._last_s = self._learnt_s = at_s
        self._seen = 1

    def _compare(self, planes: NDArray[np.float32], light: float) -> tuple[NDArray[np.float32], Bools]:
        """Difference in brightness, and which pixels are foreground, (height, width) both."""
        difference = cv2.absdiff(planes[0], self._usual[0])
        threshold = np.clip(self._deviation, MIN_DIFFERENCE, MAX_DIFFERENCE)
        low, high = SHADOW_RANGE
        ratio = planes[0] / np.maximum(self._usual[0], 1.0)
        # Cr and Cb shrink with the light, so a shadow's are compared with the background's in that light.
        colour = np.abs(planes[1:] - self._usual[1:] * np.clip(ratio, low, 1.0)).max(axis=0)
        shadow = (ratio >= low) & (ratio <= high) & (colour < SHADOW_COLOUR)
        foreground = ((difference > threshold) & ~shadow) | (colour > MIN_COLOUR_DIFFERENCE)
        if light > 1.0:
            # What would be brighter than the picture can show says nothing.
            foreground &= self._usual[0] * light < BLOWN_LEVEL
        return difference, foreground

    def _learn(self, planes: NDArray[np.float32], foreground: Bools, elapsed_s: float, light: float) -> None:
        """Let background follow, let what stands still become background."""
        self._seen += 1
        age_s = (self._last_s or 0.0) - self._learnt_s
        rate = 1.0 - math.exp(-elapsed_s / FOLLOW_S)
        if age_s < self._settings.warm_up_s:
            rate = max(rate, 1.0 / self._seen)
        calm = np.where(foreground, np.float32(0), np.float32(rate))
        change = planes - self._usual
        self._usual += calm * change
        # The light that was divided out comes back slowly, so that dusk ends as the new normal.
        self._usual *= 1.0 + (light - 1.0) * min(rate, 0.5)
        step = DEVIATION_STEP_PER_S * min(elapsed_s, 2.0)
        self._deviation += np.clip(RESTLESS * np.abs(change[0]) - self._deviation, -step, step)
        same = foreground & (np.abs(planes[0] - self._other[0]) < STILL_LEVELS)
        self._still_s = np.where(same, self._still_s + np.float32(elapsed_s), np.float32(0))
        np.copyto(self._other, planes, where=foreground & ~same)
        # A young background is no better witness than what has been seen since, for as long: so what stood there
        # when the camera was first looked at leaves no ghost.
        limit_s = min(self._settings.absorb_s, max(MIN_ABSORB_S, age_s / 2))
        settled = self._still_s >= limit_s
        if settled.any():
            np.copyto(self._usual, planes, where=settled)
            self._still_s[settled] = 0.0

    def _shake_px(self, brightness: NDArray[np.float32]) -> tuple[float, float] | None:
        """How far the picture moved against the background, if it is a small, clear movement of the whole."""
        size = (self._window.shape[1], self._window.shape[0])
        now, before = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (brightness, self._usual[0]))
        # OpenCV multiplies the window into its arguments where their size needs no padding, so it gets copies.
        shift, response = cv2.phaseCorrelate(before.copy(), now.copy(), self._window)
        x, y = shift[0] * self.size_px[0] / size[0], shift[1] * self.size_px[1] / size[1]
        if response < MIN_RESPONSE or not MIN_SHAKE_PX <= math.hypot(x, y) <= MAX_SHAKE_SHARE * self.size_px[0]:
            return None
        # Noise has a peak too: believe it only when moving the picture back makes it more like the background.
        stayed, moved = (float(np.abs(plane - before).mean()) for plane in (now, _moved(now, (shift[0], shift[1]))))
        return (x, y) if moved < MIN_GAIN * stayed else None

    def _light(self, brightness: NDArray[np.float32]) -> float | None:
        """Light now against the background's, 1 for equal; None when too far off to divide out."""
        now, usual = brightness[::LIGHT_STEP, ::LIGHT_STEP], self._usual[0, ::LIGHT_STEP, ::LIGHT_STEP]
        bright = usual > DARK_LEVEL
        if not bright.any():
            return 1.0 if float(np.median(now)) <= 2 * DARK_LEVEL else None
        ratio = float(np.median(now[bright] / usual[bright]))
        if abs(ratio - 1.0) < 0.01:
            return 1.0
        return ratio if LIGHT_RANGE[0] <= ratio <= LIGHT_RANGE[1] else None

    def _blobs(self, foreground: Bools, difference: NDArray[np.float32], shift: tuple[float, float] | None) -> _Blobs:
        marks = foreground.astype(np.uint8)
        if shift is not None:
            # What shake pushed out of the picture cannot be compared.
            margin_x, margin_y = (math.ceil(abs(part)) + 1 for part in shift)
            marks[:margin_y], marks[-margin_y:] = 0, 0
            marks[:, :margin_x], marks[:, -margin_x:] = 0, 0
        mask = cv2.morphologyEx(marks, cv2.MORPH_OPEN, self._open)
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, self._close)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        smallest = self._settings.min_area_share * self.size_px[0] * self.size_px[1]
        areas = stats[1:count, cv2.CC_STAT_AREA].astype(np.float32)
        large = np.flatnonzero(areas >= smallest)
        contrast = np.bincount(labels.ravel(), weights=difference.ravel(), minlength=count)[1:][large] / areas[large]
        left, top = stats[1:, cv2.CC_STAT_LEFT][large], stats[1:, cv2.CC_STAT_TOP][large]
        right, bottom = left + stats[1:, cv2.CC_STAT_WIDTH][large], top + stats[1:, cv2.CC_STAT_HEIGHT][large]
        boxes = np.stack([left, top, right, bottom], axis=1).astype(np.float32).reshape(-1, 4)
        size = np.minimum(1.0, areas[large] / (8 * smallest))
        scores = 0.3 + 0.35 * size + 0.3 * np.minimum(1.0, contrast / CONTRAST_LEVELS)
        return _Blobs(boxes, scores.astype(np.float32), self.size_px)


def _moved(layer: NDArray[Any], shift: tuple[float, float]) -> NDArray[Any]:
    """The layer moved back by `shift`."""
    matrix = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], np.float32)
    moved: NDArray[Any] = cv2.warpAffine(layer, matrix, (layer.shape[1], layer.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    return moved
