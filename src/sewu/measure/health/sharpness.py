"""How sharp a picture is, compared with the same camera's past at similar light."""

from __future__ import annotations

import math

import cv2
import numpy as np

from sewu.base.interfaces import State
from sewu.base.records import Image

LIGHT_BINS = 6
LEARN_S = 5.0
LEARN_LOOKS = 5
TAU_S = 600.0


def sharpness(grey: Image) -> float:
    """Fine detail relative to coarse detail, without unit. uint8 (h, w), about 320 px wide.

    Mean second difference over the mean gradient of the half-size picture. A ratio, because fog, dusk and
    auto-exposure scale both; only defocus, dirt and heavy compression take the fine part alone.
    """
    core = grey[grey.shape[0] // 16 : grey.shape[0] - grey.shape[0] // 16]
    fine = cv2.Laplacian(core, cv2.CV_16S)
    half = cv2.resize(core, (core.shape[1] // 2, core.shape[0] // 2), interpolation=cv2.INTER_AREA)
    coarse = cv2.norm(cv2.Sobel(half, cv2.CV_16S, 1, 0), cv2.NORM_L1) + cv2.norm(cv2.Sobel(half, cv2.CV_16S, 0, 1), cv2.NORM_L1)
    return float(cv2.norm(fine, cv2.NORM_L1) / (4 * coarse + half.size))


class Sharpness:
    """Keeps the usual sharpness per level of light and says how the present compares.

    Cameras differ tenfold and the same camera differs between noon and night, so there is no absolute threshold.
    """

    def __init__(self) -> None:
        self._usual_log = [0.0] * LIGHT_BINS
        self._seen_s = [0.0] * LIGHT_BINS
        self._looks = [0] * LIGHT_BINS

    def ratio(self, value: float, light: float) -> float | None:
        """Present over usual sharpness at this mean grey level (0 to 255); None while the usual is not known."""
        at = _bin(light)
        if self._seen_s[at] < LEARN_S or self._looks[at] < LEARN_LOOKS:
            return None
        return math.exp(math.log(max(value, 1e-6)) - self._usual_log[at])

    def learn(self, value: float, light: float, passed_s: float) -> None:
        """Take a healthy look into account, `passed_s` after the last one."""
        at = _bin(light)
        self._seen_s[at] = min(self._seen_s[at] + passed_s, TAU_S)
        self._looks[at] = min(self._looks[at] + 1, LEARN_LOOKS)
        weight = 1.0 if self._looks[at] == 1 else max(passed_s, 1e-3) / max(self._seen_s[at], passed_s, 1e-3)
        self._usual_log[at] += min(weight, 0.5 if self._looks[at] > 1 else 1.0) * (math.log(max(value, 1e-6)) - self._usual_log[at])

    def state(self) -> State:
        return {"usual_log": list(self._usual_log), "seen_s": list(self._seen_s), "looks": list(self._looks)}

    def restore(self, state: State) -> None:
        self._usual_log = [float(v) for v in state["usual_log"]]
        self._seen_s = [float(v) for v in state["seen_s"]]
        self._looks = [int(v) for v in state["looks"]]


def _bin(light: float) -> int:
    return int(np.clip(light / 256 * LIGHT_BINS, 0, LIGHT_BINS - 1))
