"""The places: where the road, the pavements and the zones are, where traffic and people go, and where the camera hangs.

Traffic keeps left, as in Indonesia. The road runs along y; the camera looks along it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sewu.simulate.scenes import props, stalls
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.mesh import ASPHALT, PAVING, PLASTER, box, ground, merged
from sewu.simulate.scenes.place import GREY, SLABS, Area, CountLine, Lane, Layout, Prop, SceneKind, Walk, closing, oblong
from sewu.simulate.scenes.riverside import river
from sewu.simulate.scenes.vehicles import VehicleKind

NEAR_STALLS_M = 33.0
"""Nearer stalls may open and close."""


def street(random: np.random.Generator) -> Layout:
    """Two lanes between shops, with a strip at the kerb where parking is forbidden."""
    parts = [ground(-4.5, -10, 4.5, 120, 0, GREY, ASPHALT), *props.dashes(0, 2, 110)]
    for side in (-1, 1):
        near, far = sorted((side * 4.65, side * 8.0))
        parts += [
            ground(near, -10, far, 120, 0.12, SLABS, PAVING),
            props.kerb(min(side * 4.5, side * 4.65), -5, max(side * 4.5, side * 4.65), 70),
        ]
        parts += [props.stripe(side * 4.2 - 0.05, 0, side * 4.2 + 0.05, 100, (0.5, 0.4, 0.05))]
        parts += props.row_of_shops(random, side * 8.0, 6 if side > 0 else 10, 100, -side)
    parts += [props.tree(random, x, y) for x, y in ((5.3, 21.0), (5.3, 37.0), (-5.3, 33.0), (-5.3, 52.0), (5.4, 58.0))]
    lamps = [(4.0, 15.0), (4.0, 33.0), (4.0, 52.0), (-4.0, 24.0), (-4.0, 43.0)]
    parts += [props.lamp_post(x * 1.3, y, -x * 0.3) for x, y in lamps]
    parts += [props.wires(7.3, (4.0, 28.0, 52.0, 78.0)), *closing(random, 118)]
    lanes = (Lane(((-1.7, -25), (-1.7, 125)), 8.0, 4.0), Lane(((1.7, 125), (1.7, -25)), 8.5, 4.0))
    walks = (Walk(((6.4, 0), (6.4, 75)), 0.9, 5.0), Walk(((-6.4, 4), (-6.4, 75)), 0.9, 7.0))
    areas = (
        Area("bahu-kanan", "no_parking", "Bahu jalan kanan", oblong(2.5, 14, 4.5, 40)),
        Area("trotoar-kanan", "watch", "Trotoar kanan", oblong(4.7, 12, 7.9, 34)),
        Area("trotoar", "left", "Trotoar kanan", oblong(4.65, 9, 8.0, 44)),
        Area("taman", "restricted", "Trotoar kiri", oblong(-7.9, 17, -4.7, 30)),
        Area("kerumunan", "crowd", "Depan toko", oblong(4.7, 10, 8.0, 34)),
        Area("lajur-kiri", "one_way", "Lajur kiri", oblong(-3.9, 12, -0.1, 42)),
        Area("sudut-sampah", "rubbish", "Tepi trotoar", oblong(4.9, 12, 6.3, 24)),
        Area("trotoar-dagang", "no_trading", "Trotoar kanan", oblong(4.7, 11, 7.9, 34)),
    )
    stands = ((7.4, 16.5, 3.4, 0.12), (7.3, 25.3, 2.6, 0.12), (6.9, 25.9, -1.3, 0.12), (-7.2, 35.0, 0.2, 0.12), (7.3, 30.5, 2.9, 0.12))
    parked: tuple[tuple[VehicleKind, float, float, float], ...] = (
        ("motorcycle", 4.0, 44.0, 1.2),
        ("motorcycle", 4.0, 45.0, 1.2),
        ("motorcycle", -3.9, 46.0, -1.2),
        ("car", -3.6, 53.0, 1.571),
    )
    camera = PoleCamera(-4.2, 0.0, 6.2, 80.0, 15.0, 58.0)
    line = (CountLine("jalan", (-4.3, 22), (4.3, 22), "mendekat", "menjauh"),)
    spots = tuple((x, y, 6.6) for x, y in lamps)
    return Layout("street", merged(parts), camera, spots, lanes, walks, areas, line, oblong(-4.5, 12, 4.5, 40), stands, parked)


def junction(random: np.random.Generator) -> Layout:
    """Two roads that cross, with signals, stop lines and zebra crossings."""
    parts = [
        ground(-6.5, -20, 6.5, 130, 0, GREY, ASPHALT),
        ground(-90, 27, -6.5, 39, 0, GREY, ASPHALT),
        ground(6.5, 27, 90, 39, 0, GREY, ASPHALT),
    ]
    for side in (-1, 1):
        for y0, y1 in ((-15, 27), (39, 120)):
            near, far = sorted((side * 6.5, side * 11.0))
            parts += [
                ground(near, y0, far, y1, 0.12, SLABS, PAVING),
                props.kerb(min(side * 6.5, side * 6.65), y0, max(side * 6.5, side * 6.65), min(y1, 75)),
            ]
            parts += props.row_of_shops(
                random, side * 11.0, y0 + (4.5 if y0 > 0 else (0 if side > 0 else 24)), min(y1, 105) - (4.5 if y0 < 0 else 0), -side
            )
        low, high = sorted((side * 11.0, side * 70.0))
        for near_y, far_y in ((22.5, 27.0), (39.0, 43.5)):
            parts.append(ground(low, near_y, high, far_y, 0.12, SLABS, PAVING))
        parts.append(box((min(side * 20, side * 70), 43.5, 0), (max(side * 20, side * 70), 52, 6.5), (0.5, 0.45, 0.36), PLASTER))
        for x in np.arange(-6.2, 6.0, 1.0):
            zebra = 24.4 if side < 0 else 39.6
            parts.append(props.stripe(x, zebra, x + 0.5, zebra + 2.2))
        parts.append(props.stripe(*((0.1, 41.9, 6.4, 42.3) if side > 0 else (-6.4, 23.6, -0.1, 24.0))))
    parts += [*props.dashes(0, -8, 23), *props.dashes(0, 42, 110), *props.dashes(-3.2, -8, 23), *props.dashes(3.2, 42.5, 110)]
    parts += [props.tree(random, x, y) for x, y in ((8.0, 14.0), (8.2, 47.0), (-8.2, 49.0), (8.0, 66.0), (-8.2, 70.0))]
    lamps = [(5.5, 20.0), (-5.5, 42.0), (5.5, 44.0), (5.5, 68.0), (-5.5, 66.0), (22.0, 33.0)]
    parts += [props.lamp_post(x * 1.2, y, -x * 0.2) for x, y in lamps]
    parts += [props.wires(10.2, (3.0, 24.0, 46.0, 75.0)), *closing(random, 122)]
    lanes = (
        Lane(((-1.6, -30), (-1.6, 130)), 9.0, 4.5, 52.5), Lane(((-4.6, -30), (-4.6, 130)), 8.0, 4.5, 52.5),
        Lane(((1.6, 130), (1.6, -30)), 9.0, 4.0, 87.0), Lane(((4.6, 130), (4.6, -30)), 8.0, 4.5, 87.0),
        Lane(((-80, 36.0), (85, 36.0)), 8.5, 5.0, 71.5, 1), Lane(((85, 30.0), (-80, 30.0)), 8.5, 5.0, 76.5, 1),
    )  # fmt: skip
    walks = (Walk(((8.7, 2), (8.7, 25.5), (30, 25.2)), 0.9, 6.0), Walk(((-9.0, 70), (-9.0, 41.5), (-35, 41.5)), 0.9, 7.0),
             Walk(((9.0, 80), (9.0, 41.3), (32, 41.3)), 0.9, 7.0), Walk(((-9.0, 6), (-9.0, 25.3), (-25, 25.0)), 0.9, 9.0))  # fmt: skip
    areas = (
        Area("antrean-utara", "queue", "Pendekat utara", oblong(0.1, 42.3, 6.4, 75)),
        Area("mulut-simpang", "no_parking", "Mulut simpang", oblong(3.0, 8, 6.5, 23.5)),
        Area("sudut", "watch", "Sudut timur", oblong(6.7, 12, 10.9, 26.5)),
        Area("sudut-barang", "left", "Sudut timur", oblong(6.6, 8, 11.0, 27)),
        Area("sudut-kerumunan", "crowd", "Sudut timur", oblong(6.6, 10, 11.0, 27)),
        Area("lajur-utara", "one_way", "Lajur ke utara", oblong(-6.4, 8, -0.1, 23)),
        Area("sudut-sampah", "rubbish", "Sudut timur", oblong(6.8, 14, 8.2, 26)),
        Area("tengah", "restricted", "Tengah simpang", oblong(-6.0, 28, 6.0, 38)),
    )
    stands = ((9.6, 20.0, 3.0, 0.12), (9.2, 20.9, -1.8, 0.12), (-9.9, 44.0, 0.1, 0.12), (10.2, 44.6, 3.3, 0.12))
    camera = PoleCamera(-7.6, 2.0, 7.6, 72.0, 14.0, 62.0)
    lines = (CountLine("zebra-selatan", (-6.4, 25.5), (6.4, 25.5), "ke selatan", "ke utara"),)
    spots = tuple((x, y, 6.6) for x, y in lamps)
    return Layout("junction", merged(parts), camera, spots, lanes, walks, areas, lines, oblong(-6.5, 14, 6.5, 39), stands)


def market(random: np.random.Generator) -> Layout:
    """A lane of stalls under tarpaulins, full of people; those near the camera may open and close."""
    parts = [ground(-9, -10, 9, 110, 0, (0.16, 0.155, 0.15), ASPHALT)]
    stands: list[tuple[float, float, float, float]] = []
    loose: list[Prop] = []
    for side in (-1, 1):
        parts += props.row_of_shops(random, side * 9.0, 8 if side > 0 else 12, 90, -side)
        for y in np.arange(12.0, 62.0, 3.7):
            if random.random() < 0.88:
                x, where = side * 4.6, y + float(random.uniform(-0.25, 0.25))
                people = _traders(random, x, where, side)
                if where < NEAR_STALLS_M:
                    name = f"lapak-{'kiri' if side < 0 else 'kanan'}-{sum(p.stands[0][0] * side > 0 for p in loose) + 1}"
                    parts.append(stalls.bare_stall(x, where))
                    on_top = merged([stalls.tarpaulin(random, x, where), stalls.goods(random, x, where)])
                    loose.append(Prop(name, "stall", on_top, tuple(people), (x, where)))
                else:
                    parts.append(props.stall(random, x, where))
                    stands += people
    lamps = [(8.0, 14.0), (-8.0, 22.0), (8.0, 33.0), (-8.0, 42.0), (8.0, 54.0)]
    parts += [props.lamp_post(x, y, -x * 0.3, 5.5) for x, y in lamps]
    parts += [props.wires(7.6, (4.0, 28.0, 52.0, 78.0)), *closing(random, 105)]
    lanes = (Lane(((-0.7, 100), (-0.7, -25)), 2.2, 24.0),)
    walks = (Walk(((0, -6), (0, 72)), 2.3, 2.6, 0.0), Walk(((6.9, 8), (6.9, 60)), 0.5, 14.0, 0.0))
    areas = (
        Area("lorong", "crowd", "Lorong pasar", oblong(-3.4, 9, 3.4, 45)),
        Area("lorong-barang", "left", "Lorong pasar", oblong(-3.4, 9, 3.4, 40)),
        Area("tengah-lorong", "watch", "Tengah lorong", oblong(-3.2, 12, 3.2, 30)),
        Area("jalur-darurat", "no_parking", "Jalur darurat", oblong(-2.5, 12, 2.5, 36)),
        Area("belakang-lapak", "restricted", "Belakang lapak", oblong(5.8, 14, 8.6, 30)),
        Area("sudut-sampah", "rubbish", "Sisi lorong", oblong(-3.3, 10, -2.0, 20)),
        Area("mulut-lorong", "no_trading", "Mulut lorong", oblong(0.9, 9, 3.4, 21)),
        *(Area(p.name, "stall", "", oblong(p.at_m[0] - 1.1, p.at_m[1] - 1.6, p.at_m[0] + 1.1, p.at_m[1] + 1.6)) for p in loose),
    )
    camera = PoleCamera(-1.2, -1.0, 5.6, 86.0, 17.0, 56.0)
    lines = (CountLine("gerbang", (-3.4, 16), (3.4, 16), "keluar", "masuk"),)
    spots = tuple((x * 0.7, y, 5.2) for x, y in lamps)
    square = oblong(-3.4, 10, 3.4, 40)
    return Layout("market", merged(parts), camera, spots, lanes, walks, areas, lines, square, tuple(stands), props=tuple(loose))


def _traders(random: np.random.Generator, x_m: float, y_m: float, side: int) -> list[tuple[float, float, float, float]]:
    """The trader behind the table, then up to two customers before it."""
    people = [(x_m + side * 1.0, y_m, np.pi if side > 0 else 0.0, 0.0)]
    for _ in range(int(random.integers(0, 3))):
        out, along = float(random.uniform(1.15, 1.5)), float(random.uniform(-1.0, 1.0))
        people.append((x_m - side * out, y_m + along, 0.0 if side > 0 else np.pi, 0.0))
    return people


def carpark(random: np.random.Generator) -> Layout:
    """Two rows of bays along an aisle, and a fenced corner where nobody may be."""
    parts = [ground(-14, -10, 14, 62, 0, (0.13, 0.13, 0.13), ASPHALT), ground(-14, 62, 14, 68, 0.1, SLABS, PAVING)]
    parked: list[tuple[VehicleKind, float, float, float]] = []
    areas = [Area("gardu", "restricted", "Gardu listrik", oblong(8.2, 12.2, 13.4, 18.4)),
             Area("lajur", "no_parking", "Lajur tengah", oblong(-3.2, 12, 3.2, 44)),
             Area("lajur-tunggu", "watch", "Lajur tengah", oblong(-3.2, 10, 3.2, 40)),
             Area("lantai", "left", "Lantai parkir", oblong(-8.5, 9, 8.0, 44)),
             Area("kumpul", "crowd", "Lajur tengah", oblong(-3.2, 10, 3.2, 34))]  # fmt: skip
    for side in (-1, 1):
        start = 20.0 if side > 0 else 14.0
        for number, y in enumerate(np.arange(start, 54.0, 2.8).tolist()):
            near, far = sorted((side * 3.6, side * 8.6))
            parts += [props.stripe(near, y - 0.05, far, y + 0.05)]
            if y + 2.8 < 54:
                areas.append(Area(f"petak-{'kiri' if side < 0 else 'kanan'}-{number + 1}", "bay", "", oblong(near, y, far, y + 2.8)))
                if random.random() < 0.68:
                    parked.append(
                        (
                            "car",
                            side * (6.1 + float(random.uniform(-0.2, 0.2))),
                            y + 1.4,
                            (0.0 if random.random() < 0.7 else np.pi) + (np.pi if side < 0 else 0),
                        )
                    )
        parts.append(box((min(side * 14, side * 14.3), -5, 0), (max(side * 14, side * 14.3), 70, 2.2), (0.5, 0.48, 0.42), PLASTER))
        parts += [props.tree(random, side * 11.8, y, 4.8) for y in (26.0, 38.0, 50.0)]
    parts += [props.fence(8.2, 12.2, 13.4, 12.2), props.fence(8.2, 12.2, 8.2, 18.4), props.fence(8.2, 18.4, 13.4, 18.4)]
    parts += [
        box((10.2, 14.4, 0), (12.6, 16.6, 2.0), (0.22, 0.30, 0.24), PLASTER),
        box((-26, 68, 0), (26, 84, 9.5), (0.55, 0.53, 0.48), PLASTER),
    ]
    for x in np.arange(-24.0, 24.0, 3.0):
        parts += [box((x, 67.9, z), (x + 1.8, 68, z + 1.6), (0.04, 0.05, 0.07), 2) for z in (1.2, 4.2, 7.0)]
    lamps = [(-9.5, 18.0), (9.5, 20.0), (-9.5, 36.0), (9.5, 38.0), (-9.5, 52.0)]
    parts += [props.lamp_post(x, y, -x * 0.12, 6.0) for x, y in lamps]
    parts += closing(random, 96)
    lanes = (Lane(((-1.5, -25), (-1.5, 61)), 4.0, 14.0), Lane(((1.5, 61), (1.5, -25)), 4.0, 14.0))
    walks = (
        Walk(((2.9, 4), (2.9, 60)), 0.5, 9.0, 0.0),
        Walk(((-2.9, 6), (-2.9, 60)), 0.5, 9.0, 0.0),
        Walk(((-13, 64.5), (13, 64.5)), 0.8, 8.0, 0.1),
    )
    camera = PoleCamera(-2.5, 0.0, 7.0, 82.0, 19.0, 62.0)
    lines = (CountLine("masuk", (-3.2, 14), (3.2, 14), "keluar", "masuk"),)
    spots = tuple((x * 0.88, y, 5.7) for x, y in lamps)
    return Layout("carpark", merged(parts), camera, spots, lanes, walks, tuple(areas), lines, oblong(-3.6, 12, 3.6, 45), (), tuple(parked))


LAYOUTS: dict[SceneKind, Callable[[np.random.Generator], Layout]] = {
    "street": street,
    "junction": junction,
    "market": market,
    "carpark": carpark,
    "river": river,
}
"""Every place, by name."""
