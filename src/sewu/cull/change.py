"""Glance: what changed since the last look, tile by tile, on a small grey picture.

If nothing changed since the picture that was last looked at, what was found on it still stands, and nothing needs
to be detected again. So the reference is the last look, not a long-term background. The gate only ever saves the
repetition of a look: a whole look is still made every `look_interval_s`, and a tile is trusted less, never ignored,
when looks keep finding nothing where it cried change (leaves, water, a flickering lamp).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sewu.base.interfaces import State
from sewu.base.records import Bools, Doubles, Image

GRID = (16, 9)
"""Tiles across and down."""
TILE_PX = 10
SMALL_PX = (GRID[0] * TILE_PX, GRID[1] * TILE_PX)
"""Width and height of the grey picture that glances are made on."""
LEVEL_STEP = 14.0
"""Grey levels a pixel must differ by, in a picture of full contrast."""
TILE_SHARE = 0.05
"""Share of a tile's pixels that must differ: a person 12 px wide and 30 px tall in 640 x 360 covers 0.2 of one."""
MAX_DISTRUST = 4.0
SUDDEN_LIGHT = 0.35
"""Share of tiles that change at once when the light or the view did, not the objects."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Change:
    """What a glance saw.

    tiles: bool (9, 16), True where the picture differs from the last look. share: of the tiles.
    everywhere: the light or the view changed, so that only a whole look makes sense.
    """

    tiles: Bools
    share: float
    everywhere: bool


def small_grey(image: Image) -> Grey:
    """The picture glances are made on: grey, 160 x 90, area-averaged. (H, W, 3) or (H, W) -> (90, 160)."""
    small = cv2.resize(image, SMALL_PX, interpolation=cv2.INTER_AREA)
    return np.asarray(small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


class Glance:
    """Change detection of one camera; state is one small picture and one number per tile."""

    def __init__(self) -> None:
        self._reference: Grey | None = None
        self._distrust: Doubles = np.ones((GRID[1], GRID[0]))
        self._everything = Change(np.ones((GRID[1], GRID[0]), np.bool_), 1.0, True)

    def compare(self, grey: Grey) -> Change:
        """Compare with the last look; everything is new before the first one."""
        if self._reference is None:
            return self._everything
        gain, offset = _light(self._reference, grey)
        adjusted = cv2.convertScaleAbs(self._reference, alpha=gain, beta=offset)
        differs = (cv2.absdiff(grey, adjusted) > _step(grey)).astype(np.float32)
        shares = cv2.resize(differs, GRID, interpolation=cv2.INTER_AREA)
        tiles = np.asarray(shares > TILE_SHARE * self._distrust, np.bool_)
        share = float(tiles.mean())
        return Change(tiles, share, share > SUDDEN_LIGHT)

    def looked(self, grey: Grey, looked_at: Bools, occupied: Bools) -> None:
        """A look was made at the tiles `looked_at`; `occupied` are those that objects were found on.

        A tile that changed but held nothing is trusted less next time (up to four times the share is then
        asked of it), one that held something is trusted fully again.
        """
        if self._reference is None:
            self._reference = grey.copy()
            return
        futile = looked_at & ~_grown(occupied)
        self._distrust[futile] = np.minimum(self._distrust[futile] * 1.15, MAX_DISTRUST)
        self._distrust[occupied] = 1.0
        mask = np.repeat(np.repeat(looked_at, TILE_PX, axis=0), TILE_PX, axis=1)
        self._reference = np.where(mask, grey, self._reference).astype(np.uint8)

    def state(self) -> State:
        """How far each tile is trusted. The reference is not kept: after a restart everything is looked at once."""
        return {"distrust": self._distrust.round(3).tolist()}

    def restore(self, state: State) -> None:
        """Take up what was learned about the tiles."""
        saved = np.asarray(state["distrust"], np.float64)
        if saved.shape == self._distrust.shape:
            self._distrust = np.clip(saved, 1.0, MAX_DISTRUST)


def tiles_of(boxes_px: NDArray[np.floating], size_px: tuple[int, int]) -> Bools:
    """The tiles that boxes of a picture of `size_px` touch. (n, 4) -> (9, 16)."""
    tiles = np.zeros((GRID[1], GRID[0]), np.bool_)
    scale = np.array([GRID[0] / size_px[0], GRID[1] / size_px[1]] * 2)
    for x0, y0, x1, y1 in np.asarray(boxes_px, np.float64) * scale:
        tiles[max(0, int(y0)) : int(np.ceil(y1)), max(0, int(x0)) : int(np.ceil(x1))] = True
    return tiles


def _light(reference: Grey, grey: Grey) -> tuple[float, float]:
    """Gain and offset that bring the reference to the light of now, from the middle half of the grey levels."""
    low_a, high_a = np.percentile(reference[::3, ::3], (25, 75))
    low_b, high_b = np.percentile(grey[::3, ::3], (25, 75))
    gain = float(np.clip((high_b - low_b) / max(high_a - low_a, 8.0), 0.7, 1.4)) if high_a - low_a > 8 else 1.0
    return gain, float(low_b + high_b - gain * (low_a + high_a)) / 2


def _step(grey: Grey) -> float:
    """Fewer grey levels count as a difference in a dim or hazy picture, but never so few that noise does."""
    return float(np.clip(LEVEL_STEP * float(grey[::3, ::3].std()) / 45.0, 8.0, LEVEL_STEP))


def _grown(tiles: Bools) -> Bools:
    grown = cv2.dilate(tiles.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(grown > 0, np.bool_)
