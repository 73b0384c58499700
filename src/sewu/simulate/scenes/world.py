"""A place in time: traffic, people, and what was scripted, stepped at the rate of the pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sewu.simulate.scenes.actors import Actor, person
from sewu.simulate.scenes.mesh import LIGHT, PAINT, Mesh
from sewu.simulate.scenes.people import Looks, any_looks
from sewu.simulate.scenes.place import Layout
from sewu.simulate.scenes.scripts import Script
from sewu.simulate.scenes.traffic import Obstacle, Traffic
from sewu.simulate.scenes.vehicles import LENGTH_M, WIDTH_M, model
from sewu.simulate.scenes.walkers import Crowd

WARM_UP_S = 70.0
WARM_UP_STEP_S = 0.1
PASSABLE = ("bag", "water", "stall")
"""Nothing drives around these: small, everywhere, or beside the lane."""


class World:
    """Everything that moves in one place. The same layout, scripts and generator give the same world.

    Args:
        next_id: the next free id, in a list, so that all who make actors count on.
        warm_up_s: how long it has been going on before the loop begins, so that lanes and walks are not empty.
    """

    def __init__(
        self, layout: Layout, scripts: Sequence[Script], random: np.random.Generator, next_id: list[int], warm_up_s: float = WARM_UP_S
    ) -> None:
        self.layout, self.scripts = layout, list(scripts)
        self.traffic = Traffic(layout.kind, layout.lanes, random, next_id)
        self._dressers = [script.dress for script in scripts if script.dress is not None]
        self.crowd = Crowd(layout.walks, random, next_id, self._dressed)
        for script in scripts:
            self.traffic.red += script.red
            self.traffic.keep_clear += script.keep_clear
        replaced = frozenset[str]().union(*(script.replaces for script in scripts))
        self._still = _standing(layout, replaced, random, next_id, self._dressed)
        self.t_s = -warm_up_s
        while self.t_s < -WARM_UP_STEP_S / 2:
            self.step(WARM_UP_STEP_S)
        self.t_s = 0.0

    @property
    def actors(self) -> list[Actor]:
        """Everybody who is there now."""
        scripted = [actor for script in self.scripts for actor in script.present(self.t_s)]
        return [*self._still, *scripted, *(d.actor for d in self.traffic.drivers), *(w.actor for w in self.crowd.walkers)]

    def _dressed(self, number: int, looks: Looks) -> Looks:
        for dress in self._dressers:
            looks = dress(number, looks)
        return looks

    def step(self, dt_s: float) -> None:
        """On by `dt_s`."""
        scripted = [actor for script in self.scripts for actor in script.present(self.t_s)]
        in_the_way = [*self._still, *scripted]
        if self.layout.kind in ("market", "carpark"):
            in_the_way += [w.actor for w in self.crowd.walkers]
        obstacles = [_obstacle(actor) for actor in in_the_way if actor.kind not in PASSABLE]
        self.traffic.step(self.t_s, dt_s, obstacles)
        vehicles = [d.actor for d in self.traffic.drivers] + [a for a in scripted if a.kind in LENGTH_M or a.kind == "heap" or a.fallen > 0]
        self.crowd.step(self.t_s, dt_s, np.asarray([(a.x_m, a.y_m) for a in vehicles]).reshape(-1, 2))
        for one in self._still:
            if one.kind == "person":
                one.phase += dt_s * 0.12
            elif one.kind == "water":
                one.phase = self.t_s + dt_s
        self.t_s += dt_s
        for script in self.scripts:
            if script.watch is not None:
                script.watch(self.t_s, self.traffic)


def _standing(
    layout: Layout, replaced: frozenset[str], random: np.random.Generator, next_id: list[int], dress: Callable[[int, Looks], Looks]
) -> list[Actor]:
    """Who and what stays where it is, less what a script plays itself."""
    still: list[Actor] = []
    stands = list(layout.stands)
    for prop in layout.props:
        if prop.name not in replaced:
            actor = Actor(next_id[0], prop.kind, prop.mesh, casts_shadow=prop.kind != "water")
            if prop.kind == "water" and layout.gauge is not None:
                actor.floor_m = layout.gauge.usual_m
            still.append(actor)
            next_id[0] += 1
            stands += prop.stands
    for x, y, yaw, floor in stands:
        one = person(next_id[0], dress(next_id[0], any_looks(random)), x, y, floor)
        one.yaw_rad, one.phase = yaw + float(random.normal(0, 0.3)), float(random.random())
        next_id[0] += 1
        still.append(one)
    for number, (kind, x, y, yaw) in enumerate(layout.parked):
        if f"parked-{number}" in replaced:
            continue
        parked = Actor(next_id[0], kind, unlit(model(kind, random, riders=0).mesh), engine_on=False)
        parked.place(x, y, yaw)
        next_id[0] += 1
        still.append(parked)
    return still


def unlit(mesh: Mesh) -> Mesh:
    """A vehicle with its lamps off."""
    return replace(mesh, material=np.where(mesh.material == LIGHT, PAINT, mesh.material).astype(np.float32))


def _obstacle(actor: Actor) -> Obstacle:
    if actor.kind in LENGTH_M:
        along_y = abs(np.sin(actor.yaw_rad)) > 0.7
        length, width = LENGTH_M[actor.kind] / 2, WIDTH_M[actor.kind] / 2
        return Obstacle(actor.x_m, actor.y_m, *((length, width) if along_y else (width, length)))
    half = 0.8 if actor.kind == "heap" else 0.3
    return Obstacle(actor.x_m, actor.y_m, half, half)
