"""Somebody falls, people fight, a crowd rushes together and bursts apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sewu.base.records import Doubles
from sewu.simulate.scenes.actors import Actor
from sewu.simulate.scenes.scripts import RUN_MPS, WALK_MPS, Script, Stage, Track, TrueEvent, crossing_times, walked

FALLS_S, RISES_S = 0.7, 1.6
FIGHTERS, RUSHING, CROWDED = 3, 26, 10
"""How many fight; how many rush together, and from how many on that is a crowd surge."""
SURGE_MPS = 2.4


def person_down(stage: Stage, start_s: float, end_s: float) -> Script:
    """Somebody walks along, falls and lies. True from lying flat to beginning to rise."""
    cx, cy = stage.centre_m
    _, y0, _, y1 = stage.box_m
    spot = (cx, min(cy, y0 + 4.0))
    stays_s = end_s - start_s + FALLS_S + RISES_S
    times, points = walked(((cx, y1 + 14.0), spot, (cx, y0 - 14.0)), round(start_s - FALLS_S, 2), 1, {1: stays_s})

    def change(actor: Actor, t_s: float) -> None:
        down, up = (t_s - start_s + FALLS_S) / FALLS_S, (end_s + RISES_S - t_s) / RISES_S
        share = float(np.clip(min(down, up), 0, 1))
        actor.fallen = share * share * (3 - 2 * share)
        if share > 0:
            actor.pose, actor.phase = "stand", 0.0

    who = stage.somebody()
    # He comes to lie across the view, where it shows.
    track = Track(who, times, points, rest_yaw_rad=-2.5, change=change)
    return Script([TrueEvent("person_down", stage.area.id, start_s, end_s, (who.id,))], [track])


def fight(stage: Stage, start_s: float, end_s: float) -> Script:
    """A few meet, hit at each other moving about, and part. True from the first blow to the last."""
    cx, cy = stage.centre_m
    x0, y0, x1, y1 = stage.box_m
    middle = (cx, min(cy, y0 + 8.0))
    roam_m = min(0.6, (x1 - x0) / 2 - 0.9)
    tracks = []
    for number in range(FIGHTERS):
        beats = np.arange(start_s, end_s, 0.2)
        at, yaws = _brawling(number, beats - start_s, middle, roam_m)
        come = (cx + 0.4 * (number - 1), y1 + 10.0 if number % 2 else y0 - 10.0)
        way_in, way_out = (float(np.hypot(*(at[k] - come))) / speed for k, speed in ((0, WALK_MPS), (-1, 2.0)))
        times = np.concatenate([[start_s - 1.0 - way_in, start_s - 1.0], beats, [end_s, end_s + way_out]])
        points = np.concatenate([[come, at[0]], at, [at[-1], come]])
        toward = float(np.arctan2(at[0][1] - come[1], at[0][0] - come[0]))
        turns = np.unwrap(np.concatenate([[toward, yaws[0]], yaws, [toward + np.pi, toward + np.pi]]))
        tracks.append(Track(stage.somebody(), times, points, yaws_rad=turns, change=_hitting(start_s, end_s, 1.9 + 0.3 * number)))
    return Script([TrueEvent("fight", stage.area.id, start_s, end_s, tuple(t.actor.id for t in tracks))], tracks)


def _brawling(number: int, since_s: Doubles, middle_m: tuple[float, float], roam_m: float) -> tuple[Doubles, Doubles]:
    """Where one of the fighters is (n, 2), and where he looks: at the others, lunging in and out while the group drifts."""
    angle = number * 2 * np.pi / FIGHTERS + 0.6 * np.sin(0.9 * since_s)
    reach = 0.45 + 0.14 * np.sin((4.4 + 0.7 * number) * since_s + number * 2.1)
    drift = np.stack([middle_m[0] + roam_m * np.sin(0.35 * since_s), middle_m[1] + 0.9 * np.sin(0.28 * since_s)], axis=1)
    at = drift + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.asarray(at, np.float64), np.asarray(angle + np.pi, np.float64)


def _hitting(start_s: float, end_s: float, beat_hz: float) -> Callable[[Actor, float], None]:
    def change(actor: Actor, t_s: float) -> None:
        if start_s <= t_s < end_s:
            actor.pose, actor.phase = "fight", (t_s - start_s) * beat_hz + actor.id * 0.37

    return change


def crowd_surge(stage: Stage, start_s: float, end_s: float) -> Script:
    """Many rush together, stand crowded, and all run apart at once.

    crowd_surge is true from the arrival of the tenth until they break apart; scatter from then until the last has left the zone.
    """
    breaks_s = round(start_s + 0.6 * (end_s - start_s), 2)
    spots = _packed(stage)
    arrivals = np.sort(stage.random.uniform(0.0, 5.0, RUSHING))
    arrivals = np.round(start_s + arrivals - arrivals[CROWDED - 1], 2)
    tracks = [_rusher(stage, tuple(spots[k]), float(arrivals[k]), breaks_s) for k in range(RUSHING)]
    gone = max(crossing_times(track, stage.area)[1] for track in tracks)
    ids = tuple(t.actor.id for t in tracks)
    surge = TrueEvent("crowd_surge", stage.area.id, float(arrivals[CROWDED - 1]), breaks_s, ids)
    return Script([surge, TrueEvent("scatter", stage.area.id, breaks_s, gone, ids)], tracks)


def _packed(stage: Stage) -> Doubles:
    """Places side by side, densest in the middle, (n, 2); the order is that of arrival."""
    x0, y0, x1, y1 = stage.box_m
    cx, cy = stage.centre_m
    number = np.arange(RUSHING) + 0.5
    angle, out = number * 2.39996, np.sqrt(number / RUSHING)
    half_x, half_y = min(2.2, (x1 - x0) / 2 - 0.4), min(3.6, (y1 - y0) / 2 - 1.0)
    return np.stack([cx + half_x * out * np.cos(angle), min(cy, y0 + 9.0) + half_y * out * np.sin(angle)], axis=1)


def _rusher(stage: Stage, spot: tuple[float, float], reach_s: float, breaks_s: float) -> Track:
    """One of the crowd: comes at a run, stands, and runs off to the side on which he stands."""
    x0, y0, x1, y1 = stage.box_m
    cx = (x0 + x1) / 2
    aside = float(np.clip(cx + (spot[0] - cx) * 1.3, x0 + 0.2, x1 - 0.2))
    comes, goes = ((aside, y1 + 18.0 if stage.random.random() < 0.6 else y0 - 12.0) for _ in range(2))
    there, arrival = walked((comes, spot), reach_s, 1, {}, SURGE_MPS)
    speed = RUN_MPS * float(stage.random.uniform(0.8, 1.2))
    away, departure = walked((spot, goes), breaks_s, 0, {}, speed)
    times, points = np.concatenate([there, away]), np.concatenate([arrival, departure])
    cy = min((y0 + y1) / 2, y0 + 9.0)

    def change(actor: Actor, t_s: float) -> None:
        if t_s < reach_s or t_s > breaks_s:
            # Who runs takes longer steps than who walks.
            actor.phase *= 0.6

    return Track(stage.somebody(), times, points, rest_yaw_rad=float(np.arctan2(cy - spot[1], cx - spot[0])), change=change)
