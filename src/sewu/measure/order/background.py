"""Two backgrounds per pixel: what has long been there, and what has lately come to rest."""

from __future__ import annotations

import math

import cv2
import numpy as np

from sewu.base.greys import median, pack_grey, unpack_grey
from sewu.base.interfaces import State
from sewu.base.records import Bools, Floats, Image

MIN_STEP = 14.0
"""Grey levels by which a pixel must differ to be another thing."""
TAU_S = 20.0
DECAY = 3.0
"""A value not seen loses its age this much faster than it gained it, so a passer-by does not erase it."""
FLOOD_SHARE = 0.3
"""When this share of the picture comes to rest differently at once, the light or the view changed, not the scene."""


class Background:
    """Long-term and short-term background after Porikli, Ivanov and Haga (2008), with ages in seconds instead of learning rates.

    Per pixel: `long`, seen for `long_age_s`, and a candidate `short`, seen for `short_age_s`. A candidate that
    differs from `long` and is older than `rest_s` is at rest. Ages are honest at 25 looks a second and at one look
    in two seconds; mixture rates are not. A candidate older than `long` (or `absorb_s`) replaces it, except under
    `protected` pixels, which belong to objects being watched.
    """

    def __init__(self, rest_s: float, learn_s: float, absorb_s: float) -> None:
        self._rest_s, self._learn_s, self._absorb_s = rest_s, learn_s, absorb_s
        self.long: Floats | None = None
        self._restored_age_s = 0.0
        self.now: Floats = np.zeros((0, 0), np.float32)

    def _begin(self, grey: Floats) -> None:
        if self.long is None or self.long.shape != grey.shape:
            self.long, self._restored_age_s = grey.copy(), 0.0
        self.long_age_s: Floats = np.full(grey.shape, self._restored_age_s, np.float32)
        self.short: Floats = grey.copy()
        self.short_age_s: Floats = np.zeros(grey.shape, np.float32)
        self.step = MIN_STEP

    def update(self, picture: Image, passed_s: float, protected: Bools) -> Bools:
        """Take a grey picture (h, w), `passed_s` after the last. Returns which pixels are at rest and new. (h, w)"""
        grey = np.asarray(cv2.GaussianBlur(picture, (3, 3), 0), np.float32)
        if self.now.shape != grey.shape:
            self._begin(grey)
            self.now, self.is_long = grey, np.ones(grey.shape, np.bool_)
            return np.zeros(grey.shape, np.bool_)
        assert self.long is not None
        credit_s = min(passed_s, self._rest_s / 2)  # at least three looks make something rest
        noise = 1.48 * median(np.abs(grey[::7, ::7] - self.now[::7, ::7]))
        self.step = max(MIN_STEP, min(4.0 * noise, 40.0))
        self._follow_exposure(grey)
        self.now = grey
        self.is_long = np.asarray(cv2.absdiff(grey, self.long) < self.step, np.bool_)
        weight = 1.0 - math.exp(-passed_s / TAU_S)
        cv2.accumulateWeighted(grey, self.long, min(weight, 0.2), mask=self.is_long.view(np.uint8))
        self.long_age_s += self.is_long * np.float32(credit_s)
        np.minimum(self.long_age_s, self._absorb_s, out=self.long_age_s)
        self._age_short(grey, credit_s)
        return self._at_rest(protected)

    def _follow_exposure(self, grey: Floats) -> None:
        """Scale both backgrounds with the camera's gain, as told by the median of the ratio over the whole picture."""
        assert self.long is not None
        ratio = median((grey[::7, ::7] + 8.0) / (self.long[::7, ::7] + 8.0))
        if abs(ratio - 1.0) > 0.04:
            for plane in (self.long, self.short):
                plane += 8.0
                plane *= np.float32(ratio)
                plane -= 8.0

    def _age_short(self, grey: Floats, credit_s: float) -> None:
        same = cv2.absdiff(grey, self.short) < self.step
        cv2.accumulateWeighted(grey, self.short, 0.1, mask=same.view(np.uint8))
        self.short_age_s += same * np.float32((1 + DECAY) * credit_s)
        self.short_age_s -= np.float32(DECAY * credit_s)
        worn = self.short_age_s < 0
        np.copyto(self.short, grey, where=worn)
        np.clip(self.short_age_s, 0.0, self._absorb_s, out=self.short_age_s)
        self._visible = same

    def _at_rest(self, protected: Bools) -> Bools:
        assert self.long is not None
        new = cv2.absdiff(self.short, self.long) > self.step
        new &= self.short_age_s >= self._rest_s
        older = new & (self.short_age_s >= self.long_age_s) & ~protected
        if np.count_nonzero(new) > FLOOD_SHARE * new.size:
            older = new & ~protected
        self.forget(older)
        rest = new & self._visible & ~older
        rest &= self.long_age_s >= self._learn_s
        return np.asarray(rest, np.bool_)

    def forget(self, where: Bools) -> None:
        """Take what now rests there as having always been there."""
        assert self.long is not None
        np.copyto(self.long, self.short, where=where)
        np.copyto(self.long_age_s, np.maximum(self.long_age_s, self.short_age_s), where=where)
        self.is_long |= where

    def state(self) -> State:
        """The long-term picture (about 60 kB of text at 320 px); the rest is learned again within seconds."""
        if self.now.size == 0 or self.long is None:
            return {"long": None, "age_s": 0.0}
        long = np.clip(np.rint(self.long), 0, 255).astype(np.uint8)
        return {"long": pack_grey(long), "age_s": float(np.median(self.long_age_s))}

    def restore(self, state: State) -> None:
        self.long = None if state["long"] is None else unpack_grey(state["long"]).astype(np.float32)
        self._restored_age_s = float(state["age_s"])
        self.now = np.zeros((0, 0), np.float32)
