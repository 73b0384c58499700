"""A walled river with a staff gauge, and a low road on its near bank that floods."""

from __future__ import annotations

import numpy as np

from sewu.simulate.scenes import props
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.mesh import ASPHALT, GRASS, MARKING, PAVING, PLASTER, Colour, Mesh, box, flats, ground, merged
from sewu.simulate.scenes.place import GREY, SLABS, Area, CountLine, Lane, Layout, Prop, Walk, oblong
from sewu.simulate.scenes.water import Gauge, sheet

BED_M = -3.6
GAUGE = Gauge(zero_m=-3.0, usual_m=-2.2, alarm_m=-0.8, road_m=-0.09)
STAFF_M = (6.0, 15.0)
"""Where the staff stands (x, y)."""
BANK_M = (1.9, 14.0)
"""Where the river begins and ends along x."""
CONCRETE: Colour = (0.36, 0.35, 0.33)


def road_height_m(x_m: float, y_m: float) -> float:
    """The road sags toward the river around y = 24 m."""
    sag = float(np.exp(-(((y_m - 24.0) / 9.0) ** 2)) * np.exp(-(((x_m + 1.0) / 3.0) ** 2)))
    return 0.01 - (0.01 - GAUGE.road_m) * sag


def _road() -> Mesh:
    xs, ys = np.linspace(-6.0, 0.8, 11), np.arange(-6.0, 112.0, 2.0)
    quads = [
        [(x, y, road_height_m(x, y)) for x, y in ((a, low), (b, low), (b, low + 2.0), (a, low + 2.0))]
        for low in ys.tolist()
        for a, b in zip(xs[:-1].tolist(), xs[1:].tolist(), strict=True)
    ]
    return flats(quads, GREY, ASPHALT)


def _staff() -> Mesh:
    """A mark every 10 cm, longer ones every half metre, red above the alarm mark; on a pier in the stream."""
    x, y = STAFF_M
    top_m = 0.9
    parts = [
        box((x - 0.7, y + 0.04, BED_M), (x + 0.7, y + 1.6, 1.0), CONCRETE, PLASTER),
        box((x - 0.32, y - 0.02, GAUGE.zero_m), (x + 0.32, y + 0.05, top_m), (0.75, 0.75, 0.72)),
    ]
    for number in range(1, round((top_m - GAUGE.zero_m) * 10)):
        z = GAUGE.zero_m + number / 10
        wide = 0.5 if number % 10 == 0 else 0.34 if number % 5 == 0 else 0.18
        ink: Colour = (0.45, 0.02, 0.02) if z > GAUGE.alarm_m else (0.02, 0.02, 0.025)
        parts.append(box((x - 0.3, y - 0.03, z - 0.028), (x - 0.3 + wide, y - 0.02, z + 0.028), ink))
    return merged(parts)


def _bridge(y_m: float) -> Mesh:
    low, high = BANK_M
    deck = [box((low - 8, y_m, 0.5), (high + 8, y_m + 5, 1.3), CONCRETE, PLASTER)]
    deck += [box((x, y_m - 0.1, 1.3), (x + 0.1, y_m, 2.2), (0.5, 0.5, 0.48)) for x in np.arange(low - 8, high + 8, 1.6).tolist()]
    return merged([*deck, box((low - 8, y_m - 0.12, 2.15), (high + 8, y_m - 0.02, 2.25), (0.5, 0.5, 0.48))])


