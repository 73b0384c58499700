"""Intrusion and loitering on hand-made tracks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.base.records import Observation, Tracks
from sewu.base.space import Scene, Zone
from sewu.measure.order import Order
from sewu.measure.order.analytic import OrderSettings
from tests.fakes import CAMERA, blank, box_at, tracks

YARD = Zone("yard", "restricted", ((100, 100), (200, 100), (200, 200), (100, 200)))
CORNER = Zone("corner", "watch", ((100, 100), (200, 100), (200, 200), (100, 200)), settings={"min_loiter_s": 2.0})
INSIDE, OUTSIDE = (150.0, 150.0), (50.0, 150.0)


def order(*zones: Zone, **values: object) -> Order:
    return Order(CAMERA, Scene((320, 240), zones), OrderSettings.model_validate(values))


def person(at_s: float, place: tuple[float, float] | None, number: int = 1) -> Tracks:
    return tracks(at_s, *([(number, "person", box_at(*place))] if place else []))


def feed(analytic: Order, looks: list[Tracks]) -> list[Observation]:
    return [row for look in looks for row in analytic.update(look, blank(look.at_s))]


def of(observed: list[Observation], metric: str) -> list[Observation]:
    return [row for row in observed if row.metric == metric]


def test_an_intruder_is_counted_and_timed_once_the_presence_is_no_jitter() -> None:
    observed = feed(order(YARD), [person(index * 0.1, INSIDE) for index in range(31)])
    counts = {round(row.at_s, 1): row.value for row in of(observed, "intruders")}
    assert counts[0.5] == 0 and counts[1.5] == 1 and len(counts) == 31
    timed = of(observed, "inside_s")
    assert timed[-1].value == pytest.approx(3.0) and timed[-1].zone_id == "yard" and {row.subject for row in timed} == {"person 1"}


def test_a_foot_that_jitters_over_the_edge_for_a_moment_is_no_intruder() -> None:
    looks = [person(index * 0.1, (99.0 + 2.0 * (index in {5, 6, 20}), 150.0)) for index in range(60)]
    observed = feed(order(YARD, gap_s=0.5), looks)
    assert max(row.value for row in of(observed, "intruders")) == 0


def test_a_head_over_the_fence_is_outside_because_feet_count() -> None:
    observed = feed(order(YARD), [person(index * 0.5, (150.0, 215.0)) for index in range(20)])
    assert not of(observed, "inside_s")


def test_where_looks_are_half_a_minute_apart_one_look_is_enough() -> None:
    observed = feed(order(YARD), [person(0.0, None), person(30.0, INSIDE), person(60.0, None)])
    assert [row.value for row in of(observed, "intruders")] == [0.0, 1.0, 1.0]
    assert feed(order(YARD), [person(0.0, None), person(30.0, OUTSIDE)])[-1].value == 0.0


def test_stepping_out_ends_the_intrusion_at_once_but_a_lost_track_is_waited_for() -> None:
    out = feed(order(YARD), [person(index * 0.5, INSIDE if index < 10 else OUTSIDE) for index in range(20)])
    assert of(out, "intruders")[10].value == 0
    lost = feed(order(YARD), [person(index * 0.5, INSIDE if index < 10 else None) for index in range(40)])
    assert of(lost, "intruders")[12].value == 1 and of(lost, "intruders")[-1].value == 0


def test_two_intruders_are_two() -> None:
    looks = [
        tracks(index * 0.5, (1, "person", box_at(120, 150)), (2, "person", box_at(180, 150)), (3, "car", box_at(150, 150, 60, 40)))
        for index in range(10)
    ]
    assert of(feed(order(YARD), looks), "intruders")[-1].value == 2
    assert of(feed(order(YARD, classes=("person", "car")), looks), "intruders")[-1].value == 3


def test_loitering_goes_on_through_a_changed_id_and_a_short_absence() -> None:
    looks = []
    for index in range(120):
        at_s = index * 0.5
        place = None if 20 <= at_s < 23 or 40 <= at_s < 42 else INSIDE
        looks.append(person(at_s, place, 1 if at_s < 22 else 8 if at_s < 41 else 9))
    observed = of(feed(order(CORNER), looks), "loiter_s")
    assert {row.subject for row in observed} == {"person 1"}
    assert observed[-1].value == pytest.approx(59.5)
    assert min(row.value for row in observed) >= 2.0


def test_a_new_person_elsewhere_in_the_zone_starts_at_nought() -> None:
    looks = [person(index * 0.5, (110.0, 110.0), 1) for index in range(40)] + [
        person(20 + index * 0.5, (190.0, 195.0), 2) for index in range(20)
    ]
    observed = of(feed(order(CORNER), looks), "loiter_s")
    second = [row for row in observed if row.subject == "person 2"]
    assert second and second[-1].value == pytest.approx(9.5)


def test_someone_who_comes_back_after_long_starts_at_nought() -> None:
    looks = [person(index * 0.5, INSIDE if index < 40 or index >= 80 else OUTSIDE) for index in range(100)]
    observed = of(feed(order(CORNER), looks), "loiter_s")
    assert observed[-1].value == pytest.approx(9.5)


def test_a_predicted_box_does_not_prove_presence() -> None:
    seen = person(0.0, INSIDE)
    ghosts = [
        Tracks(CAMERA, at_s, seen.boxes_px, seen.scores, seen.classes, seen.ids, seen.since_s, seen.seen & False)
        for at_s in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
    ]
    assert not of(feed(order(CORNER), ghosts), "loiter_s")


def test_a_zone_with_an_unknown_setting_is_refused_by_name() -> None:
    with pytest.raises(BadSettings, match="zone 'bad'"):
        order(Zone("bad", "watch", CORNER.points_px, settings={"loiter": 3}))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.04, 30.0), st.lists(st.tuples(st.integers(1, 5), st.floats(60, 240)), max_size=4)), max_size=25),
    st.data(),
)
def test_a_restart_changes_no_number_and_time_inside_never_exceeds_time_passed(
    steps: list[tuple[float, list[tuple[int, float]]]], data: st.DataObject
) -> None:
    looks, at_s = [], 0.0
    for passed_s, people in steps:
        at_s += passed_s
        looks.append(tracks(at_s, *((number, "person", box_at(x, 150)) for number, x in dict(people).items())))
    cut = data.draw(st.integers(0, len(looks)))
    whole, first, second = order(YARD, CORNER), order(YARD, CORNER), order(YARD, CORNER)
    straight = feed(whole, looks)
    halves = feed(first, looks[:cut])
    second.restore(json.loads(json.dumps(first.state())))
    halves += feed(second, looks[cut:])
    assert halves == straight
    assert all(0.0 <= row.value <= at_s + 1e-6 for row in straight if row.unit == "s")
