"""Where people trade: stalls that open and close, and pushcarts. Metres."""

from __future__ import annotations

import numpy as np

from sewu.simulate.scenes.mesh import FOLIAGE, GLASS, MATTE, PAINT, PLASTER, Colour, Mesh, ball, box, ellipses, flats, loft, merged
from sewu.simulate.scenes.props import TARPS

HALF_M = 1.3
"""Half a stall, along the lane."""
GOODS: tuple[Colour, ...] = (
    (0.5, 0.05, 0.03), (0.55, 0.25, 0.02), (0.08, 0.25, 0.05), (0.5, 0.45, 0.1), (0.3, 0.15, 0.07), (0.2, 0.05, 0.15),
)  # fmt: skip
PANELS: tuple[Colour, ...] = ((0.05, 0.20, 0.42), (0.45, 0.06, 0.04), (0.08, 0.30, 0.14), (0.50, 0.38, 0.05))


def bare_stall(x_m: float, y_m: float) -> Mesh:
    """What stays overnight: posts and an empty table."""
    parts = [
        loft(ellipses([(0, x_m + dx, y_m + dy, 0.03, 0.03), (2.3, x_m + dx, y_m + dy, 0.03, 0.03)], 6), (0.25, 0.18, 0.1))
        for dx in (-0.7, 0.7)
        for dy in (-HALF_M, HALF_M)
    ]
    table = box((x_m - 0.55, y_m - HALF_M + 0.1, 0), (x_m + 0.55, y_m + HALF_M - 0.1, 0.75), (0.22, 0.15, 0.09), PLASTER)
    return merged([*parts, table])


def tarpaulin(random: np.random.Generator, x_m: float, y_m: float) -> Mesh:
    """Hung over an open stall."""
    sag, edge = 2.25 + float(random.uniform(-0.1, 0.15)), HALF_M + 0.35
    slopes = [[(x_m - 1.1, y_m - edge, sag), (x_m - 1.1, y_m + edge, sag), (x_m, y_m + edge, sag + 0.4), (x_m, y_m - edge, sag + 0.4)],
              [(x_m, y_m - edge, sag + 0.4), (x_m, y_m + edge, sag + 0.4), (x_m + 1.1, y_m + edge, sag),
               (x_m + 1.1, y_m - edge, sag)]]  # fmt: skip
    return flats([s[::-1] for s in slopes], TARPS[int(random.integers(len(TARPS)))])


def goods(random: np.random.Generator, x_m: float, y_m: float) -> Mesh:
    """Fruit and vegetables in rows on the table."""
    parts = []
    for y in np.arange(y_m - HALF_M + 0.25, y_m + HALF_M - 0.25, 0.34).tolist():
        rgb = GOODS[int(random.integers(len(GOODS)))]
        parts += [_pile(x_m + dx, y, rgb) for dx in (-0.34, 0.0, 0.34)]
    return merged(parts)


def _pile(x_m: float, y_m: float, rgb: Colour) -> Mesh:
    """A rounded heap; goods are drawn in every frame, so it has few corners."""
    rows = [(0.74, x_m, y_m, 0.17, 0.16), (0.83, x_m, y_m, 0.14, 0.13), (0.89, x_m, y_m, 0.06, 0.05)]
    return loft(ellipses(rows, 6), rgb, FOLIAGE)


def _wheel(x_m: float, side: int) -> Mesh:
    """A spoked wheel, seen as a dark ring with a light hub, 0.62 m across."""
    y = side * 0.46
    angles = np.linspace(0, 2 * np.pi, 13)
    rim = [(x_m + 0.31 * float(np.cos(a)), y, 0.31 + 0.31 * float(np.sin(a))) for a in angles]
    hub = [(x_m + 0.22 * float(np.cos(a)), y + side * 0.005, 0.31 + 0.22 * float(np.sin(a))) for a in angles]
    dark = flats([((x_m, y, 0.31), rim[k], rim[k + 1], (x_m, y, 0.31)) for k in range(12)], (0.03, 0.03, 0.03))
    return merged([dark, flats([((x_m, y, 0.31), hub[k], hub[k + 1], (x_m, y, 0.31)) for k in range(12)], (0.16, 0.15, 0.14))])


def pushcart(random: np.random.Generator) -> Mesh:
    """A food seller's cart: painted box on two wheels, glass case, roof on posts. It is pushed along +x."""
    panel, roof = PANELS[int(random.integers(len(PANELS)))], TARPS[int(random.integers(len(TARPS)))]
    parts = [
        box((-0.75, -0.42, 0.35), (0.75, 0.42, 0.95), panel, PAINT),
        box((-0.76, -0.43, 0.72), (0.76, 0.43, 0.86), (0.62, 0.60, 0.55), PAINT),
        box((0.0, -0.38, 0.95), (0.72, 0.38, 1.5), (0.20, 0.26, 0.28), GLASS),
        box((0.02, -0.36, 0.95), (0.70, 0.36, 1.12), (0.45, 0.30, 0.08)),
        box((-0.85, -0.55, 1.95), (0.90, 0.55, 2.03), roof, MATTE),
    ]
    parts += [box((x - 0.02, y - 0.02, 0.95), (x + 0.02, y + 0.02, 1.96), (0.3, 0.3, 0.3)) for x in (-0.72, 0.72) for y in (-0.38, 0.38)]
    parts += [box((-1.25, side * 0.36 - 0.02, 0.86), (-0.75, side * 0.36 + 0.02, 0.90), (0.15, 0.1, 0.06)) for side in (-1, 1)]
    parts += [_wheel(0.15, side) for side in (-1, 1)]
    parts.append(ball((-0.35, 0.0, 1.05), (0.22, 0.22, 0.16), (0.4, 0.4, 0.42), PAINT))
    return merged(parts)
