"""A rubbish heap that grows, a rider against the traffic, a jam, and who wears a mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sewu.simulate.scenes.actors import Actor
from sewu.simulate.scenes.mesh import MATTE, PAINT, Colour, Mesh, ball, box, merged
from sewu.simulate.scenes.people import Looks
from sewu.simulate.scenes.scripts import FAR_M, Script, Stage, Track, TrueEvent, crossing_times, walked
from sewu.simulate.scenes.traffic import Traffic

BAGS: tuple[Colour, ...] = ((0.02, 0.02, 0.025), (0.03, 0.03, 0.03), (0.55, 0.55, 0.53), (0.05, 0.16, 0.40), (0.45, 0.40, 0.10))
DUMPS, DUMP_EVERY_S = 3, 5.0
RIDE_MPS = 5.5
JAMMED, LOOSENED, STANDS_MPS = 5, 3, 0.4
"""A jam begins with so many vehicles standing in the zone and ends with fewer than that."""
MASK_SHARE, CHIN_SHARE = 0.55, 0.12
MASKS: tuple[Colour, ...] = ((0.30, 0.48, 0.60), (0.62, 0.62, 0.60), (0.02, 0.02, 0.025), (0.30, 0.48, 0.60))


def rubbish(stage: Stage, start_s: float, end_s: float) -> Script:
    """Three people drop rubbish, one after the other, and it stays. True from the first bags until the end of the loop."""
    x0, y0, x1, y1 = stage.box_m
    spot = ((x0 + x1) / 2, min((y0 + y1) / 2, y0 + 6.0))
    stages = _heaps(stage.random)
    heap = Actor(stage.new_id(), "heap", stages[0], floor_m=stage.floor_m)

    def change(actor: Actor, t_s: float) -> None:
        actor.mesh = stages[min(DUMPS - 1, max(0, int((t_s - start_s) / DUMP_EVERY_S)))]

    lies = Track(heap, np.asarray([start_s, stage.duration_s + 1.0]), np.asarray([spot, spot]), rest_yaw_rad=0.5, change=change)
    tracks = [lies]
    for number in range(DUMPS):
        before = (spot[0], spot[1] + 0.95)
        times, points = walked(((before[0], y1 + 12.0), before, (before[0], y1 + 16.0)), start_s + number * DUMP_EVERY_S, 1, {1: 1.5})
        tracks.append(Track(stage.somebody(), times, points, rest_yaw_rad=-np.pi / 2))
    return Script([TrueEvent("rubbish", stage.area.id, start_s, stage.duration_s, (heap.id,))], tracks)


def _heaps(random: np.random.Generator) -> list[Mesh]:
    """The heap after each dump: bags, cartons, loose stuff. Ever larger, the same bags below."""
    parts: list[Mesh] = []
    heaps = []
    for number in range(DUMPS):
        for _ in range(8):
            out, angle = float(random.uniform(0, 0.4 + 0.28 * number)), float(random.uniform(0, 2 * np.pi))
            size, high = float(random.uniform(0.26, 0.42)), 0.2 + 0.2 * number * float(random.random())
            at = (out * np.cos(angle), out * np.sin(angle), high)
            parts.append(ball(at, (size, size * 0.9, size * 0.75), BAGS[int(random.integers(len(BAGS)))], PAINT, 7))
        x, y = (float(v) for v in random.uniform(-0.7, 0.5, 2))
        parts.append(box((x, y, 0), (x + 0.4, y + 0.3, 0.28), (0.30, 0.20, 0.10), MATTE))
        heaps.append(merged(list(parts)))
    return heaps


def wrong_way(stage: Stage, start_s: float, end_s: float) -> Script:
    """A motorcycle crosses to the other side and rides on against the traffic. True while it is in the zone, which is one-way."""
    x0, y0, _, y1 = stage.box_m
    with_x = next(n.points_m[0][0] for n in stage.layout.lanes if n.points_m[-1][1] < n.points_m[0][1])
    against_x = x0 + 0.5
    ys = np.linspace(y1 + 14.0, y1 + 3.0, 12)
    share = (ys[0] - ys) / (ys[0] - ys[-1])
    xs = with_x + (against_x - with_x) * share * share * (3 - 2 * share)
    points = np.asarray([(with_x, y1 + FAR_M), *zip(xs, ys, strict=True), (against_x, y0 - 30.0)])
    times = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))]) / RIDE_MPS
    times += 0.5 * (start_s + end_s) - (points[0][1] - y1) / RIDE_MPS
    rider = stage.vehicle("motorcycle")
    track = Track(rider, times, points, rest_yaw_rad=-np.pi / 2)
    start, end = crossing_times(track, stage.area)
    lane = stage.lane_at(with_x, -1.0)
    clear = [(lane, float(times[0]) - 3.0, float(times[0]) + 3.0)] if lane is not None else []
    return Script([TrueEvent("wrong_way", stage.area.id, start, end, (rider.id,))], [track], keep_clear=clear)


def congestion(stage: Stage, start_s: float, end_s: float) -> Script:
    """The signal of the watched approach stays red most of the loop, so that vehicles jam up.

    True from when five vehicles stand in the zone until fewer than three do; so nothing is true when too few come.
    """
    script = Script([], red=[(0, 0.1 * stage.duration_s, end_s)])
    low, high = np.asarray(stage.area.corners_m).min(axis=0), np.asarray(stage.area.corners_m).max(axis=0)
    jammed = [False]

    def watch(t_s: float, traffic: Traffic) -> None:
        if t_s < 0:
            return
        stand = [
            d.actor.id
            for d in traffic.drivers
            if d.v_mps < STANDS_MPS and low[0] <= d.actor.x_m <= high[0] and low[1] <= d.actor.y_m <= high[1]
        ]
        now_s = min(round(t_s, 2), stage.duration_s)
        if not jammed[0] and len(stand) >= JAMMED:
            jammed[0] = True
            script.events.append(TrueEvent("congestion", stage.area.id, now_s, now_s, tuple(stand)))
        elif jammed[0]:
            jammed[0] = len(stand) >= LOOSENED
            script.events[-1] = replace(script.events[-1], end_s=now_s)

    script.watch = watch
    return script


def masks(stage: Stage, start_s: float, end_s: float) -> Script:
    """More than half of those on foot wear a mask, some of them under the chin. masks.csv says who; a pedestrian not in it wears none."""
    random = np.random.default_rng(int(stage.random.integers(2**31)))
    script = Script([], tables={"masks.csv": "id,mask\n"})

    def dress(number: int, looks: Looks) -> Looks:
        draw = float(random.random())
        state = "chin" if draw < CHIN_SHARE else "worn" if draw < MASK_SHARE else "none"
        script.tables["masks.csv"] += f"{number},{state}\n"
        if state == "none":
            return looks
        return replace(looks, mask=MASKS[int(random.integers(len(MASKS)))], mask_low=state == "chin")

    script.dress = dress
    return script
