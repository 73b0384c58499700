"""What a place is made of: lanes, walks, zones, counting lines, props, and the camera that looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sewu.simulate.scenes import props
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.mesh import GRASS, Mesh, ground
from sewu.simulate.scenes.vehicles import VehicleKind
from sewu.simulate.scenes.water import Gauge

SceneKind = Literal["junction", "street", "market", "carpark", "river"]
At = tuple[float, float]
GREY = (0.115, 0.115, 0.118)
SLABS = (0.30, 0.28, 0.25)


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane from its first point to its last; vehicles stop at `stop_m` along it while `phase` is red."""

    points_m: tuple[At, ...]
    speed_mps: float = 8.0
    every_s: float = 5.0
    stop_m: float | None = None
    phase: int = 0


@dataclass(frozen=True, slots=True)
class Walk:
    """A strip along which people walk both ways."""

    points_m: tuple[At, ...]
    half_width_m: float
    every_s: float
    floor_m: float = 0.12


@dataclass(frozen=True, slots=True)
class Area:
    """A zone on the ground; `face_m` are its corners (x, y, z) in the picture where it stands upright, like a staff gauge."""

    id: str
    kind: str
    name: str
    corners_m: tuple[At, ...]
    face_m: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class CountLine:
    """A counting line on the ground; forward is from the left hand to the right hand in the picture."""

    id: str
    start_m: At
    end_m: At
    forward: str
    backward: str


@dataclass(frozen=True, slots=True)
class Prop:
    """Something that stands there unless a happening plays it: a stall with its goods. `name` is that of its zone.

    stands: who belongs to it, as in `Layout`; at a stall the trader comes first.
    """

    name: str
    kind: Literal["stall", "water"]
    mesh: Mesh
    stands: tuple[tuple[float, float, float, float], ...] = ()
    at_m: At = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Layout:
    """One place. stands: where people stand (x, y, yaw, floor). parked: vehicles that stay (kind, x, y, yaw).

    A script may play a prop under its name, and parked vehicle number n under "parked-n".
    """

    kind: SceneKind
    still: Mesh
    camera: PoleCamera
    lamps: tuple[tuple[float, float, float], ...]
    lanes: tuple[Lane, ...]
    walks: tuple[Walk, ...]
    areas: tuple[Area, ...]
    lines: tuple[CountLine, ...]
    square_m: tuple[At, At, At, At]
    stands: tuple[tuple[float, float, float, float], ...] = ()
    parked: tuple[tuple[VehicleKind, float, float, float], ...] = ()
    props: tuple[Prop, ...] = ()
    gauge: Gauge | None = None


def oblong(x0: float, y0: float, x1: float, y1: float) -> tuple[At, At, At, At]:
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def closing(random: np.random.Generator, y_m: float) -> list[Mesh]:
    """Trees and houses that close the view, and grass under everything."""
    far = [props.tree(random, x, y_m + float(random.uniform(0, 8)), 7.5) for x in np.arange(-42, 43, 4.5)]
    return [ground(-90, -40, 90, 170, -0.05, (0.10, 0.11, 0.05), GRASS), *far]
