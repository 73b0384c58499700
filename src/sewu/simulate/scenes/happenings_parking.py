"""A paid car park: bays fill and empty, and a ledger says who stood where, for how long, and what was paid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sewu.base.records import Doubles
from sewu.simulate.scenes.place import Area
from sewu.simulate.scenes.scripts import Script, Stage, Track, TrueEvent

AISLE_MPS, TURN_MPS, BACK_MPS = 4.0, 2.0, 1.6
FROM_Y_M, TO_Y_M, RADIUS_M = -24.0, 61.0, 3.0
FEE_IDR = 3000
"""Of one stay of a car."""
UNPAID_SHARE = 0.3
GAP_S, LEAST_STAY_S = 6.0, 8.0
LANE_M, IN_BAY_M, ROOM_M = -1.5, 5.0, 5.0
"""x of the way along the aisle; a car farther out than 5 m stands in its bay; room between two cars in the aisle."""


@dataclass(frozen=True, slots=True)
class Stay:
    """One vehicle in one bay. enter_s, leave_s: when it comes to rest and when it starts to back out; None beyond the loop's ends."""

    bay: str
    cls: str
    enter_s: float | None
    leave_s: float | None
    fee_idr: int
    paid_idr: int

    def row(self) -> str:
        """For parking.csv."""
        enter, leave = ("" if at is None else f"{at:.2f}" for at in (self.enter_s, self.leave_s))
        payment = "not due" if self.leave_s is None else "paid" if self.paid_idr else "unpaid"
        return f"{self.bay},{self.cls},{enter},{leave},{self.fee_idr},{self.paid_idr},{payment}\n"


def bays_in_use(stage: Stage, start_s: float, end_s: float) -> Script:
    """Parked cars leave and others come, one at a time, from `start_s` to `end_s`. Who has not left when the loop ends owes nothing yet."""
    bays = [area for area in stage.layout.areas if area.kind == "bay"]
    held = {_bay_of(bays, x, y).id: number for number, (_, x, y, _) in enumerate(stage.layout.parked)}
    events: list[TrueEvent] = []
    tracks: list[Track] = []
    stays: list[Stay] = []
    replaced: set[str] = set()
    by_id = {bay.id: bay for bay in bays}
    for bay, (enter_s, leave_s) in _plan(stage, by_id, set(held), start_s, end_s):
        ids: tuple[int, ...] = ()
        if enter_s is not None or leave_s is not None:
            replaced |= {f"parked-{held[bay]}"} if enter_s is None else set()
            rows, car = _rows(by_id[bay], enter_s, leave_s, stage.duration_s), stage.vehicle("car")
            tracks.append(Track(car, rows[:, 0], rows[:, 1:3], yaws_rad=rows[:, 3]))
            ids = (car.id,)
        stays.append(_stay(stage, bay, enter_s, leave_s))
        end = leave_s if leave_s is not None else stage.duration_s
        events.append(TrueEvent("bay_occupied", bay, enter_s or 0.0, end, ids))
    head = "bay,class,enter_s,leave_s,fee_idr,paid_idr,payment\n"
    table = head + "".join(stay.row() for stay in sorted(stays, key=lambda s: (s.enter_s or 0.0, s.bay)))
    # The aisle belongs to those who park: nobody else drives through.
    clear = [(lane, -1e4, stage.duration_s + 1e4) for lane in range(len(stage.layout.lanes))]
    return Script(events, tracks, keep_clear=clear, replaces=frozenset(replaced), tables={"parking.csv": table})


def _bay_of(bays: list[Area], x_m: float, y_m: float) -> Area:
    return min(bays, key=lambda bay: float(np.hypot(*(np.mean(bay.corners_m, axis=0) - (x_m, y_m)))))


def _stay(stage: Stage, bay: str, enter_s: float | None, leave_s: float | None) -> Stay:
    owes = leave_s is not None
    pays = owes and float(stage.random.random()) >= UNPAID_SHARE
    return Stay(bay, "car", enter_s, leave_s, FEE_IDR if owes else 0, FEE_IDR if pays else 0)


Span = tuple[float | None, float | None]
NEAR_S = 25.0
"""A manoeuvre lasts less than this, before and after the moment of rest."""


@dataclass(slots=True)
class _Plan:
    """Who comes and goes when, so that no two cars meet in the aisle. None in a span is beyond the loop's ends."""

    bays: dict[str, Area]
    duration_s: float
    spans: list[tuple[str, Span]]

    def last_in(self, bay: str) -> int | None:
        """Which span of this bay is the latest."""
        return next((k for k in range(len(self.spans) - 1, -1, -1) if self.spans[k][0] == bay), None)

    def is_free(self, bay: str, now_s: float) -> bool:
        last = self.last_in(bay)
        return last is None or (self.spans[last][1][1] or np.inf) + LEAST_STAY_S < now_s

    def stands(self, bay: str, now_s: float) -> bool:
        """Whether somebody has stood in it for a while and may leave."""
        last = self.last_in(bay)
        return last is not None and self.spans[last][1][1] is None and (self.spans[last][1][0] or -np.inf) + LEAST_STAY_S < now_s

    def moves(self, bay: str, at_s: float, *, arrives: bool) -> bool:
        """Let a car come to rest in the bay, or begin to leave it, at `at_s`, if it meets no other on its way."""
        last = None if arrives else self.last_in(bay)
        span: Span = (at_s, None) if last is None else (self.spans[last][1][0], at_s)
        times = np.arange(at_s - NEAR_S, at_s + NEAR_S, 0.4)
        ours = _places(_rows(self.bays[bay], *span, self.duration_s), times)
        for number, (other, theirs) in enumerate(self.spans):
            near = any(t_s is not None and abs(t_s - at_s) < 2 * NEAR_S for t_s in theirs)
            if number != last and near and _meet(ours, _places(_rows(self.bays[other], *theirs, self.duration_s), times)):
                return False
        if last is None:
            self.spans.append((bay, span))
        else:
            self.spans[last] = (bay, span)
        return True


