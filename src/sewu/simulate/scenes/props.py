"""What stands along a street: shops, trees, lamp posts, signals, stalls, walls, markings. Metres."""

from __future__ import annotations

import itertools

import numpy as np

from sewu.simulate.scenes.mesh import (
    FOLIAGE,
    GLASS,
    LIGHT,
    MARKING,
    MATTE,
    PAINT,
    PLASTER,
    ROOF,
    SHUTTER,
    Colour,
    Mesh,
    ball,
    box,
    ellipses,
    flats,
    ground,
    loft,
    merged,
)  # fmt: skip

WALLS: tuple[Colour, ...] = (
    (0.52, 0.47, 0.38), (0.55, 0.55, 0.52), (0.36, 0.43, 0.40), (0.50, 0.36, 0.26), (0.42, 0.42, 0.46), (0.58, 0.52, 0.30),
    (0.40, 0.30, 0.28),
)  # fmt: skip
SHUTTERS: tuple[Colour, ...] = ((0.25, 0.27, 0.28), (0.10, 0.18, 0.26), (0.12, 0.22, 0.16), (0.34, 0.32, 0.28))
SIGNS: tuple[Colour, ...] = (
    (0.45, 0.04, 0.04),
    (0.03, 0.14, 0.40),
    (0.55, 0.42, 0.04),
    (0.04, 0.26, 0.12),
    (0.55, 0.55, 0.55),
    (0.4, 0.14, 0.02),
)
TARPS: tuple[Colour, ...] = ((0.03, 0.14, 0.38), (0.42, 0.10, 0.03), (0.10, 0.28, 0.16), (0.45, 0.38, 0.10), (0.32, 0.33, 0.35))
WHITE: Colour = (0.62, 0.62, 0.60)


def _any(random: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(random.integers(len(colours)))]


def shop(random: np.random.Generator, front_m: float, from_m: float, to_m: float, inward: int) -> Mesh:
    """A shop house whose front stands at x = `front_m` between two y; `inward` is +1 when its street lies at larger x."""
    storeys = int(random.integers(1, 4))
    high, deep = 3.4 * storeys + 0.5, 9.0
    wall = _any(random, WALLS)

    def x(out: float) -> float:
        """So many metres in front of the wall."""
        return front_m + inward * out

    def slab(near: float, far: float, y0: float, y1: float, z: tuple[float, float], rgb: Colour, material: float = MATTE) -> Mesh:  # noqa: PLR0913
        return box((min(x(near), x(far)), y0, z[0]), (max(x(near), x(far)), y1, z[1]), rgb, material)

    parts = [
        slab(-deep, 0, from_m, to_m, (0, high), wall, PLASTER),
        slab(-deep - 0.1, 0.15, from_m, to_m, (high, high + 0.18), (0.3, 0.29, 0.27)),
    ]
    if storeys < 3:
        ridge, y_mid = high + 1.9, (from_m + to_m) / 2
        slopes = [[(x(-deep), from_m, high + 0.18), (x(0.4), from_m, high + 0.18), (x(0.4), y_mid, ridge),
                   (x(-deep), y_mid, ridge)],
                  [(x(0.4), to_m, high + 0.18), (x(-deep), to_m, high + 0.18), (x(-deep), y_mid, ridge),
                   (x(0.4), y_mid, ridge)]]  # fmt: skip
        parts.append(flats(slopes, (0.30, 0.12, 0.07), ROOF))
    closed = random.random() < 0.4
    door = (_any(random, SHUTTERS), SHUTTER) if closed else ((0.03, 0.03, 0.035), MATTE)
    parts.append(slab(0, 0.03, from_m + 0.5, to_m - 0.5, (0.1, 2.7), *door))
    if not closed:
        for y in np.arange(from_m + 0.7, to_m - 1.0, 0.8):
            parts.append(slab(0, 0.25, y, y + 0.6, (0.1, float(random.uniform(0.6, 1.5))), _any(random, (*SIGNS, *WALLS)), MATTE))
    sign = _any(random, SIGNS)
    parts.append(slab(0.05, 0.2, from_m + 0.3, to_m - 0.3, (2.85, 3.65), sign, PAINT))
    for y in np.arange(from_m + 0.7, to_m - 0.9, 0.42):
        tall = float(random.uniform(0.2, 0.45))
        parts.append(slab(0.2, 0.22, y, y + float(random.uniform(0.12, 0.32)), (3.05, 3.05 + tall), WHITE))
    if random.random() < 0.6:
        y0, y1 = from_m + 0.2, to_m - 0.2
        corners = [(x(0.1), y0, 2.85), (x(0.1), y1, 2.85), (x(1.7), y1, 2.4), (x(1.7), y0, 2.4)]
        parts.append(flats([corners if inward < 0 else corners[::-1]], _any(random, TARPS)))
    for floor in range(1, storeys):
        for y in np.arange(from_m + 0.8, to_m - 1.6, 1.9):
            z = 3.4 * floor
            parts += [
                slab(0, 0.05, y - 0.08, y + 1.28, (z + 0.92, z + 2.38), WHITE),
                slab(0.05, 0.07, y, y + 1.2, (z + 1.0, z + 2.3), (0.04, 0.05, 0.06), GLASS),
            ]
    return merged(parts)


