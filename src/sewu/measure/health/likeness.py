"""How alike two looks of one camera are, block by block, whatever the light and whoever passes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from sewu.base.records import Bools, Floats, Image

BLOCKS = (8, 5)
"""Columns and rows of blocks."""
MIN_ENERGY = 2.0
"""Mean squared gradient (grey levels per pixel, squared) below which a block shows nothing to compare."""
MIN_BLOCKS = 5
"""With fewer telling blocks nothing can be said about the view."""
AGREES = 0.4
"""Correlation of two gradient fields from which a block counts as the same: unrelated pictures give 0.0 +- 0.15."""
MARGIN = 1 / 16
"""Share of the height left out at the top and at the bottom, where cameras write names and clocks that survive any move."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Gradients of a small grey picture. gx, gy: float32 (h, w); energy: float32 (rows, columns) per block; grey likewise."""

    gx: Floats
    gy: Floats
    energy: Floats
    grey: Floats


@dataclass(frozen=True, slots=True)
class Likeness:
    """share: blocks of the reference that agree, 0 to 1. lost: blocks of the reference whose structure is gone, 0 to 1.

    layout: correlation of the block means (-1 to 1): whether bright and dark parts lie where they lay.
    agrees: bool (rows, columns), which blocks agree.
    """

    share: float
    lost: float
    layout: float
    agrees: Bools


def edges(grey: Image | Floats) -> Edges:
    """Gradients after a light blur (sensor noise, one-pixel shake). (h, w) -> Edges."""
    rows = grey.shape[0]
    cut = max(1, round(rows * MARGIN))
    core = np.asarray(cv2.GaussianBlur(np.asarray(grey[cut : rows - cut], np.float32), (3, 3), 0), np.float32)
    gx = np.asarray(cv2.Sobel(core, cv2.CV_32F, 1, 0, scale=0.125), np.float32)
    gy = np.asarray(cv2.Sobel(core, cv2.CV_32F, 0, 1, scale=0.125), np.float32)
    return Edges(gx, gy, blocks(gx * gx + gy * gy), blocks(core))


def compare(reference: Edges, now: Edges) -> Likeness | None:
    """Compare two looks; None when the reference shows too little to compare, or the sizes differ.

    Each block's score is the normalised correlation of the two gradient fields: independent of brightness
    and contrast, near 0 for unrelated structure. What moves spoils the blocks it covers, not the others;
    hence the share of blocks that agree, not the mean, decides.
    """
    if reference.gx.shape != now.gx.shape:
        return None
    used = reference.energy > MIN_ENERGY
    if np.count_nonzero(used) < MIN_BLOCKS:
        return None
    both = blocks(reference.gx * now.gx + reference.gy * now.gy)
    score = both / np.sqrt(reference.energy * now.energy + 0.25)
    a, b = reference.grey - reference.grey.mean(), now.grey - now.grey.mean()
    # A flat picture has no layout: the floor of 4 grey levels of spread keeps noise from looking like one.
    layout = float((a * b).mean() / max(float(np.sqrt((a * a).mean() * (b * b).mean())), 16.0))
    lost = now.energy[used] < np.maximum(0.15 * reference.energy[used], 0.5 * MIN_ENERGY)
    agrees = used & (score > AGREES)
    return Likeness(float(agrees[used].mean()), float(lost.mean()), layout, agrees)


def blocks(values: Floats) -> Floats:
    """The mean of each block. (h, w) -> (rows, columns). Two small matrix products: a quarter of what resizing by area costs."""
    down, across = _shares(values.shape[0], BLOCKS[1]), _shares(values.shape[1], BLOCKS[0])
    return np.asarray(down @ values @ across.T, np.float32)


@lru_cache(maxsize=64)
def _shares(length: int, parts: int) -> Floats:
    """How much each of `length` pixels counts in each of `parts` equal stretches; rows add up to 1. (parts, length)"""
    edges = np.linspace(0.0, length, parts + 1)
    low, high = np.maximum(edges[:-1, None], np.arange(length)), np.minimum(edges[1:, None], np.arange(length) + 1)
    return np.asarray(np.maximum(high - low, 0.0) * parts / length, np.float32)