def river(random: np.random.Generator) -> Layout:
    """The road runs along the near bank; the camera looks along the river."""
    low, high = BANK_M
    parts = [
        ground(-90, -40, -9.0, 170, -0.05, (0.10, 0.11, 0.05), GRASS),
        ground(-9.0, -40, -6.0, 170, 0.01, SLABS, PAVING),
        ground(-6.0, -40, 0.8, -6.0, 0.01, GREY, ASPHALT),
        ground(0.8, -40, low, 170, 0.0, SLABS, PAVING),
        ground(low, -40, high, 170, BED_M, (0.10, 0.08, 0.05), ASPHALT),
        ground(high + 0.5, -40, 90, 170, 0.0, (0.10, 0.11, 0.05), GRASS),
        box((low - 0.35, -20, BED_M), (low, 130, 0.02), CONCRETE, PLASTER),
        box((high, -20, BED_M), (high + 0.5, 130, 0.4), CONCRETE, PLASTER),
        _road(), _staff(), _bridge(80.0), props.stripe(-5.8, -4, -5.7, 100, (0.5, 0.4, 0.05)),
    ]  # fmt: skip
    parts += [ground(-2.66, y, -2.54, y + 2.4, 0.03, props.WHITE, MARKING) for y in np.arange(40.0, 100.0, 5.0).tolist()]
    parts += [box((low - 0.22, y, 0.0), (low - 0.12, y + 0.1, 0.95), (0.42, 0.43, 0.43)) for y in np.arange(0.0, 78.0, 2.0).tolist()]
    parts += [box((low - 0.2, 0, z), (low - 0.14, 78, z + 0.06), (0.42, 0.43, 0.43)) for z in (0.45, 0.9)]
    parts += props.row_of_shops(random, -9.0, 10, 76, 1) + props.row_of_shops(random, 20.0, 6, 110, -1)
    parts += [props.tree(random, x, y) for x, y in ((-7.8, 20.0), (-7.6, 41.0), (16.2, 17.0), (16.6, 31.0), (16.0, 46.0), (16.8, 63.0))]
    parts += [props.tree(random, x, 96.0 + float(random.uniform(0, 8)), 7.5) for x in np.arange(-42, 43, 4.5)]
    lamps = [(-6.4, 16.0), (-6.4, 34.0), (-6.4, 54.0), (15.0, 25.0), (15.0, 48.0)]
    parts += [props.lamp_post(x, y, 1.5 if x < 0 else -1.5) for x, y in lamps]
    lanes = (Lane(((-4.2, -25), (-4.2, 78)), 7.0, 6.0), Lane(((-1.1, 78), (-1.1, -25)), 7.0, 6.0))
    walks = (Walk(((-7.4, 2), (-7.4, 72)), 0.7, 8.0, 0.01),)
    x, y = STAFF_M
    zero, top = GAUGE.zero_m, 0.9
    face = ((x - 0.32, y, zero), (x + 0.32, y, zero), (x + 0.32, y, top), (x - 0.32, y, top))
    areas = (
        Area("papan-duga", "water", "Papan duga", oblong(x - 1, y - 1, x + 1, y + 1), face),
        Area("jalan-sungai", "flood", "Jalan tepi sungai", oblong(-5.8, 12, 0.7, 38)),
        Area("bibir-tanggul", "restricted", "Bibir tanggul", oblong(0.85, 13, 1.65, 30)),
        Area("trotoar", "watch", "Trotoar", oblong(-8.8, 19, -6.05, 38)),
        Area("trotoar-barang", "left", "Trotoar", oblong(-8.9, 11, -6.0, 40)),
        Area("lajur-kiri", "one_way", "Lajur kiri", oblong(-5.7, 12, -2.7, 38)),
        Area("sudut-sampah", "rubbish", "Tepi trotoar", oblong(-7.4, 16, -6.1, 28)),
        Area("kerumunan", "crowd", "Depan toko", oblong(-8.9, 17, -6.0, 41)),
    )
    camera = PoleCamera(-1.0, 0.0, 6.6, 82.0, 15.0, 62.0)
    line = (CountLine("tepi", (-5.8, 20), (0.8, 20), "keluar", "masuk"),)
    water = (Prop("sungai", "water", sheet(-13.0, high, 3.0, 120.0)),)
    spots = tuple((x + (1.5 if x < 0 else -1.5), y, 6.6) for x, y in lamps)
    return Layout("river", merged(parts), camera, spots, lanes, walks, areas, line, oblong(-5.8, 12, 0.7, 38), props=water, gauge=GAUGE)
