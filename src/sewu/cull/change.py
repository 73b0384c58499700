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
from sewu.base.records import Bools, Doubles, Floats, Image

GRID = (16, 9)
"""Tiles across and down."""
TILE_PX = 10
SMALL_PX = (GRID[0] * TILE_PX, GRID[1] * TILE_PX)
"""Width and height of the grey picture that glances are made on."""
LEVEL_STEP = 14.0
"""Grey levels a pixel must differ by, in a picture of full contrast."""
TILE_SHARE = 0.05
"""Share of a tile's pixels that must differ: a person 12 px wide and 30 px tall in 640 x 360 covers 0.2 of one."""
MAX_DISTRUST = 3.0
WEAK = 0.4
"""Beside a tile that surely changed, so much of the share will do: the rest of the same object."""
NOISE_STEPS, NOISE_STEP, MAX_NOISE = 4.0, 0.1, 6.0
"""A pixel must differ by so many times its tile's own noise; how fast the noise is learned; its bound, in grey levels."""
MAX_STEP_FACTOR = 1.7
"""However noisy a tile is, it is asked for no more than this many times the usual step."""
LIGHT_ROUNDS, FLAT = 4, 16.0
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
    """Change detection of one camera; state is one small picture and two numbers per tile."""

    def __init__(self) -> None:
        self._reference: Grey | None = None
        self._distrust: Doubles = np.ones((GRID[1], GRID[0]))
        self._noise: Floats = np.ones((GRID[1], GRID[0]), np.float32)
        self._glanced: tuple[Grey, Grey] | None = None
        self._everything = Change(np.ones((GRID[1], GRID[0]), np.bool_), 1.0, True)

    def compare(self, grey: Grey) -> Change:
        """Compare with the last look; everything is new before the first one.

        Where nothing changed, the reference is moved one grey level a glance towards the picture, so that dusk
        does not add up to a change; what differs by more than noise is never absorbed.
        """
        if self._reference is None:
            return self._everything
        difference = self._difference(self._reference, grey)
        self._glanced = (grey, difference)
        step = np.clip(self._noise * NOISE_STEPS, 1.0, MAX_STEP_FACTOR * _step(grey)).clip(_step(grey))
        differs = difference > np.repeat(np.repeat(step, TILE_PX, axis=0), TILE_PX, axis=1)
        shares = cv2.resize(differs.astype(np.float32), GRID, interpolation=cv2.INTER_AREA)
        needed = TILE_SHARE * self._distrust
        sure = np.asarray(shares > needed, np.bool_)
        tiles = sure | (np.asarray(shares > WEAK * needed, np.bool_) & _grown(sure))
        self._learn_noise(difference, ~_grown(tiles))
        still = ~np.repeat(np.repeat(tiles, TILE_PX, axis=0), TILE_PX, axis=1) & ~differs
        nearer = self._reference + np.sign(grey.astype(np.int16) - self._reference).astype(np.int16)
        self._reference = np.where(still, nearer, self._reference).astype(np.uint8)
        share = float(tiles.mean())
        return Change(tiles, share, share > SUDDEN_LIGHT)

    def looked(self, grey: Grey, looked_at: Bools, occupied: Bools) -> None:
        """A look was made at the tiles `looked_at`; `occupied` are those that objects were found on.

        A tile that changed but held nothing is trusted less next time (up to three times the share is then
        asked of it), one that held something is trusted fully again.
        """
        if self._reference is None:
            self._reference = grey.copy()
            return
        futile = looked_at & ~_grown(occupied)
        self._distrust[futile] = np.minimum(self._distrust[futile] * 1.15, MAX_DISTRUST)
        self._distrust[occupied] = 1.0
        if self._glanced is not None and self._glanced[0] is grey:
            self._learn_noise(self._glanced[1], futile)
        self._glanced = None
        mask = np.repeat(np.repeat(looked_at, TILE_PX, axis=0), TILE_PX, axis=1)
        self._reference = np.where(mask, grey, self._reference).astype(np.uint8)

    def _difference(self, reference: Grey, grey: Grey) -> Grey:
        """Grey levels by which each pixel differs, in the light of now. (90, 160)."""
        gain, offset = _light(reference, grey)
        table = np.clip(np.rint(gain * np.arange(256) + offset), 0, 255).astype(np.uint8)
        return np.asarray(cv2.absdiff(grey, cv2.LUT(reference, table)), np.uint8)

    def _learn_noise(self, difference: Grey, where: Bools) -> None:
        """Running median of each tile's mean difference: a step up or down a time, so that no single glance weighs much."""
        mean = cv2.resize(difference.astype(np.float32), GRID, interpolation=cv2.INTER_AREA)
        stepped = self._noise + NOISE_STEP * np.sign(mean - self._noise)
        self._noise = np.where(where, np.clip(stepped, 0.5, MAX_NOISE), self._noise).astype(np.float32)

    def state(self) -> State:
        """How far each tile is trusted and how noisy it is. The reference is not kept: after a restart all is looked at once."""
        return {"distrust": self._distrust.round(3).tolist(), "noise": self._noise.round(2).tolist()}

    def restore(self, state: State) -> None:
        """Take up what was learned about the tiles; a state saved before noise was learned begins without it."""
        saved = np.asarray(state["distrust"], np.float64)
        if saved.shape == self._distrust.shape:
            self._distrust = np.clip(saved, 1.0, MAX_DISTRUST)
        noise = np.asarray(state.get("noise", self._noise), np.float32)
        if noise.shape == self._noise.shape:
            self._noise = np.clip(noise, 0.5, MAX_NOISE)


