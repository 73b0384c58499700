"""The level of the river, and what is true of it."""

from __future__ import annotations

import csv
import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sewu.simulate.loops import LoopRecipe, build_world
from sewu.simulate.scenes.riverside import road_height_m
from sewu.simulate.scenes.water import FLOW_MPS, Rise, rippled, sheet
from tests.simulate.scenes.places import place, scripted


@given(st.floats(-3, -2), st.floats(-1.5, 0.5), st.floats(0, 50), st.floats(20, 200), st.floats(0.05, 0.95))
def test_the_water_is_above_a_mark_exactly_as_long_as_it_says(usual: float, peak: float, start: float, lasts: float, share: float) -> None:
    rise = Rise(usual, peak, start, start + lasts)
    mark = usual + share * (peak - usual)
    first, last = rise.above_s(mark)
    assert start <= first < last <= start + lasts + 0.01
    assert rise.at(first + 0.02) > mark > rise.at(first - 0.03)
    assert rise.at(last - 0.02) > mark > rise.at(last + 0.03)
    assert abs(float(rise.at(start - 1)) - usual) < 1e-9 and abs(float(rise.at(start + lasts / 2)) - peak) < 1e-9


def test_a_flood_is_written_down_second_by_second() -> None:
    layout, world, (script,) = build_world(LoopRecipe("river", 1, 60, ("flood",)), 0.0)
    gauge = layout.gauge
    assert gauge is not None
    rows = list(csv.DictReader(io.StringIO(script.tables["water.csv"])))
    assert [int(row["second"]) for row in rows] == list(range(61))
    high, flood = script.events
    assert (high.kind, flood.kind) == ("high_water", "flood")
    assert high.start_s < flood.start_s < flood.end_s < high.end_s
    for row in rows:
        second, level_m = int(row["second"]), float(row["level_m"]) + gauge.zero_m
        assert (float(row["road_depth_m"]) > 0) == (flood.start_s <= second <= flood.end_s)
        assert (level_m > gauge.alarm_m) == (high.start_s <= second <= high.end_s)
    for second in (0, 30):
        world.t_s = float(second)
        (water,) = [a for a in world.actors if a.kind == "water"]
        assert abs(water.floor_m - gauge.zero_m - float(rows[second]["level_m"])) < 1e-3
        assert np.allclose(water.in_world().at_m[:, 2], water.floor_m, atol=1e-5)


def test_high_water_leaves_the_road_dry() -> None:
    _, script = scripted("river", "high_water", 1)
    assert [e.kind for e in script.events] == ["high_water"]
    assert all(float(row["road_depth_m"]) == 0 for row in csv.DictReader(io.StringIO(script.tables["water.csv"])))


def test_the_road_is_lowest_where_the_truth_measures_its_depth() -> None:
    gauge = place("river").gauge
    assert gauge is not None
    heights = [road_height_m(float(x), float(y)) for x in np.linspace(-6, 0.8, 35) for y in np.linspace(0, 60, 121)]
    assert abs(min(heights) - gauge.road_m) < 0.002


def test_water_drifts_without_rising() -> None:
    still = sheet(0, 10, 3, 40)
    now, later = rippled(still, 0.0), rippled(still, 2.0)
    assert np.array_equal(now.at_m, later.at_m)
    assert np.abs(now.rgb - later.rgb).max() > 0.005
    assert np.allclose(np.linalg.norm(now.normal, axis=1), 1, atol=1e-5)
    # What is at y after two seconds was farther up the stream before.
    upstream = rippled(sheet(0, 10, 3 + 2 * FLOW_MPS, 40 + 2 * FLOW_MPS), 0.0)
    assert np.allclose(later.rgb, upstream.rgb, atol=1e-4)
