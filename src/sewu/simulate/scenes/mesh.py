"""Triangles with colour and material, and the few shapes that scenes are made of. Metres, z up, x forward, y left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewu.base.records import Floats

Ints = NDArray[np.int32]
Colour = tuple[float, float, float]

MATTE, PAINT, GLASS, LIGHT, ASPHALT, PAVING, PLASTER, FOLIAGE, ROOF, SHUTTER, GRASS, MARKING = range(12)
"""What a surface is made of; the shaders know them by number."""


_COLUMNS = ("at_m", "normal", "rgb", "material", "part", "thing")
MIN_AREA_M2 = 1e-7


@dataclass(frozen=True, slots=True)
class Mesh:
    """at_m, normal, rgb: float32 (n, 3), rgb 0 to 1 linear. material: float32 (n,). part: which rigid part; thing: which truth object.

    faces: int32 (m, 3). far: int32 (k, 3), fewer faces over some of the same vertices, for what is seen from afar.
    """

    at_m: Floats
    normal: Floats
    rgb: Floats
    material: Floats
    part: Ints
    thing: Ints
    faces: Ints
    far: Ints

    def placed(self, rotation: ArrayLike, at_m: ArrayLike = (0.0, 0.0, 0.0)) -> Mesh:
        """Turned by a 3 x 3 rotation, then moved."""
        turn = np.asarray(rotation, np.float32).T
        return replace(self, at_m=self.at_m @ turn + np.asarray(at_m, np.float32), normal=self.normal @ turn)

    def moved(self, x_m: float, y_m: float, z_m: float = 0.0) -> Mesh:
        return replace(self, at_m=self.at_m + np.asarray((x_m, y_m, z_m), np.float32))

    def from_afar(self) -> Mesh:
        """The same shape of its fewer faces and only the vertices that they need."""
        used, faces = np.unique(self.far, return_inverse=True)
        columns = {name: getattr(self, name)[used] for name in _COLUMNS}
        small = faces.reshape(-1, 3).astype(np.int32)
        return Mesh(**columns, faces=small, far=small)

    def of_part(self, part: int) -> Mesh:
        return replace(self, part=np.full_like(self.part, part))

    def of_thing(self, thing: int) -> Mesh:
        return replace(self, thing=np.full_like(self.thing, thing))


def merged(meshes: Sequence[Mesh]) -> Mesh:
    """All of them as one."""
    offsets = np.cumsum([0, *(len(m.at_m) for m in meshes[:-1])])
    faces = np.concatenate([m.faces + o for m, o in zip(meshes, offsets, strict=True)]).astype(np.int32)
    far = np.concatenate([m.far + o for m, o in zip(meshes, offsets, strict=True)]).astype(np.int32)
    return Mesh(**{name: np.concatenate([getattr(m, name) for m in meshes]) for name in _COLUMNS}, faces=faces, far=far)


def turned(yaw_rad: float) -> Floats:
    """Rotation about the vertical."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.asarray([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)


def loft(rings: ArrayLike, colours: ArrayLike, material: ArrayLike = MATTE, *, capped: bool = True) -> Mesh:
    """A skin over rings of points, smooth around and with an edge at every ring.

    Args:
        rings: (m, n, 3), counter-clockwise seen from the end of the stack.
        colours: rgb of all, of each band (m - 1, 1, 3) or of each face (m - 1, n, 3).
        material: of all, of each band (m - 1, 1) or of each face.
        capped: close the last ring with the colour of the last band.
    """
    ring = np.asarray(rings, np.float32)
    if capped:
        ring = np.concatenate([ring, np.broadcast_to(ring[-1].mean(axis=0), (1, *ring.shape[1:]))])
    m, n = ring.shape[:2]
    low, high = ring[:-1], ring[1:]
    along = np.roll(low, -1, 1) - np.roll(low, 1, 1) + np.roll(high, -1, 1) - np.roll(high, 1, 1)
    normal = np.cross(along, high - low)
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-9)
    corners = np.stack([low, np.roll(low, -1, 1), np.roll(high, -1, 1), high], axis=2)
    normals = np.stack([normal, np.roll(normal, -1, 1), np.roll(normal, -1, 1), normal], axis=2)
    bands = m - 1
    rgb = np.asarray(colours, np.float32)
    rgb = np.broadcast_to(rgb if rgb.ndim == 3 else rgb.reshape(1, 1, 3), (bands - capped if rgb.ndim == 3 else bands, n, 3))
    kind = np.asarray(material, np.float32)
    kind = np.broadcast_to(kind if kind.ndim == 2 else kind.reshape(1, 1), (bands - capped if kind.ndim == 2 else bands, n))
    if len(rgb) < bands:
        rgb = np.concatenate([rgb, np.broadcast_to(rgb[-1:].mean(axis=1, keepdims=True), (1, n, 3))])
    if len(kind) < bands:
        kind = np.concatenate([kind, np.full((1, n), kind[-1].min(), np.float32)])
    # Shapes of one colour do with every other ring; the rings of others are where their colours change.
    rings_far = np.unique([*range(0, bands, 2), *([bands - 1] if capped else []), bands]) if np.ndim(colours) == 1 else np.arange(m)
    far = _coarse(rings_far, n, 2 if n % 2 == 0 and n >= 8 else 1)
    return _quads(corners.reshape(-1, 4, 3), normals.reshape(-1, 4, 3), rgb.reshape(-1, 3), kind.reshape(-1), far)


