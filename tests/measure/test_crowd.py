"""Crowd on hand-made tracks, exact to the look."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from sewu.base.records import Observation, Tracks
from sewu.base.space import Homography, Scene, Zone
from sewu.measure.crowd import Crowd, CrowdSettings
from tests.fakes import CAMERA, blank, box_at, tracks

SIZE_PX = (320, 240)
LEFT = ((0.0, 0.0), (160.0, 0.0), (160.0, 240.0), (0.0, 240.0))
GROUND = Homography(np.diag([0.1, 0.1, 1.0]))


def crowd(zone: dict[str, Any] | None = None, ground: Homography | None = None, **settings: Any) -> Crowd:
    zones = () if zone is None else (Zone("left", "crowd", LEFT, settings=zone),)
    return Crowd(CAMERA, Scene(SIZE_PX, zones, ground=ground), CrowdSettings(**settings))


def values(observations: Sequence[Observation], metric: str) -> list[float]:
    return [observation.value for observation in observations if observation.metric == metric]


def people(at_s: float, *feet: tuple[int, float, float]) -> Tracks:
    return tracks(at_s, *((number, "person", box_at(x, y)) for number, x, y in feet))


def unseen(looked: Tracks) -> Tracks:
    return Tracks(
        CAMERA, looked.at_s, looked.boxes_px, looked.scores, looked.classes, looked.ids, looked.since_s, np.zeros(len(looked), np.bool_)
    )


def test_only_persons_with_their_feet_in_the_zone_count() -> None:
    looked = tracks(0.0, (1, "person", box_at(50, 100)), (2, "person", box_at(200, 100)), (3, "car", box_at(60, 100)))
    found = crowd({}).update(looked, blank(0.0))
    assert values(found, "count") == [1.0]
    assert [o.zone_id for o in found if o.metric == "count"] == ["left"]


def test_without_a_zone_the_whole_view_counts() -> None:
    found = crowd().update(people(0.0, (1, 50, 100), (2, 300, 200)), blank(0.0))
    assert [(o.value, o.zone_id) for o in found if o.metric == "count"] == [(2.0, None)]


def test_density_is_persons_over_the_ground_of_the_zone() -> None:
    found = crowd({}, GROUND).update(people(0.0, (1, 50, 100), (2, 60, 100)), blank(0.0))
    assert values(found, "density") == [pytest.approx(2 / (16.0 * 24.0))]


def test_capacity_share_comes_from_the_zones_own_setting() -> None:
    found = crowd({"capacity": 8}).update(people(0.0, (1, 50, 100), (2, 60, 100)), blank(0.0))
    assert values(found, "capacity_share") == [0.25]


def test_a_person_hidden_for_a_moment_still_counts_and_then_no_longer() -> None:
    analytic = crowd(hold_s=1.0)
    looked = people(0.0, (1, 50, 100))
    counts = [values(analytic.update(looked, blank(0.0)), "count")[0]]
    for step in range(1, 16):
        at_s = step * 0.1
        counts += values(analytic.update(unseen(people(at_s, (1, 50, 100))), blank(at_s)), "count")
    assert counts == [1.0] * 11 + [0.0] * 5


def test_a_predicted_person_at_slow_looks_does_not_count() -> None:
    analytic = crowd()
    analytic.update(people(0.0, (1, 50, 100)), blank(0.0))
    assert values(analytic.update(unseen(people(30.0, (1, 50, 100))), blank(30.0)), "count") == [0.0]


def test_windows_give_maximum_and_mean_over_the_watched_time() -> None:
    analytic, found = crowd(), []
    for second in range(61):
        row = [(1, 50.0, 100.0)] if second < 15 else [(1, 50.0, 100.0), (2, 200.0, 100.0), (3, 300.0, 100.0)] if second < 30 else []
        found += analytic.update(people(float(second), *row), blank(float(second)))
    window = [o for o in found if o.window_s]
    assert values(window, "max_count") == [3.0]
    assert values(window, "mean_count") == [pytest.approx((15 * 1 + 15 * 3) / 60)]
    assert all(o.coverage == 1.0 and o.at_s == 60.0 for o in window)


def test_a_gap_lowers_the_coverage_and_is_no_presence() -> None:
    analytic = crowd(max_gap_s=10.0)
    found = []
    for at_s in [0.0, 10.0, 20.0, 50.0, 60.0]:
        found += analytic.update(people(at_s, (1, 50, 100)), blank(at_s))
    (mean,) = [o for o in found if o.metric == "mean_count"]
    assert mean.coverage == pytest.approx(0.5)
    assert mean.value == pytest.approx(1.0), "of the watched half minute"


def four(at_s: float, first: int = 1, dx: float = 0.0) -> Tracks:
    return people(at_s, *((first + i, 50 + dx + 12 * i, 100 + 2 * i) for i in range(4)))


def test_four_who_stand_together_for_a_minute_are_a_gathering() -> None:
    analytic = crowd()
    began = None
    for second in range(90):
        found = analytic.update(four(float(second)), blank(float(second)))
        if values(found, "group_size") and began is None:
            began = second
            assert values(found, "group_size") == [4.0]
            assert values(found, "group_dwell") == [60.0]
            assert values(found, "gatherings") == [1.0]
    assert began == 60


def test_three_are_not_a_gathering_of_four() -> None:
    analytic = crowd()
    for second in range(90):
        found = analytic.update(people(float(second), (1, 50, 100), (2, 60, 100), (3, 70, 100)), blank(float(second)))
        assert values(found, "gatherings") == [0.0]


def test_people_apart_are_not_together_and_those_far_behind_neither() -> None:
    analytic = crowd(gather_s=0.0, gather_members=2)
    assert values(analytic.update(people(0.0, (1, 50, 100), (2, 120, 100)), blank(0.0)), "gatherings") == [0.0]
    far = tracks(1.0, (3, "person", box_at(50, 100)), (4, "person", box_at(55, 110, 8, 16)))
    assert values(analytic.update(far, blank(1.0)), "gatherings") == [0.0]


def test_on_calibrated_ground_metres_decide() -> None:
    analytic = crowd(None, GROUND, gather_s=0.0, gather_members=2)
    assert values(analytic.update(people(0.0, (1, 50, 100), (2, 66, 100)), blank(0.0)), "gatherings") == [0.0]
    assert values(analytic.update(people(1.0, (1, 50, 100), (2, 64, 100)), blank(1.0)), "gatherings") == [1.0]


def test_a_group_keeps_its_name_while_members_come_and_go_and_ids_change() -> None:
    analytic, subjects = crowd(gather_s=10.0), set()
    for second in range(60):
        first = 1 if second < 20 else 3 if second < 40 else 30  # half the members change, then every id
        found = analytic.update(four(float(second), first), blank(float(second)))
        subjects |= {o.subject for o in found if o.metric == "group_size"}
    assert subjects == {"group 1"}
    assert values(found, "group_dwell") == [59.0]


def test_a_group_that_splits_stays_one_and_the_other_begins_anew() -> None:
    analytic = crowd(gather_s=10.0)
    for second in range(30):
        apart = 0.0 if second < 12 else 150.0
        rows = [(i, 20.0 + 10 * i + (apart if i >= 5 else 0), 100.0) for i in range(9)]
        found = analytic.update(people(float(second), *rows), blank(float(second)))
    dwells = {o.subject: o.value for o in found if o.metric == "group_dwell"}
    assert dwells == {"group 1": 29.0, "group 2": 17.0}


def test_a_gathering_says_once_that_it_is_over() -> None:
    analytic, sizes = crowd(gather_s=5.0, part_s=3.0), []
    for second in range(30):
        looked = four(float(second)) if second <= 10 else Tracks.none(CAMERA, float(second))
        found = analytic.update(looked, blank(float(second)))
        sizes += [(second, o.value) for o in found if o.metric == "group_size"]
    assert sizes[-1] == (14, 0.0) and [value for _, value in sizes[:-1]] == [4.0] * 6
    assert values(found, "gatherings") == [0.0]
    assert analytic.state()["places"][""]["groups"] == []


def test_a_gap_does_not_make_a_gathering_older() -> None:
    analytic = crowd(gather_s=60.0, max_gap_s=10.0)
    for at_s in [0.0, 10.0, 20.0, 500.0, 510.0, 520.0]:
        found = analytic.update(four(at_s), blank(at_s))
    assert values(found, "gatherings") == [0.0]


def test_a_clock_set_back_keeps_the_dwell() -> None:
    analytic = crowd(gather_s=30.0)
    for at_s in [*range(1000, 1021), *range(500, 512)]:
        found = analytic.update(four(float(at_s)), blank(float(at_s)))
    assert values(found, "group_dwell") == [31.0]


def test_a_statue_stops_counting_and_a_person_who_walked_in_and_sat_down_does_not() -> None:
    analytic = crowd(scenery_after_s=60.0)
    for second in range(100):
        x = 200.0 + 8 * min(second, 10)
        found = analytic.update(people(float(second), (1, 50, 100), (2, x, 100)), blank(float(second)))
        if second == 59:
            assert values(found, "count") == [2.0]
    assert values(found, "count") == [1.0]
    assert values(found, "scenery") == [1.0]


def test_a_person_who_stirs_is_never_scenery() -> None:
    analytic = crowd(scenery_after_s=60.0)
    for second in range(200):
        sway = 4.0 if second // 20 % 2 else 0.0
        found = analytic.update(people(float(second), (1, 50 + sway, 100)), blank(float(second)))
    assert values(found, "count") == [1.0]


def test_finish_gives_the_open_window_with_its_coverage() -> None:
    analytic = crowd()
    for second in range(31):
        analytic.update(people(float(second), (1, 50, 100)), blank(float(second)))
    assert [(o.metric, o.value, o.coverage) for o in analytic.finish()] == [("max_count", 1.0, 0.5), ("mean_count", 1.0, 0.5)]


def test_a_zone_drawn_after_the_state_was_saved_begins_afresh() -> None:
    old, new = crowd(), crowd({})
    old.update(four(0.0), blank(0.0))
    new.restore(json.loads(json.dumps(old.state())))
    assert values(new.update(four(1.0), blank(1.0)), "count") == [4.0]
