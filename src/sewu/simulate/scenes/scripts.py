"""What a happening is made of: actors on tracks, where they play, and the truth that comes of it.

Times are seconds from the start of the loop. An event begins and ends when what defines it does (a vehicle comes to rest in the
zone, a person crosses its edge), not when an analytic may say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sewu.base.errors import BadSettings
from sewu.base.records import Doubles
from sewu.simulate.scenes.actors import Actor, bag, person
from sewu.simulate.scenes.people import Looks, any_looks
from sewu.simulate.scenes.place import Area, Layout
from sewu.simulate.scenes.traffic import Traffic
from sewu.simulate.scenes.vehicles import VehicleKind, model

WALK_MPS, RUN_MPS, DRIVE_MPS, STRIDE_M, FAR_M = 1.25, 3.6, 7.0, 1.35, 110.0


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """What happened: for events.jsonl. `ids` are those of gt.txt."""

    kind: str
    zone: str
    start_s: float
    end_s: float
    ids: tuple[int, ...] = ()


@dataclass(slots=True)
class Track:
    """Where a scripted actor is: straight from one point to the next. Absent before the first and after the last time.

    yaws_rad: heading at each time, for who does not look where he goes (a car that backs); None: along the way.
    change: called with the placed actor and the time, for poses and shapes of its own.
    """

    actor: Actor
    times_s: Doubles
    points_m: Doubles
    rest_yaw_rad: float | None = None
    yaws_rad: Doubles | None = None
    change: Callable[[Actor, float], None] | None = None

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
        if self.yaws_rad is not None:
            yaw = float(np.interp(t_s, self.times_s, self.yaws_rad))
        actor.place(float(x), float(y), yaw)
        if actor.kind == "person":
            actor.pose = "walk" if moves else "stand"
            actor.phase = self._gone_m(t_s) / (STRIDE_M * actor.scale) if moves else t_s * 0.12 + actor.id * 0.37
        if self.change is not None:
            self.change(actor, t_s)
        return actor

    def _where(self, t_s: float) -> Doubles:
        return np.asarray([np.interp(t_s, self.times_s, self.points_m[:, k]) for k in (0, 1)])

    def _gone_m(self, t_s: float) -> float:
        far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(self.points_m, axis=0).T))])
        return float(np.interp(t_s, self.times_s, far))


@dataclass(slots=True)
class Script:
    """The actors of one happening and its truth.

    red: signal spans (phase, from, to); keep_clear: lanes to let empty (lane, from, to). replaces: names of the layout's props and
    parked vehicles that this script plays itself. tables: further truth files, name to text. watch: called at every step with the time
    and the traffic, for truth that only the world knows; it fills `events` and `tables`. dress: called
    with the id and the looks of everybody who comes on foot unscripted; gives what that person wears instead.
    """

    events: list[TrueEvent]
    tracks: list[Track] = field(default_factory=list)
    red: list[tuple[int, float, float]] = field(default_factory=list)
    keep_clear: list[tuple[int, float, float]] = field(default_factory=list)
    replaces: frozenset[str] = frozenset()
    tables: dict[str, str] = field(default_factory=dict)
    watch: Callable[[float, Traffic], None] | None = None
    dress: Callable[[int, Looks], Looks] | None = None

    @property
    def event(self) -> TrueEvent:
        """The first event, for happenings that have just one."""
        return self.events[0]

    def present(self, t_s: float) -> list[Actor]:
        return [actor for track in self.tracks if (actor := track.at(t_s)) is not None]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a happening takes place, for how long the loop is, and who comes next."""

    layout: Layout
    area: Area
    duration_s: float
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
        raised = self.layout.kind in ("street", "junction")
        return max((w.floor_m for w in self.layout.walks), default=0.0) if raised else 0.0

    def somebody(self, looks: Looks | None = None) -> Actor:
        return person(self.new_id(), looks or any_looks(self.random), floor_m=self.floor_m)

    def a_bag(self) -> Actor:
        made = bag(self.new_id())
        made.floor_m = self.floor_m
        return made

    def vehicle(self, kind: VehicleKind = "car") -> Actor:
        made = model(kind, self.random)
        actor = Actor(self.new_id(), kind, made.mesh, riders=made.riders)
        self.next_id[0] += made.riders
        return actor

    def new_id(self) -> int:
        self.next_id[0] += 1
        return self.next_id[0] - 1

    def lane_at(self, x_m: float, way: float) -> int | None:
        """Number of the lane along y at `x_m` whose traffic goes toward `way` (+1 or -1) of y."""
        for number, lane in enumerate(self.layout.lanes):
            if abs(lane.points_m[0][0] - x_m) < 0.6 and (lane.points_m[-1][1] - lane.points_m[0][1]) * way > 0:
                return number
        return None


Maker = Callable[[Stage, float, float], Script]
"""Makes the script of a happening that shall last from one time to another."""


def walked(
    points_m: Sequence[tuple[float, float]], reach_s: float, reach_at: int, stays_s: dict[int, float], speed_mps: float = WALK_MPS
) -> tuple[Doubles, Doubles]:
    """Times and points of a walk that reaches point `reach_at` at `reach_s`, resting at some points."""
    times, points, t = [], [], 0.0
    arrival = 0.0
    for index, point in enumerate(points_m):
        if index:
            t += float(np.hypot(point[0] - points_m[index - 1][0], point[1] - points_m[index - 1][1])) / speed_mps
        if index == reach_at:
            arrival = t
        times.append(t)
        points.append(point)
        if index in stays_s:
            t += stays_s[index]
            times.append(t)
            points.append(point)
    return np.asarray(times) - arrival + reach_s, np.asarray(points, np.float64)


def crossing_times(track: Track, area: Area) -> tuple[float, float]:
    """When the actor is first and last inside, to a hundredth of a second."""
    times = np.arange(max(track.times_s[0], -5.0), track.times_s[-1], 0.01)
    at = np.stack([np.interp(times, track.times_s, track.points_m[:, k]) for k in (0, 1)], axis=1)
    low, high = np.asarray(area.corners_m).min(axis=0), np.asarray(area.corners_m).max(axis=0)
    inside = np.flatnonzero(((at >= low) & (at <= high)).all(axis=1))
    return round(float(times[inside[0]]), 2), round(float(times[inside[-1]]), 2)


def span_s(kind: str, duration_s: float, random: np.random.Generator) -> tuple[float, float]:
    """From when to when a happening lasts: about 20 % to 85 % of the loop.

    Raises:
        BadSettings: the loop is too short.
    """
    if duration_s < 20:
        raise BadSettings(f"{kind} does not fit into {duration_s:g} s.", "Make the loop at least 20 s long.")
    return round(0.2 * duration_s + float(random.uniform(0, 0.05)) * duration_s, 2), round(0.85 * duration_s, 2)
