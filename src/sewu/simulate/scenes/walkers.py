"""People on pavements and in lanes of a market: they walk at their own pace, in pairs at times, and make way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sewu.base.records import Doubles
from sewu.simulate.scenes.actors import Actor, person
from sewu.simulate.scenes.people import Looks, any_looks
from sewu.simulate.scenes.place import Walk

STRIDE_M = 1.35
"""Two steps of somebody of 1.70 m."""
PAUSE_SHARE = 0.25
ROOM_M = 0.75


@dataclass(slots=True)
class Walker:
    """Somebody on a walk. `way` is 1 from its first point to its last, -1 back."""

    actor: Actor
    walk: int
    s_m: float
    way: int
    pace_mps: float
    offset_m: float
    pause_at_m: float | None = None
    pause_s: float = 0.0


@dataclass(slots=True)
class Crowd:
    """Everybody who walks by."""

    walks: Sequence[Walk]
    random: np.random.Generator
    next_id: list[int]
    dress: Callable[[int, Looks], Looks] = lambda number, looks: looks
    walkers: list[Walker] = field(default_factory=list)
    _due_s: list[float] = field(default_factory=list)

    def step(self, t_s: float, dt_s: float, avoid_m: Doubles) -> None:
        """From `t_s` to `t_s + dt_s`; avoid_m: (n, 2), vehicles to step aside for."""
        if not self._due_s:
            self._due_s = [t_s + float(self.random.exponential(walk.every_s / 2)) for walk in self.walks]
        for index, walk in enumerate(self.walks):
            if t_s >= self._due_s[index]:
                self._due_s[index] = t_s + float(self.random.exponential(walk.every_s))
                self._arrive(index, walk)
        self._make_way(dt_s, avoid_m)
        for walker in self.walkers:
            self._advance(walker, dt_s)
        self.walkers = [w for w in self.walkers if 0.0 <= w.s_m <= lengths(self.walks[w.walk].points_m)[-1]]

    def _arrive(self, index: int, walk: Walk) -> None:
        way, pace = (1 if self.random.random() < 0.5 else -1), float(self.random.uniform(0.95, 1.45))
        total = lengths(walk.points_m)[-1]
        offset = float(self.random.uniform(-1, 1)) * walk.half_width_m
        pause = float(self.random.uniform(0.1, 0.9) * total) if self.random.random() < PAUSE_SHARE else None
        for number in range(2 if self.random.random() < 0.3 else 1):
            looks = self.dress(self.next_id[0], any_looks(self.random))
            actor = person(self.next_id[0], looks, floor_m=walk.floor_m)
            self.next_id[0] += 1
            actor.phase = float(self.random.random())
            side = offset + 0.6 * number * (-1 if offset > 0 else 1)
            self.walkers.append(Walker(actor, index, 0.0 if way > 0 else total, way, pace, side, pause, float(self.random.uniform(3, 12))))

    def _make_way(self, dt_s: float, avoid_m: Doubles) -> None:
        """Who is too near to somebody else or to a vehicle moves aside, across the walk."""
        if not self.walkers:
            return
        at = np.asarray([(w.actor.x_m, w.actor.y_m) for w in self.walkers])
        ways = np.asarray([(-np.sin(w.actor.yaw_rad), np.cos(w.actor.yaw_rad)) for w in self.walkers])
        for others, room in ((at, ROOM_M), (np.asarray(avoid_m, np.float64).reshape(-1, 2), 1.9)):
            apart = at[:, None] - others[None]
            far = np.hypot(apart[..., 0], apart[..., 1])
            far = np.where(far < 1e-6, np.inf, far)
            push = (np.einsum("nmk,nk->nm", apart / np.where(np.isinf(far), 1.0, far)[..., None], ways) * np.clip(room - far, 0, None)).sum(
                1
            )
            for walker, value in zip(self.walkers, push.tolist(), strict=True):
                # `ways` is the walker's left; an offset is to the left of the walk.
                reach = self.walks[walker.walk].half_width_m + 0.25
                walker.offset_m = float(np.clip(walker.offset_m + walker.way * np.clip(value * 2.5, -0.9, 0.9) * dt_s, -reach, reach))

    def _advance(self, walker: Walker, dt_s: float) -> None:
        actor, walk = walker.actor, self.walks[walker.walk]
        waiting = walker.pause_at_m is not None and (walker.s_m - walker.pause_at_m) * walker.way >= 0
        if waiting:
            walker.pause_s -= dt_s
            if walker.pause_s <= 0:
                walker.pause_at_m = None
            actor.pose = "stand"
            actor.phase += dt_s * 0.12
            return
        walker.s_m += walker.way * walker.pace_mps * dt_s
        x, y, yaw = along(walk.points_m, walker.s_m, walker.offset_m)
        actor.pose = "walk"
        actor.phase += walker.pace_mps * dt_s / (STRIDE_M * actor.scale)
        actor.place(x, y, yaw if walker.way > 0 else yaw + np.pi)


def lengths(points_m: Sequence[tuple[float, float]]) -> Doubles:
    """How far each point is along the line, from 0."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(np.asarray(points_m, np.float64), axis=0).T))])


def along(points_m: Sequence[tuple[float, float]], s_m: float, left_m: float) -> tuple[float, float, float]:
    """Position and heading at `s_m` along the line, `left_m` to its left."""
    points, far = np.asarray(points_m, np.float64), lengths(points_m)
    index = int(np.clip(np.searchsorted(far, s_m) - 1, 0, len(points) - 2))
    unit = (points[index + 1] - points[index]) / (far[index + 1] - far[index])
    x, y = points[index] + unit * (s_m - far[index]) + np.asarray([-unit[1], unit[0]]) * left_m
    return float(x), float(y), float(np.arctan2(unit[1], unit[0]))