def tiles_of(boxes_px: NDArray[np.floating], size_px: tuple[int, int]) -> Bools:
    """The tiles that boxes of a picture of `size_px` touch. (n, 4) -> (9, 16)."""
    tiles = np.zeros((GRID[1], GRID[0]), np.bool_)
    scale = np.array([GRID[0] / size_px[0], GRID[1] / size_px[1]] * 2)
    for x0, y0, x1, y1 in np.asarray(boxes_px, np.float64) * scale:
        tiles[max(0, int(y0)) : int(np.ceil(y1)), max(0, int(x0)) : int(np.ceil(x1))] = True
    return tiles


def _light(reference: Grey, grey: Grey) -> tuple[float, float]:
    """Gain and offset that bring the reference to the light of now.

    A line through the tiles' mean levels, fitted to the half of the tiles that fits it best (least trimmed squares,
    Rousseeuw 1984): a bus that fills a third of the picture is no change of light.
    """
    before = cv2.resize(reference, GRID, interpolation=cv2.INTER_AREA).ravel().astype(np.float64)
    now = cv2.resize(grey, GRID, interpolation=cv2.INTER_AREA).ravel().astype(np.float64)
    gain, offset = 1.0, _middle(now - before)
    for _ in range(LIGHT_ROUNDS):
        errors = np.abs(now - gain * before - offset)
        kept = errors <= _middle(errors)
        x, y = before[kept], now[kept]
        spread = float(((x - x.mean()) ** 2).sum())
        # Tiles of nearly one level do not tell a gain.
        slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread > FLAT * len(x) else 1.0
        gain = float(np.clip(slope, 0.7, 1.4))
        offset = float(y.mean() - gain * x.mean())
    return gain, offset


def _middle(values: Doubles) -> float:
    """The upper median; NumPy's own takes ten times as long for 144 values."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])


def _step(grey: Grey) -> float:
    """Fewer grey levels count as a difference in a dim or hazy picture, but never so few that noise does."""
    return float(np.clip(LEVEL_STEP * float(grey[::3, ::3].std()) / 45.0, 8.0, LEVEL_STEP))


def _grown(tiles: Bools) -> Bools:
    grown = cv2.dilate(tiles.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(grown > 0, np.bool_)
