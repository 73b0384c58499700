"""How sharp a picture is, compared with the same camera's past at similar light."""

from __future__ import annotations

import math

import cv2
import numpy as np

from sewu.base.greys import median
from sewu.base.interfaces import State
from sewu.base.records import Bools, Floats, Image
from sewu.measure.health.likeness import BLOCKS, MARGIN, blocks

LIGHT_LEVELS = 6
LEARN_S = 5.0
LEARN_LOOKS = 5
TAU_S = 600.0
MIN_BLOCKS = 4


def sharpness(grey: Image) -> Floats:
    """Fine detail relative to coarse detail, as a logarithm, per block. uint8 (h, w), about 320 px wide -> float32 (rows, columns).

    Mean second difference over the mean gradient of the half-size picture. A ratio, because fog, dusk and
    auto-exposure scale both; only defocus, dirt and heavy compression take the fine part alone.
    """
    cut = max(1, round(grey.shape[0] * MARGIN))
    core = grey[cut : grey.shape[0] - cut]
    fine = cv2.convertScaleAbs(cv2.Laplacian(core, cv2.CV_16S))
    half = cv2.resize(core, (max(core.shape[1] // 2, 1), max(core.shape[0] // 2, 1)), interpolation=cv2.INTER_AREA)
    coarse = cv2.add(cv2.convertScaleAbs(cv2.Sobel(half, cv2.CV_16S, 1, 0)), cv2.convertScaleAbs(cv2.Sobel(half, cv2.CV_16S, 0, 1)))
    means = [blocks(plane.astype(np.float32)) for plane in (fine, coarse)]
    return np.asarray(np.log((means[0] + 0.1) / (means[1] + 1.0)), np.float32)


class Sharpness:
    """Keeps the usual sharpness per block and level of light, and says how the present compares.

    Cameras differ tenfold and the same camera differs between noon and night, so there is no absolute threshold.
    Only blocks that show what they always show are compared: a car's smooth side is not a blurred lens.
    """

    def __init__(self) -> None:
        shape = (LIGHT_LEVELS, BLOCKS[1], BLOCKS[0])
        self._usual: Floats = np.zeros(shape, np.float32)
        self._seen_s: Floats = np.zeros(shape, np.float32)
        self._looks: Floats = np.zeros(shape, np.float32)

    def ratio(self, now: Floats, agrees: Bools, light: float) -> float | None:
        """Present over usual sharpness, the median of the blocks that agree; None while too little is known.

        Args:
            now: what `sharpness` gave. agrees: bool (rows, columns). light: mean grey level, 0 to 255.
        """
        at = _level(light)
        # The light may lie between two levels: a neighbour's usual serves until this level is known.
        for near in (at, at - 1, at + 1):
            if 0 <= near < LIGHT_LEVELS:
                known = agrees & (self._seen_s[near] >= LEARN_S) & (self._looks[near] >= LEARN_LOOKS)
                if np.count_nonzero(known) >= MIN_BLOCKS:
                    return math.exp(median((now - self._usual[near])[known]))
        return None

    def learn(self, now: Floats, agrees: Bools, light: float, passed_s: float) -> None:
        """Take a healthy look into account, `passed_s` after the last one."""
        at = _level(light)
        usual, seen_s, looks = self._usual[at], self._seen_s[at], self._looks[at]
        seen_s[agrees] = np.minimum(seen_s[agrees] + passed_s, TAU_S)
        looks[agrees] = np.minimum(looks[agrees] + 1, LEARN_LOOKS)
        # A running mean that becomes a slow exponential one; the first looks weigh as one among those had.
        weight = np.maximum(passed_s / np.maximum(seen_s, max(passed_s, 1e-3)), np.where(looks < LEARN_LOOKS, 1 / np.maximum(looks, 1), 0))
        usual[agrees] += (weight * (now - usual))[agrees]

    def state(self) -> State:
        return {name: getattr(self, f"_{name}").ravel().round(4).tolist() for name in ("usual", "seen_s", "looks")}

    def restore(self, state: State) -> None:
        for name in ("usual", "seen_s", "looks"):
            setattr(self, f"_{name}", np.asarray(state[name], np.float32).reshape(self._usual.shape))


def _level(light: float) -> int:
    return int(np.clip(light / 256 * LIGHT_LEVELS, 0, LIGHT_LEVELS - 1))
