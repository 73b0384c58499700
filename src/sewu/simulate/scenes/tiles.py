"""Which parts of a picture may differ from what stands still: only those are drawn again, and those that differed before."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from sewu.base.records import Bools, Doubles, Floats

TILE_PX = 32
PAD_PX = 10.0
"""Shadows are blurred, and pixels are softened by their neighbours."""
NEAR_M = 0.6


class Drawn(Protocol):
    """`Moving` of the renderer."""

    @property
    def vertices(self) -> Floats: ...

    @property
    def beams(self) -> Floats: ...


def touched(moving: Drawn, matrix: Doubles, sun: tuple[float, float, float], size_px: tuple[int, int]) -> Bools:
    """Grid (rows, columns) of tiles, from the top, that what moves, its shadows and its headlights may reach.

    Args:
        matrix: the camera's, 3 x 4.
        sun: towards the sun.
    """
    width, height = size_px
    grid = np.zeros((-(-height // TILE_PX), -(-width // TILE_PX)), np.bool_)
    solids = _solids(moving.vertices, sun)
    lights = moving.beams[:, :3].reshape(-1, 6, 3)
    for points in (solids, lights):
        if not len(points):
            continue
        at = points.astype(np.float64) @ matrix[:, :3].T + matrix[:, 3]
        for x0, y0, x1, y1 in _boxes(at):
            if x1 > -PAD_PX and y1 > -PAD_PX and x0 < width + PAD_PX and y0 < height + PAD_PX:
                low_x, low_y = max(0, int((x0 - PAD_PX) // TILE_PX)), max(0, int((y0 - PAD_PX) // TILE_PX))
                grid[low_y : int((min(y1, height) + PAD_PX) // TILE_PX) + 1, low_x : int((min(x1, width) + PAD_PX) // TILE_PX) + 1] = True
    return grid


def _solids(vertices: Floats, sun: tuple[float, float, float]) -> Floats:
    """Per thing the corners of an upright box around it, down to its floor, and of the shadow of the box: (k, 12, 3), metres."""
    if not len(vertices):
        return np.zeros((0, 12, 3), np.float32)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(vertices[:, 11])) + 1])
    at = np.ascontiguousarray(vertices[:, :3])
    low, high = np.minimum.reduceat(at, starts), np.maximum.reduceat(at, starts)
    floor = vertices[starts, 10]
    low[:, 2] = np.minimum(low[:, 2], floor)
    pick = np.asarray([[i, j, k] for k in (0, 1) for i in (0, 1) for j in (0, 1)])
    corners = np.where(pick[None] == 0, low[:, None], high[:, None])
    shadow = corners[:, 4:].copy()
    above = np.maximum(shadow[:, :, 2] - floor[:, None], 0)
    shadow[:, :, :2] -= above[:, :, None] * np.asarray(sun[:2], np.float32) / max(sun[2], 0.2)
    shadow[:, :, 2] = floor[:, None]
    return np.concatenate([corners, shadow], axis=1).astype(np.float32)


def _boxes(at: Doubles) -> list[tuple[float, float, float, float]]:
    """Around each group of projected points (k, n, 3), px; of what is behind the camera only the part before it."""
    front = at[:, :, 2] > NEAR_M
    found = []
    whole = at[front.all(axis=1)]
    if len(whole):
        xy = whole[:, :, :2] / whole[:, :, 2:]
        found += [(*low, *high) for low, high in zip(xy.min(axis=1).tolist(), xy.max(axis=1).tolist(), strict=True)]
    for points, ahead in zip(at, front, strict=True):
        if ahead.any() and not ahead.all():
            near, far = points[~ahead][:, None], points[ahead][None]
            share = (NEAR_M - near[:, :, 2:]) / (far[:, :, 2:] - near[:, :, 2:])
            every = np.concatenate([(near + (far - near) * share).reshape(-1, 3), points[ahead]])
            xy = every[:, :2] / every[:, 2:]
            found.append((*xy.min(axis=0).tolist(), *xy.max(axis=0).tolist()))
    return found


def quads(grid: Bools, size_px: tuple[int, int]) -> Any:
    """Triangles that cover the tiles: float32 (n, 2), from (0, 0) at the lower left to (1, 1)."""
    padded = np.pad(grid, ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    ends = np.nonzero(change == -1)[1]
    x0, x1 = np.minimum(np.stack([starts, ends]) * TILE_PX, size_px[0]) / size_px[0]
    y0, y1 = 1 - np.minimum(np.stack([rows + 1, rows]) * TILE_PX, size_px[1]) / size_px[1]
    corners = np.stack([x0, y0, x1, y0, x1, y1, x0, y0, x1, y1, x0, y1], axis=1)
    return corners.astype(np.float32).reshape(-1, 2)
