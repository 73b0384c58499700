"""Whatever moves or may be counted: a mesh, where it is now, and its pose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sewu.base.records import Floats
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.mesh import Colour, Mesh, box, merged, turned
from sewu.simulate.scenes.people import Looks, Pose, body, pose, posed
from sewu.simulate.scenes.render import Moving
from sewu.simulate.scenes.vehicles import LENGTH_M, UNLIT, VehicleKind, beam, walking
from sewu.simulate.scenes.water import rippled

FAR_M = 110.0
"""Farther away nobody is drawn; the haze and the size of a pixel hide them."""
COARSE_FROM_M = 24.0
BURIED_M = -1000.0
"""Floor on which the shadow of what casts none falls."""
ActorKind = Literal["person", "bag", "heap", "stall", "water"] | VehicleKind
REACH_M: dict[str, float] = {**{str(kind): length for kind, length in LENGTH_M.items()}, "stall": 4.0, "heap": 2.0, "water": 400.0}
"""How large what is not of a person's size is."""


@dataclass(slots=True)
class Actor:
    """One actor. Thing 0 of its mesh has the id `id`, its riders the ids after it.

    Persons: `phase` is that of the walk, `scale` that of the body, `fallen` 0 upright to 1 lying. floor_m: height of the ground.
    """

    id: int
    kind: ActorKind
    mesh: Mesh
    riders: int = 0
    scale: float = 1.0
    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0
    floor_m: float = 0.0
    pose: Pose = "stand"
    phase: float = 0.0
    engine_on: bool = True
    fallen: float = 0.0
    casts_shadow: bool = True
    _far: Mesh | None = field(default=None, repr=False)

    def place(self, x_m: float, y_m: float, yaw_rad: float) -> None:
        self.x_m, self.y_m, self.yaw_rad = x_m, y_m, yaw_rad

    def in_world(self, *, far: bool = False) -> Mesh:
        """The mesh where it is now; of fewer faces when `far`."""
        mesh = self._from_afar() if far else self.mesh
        if self.kind == "person":
            mesh = posed(mesh, *pose(self.pose, self.phase, self.scale))
        elif self.kind == "water":
            mesh = rippled(mesh, self.phase)
        elif self.kind == "pushcart" and self.riders:
            # A scripted cart has no pusher of its own in the mesh: the seller is an actor.
            mesh = walking(mesh, self.phase)
        if self.fallen > 0:
            mesh = mesh.placed(_tilted(self.fallen * math.pi / 2), (0.0, 0.0, 0.17 * self.fallen))
        return mesh.placed(turned(self.yaw_rad), (self.x_m, self.y_m, self.floor_m))

    def _from_afar(self) -> Mesh:
        # What lies on a heap changes.
        if self.kind == "heap":
            return self.mesh
        if self._far is None:
            self._far = self.mesh.from_afar()
        return self._far


def _tilted(angle_rad: float) -> Floats:
    """Rotation about y that lays forward (+x) what stands."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.asarray([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


def person(number: int, looks: Looks, x_m: float = 0.0, y_m: float = 0.0, floor_m: float = 0.0) -> Actor:
    """Somebody standing."""
    return Actor(number, "person", body(looks), scale=looks.scale, x_m=x_m, y_m=y_m, floor_m=floor_m)


def bag(number: int, rgb: Colour = (0.05, 0.07, 0.16)) -> Actor:
    """A large travel bag on the ground."""
    handle = box((-0.02, -0.14, 0.36), (0.02, 0.14, 0.42), (0.02, 0.02, 0.02))
    return Actor(number, "bag", merged([box((-0.16, -0.30, 0), (0.16, 0.30, 0.36), rgb), handle]))


def in_view(actors: Sequence[Actor], camera: PoleCamera) -> list[Actor]:
    """Those that the camera may see, or whose shadow it may see."""
    if not actors:
        return []
    half = math.tan(math.radians(camera.across_deg) / 2)
    at = np.asarray([(a.x_m, a.y_m, a.floor_m + 0.8) for a in actors]) - (camera.x_m, camera.y_m, camera.height_m)
    right, down, ahead = (at @ camera.view().T).T
    margin = np.asarray([REACH_M.get(a.kind, 1.5) * 0.5 + 1.6 for a in actors])
    seen = (
        (ahead > -margin)
        & (ahead < FAR_M)
        & (np.abs(right) < ahead * half + margin * 1.3)
        & (np.abs(down) < ahead * half * 0.5625 + margin * 1.5)
    )
    # From near to far: what is hidden is then not shaded.
    return [actors[index] for index in np.argsort(ahead, kind="stable").tolist() if seen[index]]


def moving(actors: Sequence[Actor], camera: PoleCamera | None = None) -> tuple[Moving, list[tuple[Actor, Mesh]]]:
    """What the renderer draws, and every actor's mesh in the world; names are ids + 1.

    With a camera, who is farther from it than `COARSE_FROM_M` is drawn with fewer faces.
    """
    eye = (camera.x_m, camera.y_m) if camera else None
    placed = [
        (actor, actor.in_world(far=eye is not None and math.hypot(actor.x_m - eye[0], actor.y_m - eye[1]) > COARSE_FROM_M))
        for actor in actors
    ]
    if not placed:
        return Moving(np.zeros((0, 12), np.float32), np.zeros((0, 3), np.int32), np.zeros((0, 4), np.float32)), []
    every = merged([mesh for _, mesh in placed])
    counts = [len(mesh.at_m) for _, mesh in placed]
    floor = np.repeat(np.asarray([actor.floor_m if actor.casts_shadow else BURIED_M for actor, _ in placed], np.float32), counts)
    name = np.repeat(np.asarray([actor.id + 1 for actor, _ in placed], np.float32), counts) + every.thing
    columns = [every.at_m, every.normal, every.rgb, every.material[:, None], floor[:, None], name[:, None]]
    beams: list[Floats] = [
        beam(a.kind, a.x_m, a.y_m, a.yaw_rad) for a, _ in placed if a.kind in LENGTH_M and a.kind not in UNLIT and a.engine_on
    ]
    lit = np.concatenate(beams) if beams else np.zeros((0, 4), np.float32)
    return Moving(np.concatenate(columns, axis=1).astype(np.float32), every.faces, lit), placed
