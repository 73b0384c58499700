"""The happenings that began it all: a car that stops, people who gather, intrude and loiter, a bag left behind, a queue at a red light."""

from __future__ import annotations

import numpy as np

from sewu.simulate.scenes.scripts import DRIVE_MPS, FAR_M, WALK_MPS, Script, Stage, Track, TrueEvent, crossing_times, walked

GATHERED = 12


def illegal_parking(stage: Stage, start_s: float, end_s: float) -> Script:
    x0, _, x1, _ = stage.box_m
    toward = stage.centre_m[0] >= 0
    lane_x, spot = (1.7 if toward else -1.7), ((x0 + x1) / 2, stage.centre_m[1])
    if stage.layout.kind == "junction":
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
            for i, n in enumerate(stage.layout.lanes)
            if abs(n.points_m[0][0] - lane_x) < 0.6 and (n.points_m[-1][1] - n.points_m[0][1]) * way > 0
        )
        if stage.layout.kind != "market"
        else 0
    )
    car = stage.vehicle()
    track = Track(car, table[:, 0], table[:, 1:], rest_yaw_rad=way * np.pi / 2)
    event = TrueEvent("illegal_parking", stage.area.id, start_s, end_s, (car.id,))
    return Script([event], [track], keep_clear=[(lane, start_s - brake_s - lead_s - 9.0, start_s - brake_s - 6.0)])


def gathering(stage: Stage, start_s: float, end_s: float) -> Script:
    x0, y0, x1, y1 = stage.box_m
    cx, cy = stage.centre_m
    tracks, radius = [], min(2.0, (x1 - x0) / 2 - 0.5)
    for number in range(GATHERED):
        angle = 2 * np.pi * number / GATHERED + float(stage.random.normal(0, 0.08))
        ring = radius * (1.0 if number % 2 else 0.62)
        spot = (cx + ring * np.cos(angle), cy + 1.5 * ring * np.sin(angle))
        edge = (cx + float(stage.random.uniform(-0.6, 0.6)), y1 + 25.0 if number % 3 else y0 - 12.0)
        reach = start_s - float(stage.random.uniform(0, 5)) if number else start_s
        times, points = walked((edge, spot, edge), reach, 1, {1: end_s - reach + (float(stage.random.uniform(0, 4)) if number else 0.0)})
        tracks.append(Track(stage.somebody(), times, points, rest_yaw_rad=float(np.arctan2(cy - spot[1], cx - spot[0]))))
    return Script([TrueEvent("gathering", stage.area.id, start_s, end_s, tuple(t.actor.id for t in tracks))], tracks)


def intrusion(stage: Stage, start_s: float, end_s: float) -> Script:
    x0, y0, x1, _ = stage.box_m
    cx, cy = stage.centre_m
    side = x0 - 1.5 if cx > 0 else x1 + 1.5
    if stage.layout.kind == "carpark":
        side = x0 - 5.0
    stay = max(2.0, end_s - start_s - 2 * abs(cx - side) / WALK_MPS)
    outside = (side, y0 - 6.0)
    times, points = walked((outside, (side, cy), (cx, cy), (side, cy), (side, y0 - 14.0)), start_s, 1, {2: stay})
    who = Track(stage.somebody(), times, points)
    start, end = crossing_times(who, stage.area)
    return Script([TrueEvent("intrusion", stage.area.id, start, end, (who.actor.id,))], [who])


def loitering(stage: Stage, start_s: float, end_s: float) -> Script:
    x0, y0, x1, _ = stage.box_m
    cx, cy = stage.centre_m
    turns: list[tuple[float, float]] = [(cx, y0 - 8.0), (cx, y0 + 0.1)]
    rest, t, here = {}, start_s, (cx, y0 + 0.1)
    # Walking out from the farthest spot takes its time too.
    last_s = end_s - (cy + 4.0 - y0) / WALK_MPS
    while t < last_s - 6 or len(turns) < 3:
        spot = (float(stage.random.uniform(x0 + 0.5, x1 - 0.5)), cy + float(stage.random.uniform(-4, 4)))
        t += float(np.hypot(spot[0] - here[0], spot[1] - here[1])) / WALK_MPS
        turns.append(spot)
        rest[len(turns) - 1] = float(stage.random.uniform(1.5, 5))
        t, here = t + rest[len(turns) - 1], spot
    turns.append((cx, y0 - 12.0))
    times, points = walked(turns, start_s, 1, rest)
    who = Track(stage.somebody(), times, points)
    start, end = crossing_times(who, stage.area)
    return Script([TrueEvent("loitering", stage.area.id, start, end, (who.actor.id,))], [who])


def abandoned_bag(stage: Stage, start_s: float, end_s: float) -> Script:
    _, y0, _, y1 = stage.box_m
    cx, cy = stage.centre_m
    spot = (cx, min(cy, y0 + 9.0))
    times, points = walked(((cx, y0 - 6.0), (cx, spot[1] - 0.45), (cx, y1 + 20.0)), start_s, 1, {1: 2.0})
    owner, thing = Track(stage.somebody(), times, points + np.asarray([-0.45, 0.0])), stage.a_bag()
    lies = Track(thing, np.asarray([start_s, end_s]), np.asarray([spot, spot]), rest_yaw_rad=0.4)
    return Script([TrueEvent("abandoned_bag", stage.area.id, start_s, end_s, (thing.id,))], [owner, lies])


def queue(stage: Stage, start_s: float, end_s: float) -> Script:
    return Script([TrueEvent("queue", stage.area.id, start_s, end_s)], red=[(0, start_s, end_s)])