def row_of_shops(random: np.random.Generator, front_m: float, from_m: float, to_m: float, inward: int) -> list[Mesh]:
    """Shops side by side from one y to another."""
    shops, y = [], from_m
    while y < to_m - 3.5:
        wide = min(float(random.uniform(4.0, 7.5)), to_m - y)
        shops.append(shop(random, front_m, y, y + wide, inward))
        y += wide + (0.0 if random.random() < 0.8 else 1.2)
    return shops


def tree(random: np.random.Generator, x_m: float, y_m: float, tall_m: float = 5.5) -> Mesh:
    trunk = loft(
        ellipses([(0, x_m, y_m, 0.17, 0.17), (1.5, x_m + 0.05, y_m, 0.13, 0.13), (tall_m * 0.7, x_m, y_m + 0.1, 0.07, 0.07)], 8),
        (0.12, 0.09, 0.06),
    )
    green: Colour = (0.05 + float(random.random()) * 0.05, 0.13 + float(random.random()) * 0.05, 0.03)
    crown = []
    for _ in range(11):
        where = random.normal(0, 1, 3) * (0.75, 0.75, 0.5)
        size = float(random.uniform(0.7, 1.25))
        crown.append(ball((x_m + where[0], y_m + where[1], tall_m * 0.82 + where[2]), (size, size, size * 0.75), green, FOLIAGE, 10))
    return merged([trunk, *crown])


def lamp_post(x_m: float, y_m: float, arm_m: float, tall_m: float = 7.0) -> Mesh:
    """Its lamp hangs `arm_m` along x."""
    post = loft(ellipses([(0, x_m, y_m, 0.10, 0.10), (tall_m, x_m, y_m, 0.05, 0.05)], 8), (0.28, 0.29, 0.29), PAINT)
    reach = sorted((x_m, x_m + arm_m))
    arm = box((reach[0], y_m - 0.03, tall_m - 0.06), (reach[1], y_m + 0.03, tall_m), (0.28, 0.29, 0.29))
    lamp = box((x_m + arm_m - 0.25, y_m - 0.12, tall_m - 0.16), (x_m + arm_m + 0.25, y_m + 0.12, tall_m - 0.06), (1.0, 0.9, 0.7), LIGHT)
    return merged([post, arm, lamp])


def wires(x_m: float, ys_m: tuple[float, ...], tall_m: float = 7.6) -> Mesh:
    """Concrete poles with three sagging wires between them."""
    parts = [loft(ellipses([(0, x_m, y, 0.14, 0.14), (tall_m + 0.5, x_m, y, 0.09, 0.09)], 8), (0.36, 0.35, 0.33)) for y in ys_m]
    for near, far in itertools.pairwise(ys_m):
        for lower in (0.0, 0.35, 0.7):
            share = np.linspace(0, 1, 9)
            z = tall_m - lower - (1.2 + lower) * 0.35 * (1 - (2 * share - 1) ** 2)
            for a in range(8):
                ends = [(x_m - 0.02, near + (far - near) * share[a], z[a]), (x_m - 0.02, near + (far - near) * share[a + 1], z[a + 1])]
                quad = [ends[0], ends[1], (ends[1][0], ends[1][1], ends[1][2] + 0.04), (ends[0][0], ends[0][1], ends[0][2] + 0.04)]
                parts.append(flats([quad], (0.02, 0.02, 0.02)))
    return merged(parts)


