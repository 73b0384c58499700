"""Occupied or empty from the picture alone, for views in which no detector finds cars (straight down, far away).

A car has edges: windows, bonnet, its own outline. Asphalt has few. What counts as few is taken from the same picture:
from the gap between the two kinds of bays where there are two kinds, otherwise from the ground beside the bays.
In doubt a bay is compared with how it looked when it was empty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from sewu.base.interfaces import State
from sewu.base.records import Bools, Doubles, Floats, Image
from sewu.base.texture import Drift, edges, grey_of, mask_of, split_of

CORE = 0.7
"""The middle of the bay, this share of each side: without its painted lines and what leans over from the next bay."""
MIN_BAYS, MIN_SPLIT, MIN_RATIO = 6, 0.8, 1.8
"""Two kinds of bays: at least so many, parted better than an even spread (0.75) is, the kinds at least this factor apart."""
GROUND_FACTOR = 4.0
"""Without two kinds: a bay is occupied if it is this much busier than the ground beside the bays (cracks, stains and lines are less)."""
DOUBT = math.log(1.3)
"""Nearer than this to the threshold a bay is in doubt."""
REACH = 0.4
"""How far the picture may move between two looks, in short sides of the smallest bay: less than half a bay, so that none is mistaken."""
THUMB = (12, 6)
DIFFERENT_GREY = 12.0
"""Mean difference from the empty look, in grey levels (5 % of the range), after the change of light is taken out."""
MIN_VISIBLE = 0.5
LEARN = 0.1
GROUND_MARGIN_PX = 4
GROUND_PIXELS = 20_000
"""So many pixels, spread evenly, stand for the ground."""


class BayLooks:
    """Reads a set of bays, corners in pixels of the scene as it was drawn."""

    def __init__(self, corners_px: Sequence[Doubles], size_px: tuple[int, int]) -> None:
        self._size_px = size_px
        masks = [mask_of((bay - bay.mean(axis=0)) * CORE + bay.mean(axis=0), size_px) for bay in corners_px]
        self._cores = [np.argwhere(mask) for mask in masks]
        ground = np.ones((size_px[1], size_px[0]), np.bool_)
        for bay in corners_px:
            ground &= ~mask_of(bay, size_px)
        kernel = np.ones((2 * GROUND_MARGIN_PX + 1,) * 2, np.uint8)
        beside = np.argwhere(cv2.erode(ground.astype(np.uint8), kernel))
        self._ground = beside[:: max(1, len(beside) // GROUND_PIXELS)]
        self._drift = Drift(REACH * min(float(np.ptp(bay, axis=0).min()) for bay in corners_px))
        self._threshold: float | None = None
        """Log of the threshold's edge density relative to the ground's, learnt while both kinds of bays were there."""
        self._empty: dict[int, list[int]] = {}

    @property
    def shift_px(self) -> Doubles:
        """How far the picture has moved since it was first seen, x and y."""
        return self._drift.shift_px

    def read(self, image: Image, hidden: Sequence[Sequence[tuple[float, float, float, float]]]) -> list[bool | None]:
        """Which bays are occupied; None where it cannot be told. `hidden`: per bay, boxes of vehicles known to be elsewhere."""
        grey = grey_of(image)
        self._drift.update(grey)
        steep = edges(grey)
        densities = np.array([self._density(steep, bay, hidden[bay]) for bay in range(len(self._cores))])
        ground = max(0.05, float(np.median(steep[self._ground[:, 0], self._ground[:, 1]]))) if len(self._ground) else 1.0
        known = np.isfinite(densities)
        logs = np.full(len(densities), np.nan)
        logs[known] = np.log(np.maximum(densities[known], 0.05))
        threshold = self._learn(logs[known], math.log(ground))
        return [self._verdict(grey, bay, logs[bay] - threshold) if known[bay] else None for bay in range(len(logs))]

    def _learn(self, logs: Doubles, ground: float) -> float:
        """The threshold of this picture, as a log of edge density."""
        at, quality = split_of(logs)
        low, high = logs[logs < at], logs[logs >= at]
        two_kinds = len(logs) >= MIN_BAYS and quality >= MIN_SPLIT and len(low) > 0
        if two_kinds and high.mean() - low.mean() >= math.log(MIN_RATIO):
            relative = at - ground
            self._threshold = relative if self._threshold is None else (1 - LEARN) * self._threshold + LEARN * relative
        return ground + (math.log(GROUND_FACTOR) if self._threshold is None else self._threshold)

    def _verdict(self, grey: Floats, bay: int, above: float) -> bool:
        thumb = self._thumb(grey, bay)
        empty = self._empty.get(bay)
        if above < -DOUBT:
            before = thumb if empty is None else np.asarray(empty, np.float64)
            self._empty[bay] = [round(v) for v in (1 - LEARN) * before + LEARN * thumb]
            return False
        if above > DOUBT or empty is None:
            return bool(above > 0)
        change = thumb - np.asarray(empty, np.float64)
        return float(np.abs(change - np.median(change)).mean()) > DIFFERENT_GREY

    def _pixels(self, bay: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = np.round(self._drift.shift_px).astype(int)
        rows, columns = self._cores[bay][:, 0] + y, self._cores[bay][:, 1] + x
        inside = (rows >= 0) & (rows < self._size_px[1]) & (columns >= 0) & (columns < self._size_px[0])
        return rows[inside], columns[inside]

    def _density(self, steep: Floats, bay: int, hidden: Sequence[tuple[float, float, float, float]]) -> float:
        """Mean steepness of what is visible of a bay; NaN where too little is."""
        rows, columns = self._pixels(bay)
        visible: Bools = np.ones(len(rows), np.bool_)
        for x0, y0, x1, y1 in hidden:
            visible &= ~((columns >= x0) & (columns <= x1) & (rows >= y0) & (rows <= y1))
        if visible.sum() < max(1.0, MIN_VISIBLE * len(self._cores[bay])):
            return math.nan
        return float(steep[rows[visible], columns[visible]].mean())

    def _thumb(self, grey: Floats, bay: int) -> Doubles:
        rows, columns = self._pixels(bay)
        patch = grey[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        return np.asarray(cv2.resize(patch, THUMB, interpolation=cv2.INTER_AREA), np.float64).ravel()

    def state(self) -> State:
        return {
            "drift": self._drift.state(),
            "threshold": self._threshold,
            "empty": [[bay, list(thumb)] for bay, thumb in self._empty.items()],
        }

    def restore(self, state: State) -> None:
        self._drift.restore(state["drift"])
        self._threshold = state["threshold"]
        self._empty = {bay: list(thumb) for bay, thumb in state["empty"] if bay < len(self._cores)}
