"""Vehicles in lanes: they follow each other, stop at red, and go around what stands at the kerb.

Car-following: Treiber, Hennecke, Helbing 2000, "Congested traffic states in empirical observations and microscopic
simulations" (the intelligent driver model).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np

from sewu.simulate.scenes.actors import Actor
from sewu.simulate.scenes.place import Lane
from sewu.simulate.scenes.vehicles import LENGTH_M, WIDTH_M, VehicleKind, model

SignalColour = Literal["red", "amber", "green"]
CYCLE_S, GREEN_S, CLEAR_S, AMBER_S = 44.0, 18.0, 4.0, 2.5
PUSH_MPS2, BRAKE_MPS2, HEADWAY_S, STANDSTILL_M = 1.7, 2.2, 1.1, 1.6
SIDESTEP_MPS = 0.9
CROWN_M = 14.0
STRIDE_M = 1.35
SLOW_MPS: dict[VehicleKind, float] = {"bicycle": 4.2, "pushcart": 1.15}
"""They keep to the left edge of the lane, `LEFT_M` from its middle where cars drive."""
LEFT_M: dict[VehicleKind, float] = {"bicycle": 1.35, "pushcart": 2.0}
SHARES: dict[str, tuple[tuple[VehicleKind, float], ...]] = {
    "street": (
        ("motorcycle", 0.57),
        ("car", 0.25),
        ("angkot", 0.07),
        ("truck", 0.05),
        ("bus", 0.02),
        ("bicycle", 0.03),
        ("pushcart", 0.01),
    ),
    "junction": (("motorcycle", 0.55), ("car", 0.27), ("angkot", 0.07), ("truck", 0.05), ("bus", 0.04), ("bicycle", 0.02)),
    "market": (("motorcycle", 0.7), ("pushcart", 0.15), ("bicycle", 0.15)),
    "river": (("motorcycle", 0.72), ("car", 0.22), ("angkot", 0.04), ("truck", 0.02)),
    "carpark": (("motorcycle", 0.35), ("car", 0.65)),
}


@dataclass(slots=True)
class Driver:
    """A vehicle in a lane: `s_m` along it, `offset_m` to its left."""

    actor: Actor
    lane: int
    s_m: float
    v_mps: float
    wish_mps: float
    base_m: float
    offset_m: float


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something in the way that no lane knows: where, how long and how wide."""

    x_m: float
    y_m: float
    half_length_m: float
    half_width_m: float


