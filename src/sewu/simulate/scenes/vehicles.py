"""Vehicles: motorcycles, cars, angkot, buses, trucks, bicycles and pushcarts. Middle of the wheels at the origin, facing +x."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sewu.base.records import Floats
from sewu.simulate.scenes.mesh import GLASS, LIGHT, MATTE, PAINT, Colour, Mesh, ball, box, ellipses, flats, loft, merged, oblongs, turned
from sewu.simulate.scenes.people import any_looks, body, pose, posed

VehicleKind = Literal["motorcycle", "car", "angkot", "bus", "truck", "bicycle", "pushcart"]
LENGTH_M: dict[VehicleKind, float] = {
    "motorcycle": 1.9, "car": 4.3, "angkot": 4.0, "bus": 9.0, "truck": 6.6, "bicycle": 1.75, "pushcart": 2.3,
}  # fmt: skip
WIDTH_M: dict[VehicleKind, float] = {
    "motorcycle": 0.7, "car": 1.75, "angkot": 1.65, "bus": 2.4, "truck": 2.1, "bicycle": 0.55, "pushcart": 0.95,
}  # fmt: skip
UNLIT: tuple[VehicleKind, ...] = ("bicycle", "pushcart")
"""Without headlights."""
CART_PART = 10
"""The part of a pushcart that does not walk; the parts of its pusher come before."""
PAINTS: tuple[Colour, ...] = (
    (0.62, 0.62, 0.62), (0.03, 0.03, 0.035), (0.32, 0.33, 0.35), (0.75, 0.75, 0.73), (0.35, 0.02, 0.02), (0.05, 0.08, 0.22),
    (0.16, 0.14, 0.12),
)  # fmt: skip
DARK: Colour = (0.015, 0.015, 0.017)
ENGINE: Colour = (0.05, 0.05, 0.055)
PANE: Colour = (0.02, 0.025, 0.03)


@dataclass(frozen=True, slots=True)
class Model:
    """A vehicle's mesh (things: 0 itself, 1 and up its riders) and where it touches: corners of its base, (4, 2)."""

    kind: VehicleKind
    mesh: Mesh
    riders: int = 0


