"""Traffic on hand-made tracks: every classic counting fault, at every look rate."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.records import Observation, Tracks
from sewu.base.space import Homography, Line, Scene, Zone
from sewu.measure.traffic import Traffic, TrafficSettings
from tests.fakes import CAMERA, blank, tracks

SIZE_PX = (320, 240)
LINE = Line("line", (60.0, 120.0), (260.0, 120.0), forward="down", backward="up")
GROUND = Homography(np.diag([0.1, 0.1, 1.0]))
RATES = pytest.mark.parametrize("rate_fps", [25.0, 12.5, 4.0])
Rows = Sequence[tuple[int, str, tuple[float, float]]]


def traffic(ground: Homography | None = None, zones: tuple[Zone, ...] = (), **given_settings: Any) -> Traffic:
    return Traffic(CAMERA, Scene(SIZE_PX, zones, (LINE,), ground), TrafficSettings(**given_settings))


def car(x: float, y: float, width: float = 40.0, height: float = 30.0) -> tuple[float, float, float, float]:
    return x - width / 2, y - height, x + width / 2, y


def looked(at_s: float, rows: Rows, predicted: Sequence[int] = (), ended: Sequence[int] = ()) -> Tracks:
    full = tracks(at_s, *((number, kind, car(x, y)) for number, kind, (x, y) in rows), ended=ended)
    seen = ~np.isin(full.ids, predicted)
    return Tracks(CAMERA, at_s, full.boxes_px, full.scores, full.classes, full.ids, full.since_s, seen, full.ended)


def drive(analytic: Traffic, script: Callable[[float], Tracks], until_s: float, rate_fps: float) -> list[Observation]:
    found: list[Observation] = []
    for index in range(round(until_s * rate_fps) + 1):
        at_s = index / rate_fps
        found += analytic.update(script(at_s), blank(at_s, (8, 8)))
    return found


def crossings(found: Sequence[Observation]) -> list[str]:
    return [o.labels["direction"] for o in found if o.metric == "crossing"]


def straight(at_s: float) -> float:
    return 40.0 + 50.0 * at_s


@RATES
def test_a_car_that_drives_over_counts_once_with_class_direction_and_box(rate_fps: float) -> None:
    found = drive(traffic(), lambda t: looked(t, [(7, "car", (150, straight(t)))]), 4.0, rate_fps)
    (crossing,) = [o for o in found if o.metric == "crossing"]
    assert dict(crossing.labels) == {"class": "car", "direction": "down"}
    assert (crossing.zone_id, crossing.subject, crossing.value) == ("line", "track 7", 1.0)
    assert crossing.box_px is not None and crossing.box_px[3] == pytest.approx(straight(crossing.at_s))
    clear_px = 0.25 * math.sqrt(40 * 30)
    assert crossing.at_s == pytest.approx(math.ceil((80 + clear_px) / 50 * rate_fps) / rate_fps), "the first look that is clear"


@RATES
def test_jitter_on_the_line_counts_nothing(rate_fps: float) -> None:
    jitter = np.random.default_rng(1).normal(0, 2.0, 4000)
    found = drive(traffic(), lambda t: looked(t, [(1, "car", (150, 120 + jitter[round(t * 25)]))]), 60.0, rate_fps)
    assert crossings(found) == []


@RATES
def test_stopping_on_the_line_and_driving_on_counts_once(rate_fps: float) -> None:
    jitter = np.random.default_rng(2).normal(0, 2.0, 4000)

    def y(t: float) -> float:
        return straight(t) if t < 1.6 else 120.0 + jitter[round(t * 25)] if t < 20 else 120.0 + 50 * (t - 20)

    found = drive(traffic(), lambda t: looked(t, [(1, "car", (150, y(t)))]), 22.0, rate_fps)
    assert crossings(found) == ["down"]


@RATES
def test_stopping_on_the_line_and_backing_off_counts_nothing(rate_fps: float) -> None:
    def y(t: float) -> float:
        return straight(t) if t < 1.6 else 121.0 if t < 10 else 121.0 - 50 * (t - 10)

    assert crossings(drive(traffic(), lambda t: looked(t, [(1, "car", (150, y(t)))]), 11.5, rate_fps)) == []


@RATES
def test_reversal_counts_each_way_and_nets_to_nothing(rate_fps: float) -> None:
    def y(t: float) -> float:
        return 120 - 60 * math.cos(t * math.pi / 3)

    found = drive(traffic(), lambda t: looked(t, [(1, "car", (150, y(t)))]), 12.0, rate_fps)
    assert crossings(found) == ["down", "up", "down", "up"]


@RATES
def test_a_track_confirmed_beyond_the_line_never_counts(rate_fps: float) -> None:
    found = drive(
        traffic(), lambda t: looked(t, [(1, "car", (150, straight(t)))]) if straight(t) > 130 else Tracks.none(CAMERA, t), 4.0, rate_fps
    )
    assert crossings(found) == []


@RATES
def test_hidden_while_crossing_counts_when_seen_again(rate_fps: float) -> None:
    def script(t: float) -> Tracks:
        return looked(t, [(1, "car", (150, straight(t)))], predicted=[1] if 90 < straight(t) < 160 else [])

    found = drive(traffic(), script, 4.0, rate_fps)
    assert crossings(found) == ["down"]
    assert next(o for o in found if o.metric == "crossing").at_s >= (160 - 40) / 50


@RATES
def test_predicted_over_the_line_and_never_seen_again_counts_nothing(rate_fps: float) -> None:
    found = drive(
        traffic(), lambda t: looked(t, [(1, "car", (150, straight(t)))], predicted=[1] if straight(t) > 90 else []), 4.0, rate_fps
    )
    assert crossings(found) == []


@RATES
@pytest.mark.parametrize("gap_s", [0.0, 0.5])
def test_an_id_switch_at_the_line_counts_once(rate_fps: float, gap_s: float) -> None:
    def script(t: float) -> Tracks:
        if straight(t) < 112:
            return looked(t, [(1, "car", (150, straight(t)))])
        if straight(t) < 112 + 50 * gap_s:
            return Tracks.none(CAMERA, t, np.array([1]))
        return looked(t, [(2, "car", (150, straight(t)))], ended=[1])

    assert crossings(drive(traffic(), script, 4.0, rate_fps)) == ["down"]


@RATES
def test_an_id_switch_while_the_old_id_is_still_predicted_counts_once(rate_fps: float) -> None:
    def script(t: float) -> Tracks:
        y = straight(t)
        if y < 112:
            return looked(t, [(1, "car", (150, y))])
        return looked(t, [(1, "car", (150, y)), (2, "car", (150, y))], predicted=[1]) if y < 150 else looked(t, [(2, "car", (150, y))])

    assert crossings(drive(traffic(), script, 4.0, rate_fps)) == ["down"]


@RATES
def test_a_new_car_far_from_where_the_old_one_ended_is_not_stitched(rate_fps: float) -> None:
    def script(t: float) -> Tracks:
        if straight(t) < 100:
            return looked(t, [(1, "car", (100, straight(t)))])
        return looked(t, [(2, "car", (220, straight(t) + 60))], ended=[1])

    assert crossings(drive(traffic(), script, 3.5, rate_fps)) == []


@RATES
def test_a_person_does_not_go_on_where_a_car_ended(rate_fps: float) -> None:
    def script(t: float) -> Tracks:
        y = straight(t)
        return Tracks.none(CAMERA, t) if 112 < y < 130 else looked(t, [(1, "car", (150, y)) if y < 120 else (2, "person", (150, y))])

    assert crossings(drive(traffic(), script, 4.0, rate_fps)) == []


@RATES
def test_passing_beyond_the_ends_of_the_line_counts_nothing(rate_fps: float) -> None:
    found = drive(traffic(), lambda t: looked(t, [(1, "car", (40, straight(t))), (2, "car", (280, straight(t)))]), 4.0, rate_fps)
    assert crossings(found) == []


@RATES
def test_going_around_the_end_and_back_along_the_line_counts_nothing(rate_fps: float) -> None:
    def place(t: float) -> tuple[float, float]:
        return (40.0, straight(t)) if t < 2.4 else (40.0 + 60 * (t - 2.4), 160.0)

    assert crossings(drive(traffic(), lambda t: looked(t, [(1, "car", place(t))]), 5.0, rate_fps)) == []


@RATES
def test_one_car_found_as_car_and_truck_counts_once_and_two_cars_abreast_twice(rate_fps: float) -> None:
    one = drive(traffic(), lambda t: looked(t, [(1, "car", (150, straight(t))), (2, "truck", (152, straight(t) + 1))]), 4.0, rate_fps)
    two = drive(traffic(), lambda t: looked(t, [(1, "car", (110, straight(t))), (2, "car", (155, straight(t)))]), 4.0, rate_fps)
    assert crossings(one) == ["down"]
    assert crossings(two) == ["down", "down"]


def test_the_class_is_what_most_looks_said_and_a_name_beats_no_name() -> None:
    def script(t: float) -> Tracks:
        kind = "object" if t < 1.0 else "truck" if straight(t) > 118 else "car"
        return looked(t, [(1, kind, (150, straight(t)))])

    found = drive(traffic(), script, 4.0, 12.5)
    assert [o.labels["class"] for o in found if o.metric == "crossing"] == ["car"]


def rider(at_s: float, with_bike: bool = True, bike_y: float | None = None) -> Tracks:
    y = 30.0 + 50 * at_s
    rows: list[tuple[int, str, tuple[float, float, float, float]]] = [(1, "person", (140, y - 45, 160, y - 8))]
    if with_bike:
        foot = y if bike_y is None else bike_y
        rows.append((2, "motorcycle", (135, foot - 30, 165, foot)))
    return tracks(at_s, *rows)


@RATES
def test_a_motorcycle_with_its_rider_is_one_motorcycle(rate_fps: float) -> None:
    found = drive(traffic(), rider, 4.0, rate_fps)
    assert [o.labels["class"] for o in found if o.metric == "crossing"] == ["motorcycle"]


@RATES
def test_a_pedestrian_who_walks_past_a_parked_motorcycle_counts(rate_fps: float) -> None:
    found = drive(traffic(), lambda t: rider(t, bike_y=118.0), 4.0, rate_fps)
    assert [o.labels["class"] for o in found if o.metric == "crossing"] == ["person"]


def test_windows_count_by_class_and_direction_and_say_zero() -> None:
    def script(t: float) -> Tracks:
        lap = t % 20.0
        return looked(t, [(1 + int(t // 20), "car", (150, straight(lap)))]) if lap < 4 else Tracks.none(CAMERA, t)

    found = drive(traffic(), script, 121.0, 4.0)
    totals = [(o.at_s, o.labels["direction"], o.value, o.coverage) for o in found if o.metric == "total"]
    assert totals == [(60.0, "down", 3.0, 1.0), (60.0, "up", 0.0, 1.0), (120.0, "down", 3.0, 1.0), (120.0, "up", 0.0, 1.0)]
    assert [(dict(o.labels), o.value) for o in found if o.metric == "count"] == [({"class": "car", "direction": "down"}, 3.0)] * 2


def test_finish_gives_the_counts_of_a_short_clip() -> None:
    analytic = traffic()
    drive(analytic, lambda t: looked(t, [(1, "car", (150, straight(t)))]), 4.0, 4.0)
    totals = {o.labels["direction"]: (o.value, round(o.coverage, 3)) for o in analytic.finish() if o.metric == "total"}
    assert totals == {"down": (1.0, 0.067), "up": (0.0, 0.067)}


@RATES
def test_speed_over_the_ground_is_right_in_both_units_and_states_its_error(rate_fps: float) -> None:
    noise = np.random.default_rng(3).normal(0, 0.5, 200)
    found = drive(traffic(GROUND), lambda t: looked(t, [(1, "car", (150, straight(t) + noise[round(t * 25)]))]), 4.0, rate_fps)
    by_metric = {o.metric: o.value for o in found if o.metric.startswith("speed")}
    assert by_metric["speed_kmh"] == pytest.approx(3.6 * by_metric["speed"])
    assert abs(by_metric["speed"] - 5.0) <= 4 * by_metric["speed_error"] + 0.02
    assert 0 < by_metric["speed_error"] < 0.5


def test_one_wild_box_does_not_spoil_the_speed() -> None:
    def script(t: float) -> Tracks:
        wild = 25.0 if round(t * 12.5) == 16 else 0.0
        return looked(t, [(1, "car", (150 + wild, straight(t)))])

    found = drive(traffic(GROUND), script, 4.0, 12.5)
    assert next(o.value for o in found if o.metric == "speed") == pytest.approx(5.0, abs=0.1)


def test_without_a_calibrated_ground_no_speed_is_claimed() -> None:
    found = drive(traffic(), lambda t: looked(t, [(1, "car", (150, straight(t)))]), 4.0, 12.5)
    assert not [o for o in found if o.metric.startswith("speed")]


QUEUE = Zone("lanes", "queue", ((100.0, 0.0), (200.0, 0.0), (200.0, 200.0), (100.0, 200.0)))


def queueing(at_s: float) -> Tracks:
    """Three cars that drive up and stop at 190, 150 and 110; after 40 s they drive off."""
    rows = []
    for index, stop in enumerate((190.0, 150.0, 110.0)):
        y = min(stop, 30.0 + 60 * at_s - 40 * index) if at_s < 40 else stop + 60 * (at_s - 40)
        rows.append((index + 1, "car", (150.0, y)))
    return looked(at_s, rows)


@RATES
@pytest.mark.parametrize("ground", [None, GROUND])
def test_a_queue_is_counted_and_measured_once_it_stands(rate_fps: float, ground: Homography | None) -> None:
    found = drive(traffic(ground, (QUEUE,)), queueing, 48.0, rate_fps)
    by_time = {(o.metric, o.at_s): o.value for o in found}
    assert by_time["queue_count", 2.0] == 0.0
    assert by_time["queue_count", 20.0] == 3.0
    assert by_time["queue_share", 20.0] == pytest.approx((190 - 80) / 200)
    assert by_time["queue_count", 44.0] == 0.0
    if ground is not None:
        assert by_time["queue_length", 20.0] == pytest.approx(8.0 + 4.5)
        assert by_time["queue_length", 44.0] == 0.0


def test_a_queue_begins_queue_s_after_the_vehicle_became_slow() -> None:
    found = drive(traffic(GROUND, (QUEUE,), queue_s=5.0), lambda t: looked(t, [(1, "car", (150.0, 100.0))]), 8.0, 4.0)
    first = next(o.at_s for o in found if o.metric == "queue_count" and o.value)
    assert first == 5.25, "slow is known at the second look"


def test_slow_looks_still_find_the_queue() -> None:
    found = drive(traffic(GROUND, (QUEUE,)), lambda t: looked(t, [(1, "car", (150.0, 100.0))]), 60.0, 1 / 4)
    assert [o.value for o in found if o.metric == "queue_count"][-1] == 1.0


@pytest.mark.parametrize(("speed_px_s", "grade"), [(105.0, "A"), (60.0, "C"), (0.0, "F")])
def test_the_level_of_service_follows_the_mean_speed(speed_px_s: float, grade: str) -> None:
    def script(t: float) -> Tracks:
        return looked(t, [(1 + int(t), "car", (150.0, 20.0 + speed_px_s * (t % 1.0)))])

    found = drive(traffic(GROUND, (QUEUE,)), script, 61.0, 12.5)
    (level,) = [o for o in found if o.metric == "service_level"]
    assert level.labels["grade"] == grade
    assert level.value == "ABCDEF".index(grade) + 1


def test_a_clock_set_back_loses_no_crossing_and_restarts_the_window() -> None:
    analytic, found = traffic(), []
    for index in range(50):
        at_s = 1000.0 + index * 0.08 - (600.0 if index >= 18 else 0.0)
        found += analytic.update(looked(at_s, [(1, "car", (150, straight(index * 0.08)))]), blank(at_s, (8, 8)))
    assert crossings(found) == ["down"]
    assert analytic.finish()[0].at_s == 420.0


def test_what_ended_is_forgotten() -> None:
    analytic = traffic()
    drive(analytic, lambda t: looked(t, [(1, "car", (150, straight(t)))]), 1.0, 4.0)
    for at_s in (2.0, 3.0, 4.0):
        analytic.update(Tracks.none(CAMERA, at_s, np.array([1])), blank(at_s, (8, 8)))
    state = analytic.state()
    assert state["paths"] == [] and state["ended"] == []


steps = st.lists(st.tuples(st.floats(-60, 60), st.floats(-60, 60)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(moves=steps, split=st.integers(0, 60))
def test_up_and_down_alternate_and_a_restore_changes_nothing(moves: list[tuple[float, float]], split: int) -> None:
    whole, part = traffic(), traffic()
    x, y = 150.0, 100.0
    one: list[Observation] = []
    two: list[Observation] = []
    for index, (dx, dy) in enumerate(moves):
        x, y = min(240.0, max(80.0, x + dx)), min(230.0, max(20.0, y + dy))
        if index == split:
            saved = json.loads(json.dumps(part.state()))
            part = traffic()
            part.restore(saved)
        look = looked(index * 0.2, [(1, "car", (x, y))])
        one += whole.update(look, blank(look.at_s, (8, 8)))
        two += part.update(look, blank(look.at_s, (8, 8)))
    ways = crossings(one)
    assert all(a != b for a, b in pairwise(ways)), "within the line's ends nobody goes down twice in a row"
    assert one == two