def _coarse(rings: Any, sides: int, step: int) -> Ints:
    """Quads between chosen rings over every `step`-th point, as vertices of the full skin's quads: (k, 4)."""
    low, high = np.asarray(rings[:-1])[:, None], np.asarray(rings[1:])[:, None] - 1
    first = np.arange(0, sides, step)[None]
    last = first + step - 1
    chosen = [(low * sides + first) * 4, (low * sides + last) * 4 + 1, (high * sides + last) * 4 + 2, (high * sides + first) * 4 + 3]
    return np.stack(chosen, axis=2).reshape(-1, 4).astype(np.int32)


def _triangles(quads: Ints, at_m: Floats) -> Ints:
    """Two triangles for each quad, but none without an area: the tip of a cone needs only one."""
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    a, b, c = (at_m[faces[:, k]] for k in range(3))
    (ux, uy, uz), (vx, vy, vz) = (b - a).T, (c - a).T
    square = (uy * vz - uz * vy) ** 2 + (uz * vx - ux * vz) ** 2 + (ux * vy - uy * vx) ** 2
    return np.asarray(faces[square > (2 * MIN_AREA_M2) ** 2], np.int32)


def _quads(corners: Floats, normals: Floats, rgb: Floats, kind: Floats, far: Ints | None = None) -> Mesh:
    count = len(corners)
    quads = np.arange(count * 4, dtype=np.int32).reshape(-1, 4)
    zeros, at_m = np.zeros(count * 4, np.int32), corners.reshape(-1, 3).astype(np.float32)
    faces = _triangles(quads, at_m)
    return Mesh(
        at_m,
        normals.reshape(-1, 3).astype(np.float32),
        np.repeat(rgb, 4, axis=0).astype(np.float32),
        np.repeat(kind, 4).astype(np.float32),
        zeros,
        zeros.copy(),
        faces,
        faces if far is None else _triangles(far, at_m),
    )


def ellipses(stations: ArrayLike, sides: int = 8) -> Floats:
    """Rings for `loft` from rows (z, x centre, y centre, x radius, y radius); metres."""
    rows = np.asarray(stations, np.float32)
    angle = np.arange(sides) * (2 * np.pi / sides)
    x = rows[:, 1:2] + rows[:, 3:4] * np.cos(angle)
    y = rows[:, 2:3] + rows[:, 4:5] * np.sin(angle)
    return np.stack([x, y, np.broadcast_to(rows[:, 0:1], x.shape)], axis=2).astype(np.float32)


def oblongs(stations: ArrayLike, corner_m: float = 0.15, sides: int = 20) -> Floats:
    """Rounded rectangles for `loft` from rows (z, x from, x to, half width); `sides` is a multiple of 4. Point 0 is ahead right."""
    rows = np.asarray(stations, np.float32)
    quarter = sides // 4
    angle = np.linspace(0, np.pi / 2, quarter)
    unit = np.concatenate([np.stack([np.cos(angle + k * np.pi / 2), np.sin(angle + k * np.pi / 2)], 1) for k in range(4)])
    signs = np.repeat(np.asarray([[1, 1], [-1, 1], [-1, -1], [1, -1]]), quarter, axis=0)
    x_half, x_mid = (rows[:, 2:3] - rows[:, 1:2]) / 2, (rows[:, 2:3] + rows[:, 1:2]) / 2
    radius = np.minimum(corner_m, np.minimum(x_half, rows[:, 3:4]) * 0.9)
    x = x_mid + signs[:, 0] * (x_half - radius) + radius * unit[:, 0]
    y = signs[:, 1] * (rows[:, 3:4] - radius) + radius * unit[:, 1]
    return np.stack([x, y, np.broadcast_to(rows[:, 0:1], x.shape)], axis=2).astype(np.float32)


def box(low_m: ArrayLike, high_m: ArrayLike, rgb: Colour, material: float = MATTE) -> Mesh:
    """An upright box without its underside."""
    (x0, y0, z0), (x1, y1, z1) = np.asarray(low_m, float), np.asarray(high_m, float)
    top = [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)]
    floor = [(x, y, z0) for x, y, _ in top]
    sides = [(floor[k], floor[(k + 1) % 4], top[(k + 1) % 4], top[k]) for k in range(4)]
    return flats([*sides, tuple(top)], rgb, material)


def flats(quads: Sequence[Sequence[tuple[float, float, float]]], rgb: Colour, material: float = MATTE) -> Mesh:
    """Flat four-cornered faces, counter-clockwise seen from where they are seen."""
    corners = np.asarray(quads, np.float32)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    count = len(corners)
    normals = np.repeat(normal[:, None], 4, axis=1)
    return _quads(corners, normals, np.tile(np.asarray(rgb, np.float32), (count, 1)), np.full(count, material, np.float32))


def ground(x0: float, y0: float, x1: float, y1: float, z_m: float, rgb: Colour, material: float) -> Mesh:  # noqa: PLR0913 - four sides, height, looks
    """A level rectangle, seen from above."""
    return flats([((x0, y0, z_m), (x1, y0, z_m), (x1, y1, z_m), (x0, y1, z_m))], rgb, material)


def ball(centre_m: ArrayLike, radii_m: ArrayLike, rgb: Colour, material: float = MATTE, sides: int = 8) -> Mesh:
    """An ellipsoid."""
    (cx, cy, cz), (rx, ry, rz) = np.asarray(centre_m, float), np.asarray(radii_m, float)
    angles = np.linspace(-np.pi / 2, np.pi / 2, max(5, sides // 2 + 2))
    rows = [(cz + rz * np.sin(a), cx, cy, rx * np.cos(a) + 1e-4, ry * np.cos(a) + 1e-4) for a in angles]
    shape = loft(ellipses(rows, sides), rgb, material)
    normal = (shape.at_m - (cx, cy, cz)) / np.square((rx, ry, rz))
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    return replace(shape, normal=normal.astype(np.float32))