def _wheel(x_m: float, y_m: float, radius_m: float, width_m: float) -> Mesh:
    rows = [(-width_m / 2, 0, 0, radius_m, radius_m), (width_m / 2, 0, 0, radius_m, radius_m)]
    tyre = loft(ellipses(rows, 14), DARK)
    hub = loft(
        ellipses([(width_m / 2 + 0.005, 0, 0, radius_m * 0.6, radius_m * 0.6), (width_m / 2 + 0.02, 0, 0, 0.03, 0.03)], 10),
        (0.35, 0.35, 0.36),
        PAINT,
    )
    on_side = np.asarray([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32)
    if y_m < 0:
        on_side = np.asarray([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)
    return merged([tyre, hub]).placed(on_side, (x_m, y_m, radius_m))


def _shell(rows: list[tuple[float, float, float, float]], bands: Sequence[tuple[Colour, float]], corner_m: float = 0.3) -> Mesh:
    """A rounded body from the ground up; a band of glass gets pillars of the band below it at its corners and middle."""
    sides = 24
    rgb, kind = np.zeros((len(rows) - 1, sides, 3), np.float32), np.zeros((len(rows) - 1, sides), np.float32)
    for band, (colour, material) in enumerate(bands):
        rgb[band], kind[band] = colour, material
        if material == GLASS:
            pillars = [1, 3, 7, 9, 13, 15, 19, 21]
            rgb[band][pillars], kind[band][pillars] = bands[band - 1][0], PAINT
    return loft(oblongs(rows, corner_m, sides), rgb, kind)


def _lights(front_m: float, back_m: float, half_m: float, z_m: float) -> list[Mesh]:
    lamps = []
    for side in (-1, 1):
        y = side * (half_m - 0.22)
        lamps.append(ball((front_m, y, z_m), (0.05, 0.17, 0.08), (0.85, 0.83, 0.75), LIGHT))
        lamps.append(ball((back_m, y * 1.06, z_m + 0.08), (0.05, 0.12, 0.10), (0.55, 0.01, 0.01), LIGHT))
    for x, rgb in ((front_m + 0.02, DARK), (back_m - 0.02, DARK)):
        lamps.append(box((x - 0.03, -0.23, z_m - 0.26), (x + 0.03, 0.23, z_m - 0.14), rgb))
        lamps.append(box((x - 0.035, -0.2, z_m - 0.22), (x + 0.035, 0.2, z_m - 0.18), (0.7, 0.7, 0.7)))
    return lamps


def _wheels(front_m: float, back_m: float, half_m: float, radius_m: float) -> list[Mesh]:
    places = [(x, side) for x in (front_m, back_m) for side in (-1, 1)]
    # The wheel house: a dark disc on the body, larger than the wheel.
    houses = [_disc(x, side * (half_m + 0.012), radius_m * 1.02, radius_m * 1.28) for x, side in places]
    return [*houses, *(_wheel(x, side * (half_m - 0.095), radius_m, 0.22) for x, side in places)]


def _disc(x_m: float, y_m: float, z_m: float, radius_m: float) -> Mesh:
    angles = np.linspace(0, np.pi * 2, 13)
    rim = [(x_m + radius_m * np.cos(a), y_m, max(0.2, z_m + radius_m * np.sin(a))) for a in angles]
    return flats([((x_m, y_m, z_m), a, b, (x_m, y_m, z_m)) for a, b in itertools.pairwise(rim)], DARK)


def car(random: np.random.Generator) -> Mesh:
    """A saloon, a hatchback or a people carrier."""
    paint = PAINTS[int(random.integers(len(PAINTS)))]
    tall = random.random() < 0.6
    top, rear = (1.68, -2.0) if tall else (1.45, -1.95 + 0.75 * float(random.random() < 0.4))
    rows = [(0.22, -2.0, 2.0, 0.78), (0.40, -2.13, 2.13, 0.86), (0.66, -2.15, 2.15, 0.875), (0.84, -2.12, 1.98, 0.86),
            (0.92, -2.08, 1.15, 0.84),
            (0.97, rear, 1.05, 0.80), (top - 0.1, rear + 0.22, 0.25, 0.64), (top, rear + 0.42, 0.0, 0.55)]  # fmt: skip
    bands = [(DARK, MATTE), (paint, PAINT), (paint, PAINT), (paint, PAINT), (paint, PAINT), (PANE, GLASS), (paint, PAINT)]
    mirror = [box((0.85, s * 0.93 - 0.09, 0.95), (0.97, s * 0.93 + 0.09, 1.09), paint, PAINT) for s in (-1, 1)]
    grille = box((2.08, -0.5, 0.42), (2.16, 0.5, 0.60), DARK)
    return merged([_shell(rows, bands), *mirror, grille, *_lights(2.08, -2.10, 0.86, 0.70), *_wheels(1.30, -1.32, 0.86, 0.31)])


def angkot(random: np.random.Generator) -> Mesh:
    """The minibus of the neighbourhood lines, orange or blue, with a stripe."""
    paint = ((0.70, 0.22, 0.02), (0.02, 0.16, 0.42), (0.05, 0.30, 0.12))[int(random.integers(3))]
    rows = [(0.24, -1.9, 1.9, 0.74), (0.40, -1.98, 1.98, 0.81), (0.62, -2.0, 2.0, 0.82), (0.72, -2.0, 2.0, 0.82), (1.0, -2.0, 1.92, 0.82),
            (1.62, -1.93, 1.35, 0.76), (1.86, -1.80, 1.10, 0.66)]  # fmt: skip
    bands = [(DARK, MATTE), (paint, PAINT), ((0.7, 0.7, 0.68), PAINT), (paint, PAINT), (PANE, GLASS), (paint, PAINT)]
    return merged([_shell(rows, bands, 0.2), *_lights(1.95, -1.97, 0.80, 0.66), *_wheels(1.25, -1.25, 0.80, 0.29)])


def bus(random: np.random.Generator) -> Mesh:
    """A city bus."""
    paint = ((0.55, 0.03, 0.03), (0.03, 0.15, 0.45), (0.7, 0.7, 0.68))[int(random.integers(3))]
    rows = [(0.35, -4.4, 4.4, 1.15), (0.5, -4.5, 4.5, 1.2), (1.0, -4.5, 4.5, 1.2), (1.35, -4.5, 4.5, 1.2), (2.45, -4.45, 4.35, 1.17),
            (2.95, -4.4, 4.2, 1.12), (3.05, -4.2, 4.0, 1.0)]  # fmt: skip
    bands = [(DARK, MATTE), (paint, PAINT), ((0.7, 0.7, 0.7), PAINT), (PANE, GLASS), (paint, PAINT), ((0.6, 0.6, 0.6), PAINT)]
    return merged([_shell(rows, bands, 0.25), *_lights(4.46, -4.46, 1.15, 0.80), *_wheels(2.6, -2.7, 1.18, 0.48)])


def truck(random: np.random.Generator) -> Mesh:
    """A light truck with boards or a closed box."""
    paint = ((0.65, 0.50, 0.04), (0.6, 0.6, 0.6), (0.35, 0.03, 0.03), (0.03, 0.20, 0.25))[int(random.integers(4))]
    load = (0.45, 0.45, 0.44) if random.random() < 0.5 else (0.12, 0.20, 0.16)
    high = 2.7 if random.random() < 0.5 else 1.75
    rows = [
        (0.45, 1.6, 3.25, 0.92),
        (0.6, 1.55, 3.3, 0.98),
        (1.25, 1.55, 3.3, 0.98),
        (1.40, 1.55, 3.25, 0.97),
        (2.0, 1.6, 3.0, 0.92),
        (2.2, 1.7, 2.85, 0.85),
    ]
    bands = [(DARK, MATTE), (paint, PAINT), (paint, PAINT), (PANE, GLASS), (paint, PAINT)]
    bed = [box((-3.3, -1.03, 0.85), (1.45, 1.03, high), load), box((-3.2, -0.4, 0.5), (1.6, 0.4, 0.86), DARK)]
    return merged([_shell(rows, bands, 0.18), *bed, *_lights(3.27, -3.28, 0.95, 0.75), *_wheels(2.4, -2.1, 0.98, 0.40)])


def motorcycle(random: np.random.Generator, riders: int) -> Mesh:
    """A scooter with nobody, one or two on it."""
    number_plate = random.random() < 0.5  # black ones are being replaced by white ones
    paint = (*PAINTS, (0.45, 0.02, 0.03), (0.02, 0.12, 0.35))[int(random.integers(len(PAINTS) + 2))]
    parts = [_wheel(x, 0.0, 0.27, 0.10) for x in (0.66, -0.60)]
    # Seat and tail, narrowing to the rear; below them the engine and the swing arm, dark.
    tail = [(0.46, -0.62, 0.20, 0.11), (0.58, -0.86, 0.24, 0.15), (0.70, -0.92, 0.08, 0.13)]
    parts.append(loft(oblongs(tail, 0.1, 12), paint, PAINT))
    parts.append(loft(oblongs([(0.70, -0.82, 0.12, 0.13), (0.80, -0.72, 0.04, 0.10)], 0.1, 12), DARK))
    parts += [box((-0.45, -0.12, 0.22), (0.12, 0.12, 0.47), ENGINE), box((-0.62, -0.13, 0.24), (-0.1, -0.07, 0.32), ENGINE)]
    parts.append(box((-0.85, -0.20, 0.30), (-0.20, -0.12, 0.40), (0.30, 0.30, 0.31), PAINT))  # the exhaust
    parts += [box((-0.1, -0.15, 0.26), (0.34, 0.15, 0.33), DARK), box((-0.93, -0.12, 0.78), (-0.62, 0.12, 0.82), ENGINE)]
    # Leg shield, steering column, lamp housing; fork and mudguard of the front wheel.
    shield = [(0.30, 0.22, 0.40, 0.12), (0.50, 0.30, 0.44, 0.20), (0.74, 0.32, 0.46, 0.21), (0.90, 0.33, 0.44, 0.12)]
    parts.append(loft(oblongs(shield, 0.08, 12), paint, PAINT))
    parts.append(loft(oblongs([(0.88, 0.28, 0.48, 0.10), (0.98, 0.26, 0.52, 0.16), (1.06, 0.28, 0.44, 0.12)], 0.08, 12), paint, PAINT))
    parts += [_tube((0.64, side * 0.07, 0.27), (0.44, side * 0.07, 0.88), 0.028, ENGINE) for side in (-1, 1)]
    parts.append(loft(oblongs([(0.44, 0.44, 0.90, 0.07), (0.54, 0.46, 0.82, 0.065), (0.58, 0.52, 0.74, 0.05)], 0.05, 12), paint, PAINT))
    for side in (-1, 1):
        parts += [_tube((0.34, side * 0.10, 1.00), (0.27, side * 0.33, 1.03), 0.022, DARK)]
        parts += [
            _tube((0.32, side * 0.20, 1.03), (0.33, side * 0.30, 1.18), 0.010, DARK),
            ball((0.33, side * 0.31, 1.20), (0.02, 0.06, 0.04), DARK, sides=6),
        ]
        parts += [
            ball((x, side * y, z), (0.03, 0.035, 0.03), (0.75, 0.28, 0.01), PAINT, 6)
            for x, y, z in ((0.47, 0.15, 0.82), (-0.88, 0.13, 0.66))
        ]
    parts.append(ball((0.51, 0, 0.96), (0.05, 0.11, 0.06), (0.85, 0.83, 0.75), LIGHT))
    parts.append(ball((-0.91, 0, 0.66), (0.04, 0.09, 0.05), (0.5, 0.01, 0.01), LIGHT))
    plate: Colour = ((0.015, 0.015, 0.015), (0.65, 0.65, 0.65))[int(number_plate)]
    parts += [box((-0.95, -0.11, 0.44), (-0.93, 0.11, 0.54), plate), box((0.45, -0.11, 0.62), (0.47, 0.11, 0.70), plate)]
    for rider in range(riders):
        looks = any_looks(random, riding=True)
        turn, shift = pose("ride", 0.0, looks.scale)
        parts.append(posed(body(looks), turn, shift).moved(-0.12 - 0.42 * rider, 0.0, 0.06 * rider).of_thing(rider + 1))
    return merged(parts)


def _tube(start: tuple[float, float, float], end: tuple[float, float, float], radius_m: float, rgb: Colour) -> Mesh:
    """A thin bar from one point to another that are not at one height."""
    (x0, y0, z0), (x1, y1, z1) = sorted((start, end), key=lambda point: point[2])
    return loft(ellipses([(z0, x0, y0, radius_m, radius_m), (z1 + 0.01, x1, y1, radius_m, radius_m)], 4), rgb)


def bicycle(random: np.random.Generator, riders: int) -> Mesh:
    """A town bicycle with a basket."""
    paint = PAINTS[int(random.integers(len(PAINTS)))]
    rims = []
    for x in (0.53, -0.53):
        rings = [(-0.018, 0, 0, 0.33, 0.33), (0.018, 0, 0, 0.33, 0.33), (0.019, 0, 0, 0.28, 0.28), (-0.019, 0, 0, 0.28, 0.28)]
        on_side = np.asarray([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32)
        rims.append(loft(ellipses(rings, 14), DARK, capped=False).placed(on_side, (x, 0.0, 0.33)))
    bars = [((-0.53, 0, 0.33), (-0.05, 0, 0.30)), ((-0.05, 0, 0.30), (-0.2, 0, 0.85)), ((-0.2, 0, 0.78), (-0.53, 0, 0.33)),
            ((-0.05, 0, 0.30), (0.40, 0, 0.78)), ((-0.19, 0, 0.72), (0.38, 0, 0.82)), ((0.53, 0, 0.33), (0.36, 0, 1.0))]  # fmt: skip
    parts = [*rims, *(_tube(start, end, 0.022, paint) for start, end in bars)]
    parts += [box((-0.33, -0.08, 0.86), (-0.08, 0.08, 0.92), DARK), box((0.30, -0.28, 0.99), (0.35, 0.28, 1.03), DARK)]
    parts.append(box((0.42, -0.15, 0.72), (0.68, 0.15, 0.94), (0.16, 0.14, 0.11)))
    for rider in range(riders):
        looks = any_looks(random)
        turn, shift = pose("cycle", 0.0, looks.scale)
        parts.append(posed(body(replace(looks, skirt=False)), turn, shift).moved(-0.2, 0.0, 0.0).of_thing(rider + 1))
    return merged(parts)


def pushcart(random: np.random.Generator) -> Mesh:
    """A gerobak: a hawker's cart with a glass case under a roof, and who pushes it (thing 1), standing at the origin behind it."""
    paint = ((0.03, 0.22, 0.40), (0.05, 0.28, 0.12), (0.50, 0.42, 0.08), (0.55, 0.55, 0.52))[int(random.integers(4))]
    roof = ((0.45, 0.05, 0.04), (0.05, 0.12, 0.35), (0.5, 0.4, 0.05))[int(random.integers(3))]
    parts = [box((0.55, -0.42, 0.45), (1.85, 0.42, 0.95), paint, PAINT), box((0.60, -0.38, 0.95), (1.80, 0.38, 1.40), PANE, GLASS)]
    parts += [box((0.58, s * 0.40 - 0.02, 0.95), (0.62, s * 0.40 + 0.02, 1.75), paint) for s in (-1, 1)]
    parts += [box((1.78, s * 0.40 - 0.02, 0.95), (1.82, s * 0.40 + 0.02, 1.75), paint) for s in (-1, 1)]
    parts += [box((0.45, -0.52, 1.75), (1.95, 0.52, 1.83), roof, PAINT), box((0.85, -0.44, 0.60), (1.55, 0.44, 0.82), (0.6, 0.6, 0.55))]
    parts += [_wheel(x, s * 0.40, 0.27, 0.06) for x in (0.85, 1.55) for s in (-1, 1)]
    parts.append(box((0.25, -0.35, 0.93), (0.55, 0.35, 0.97), (0.2, 0.2, 0.2)))
    return merged([merged(parts).of_part(CART_PART), body(any_looks(random)).of_thing(1)])


def walking(cart: Mesh, phase: float) -> Mesh:
    """A pushcart with its pusher in a phase of the walk, middle at the origin."""
    turn, shift = pose("push", phase)
    turn, shift = np.concatenate([turn, np.eye(3, dtype=np.float32)[None]]), np.concatenate([shift, np.zeros((1, 3), np.float32)])
    return posed(cart, turn, shift).moved(-0.8, 0.0)


def model(kind: VehicleKind, random: np.random.Generator, riders: int | None = None) -> Model:
    """Any vehicle of this kind. riders: of a motorcycle or bicycle; at random when left out."""
    if kind == "motorcycle":
        count = (2 if random.random() < 0.25 else 1) if riders is None else riders
        return Model(kind, motorcycle(random, count), count)
    if kind == "bicycle":
        count = 1 if riders is None else riders
        return Model(kind, bicycle(random, count), count)
    if kind == "pushcart":
        return Model(kind, pushcart(random), 1)
    shape = {"car": car, "angkot": angkot, "bus": bus, "truck": truck}[kind](random)
    return Model(kind, shape)


def beam(kind: VehicleKind, x_m: float, y_m: float, yaw_rad: float) -> Floats:
    """Triangles of headlight on the road (6, 4): position and power."""
    front, half = LENGTH_M[kind] / 2, WIDTH_M[kind] / 2
    corners = np.asarray([[front, half, 0], [front, -half, 0], [front + 12, -half - 2.2, 0], [front + 12, half + 2.2, 0]])
    at = corners @ turned(yaw_rad).T + (x_m, y_m, 0.04)
    rows = np.concatenate([at, [[1.0], [1.0], [0.0], [0.0]]], 1)
    return rows[[0, 1, 2, 0, 2, 3]].astype(np.float32)