@dataclass(slots=True)
class Traffic:
    """All lanes of a place. `red` holds spans (phase, from, to) during which a phase stays red whatever the cycle says."""

    kind: str
    lanes: Sequence[Lane]
    random: np.random.Generator
    next_id: list[int]
    red: list[tuple[int, float, float]] = field(default_factory=list)
    keep_clear: list[tuple[int, float, float]] = field(default_factory=list)
    drivers: list[Driver] = field(default_factory=list)
    _due_s: list[float] = field(default_factory=list)

    def is_green(self, phase: int, t_s: float) -> bool:
        if any(p == phase and start <= t_s < end for p, start, end in self.red):
            return False
        return (t_s - phase * (GREEN_S + CLEAR_S)) % CYCLE_S < GREEN_S

    def colour(self, phase: int, t_s: float) -> SignalColour:
        """What the heads of a phase show; amber between green and red."""
        if self.is_green(phase, t_s):
            return "green"
        return "amber" if any(self.is_green(phase, t_s - ago) for ago in (0.5, AMBER_S)) else "red"

    def step(self, t_s: float, dt_s: float, obstacles: Sequence[Obstacle]) -> None:
        """From `t_s` to `t_s + dt_s`."""
        if not self._due_s:
            self._due_s = [t_s + float(self.random.exponential(lane.every_s / 2)) for lane in self.lanes]
        for index, lane in enumerate(self.lanes):
            self._arrive(index, lane, t_s)
            ours = sorted((d for d in self.drivers if d.lane == index), key=lambda d: -d.s_m)
            things = [(*_along(lane, o.x_m, o.y_m), o.half_length_m, o.half_width_m) for o in obstacles]
            for place, driver in enumerate(ours):
                self._drive(driver, ours[:place], things, t_s, dt_s)
        self.drivers = [d for d in self.drivers if d.s_m < _length(self.lanes[d.lane])]
        for driver in self.drivers:
            driver.actor.phase += driver.v_mps * dt_s / STRIDE_M
            x, y, yaw = _at(self.lanes[driver.lane], driver.s_m, driver.offset_m)
            driver.actor.place(x, y, yaw)

    def _arrive(self, index: int, lane: Lane, t_s: float) -> None:
        if t_s < self._due_s[index] or any(i == index and start <= t_s < end for i, start, end in self.keep_clear):
            return
        if any(d.lane == index and d.s_m - LENGTH_M[_kind(d)] / 2 < CROWN_M for d in self.drivers):
            return
        self._due_s[index] = t_s + float(self.random.exponential(lane.every_s))
        kinds, shares = zip(*SHARES[self.kind], strict=True)
        kind: VehicleKind = kinds[int(self.random.choice(len(kinds), p=np.asarray(shares) / sum(shares)))]
        made = model(kind, self.random)
        actor = Actor(self.next_id[0], kind, made.mesh, riders=made.riders)
        self.next_id[0] += 1 + made.riders
        spread = 0.75 if kind == "motorcycle" else 0.12
        offset = float(self.random.uniform(-spread, spread))
        wish = lane.speed_mps * float(self.random.uniform(0.8, 1.15)) * (0.85 if kind in ("bus", "truck", "angkot") else 1.0)
        if kind in SLOW_MPS:
            wish = min(wish, SLOW_MPS[kind] * float(self.random.uniform(0.85, 1.1)))
            offset += LEFT_M[kind] if self.kind in ("street", "junction") else 0.0
        self.drivers.append(Driver(actor, index, 0.0, wish * 0.9, wish, offset, offset))

    def _drive(
        self, me: Driver, ahead: Sequence[Driver], things: Sequence[tuple[float, float, float, float]], t_s: float, dt_s: float
    ) -> None:
        lane, kind = self.lanes[me.lane], _kind(me)
        front, half = me.s_m + LENGTH_M[kind] / 2, WIDTH_M[kind] / 2
        gap, lead_mps, aim_m = math.inf, 0.0, me.base_m
        for other in ahead:
            if abs(other.offset_m - me.offset_m) < half + WIDTH_M[_kind(other)] / 2 + 0.15:
                space = other.s_m - LENGTH_M[_kind(other)] / 2 - front
                if space < gap:
                    gap, lead_mps = space, other.v_mps
        for s_m, left_m, long_m, wide_m in things:
            if -2 * long_m < s_m - me.s_m < 25.0:
                clear = half + wide_m + 0.3
                if abs(left_m - aim_m) < clear:
                    aim_m = left_m - clear if left_m > me.base_m else left_m + clear
                if abs(left_m - me.offset_m) < half + wide_m + 0.05 and s_m > me.s_m and s_m - long_m - front < gap:
                    gap, lead_mps = s_m - long_m - front, 0.0
        if lane.stop_m is not None and not self.is_green(lane.phase, t_s):
            space = lane.stop_m - front
            if space > -0.5 and space + 0.5 > me.v_mps**2 / 9.0 and space < gap:
                gap, lead_mps = space + STANDSTILL_M * 0.7, 0.0
        wanted = STANDSTILL_M + max(0.0, me.v_mps * HEADWAY_S + me.v_mps * (me.v_mps - lead_mps) / (2 * math.sqrt(PUSH_MPS2 * BRAKE_MPS2)))
        pull = PUSH_MPS2 * (1 - (me.v_mps / me.wish_mps) ** 4 - (wanted / max(gap, 0.1)) ** 2)
        me.v_mps = max(0.0, me.v_mps + min(max(pull, -7.0), PUSH_MPS2) * dt_s)
        me.s_m += me.v_mps * dt_s
        reach = SIDESTEP_MPS * dt_s * min(1.0, me.v_mps / 2)
        me.offset_m += min(max(aim_m - me.offset_m, -reach), reach)


def _kind(driver: Driver) -> VehicleKind:
    kind = driver.actor.kind
    assert kind in LENGTH_M
    return kind


@dataclass(frozen=True, slots=True)
class _Leg:
    """A straight piece of a lane: where it begins, its direction, how far along the lane that is, and its length."""

    x_m: float
    y_m: float
    way_x: float
    way_y: float
    from_m: float
    long_m: float


@lru_cache(maxsize=256)
def _legs(points_m: tuple[tuple[float, float], ...]) -> tuple[_Leg, ...]:
    legs, gone_m = [], 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(points_m):
        long_m = math.hypot(x1 - x0, y1 - y0)
        legs.append(_Leg(x0, y0, (x1 - x0) / long_m, (y1 - y0) / long_m, gone_m, long_m))
        gone_m += long_m
    return tuple(legs)


def _length(lane: Lane) -> float:
    last = _legs(lane.points_m)[-1]
    return last.from_m + last.long_m


def _at(lane: Lane, s_m: float, left_m: float) -> tuple[float, float, float]:
    """x, y and yaw so far along the lane and so far to its left."""
    legs = _legs(lane.points_m)
    leg = next((leg for leg in legs if s_m <= leg.from_m + leg.long_m), legs[-1])
    on_m = s_m - leg.from_m
    x, y = leg.x_m + leg.way_x * on_m - leg.way_y * left_m, leg.y_m + leg.way_y * on_m + leg.way_x * left_m
    return x, y, math.atan2(leg.way_y, leg.way_x)


def _along(lane: Lane, x_m: float, y_m: float) -> tuple[float, float]:
    """How far along the lane and how far to its left; lanes are straight enough for their first and last point to do."""
    (leg,) = _legs((lane.points_m[0], lane.points_m[-1]))
    off_x, off_y = x_m - leg.x_m, y_m - leg.y_m
    return off_x * leg.way_x + off_y * leg.way_y, leg.way_x * off_y - leg.way_y * off_x