def _plan(stage: Stage, bays: dict[str, Area], held: set[str], start_s: float, end_s: float) -> list[tuple[str, Span]]:
    """One manoeuvre after the other, each as soon as the aisle is free for it."""
    plan = _Plan(bays, stage.duration_s, [(bay, (None, None)) for bay in bays if bay in held])
    now_s = start_s
    while now_s < end_s:
        order = [list(bays)[int(k)] for k in stage.random.permutation(len(bays))]
        free = [bay for bay in order if plan.is_free(bay, now_s)]
        stand = [bay for bay in order if plan.stands(bay, now_s)]
        arrives = bool(free) and (float(stage.random.random()) < 0.5 or not stand)
        bay = next(iter(free if arrives else stand), None)
        while bay is not None and now_s < end_s and not plan.moves(bay, round(now_s, 2), arrives=arrives):
            now_s += 0.5
        now_s += float(stage.random.uniform(2.0, GAP_S))
    return plan.spans


def _places(rows: Doubles, times_s: Doubles) -> Doubles:
    """(n, 2); nan where the car is absent."""
    at = np.stack([np.interp(times_s, rows[:, 0], rows[:, k]) for k in (1, 2)], axis=1)
    at[(times_s < rows[0, 0]) | (times_s > rows[-1, 0])] = np.nan
    return at


def _meet(ours: Doubles, theirs: Doubles) -> bool:
    """Whether two cars in the aisle come nearer than a car's length and a little."""
    both = (np.abs(ours[:, 0]) < IN_BAY_M) & (np.abs(theirs[:, 0]) < IN_BAY_M)
    return bool((np.hypot(*(ours - theirs).T)[both] < ROOM_M).any())


def _rows(bay: Area, enter_s: float | None, leave_s: float | None, duration_s: float) -> Doubles:
    """Rows time, x, y, yaw: nose first into the bay, and backwards out of it, then on along the aisle."""
    x, y = np.mean(bay.corners_m, axis=0).tolist()
    side = 1.0 if x > 0 else -1.0
    rest_yaw = np.pi / 2 - side * np.pi / 2
    way = _way_in(x, y, side)
    stands = np.asarray([[-1e4, x, y, rest_yaw]])
    parts = [stands if enter_s is None else _timed(way, enter_s, arrives=True)]
    if leave_s is None:
        parts.append(np.asarray([[duration_s + 1e4, x, y, rest_yaw]]))
    else:
        parts.append(_timed(way[:0:-1], leave_s, arrives=False))
        last = parts[-1][-1]
        shift_s = last[0] + 0.8
        gone_s = shift_s + (TO_Y_M - last[2]) / AISLE_MPS
        parts.append(np.asarray([[shift_s, last[1], last[2], np.pi / 2], [gone_s, LANE_M, TO_Y_M, np.pi / 2]]))
    return np.concatenate(parts)


def _way_in(x_m: float, y_m: float, side: float) -> Doubles:
    """Rows x, y, yaw along the aisle, around a quarter circle and into the bay; yaws without jumps, pi/2 is ahead."""
    reach = abs(x_m - LANE_M)
    radius = min(RADIUS_M, reach - 1.0)
    angle = np.linspace(0, np.pi / 2, 10)
    centre = (LANE_M + side * radius, y_m - radius)
    turn = np.stack([centre[0] - side * radius * np.cos(angle), centre[1] + radius * np.sin(angle), np.pi / 2 - side * angle], axis=1)
    straight = np.asarray([[LANE_M, FROM_Y_M, np.pi / 2], [LANE_M, y_m - radius - 5.0, np.pi / 2]])
    return np.concatenate([straight, turn, [[x_m, y_m, np.pi / 2 - side * np.pi / 2]]])


def _timed(way: Doubles, at_s: float, *, arrives: bool) -> Doubles:
    """Rows time, x, y, yaw of the way; it ends (`arrives`) or begins at `at_s`. The first leg of an arrival is driven at aisle speed."""
    legs = np.hypot(*np.diff(way[:, :2], axis=0).T)
    speeds = np.full(len(legs), TURN_MPS if arrives else BACK_MPS)
    if arrives:
        speeds[0] = AISLE_MPS
    times = np.concatenate([[0.0], np.cumsum(legs / speeds)])
    times += at_s - (times[-1] if arrives else 0.0)
    return np.concatenate([times[:, None], way], axis=1)
