"""What is made to happen, and when exactly it does: scripted actors with their own truth.

Times are seconds from the start of the loop. An event begins and ends when what defines it does (a vehicle comes to rest in the
zone, a person crosses its edge), not when an analytic may say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sewu.base.errors import BadSettings
from sewu.base.records import Doubles
from sewu.simulate.scenes.actors import Actor, bag, person
from sewu.simulate.scenes.layout import Area, Layout
from sewu.simulate.scenes.people import any_looks
from sewu.simulate.scenes.vehicles import model

HappeningKind = Literal["illegal_parking", "gathering", "intrusion", "loitering", "abandoned_bag", "queue"]
ZONE_KIND: dict[HappeningKind, str] = {
    "illegal_parking": "no_parking", "gathering": "crowd", "intrusion": "restricted", "loitering": "watch",
    "abandoned_bag": "left", "queue": "queue",
}  # fmt: skip
"""The kind of zone in which each takes place."""
WALK_MPS, DRIVE_MPS, STRIDE_M, FAR_M = 1.25, 7.0, 1.35, 110.0
GATHERED = 12


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """What happened: for events.jsonl. `ids` are those of gt.txt."""

    kind: HappeningKind
    zone: str
    start_s: float
    end_s: float
    ids: tuple[int, ...] = ()


@dataclass(slots=True)
class Track:
    """Where a scripted actor is: straight from one point to the next. Absent before the first and after the last time."""

    actor: Actor
    times_s: Doubles
    points_m: Doubles
    rest_yaw_rad: float | None = None

    def at(self, t_s: float) -> Actor | None:
        """The actor placed as it is at `t_s`; None while absent."""
        if not self.times_s[0] <= t_s <= self.times_s[-1]:
            return None
        actor, (x, y) = self.actor, self._where(t_s)
        ahead, behind = self._where(min(t_s + 0.1, self.times_s[-1])), self._where(max(t_s - 0.1, self.times_s[0]))
        step = ahead - behind
        moves = float(np.hypot(*step)) > 0.01
        yaw = float(np.arctan2(step[1], step[0])) if moves else actor.yaw_rad
        if not moves and self.rest_yaw_rad is not None:
            yaw = self.rest_yaw_rad
        actor.place(float(x), float(y), yaw)
        if actor.kind == "person":
            actor.pose = "walk" if moves else "stand"
            actor.phase = self._gone_m(t_s) / (STRIDE_M * actor.scale) if moves else t_s * 0.12 + actor.id * 0.37
        return actor

    def _where(self, t_s: float) -> Doubles:
        return np.asarray([np.interp(t_s, self.times_s, self.points_m[:, k]) for k in (0, 1)])

    def _gone_m(self, t_s: float) -> float:
        far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(self.points_m, axis=0).T))])
        return float(np.interp(t_s, self.times_s, far))


@dataclass(slots=True)
class Script:
    """The actors of one happening and its truth. red: signal spans; keep_clear: lanes to let empty (lane, from, to)."""

    event: TrueEvent
    tracks: list[Track] = field(default_factory=list)
    red: list[tuple[int, float, float]] = field(default_factory=list)
    keep_clear: list[tuple[int, float, float]] = field(default_factory=list)

    def present(self, t_s: float) -> list[Actor]:
        return [actor for track in self.tracks if (actor := track.at(t_s)) is not None]


def make_script(kind: HappeningKind, layout: Layout, duration_s: float, random: np.random.Generator, next_id: list[int]) -> Script:
    """One happening, between 15 % and 90 % of the loop.

    Raises:
        BadSettings: this place has no zone for it, or the loop is too short.
    """
    area = next((a for a in layout.areas if a.kind == ZONE_KIND[kind]), None)
    if area is None:
        able = [k for k, zone in ZONE_KIND.items() if any(a.kind == zone for a in layout.areas)]
        raise BadSettings(f"{kind} cannot happen in the scene {layout.kind}.", f"Choose one of {', '.join(able)}, or another scene.")
    if duration_s < 20:
        raise BadSettings(f"{kind} does not fit into {duration_s:g} s.", "Make the loop at least 20 s long.")
    start_s, end_s = round(0.2 * duration_s + float(random.uniform(0, 0.05)) * duration_s, 2), round(0.85 * duration_s, 2)
    return _MAKERS[kind](_Place(layout, area, random, next_id), start_s, end_s)


@dataclass(frozen=True, slots=True)
class _Place:
    layout: Layout
    area: Area
    random: np.random.Generator
    next_id: list[int]

    @property
    def box_m(self) -> tuple[float, float, float, float]:
        corners = np.asarray(self.area.corners_m)
        return (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())

    @property
    def centre_m(self) -> tuple[float, float]:
        x0, y0, x1, y1 = self.box_m
        return (x0 + x1) / 2, (y0 + y1) / 2

    @property
    def floor_m(self) -> float:
        return max((w.floor_m for w in self.layout.walks), default=0.0) if self.layout.kind in ("street", "junction") else 0.0

    def somebody(self) -> Actor:
        actor = person(self._id(), any_looks(self.random), floor_m=self.floor_m)
        return actor

    def a_bag(self) -> Actor:
        made = bag(self._id())
        made.floor_m = self.floor_m
        return made

    def a_car(self) -> Actor:
        return Actor(self._id(), "car", model("car", self.random).mesh)

    def _id(self) -> int:
        self.next_id[0] += 1
        return self.next_id[0] - 1


def _walked(points_m: Sequence[tuple[float, float]], reach_s: float, reach_at: int, stays_s: dict[int, float]) -> tuple[Doubles, Doubles]:
    """Times and points of a walk that reaches point `reach_at` at `reach_s`, resting at some points."""
    times, points, t = [], [], 0.0
    arrival = 0.0
    for index, point in enumerate(points_m):
        if index:
            t += float(np.hypot(point[0] - points_m[index - 1][0], point[1] - points_m[index - 1][1])) / WALK_MPS
        if index == reach_at:
            arrival = t
        times.append(t)
        points.append(point)
        if index in stays_s:
            t += stays_s[index]
            times.append(t)
            points.append(point)
    return np.asarray(times) - arrival + reach_s, np.asarray(points, np.float64)


def _illegal_parking(place: _Place, start_s: float, end_s: float) -> Script:
    x0, _, x1, _ = place.box_m
    toward = place.centre_m[0] >= 0
    lane_x, spot = (1.7 if toward else -1.7), ((x0 + x1) / 2, place.centre_m[1])
    if place.layout.kind == "junction":
        lane_x = 4.6 if toward else -4.6
    way = -1.0 if toward else 1.0
    slow = np.linspace(0, 1, 15)
    brake_m, brake_s = 18.0, 2 * 18.0 / DRIVE_MPS
    come = spot[1] - way * brake_m * (1 - slow) ** 2
    x_come = lane_x + (spot[0] - lane_x) * np.clip(slow * 1.35, 0, 1) ** 2 * (3 - 2 * np.clip(slow * 1.35, 0, 1))
    lead_s = FAR_M / DRIVE_MPS
    first = (start_s - brake_s - lead_s, lane_x, spot[1] - way * (brake_m + FAR_M))
    rows = [first, *zip(start_s - brake_s * (1 - slow), x_come, come, strict=True)]
    leave = spot[1] + way * brake_m * slow**2
    x_leave = spot[0] + (lane_x - spot[0]) * slow * slow * (3 - 2 * slow)
    rows += [
        *zip(end_s + brake_s * slow, x_leave, leave, strict=True),
        (end_s + brake_s + lead_s, lane_x, spot[1] + way * (brake_m + FAR_M)),
    ]
    table = np.asarray(rows)
    lane = (
        next(
            i
            for i, n in enumerate(place.layout.lanes)
            if abs(n.points_m[0][0] - lane_x) < 0.6 and (n.points_m[-1][1] - n.points_m[0][1]) * way > 0
        )
        if place.layout.kind != "market"
        else 0
    )
    car = place.a_car()
    track = Track(car, table[:, 0], table[:, 1:], rest_yaw_rad=way * np.pi / 2)
    event = TrueEvent("illegal_parking", place.area.id, start_s, end_s, (car.id,))
    return Script(event, [track], keep_clear=[(lane, start_s - brake_s - lead_s - 9.0, start_s - brake_s - 6.0)])


def _gathering(place: _Place, start_s: float, end_s: float) -> Script:
    x0, y0, x1, y1 = place.box_m
    cx, cy = place.centre_m
    tracks, radius = [], min(2.0, (x1 - x0) / 2 - 0.5)
    for number in range(GATHERED):
        angle = 2 * np.pi * number / GATHERED + float(place.random.normal(0, 0.08))
        ring = radius * (1.0 if number % 2 else 0.62)
        spot = (cx + ring * np.cos(angle), cy + 1.5 * ring * np.sin(angle))
        edge = (cx + float(place.random.uniform(-0.6, 0.6)), y1 + 25.0 if number % 3 else y0 - 12.0)
        reach = start_s - float(place.random.uniform(0, 5)) if number else start_s
        times, points = _walked((edge, spot, edge), reach, 1, {1: end_s - reach + (float(place.random.uniform(0, 4)) if number else 0.0)})
        tracks.append(Track(place.somebody(), times, points, rest_yaw_rad=float(np.arctan2(cy - spot[1], cx - spot[0]))))
    return Script(TrueEvent("gathering", place.area.id, start_s, end_s, tuple(t.actor.id for t in tracks)), tracks)


def _crossing_times(track: Track, area: Area) -> tuple[float, float]:
    """When the actor is first and last inside, to a hundredth of a second."""
    times = np.arange(max(track.times_s[0], -5.0), track.times_s[-1], 0.01)
    at = np.stack([np.interp(times, track.times_s, track.points_m[:, k]) for k in (0, 1)], axis=1)
    low, high = np.asarray(area.corners_m).min(axis=0), np.asarray(area.corners_m).max(axis=0)
    inside = np.flatnonzero(((at >= low) & (at <= high)).all(axis=1))
    return round(float(times[inside[0]]), 2), round(float(times[inside[-1]]), 2)


def _intrusion(place: _Place, start_s: float, end_s: float) -> Script:
    x0, y0, x1, _ = place.box_m
    cx, cy = place.centre_m
    side = x0 - 1.5 if cx > 0 else x1 + 1.5
    if place.layout.kind == "carpark":
        side = x0 - 5.0
    stay = max(2.0, end_s - start_s - 2 * abs(cx - side) / WALK_MPS)
    outside = (side, y0 - 6.0)
    times, points = _walked((outside, (side, cy), (cx, cy), (side, cy), (side, y0 - 14.0)), start_s, 1, {2: stay})
    who = Track(place.somebody(), times, points)
    start, end = _crossing_times(who, place.area)
    return Script(TrueEvent("intrusion", place.area.id, start, end, (who.actor.id,)), [who])


def _loitering(place: _Place, start_s: float, end_s: float) -> Script:
    x0, y0, x1, _ = place.box_m
    cx, cy = place.centre_m
    turns: list[tuple[float, float]] = [(cx, y0 - 8.0), (cx, y0 + 0.1)]
    rest, t, here = {}, start_s, (cx, y0 + 0.1)
    # Walking out from the farthest spot takes its time too.
    last_s = end_s - (cy + 4.0 - y0) / WALK_MPS
    while t < last_s - 6 or len(turns) < 3:
        spot = (float(place.random.uniform(x0 + 0.5, x1 - 0.5)), cy + float(place.random.uniform(-4, 4)))
        t += float(np.hypot(spot[0] - here[0], spot[1] - here[1])) / WALK_MPS
        turns.append(spot)
        rest[len(turns) - 1] = float(place.random.uniform(1.5, 5))
        t, here = t + rest[len(turns) - 1], spot
    turns.append((cx, y0 - 12.0))
    times, points = _walked(turns, start_s, 1, rest)
    who = Track(place.somebody(), times, points)
    start, end = _crossing_times(who, place.area)
    return Script(TrueEvent("loitering", place.area.id, start, end, (who.actor.id,)), [who])


def _abandoned_bag(place: _Place, start_s: float, end_s: float) -> Script:
    _, y0, _, y1 = place.box_m
    cx, cy = place.centre_m
    spot = (cx, min(cy, y0 + 9.0))
    times, points = _walked(((cx, y0 - 6.0), (cx, spot[1] - 0.45), (cx, y1 + 20.0)), start_s, 1, {1: 2.0})
    owner, thing = Track(place.somebody(), times, points + np.asarray([-0.45, 0.0])), place.a_bag()
    lies = Track(thing, np.asarray([start_s, end_s]), np.asarray([spot, spot]), rest_yaw_rad=0.4)
    return Script(TrueEvent("abandoned_bag", place.area.id, start_s, end_s, (thing.id,)), [owner, lies])


def _queue(place: _Place, start_s: float, end_s: float) -> Script:
    return Script(TrueEvent("queue", place.area.id, start_s, end_s), red=[(0, start_s, end_s)])


_MAKERS: dict[HappeningKind, Callable[[_Place, float, float], Script]] = {
    "illegal_parking": _illegal_parking, "gathering": _gathering, "intrusion": _intrusion,
    "loitering": _loitering, "abandoned_bag": _abandoned_bag, "queue": _queue,
}  # fmt: skip
