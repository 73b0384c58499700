"""How busy a patch of the picture is, where the picture has drifted to, and where two kinds of patches part."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from sewu.base.interfaces import State
from sewu.base.records import Bools, Doubles, Floats, Image


def grey_of(image: Image) -> Floats:
    """(H, W, 3) BGR -> float32 (H, W), 0 to 255."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.float32)


def edges(grey: Floats) -> Floats:
    """Steepness of the picture, grey levels per pixel, after a blur that takes the sensor's noise and the coder's blocks out. (H, W)."""
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)
    return np.asarray(np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 8.0, np.float32)


def mask_of(points_px: Doubles, size_px: tuple[int, int]) -> Bools:
    """Which pixels lie in a polygon. (n, 2) corners -> (H, W)."""
    canvas = np.zeros((size_px[1], size_px[0]), np.uint8)
    cv2.fillPoly(canvas, [np.round(points_px).astype(np.int32)], 1)
    return canvas.astype(np.bool_)


def split_of(values: Doubles) -> tuple[float, float]:
    """Where two kinds of values part, and how well.

    Otsu (1979): the threshold with the largest variance between the classes; the second number is that variance
    as a share of the whole, 0 to 1. One kind spread evenly gives 0.75, one normal kind 0.64.
    """
    ordered = np.sort(np.asarray(values, np.float64))
    if len(ordered) == 0:
        return 0.0, 0.0
    base, spread = float(ordered[0]), float(ordered[-1] - ordered[0])
    if spread <= 1e-9 * max(1.0, abs(base)):
        return base, 0.0
    ordered = (ordered - base) / spread
    count = np.arange(1, len(ordered))
    low = np.cumsum(ordered)[:-1] / count
    high = (ordered.sum() - np.cumsum(ordered)[:-1]) / (len(ordered) - count)
    between = count * (len(ordered) - count) / len(ordered) ** 2 * (high - low) ** 2
    best = int(np.argmax(between))
    return base + spread * float((low[best] + high[best]) / 2), float(between[best] / ordered.var())


class Drift:
    """Where the picture has moved to since a first look, by phase correlation of its edges (Kuglin & Hines 1975).

    Only the neighbourhood of the last shift is searched: a row of bays looks the same one bay further along, and a
    camera that really was turned is a change of view, not drift.
    """

    WIDTH_PX = 192
    """The reference is kept this wide; shifts are found to about a fifth of its pixels."""
    MIN_PEAK_SIGMAS = 6.0
    """A peak that stands out less from the rest of the correlation means that this is not the same scene."""
    STEEPEST = 16.0
    """Edges are cut at this, grey levels per pixel, so that one lamp does not outshine the scene."""

    def __init__(self, reach_px: float) -> None:
        """`reach_px`: how far the picture may move from one look to the next; less than half the pitch of what repeats in it."""
        self.shift_px = np.zeros(2)
        self._reach_px = reach_px
        self._reference: Floats | None = None
        self._base_px = np.zeros(2)

    def update(self, grey: Floats) -> None:
        """Find `shift_px` (x, y) of this picture; where it cannot be found the last one stands and a new reference is taken."""
        scale = self.WIDTH_PX / grey.shape[1]
        resized = cv2.resize(grey, (self.WIDTH_PX, max(8, round(grey.shape[0] * scale))), interpolation=cv2.INTER_AREA)
        small = np.minimum(edges(np.asarray(resized, np.float32)), np.float32(self.STEEPEST))
        if self._reference is None or self._reference.shape != small.shape:
            self._renew(small)
            return
        window = cv2.createHanningWindow((small.shape[1], small.shape[0]), cv2.CV_32F)
        spectrum = np.fft.rfft2(small * window) * np.conj(np.fft.rfft2(self._reference * window))
        surface = np.fft.fftshift(np.fft.irfft2(spectrum / np.maximum(np.abs(spectrum), 1e-9), s=small.shape))
        surface = np.asarray(cv2.GaussianBlur(surface, (0, 0), 1.0), np.float64)
        middle = np.array([small.shape[1] // 2, small.shape[0] // 2])
        peak = self._peak(surface, middle + (self.shift_px - self._base_px) * scale, max(1.5, self._reach_px * scale))
        if peak is None:
            self._renew(small)
        else:
            self.shift_px = self._base_px + (peak - middle) / scale

    def _peak(self, surface: Doubles, expected: Doubles, reach: float) -> Doubles | None:
        """The highest point within `reach` of `expected`, (x, y), refined on its neighbours; None where nothing stands out."""
        rows, columns = np.indices(surface.shape)
        near = np.hypot(columns - expected[0], rows - expected[1]) <= reach
        if not near.any():
            return None
        flat = int(np.argmax(np.where(near, surface, -np.inf)))
        row, column = divmod(flat, surface.shape[1])
        spread = float(surface.std())
        if spread <= 0 or surface[row, column] < self.MIN_PEAK_SIGMAS * spread:
            return None
        row, column = min(max(row, 1), surface.shape[0] - 2), min(max(column, 1), surface.shape[1] - 2)
        return np.array([column + _vertex(surface[row, column - 1 : column + 2]), row + _vertex(surface[row - 1 : row + 2, column])])

    def _renew(self, small: Floats) -> None:
        self._reference, self._base_px = np.asarray(np.round(small * 15) / 15, np.float32), self.shift_px.copy()

    def state(self) -> State:
        """The reference as base64 of its 8-bit pixels: about 30 kB."""
        reference = None
        if self._reference is not None:
            pixels = np.round(self._reference * 15).clip(0, 255).astype(np.uint8)
            reference = {"height_px": pixels.shape[0], "pixels": base64.b64encode(pixels.tobytes()).decode("ascii")}
        return {"shift_px": self.shift_px.tolist(), "base_px": self._base_px.tolist(), "reference": reference}

    def restore(self, state: State) -> None:
        self.shift_px, self._base_px = np.array(state["shift_px"]), np.array(state["base_px"])
        saved = state["reference"]
        self._reference = None
        if saved is not None:
            pixels = np.frombuffer(base64.b64decode(saved["pixels"]), np.uint8).reshape(saved["height_px"], self.WIDTH_PX)
            self._reference = np.asarray(pixels / 15, np.float32)


def _vertex(three: Doubles) -> float:
    """Where the parabola through three neighbours has its top, from the middle one, -0.5 to 0.5."""
    bend = float(three[0] - 2 * three[1] + three[2])
    return float(np.clip((three[0] - three[2]) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0
