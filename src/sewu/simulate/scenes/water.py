"""The surface of a river: a sheet that ripples and drifts, and the level at which it stands over time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sewu.base.records import Doubles
from sewu.simulate.scenes.mesh import GLASS, Colour, Mesh, flats

MUD: Colour = (0.17, 0.125, 0.075)
FLOW_MPS = 0.9
WAVES = ((0.9, 2.1, 1.3, 0.020), (2.2, 0.7, 2.3, 0.013), (-1.6, 3.0, 1.9, 0.010), (0.25, 0.35, 0.6, 0.030))
"""Rows of wave numbers along x and y (rad/m), speed (rad/s) and steepness."""
STREAKS = ((1.7, 0.11, 0.5), (0.8, 0.23, 1.9), (2.9, 0.41, 4.0))


def sheet(x0_m: float, x1_m: float, y0_m: float, y1_m: float) -> Mesh:
    """A level sheet at height 0, finer where it is near (small y)."""
    xs = np.linspace(x0_m, x1_m, max(2, round((x1_m - x0_m) / 0.8)))
    near = np.cumsum([0.0, *np.geomspace(0.5, 6.0, 42)])
    ys = y0_m + near / near[-1] * (y1_m - y0_m)
    quads = [
        ((a, low, 0.0), (b, low, 0.0), (b, high, 0.0), (a, high, 0.0))
        for low, high in zip(ys[:-1].tolist(), ys[1:].tolist(), strict=True)
        for a, b in zip(xs[:-1].tolist(), xs[1:].tolist(), strict=True)
    ]
    return flats(quads, MUD, GLASS)


def rippled(mesh: Mesh, t_s: float) -> Mesh:
    """The sheet as it looks at `t_s`: normals of small waves, and streaks of silt that drift along y. Its points stay level."""
    x, y = mesh.at_m[:, 0].astype(np.float64), mesh.at_m[:, 1].astype(np.float64)
    slope = np.zeros((len(x), 2))
    for along_x, along_y, speed, steep in WAVES:
        wave = steep * np.cos(along_x * x + along_y * y + speed * t_s)
        slope += np.stack([wave * along_x, wave * along_y], axis=1)
    normal = np.concatenate([-slope, np.ones((len(x), 1))], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    silt = sum(np.sin(a * x + b * (y + FLOW_MPS * t_s) + c + 1.3 * np.sin(0.2 * (y + FLOW_MPS * t_s))) for a, b, c in STREAKS) / 3
    rgb = np.asarray(MUD) * (1 + 0.22 * np.asarray(silt))[:, None]
    return replace(mesh, normal=normal.astype(np.float32), rgb=rgb.astype(np.float32))


@dataclass(frozen=True, slots=True)
class Gauge:
    """A staff gauge: heights (m of the scene) of its zero, the usual water and the alarm mark; and of the lowest spot of the road."""

    zero_m: float
    usual_m: float
    alarm_m: float
    road_m: float


@dataclass(frozen=True, slots=True)
class Rise:
    """A level (m) that rises smoothly from `usual_m` to `peak_m`, stands, and falls again between `start_s` and `end_s`."""

    usual_m: float
    peak_m: float
    start_s: float
    end_s: float
    share: float = 0.4

    def at(self, t_s: float | Doubles) -> Doubles:
        into = (np.asarray(t_s, np.float64) - self.start_s) / (self.end_s - self.start_s)
        share = np.clip(np.minimum(into, 1 - into) / self.share, 0, 1)
        return np.asarray(self.usual_m + (self.peak_m - self.usual_m) * share * share * (3 - 2 * share), np.float64)

    def above_s(self, level_m: float) -> tuple[float, float]:
        """From when to when the level is above `level_m`, to a hundredth of a second; `level_m` lies below the peak."""
        times = np.arange(self.start_s, self.end_s + 0.01, 0.01)
        over = times[self.at(times) > level_m]
        return round(float(over[0]), 2), round(float(over[-1]), 2)
