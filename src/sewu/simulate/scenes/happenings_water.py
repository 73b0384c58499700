"""A river that rises past its alarm mark, and one that runs over the road; with the level of every second."""

from __future__ import annotations

import numpy as np

from sewu.simulate.scenes.actors import Actor
from sewu.simulate.scenes.place import Prop
from sewu.simulate.scenes.scripts import Script, Stage, Track, TrueEvent
from sewu.simulate.scenes.water import Gauge, Rise

HIGH_M, FLOOD_M = 0.55, 0.13
"""How far the water rises above the alarm mark, and above the level of the road's shoulder when it floods."""


def high_water(stage: Stage, start_s: float, end_s: float) -> Script:
    """The water rises over the alarm mark and falls; the road stays dry."""
    gauge = _gauge(stage)
    return _rising(stage, gauge, Rise(gauge.usual_m, gauge.alarm_m + HIGH_M, start_s, end_s))


def flood(stage: Stage, start_s: float, end_s: float) -> Script:
    """The water rises over the alarm mark and on over the road, and falls."""
    gauge = _gauge(stage)
    rise = Rise(gauge.usual_m, FLOOD_M, start_s, end_s)
    script = _rising(stage, gauge, rise)
    road = next(area for area in stage.layout.areas if area.kind == "flood")
    script.events.append(TrueEvent("flood", road.id, *rise.above_s(gauge.road_m)))
    return script


def _gauge(stage: Stage) -> Gauge:
    gauge = stage.layout.gauge
    assert gauge is not None, "only places with a gauge have a zone of the kind water"
    return gauge


def _rising(stage: Stage, gauge: Gauge, rise: Rise) -> Script:
    prop = next(prop for prop in stage.layout.props if prop.kind == "water")
    board = next(area for area in stage.layout.areas if area.kind == "water")
    event = TrueEvent("high_water", board.id, *rise.above_s(gauge.alarm_m))
    track = _water(stage, prop, rise)
    return Script([event], [track], replaces=frozenset({prop.name}), tables={"water.csv": _levels(gauge, rise, stage.duration_s)})


def _water(stage: Stage, prop: Prop, rise: Rise) -> Track:
    def change(actor: Actor, t_s: float) -> None:
        actor.floor_m, actor.phase = float(rise.at(t_s)), t_s

    actor = Actor(stage.new_id(), "water", prop.mesh, casts_shadow=False)
    always = np.asarray([-1e4, stage.duration_s + 1e4])
    return Track(actor, always, np.zeros((2, 2)), rest_yaw_rad=0.0, change=change)


def _levels(gauge: Gauge, rise: Rise, duration_s: float) -> str:
    """second, level on the gauge (m), depth at the road's lowest spot (m)."""
    seconds = np.arange(0, int(duration_s) + 1, dtype=np.float64)
    level = rise.at(seconds)
    depth = np.maximum(0.0, level - gauge.road_m)
    rows = [f"{s:.0f},{z - gauge.zero_m:.3f},{d:.3f}\n" for s, z, d in zip(seconds.tolist(), level.tolist(), depth.tolist(), strict=True)]
    return "second,level_m,road_depth_m\n" + "".join(rows)