def stripe(x0: float, y0: float, x1: float, y1: float, rgb: Colour = WHITE) -> Mesh:
    """Paint on the road."""
    return ground(x0, y0, x1, y1, 0.012, rgb, MARKING)


def dashes(x_m: float, from_m: float, to_m: float, every_m: float = 5.0) -> list[Mesh]:
    """A broken line along y."""
    return [stripe(x_m - 0.06, y, x_m + 0.06, min(y + every_m * 0.5, to_m)) for y in np.arange(from_m, to_m, every_m)]


def kerb(x0: float, y0: float, x1: float, y1: float) -> Mesh:
    """Kerb stones, painted black and white by turns along the longer side."""
    along_y = (y1 - y0) >= (x1 - x0)
    starts = np.arange(y0 if along_y else x0, y1 if along_y else x1, 1.0)
    parts = []
    for number, s in enumerate(starts.tolist()):
        rgb = (0.5, 0.5, 0.48) if number % 2 else (0.07, 0.07, 0.07)
        low, high = ((x0, s, 0.0), (x1, min(s + 1, y1), 0.15)) if along_y else ((s, y0, 0.0), (min(s + 1, x1), y1, 0.15))
        parts.append(box(low, high, rgb))
    return merged(parts)


def stall(random: np.random.Generator, x_m: float, y_m: float, along_m: float = 2.6) -> Mesh:
    """A market stall: a table of goods under a tarpaulin."""
    half, parts = along_m / 2, []
    for dx in (-0.7, 0.7):
        for dy in (-half, half):
            parts.append(loft(ellipses([(0, x_m + dx, y_m + dy, 0.03, 0.03), (2.3, x_m + dx, y_m + dy, 0.03, 0.03)], 6), (0.25, 0.18, 0.1)))
    parts.append(box((x_m - 0.55, y_m - half + 0.1, 0), (x_m + 0.55, y_m + half - 0.1, 0.75), (0.22, 0.15, 0.09), PLASTER))
    goods: tuple[Colour, ...] = (
        (0.5, 0.05, 0.03),
        (0.55, 0.25, 0.02),
        (0.08, 0.25, 0.05),
        (0.5, 0.45, 0.1),
        (0.3, 0.15, 0.07),
        (0.2, 0.05, 0.15),
    )
    for y in np.arange(y_m - half + 0.25, y_m + half - 0.25, 0.34):
        rgb = _any(random, goods)
        parts += [ball((x_m + dx, y, 0.78), (0.17, 0.16, 0.11), rgb, FOLIAGE, 6) for dx in (-0.34, 0.0, 0.34)]
    sag, edge = 2.25 + float(random.uniform(-0.1, 0.15)), half + 0.35
    tarp = _any(random, TARPS)
    slopes = [[(x_m - 1.1, y_m - edge, sag), (x_m, y_m - edge, sag + 0.4), (x_m, y_m + edge, sag + 0.4), (x_m - 1.1, y_m + edge, sag)],
              [(x_m, y_m - edge, sag + 0.4), (x_m + 1.1, y_m - edge, sag), (x_m + 1.1, y_m + edge, sag),
               (x_m, y_m + edge, sag + 0.4)]]  # fmt: skip
    parts.append(flats([s[::-1] for s in slopes], tarp))
    return merged(parts)


def fence(x0: float, y0: float, x1: float, y1: float, tall_m: float = 1.6) -> Mesh:
    """Bars between two points along x or y."""
    parts, length = [], max(abs(x1 - x0), abs(y1 - y0))
    for share in np.arange(0, 1.0, 0.35 / length).tolist():
        x, y = x0 + (x1 - x0) * share, y0 + (y1 - y0) * share
        parts.append(box((x - 0.025, y - 0.025, 0), (x + 0.025, y + 0.025, tall_m), (0.10, 0.20, 0.14)))
    for z in (0.2, tall_m - 0.15):
        parts.append(
            box((min(x0, x1) - 0.02, min(y0, y1) - 0.02, z), (max(x0, x1) + 0.02, max(y0, y1) + 0.02, z + 0.05), (0.10, 0.20, 0.14))
        )
    return merged(parts)
