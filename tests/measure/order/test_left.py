"""Things put down and left, on a hand-made street at several look rates, and on the real clip."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.records import Image, Observation, Tracks
from sewu.base.space import Scene, Zone
from sewu.measure.order import Order
from sewu.measure.order.analytic import LOOK_EVERY_S, OrderSettings
from tests.fakes import CAMERA, box_at, labelled_data, tracks
from tests.measure.scenes import SIZE_PX, clip, frame, noisy, paint, street

BAG_PX = (150.0, 118.0, 166.0, 132.0)
RATES_S = [0.04, 0.2, 1.0, 2.0]


@dataclass(frozen=True)
class Play:
    """A scripted scene: where persons are, and what the picture shows besides."""

    persons: Callable[[float], list[tuple[int, float, float]]]
    things: Callable[[float], list[tuple[float, float, float, float]]]
    light: Callable[[float], float] = lambda _: 1.0
    detected: Callable[[float], bool] = lambda _: True


@cache
def noise() -> tuple[Image, ...]:
    return tuple(noisy(np.full((SIZE_PX[1], SIZE_PX[0], 3), 128, np.uint8), seed) for seed in range(8))


def order(*zones: Zone, **values: object) -> Order:
    return Order(CAMERA, Scene(SIZE_PX, zones), OrderSettings.model_validate(values))


def look(play: Play, at_s: float, index: int) -> tuple[Tracks, Image]:
    image = street()
    for box in play.things(at_s):
        image = paint(image, box, 35)
    rows = []
    for number, x, y in play.persons(at_s):
        box = box_at(x, y, 18, 56)
        image = paint(image, box, 200)
        rows.append((number, "person", box))
    lit = image.astype(np.float32) * play.light(at_s) + noise()[index % 8] - 128.0
    return tracks(at_s, *(rows if play.detected(at_s) else [])), np.asarray(np.clip(lit, 0, 255), np.uint8)


def perform(play: Play, until_s: float, every_s: float, analytic: Order | None = None, start_s: float = 0.0) -> list[Observation]:
    analytic = analytic or order()
    observed: list[Observation] = []
    for index in range(round((until_s - start_s) / every_s) + 1):
        at_s = start_s + index * every_s
        people, image = look(play, at_s, index)
        observed += [row for row in analytic.update(people, frame(image, at_s)) if row.metric == "left_s"]
    return observed


def owner(at_s: float) -> list[tuple[int, float, float]]:
    """Enters at 20 s from the left, stands beside the bag from 24 to 32 s, is gone to the right by 36 s."""
    if 20 <= at_s < 24:
        return [(1, 10 + (at_s - 20) * 30, 134)]
    if 24 <= at_s < 32:
        return [(1, 132, 134)]
    if 32 <= at_s < 36:
        return [(1, 132 + (at_s - 32) * 47, 140)]
    return []


def bag(at_s: float) -> list[tuple[float, float, float, float]]:
    return [BAG_PX] if at_s >= 25 else []


def nothing(_: float) -> list[tuple[float, float, float, float]]:
    return []


LEFT = Play(owner, bag)


@pytest.mark.parametrize("every_s", RATES_S)
def test_a_bag_put_down_and_left_is_one_object_from_when_its_owner_has_gone(every_s: float) -> None:
    observed = perform(LEFT, 60.0, every_s)
    assert {row.subject for row in observed} == {"object 1"}
    begun_s = observed[0].at_s - observed[0].value
    assert 33.0 <= begun_s <= 36.5 + 2 * every_s
    assert observed[-1].at_s == pytest.approx(60.0, abs=LOOK_EVERY_S) and observed[-1].value == pytest.approx(observed[-1].at_s - begun_s)
    assert observed[-1].box_px == pytest.approx(BAG_PX, abs=4)
    assert all(b.value > a.value for a, b in itertools.pairwise(observed))


@pytest.mark.parametrize("every_s", RATES_S)
def test_while_the_owner_stands_by_nothing_is_left(every_s: float) -> None:
    assert perform(Play(lambda at_s: owner(min(at_s, 31.9)), bag), 70.0, every_s) == []


@pytest.mark.parametrize("every_s", [0.2, 1.0])
def test_an_owner_who_is_no_longer_detected_but_still_stands_there_has_not_left(every_s: float) -> None:
    play = Play(lambda at_s: owner(min(at_s, 31.9)), bag, detected=lambda at_s: at_s < 30)
    assert perform(play, 50.0, every_s) == []


@pytest.mark.parametrize("every_s", [0.2, 1.0])
def test_a_new_id_for_the_owner_changes_nothing(every_s: float) -> None:
    play = Play(lambda at_s: [(number + 7 * (at_s >= 28), x, y) for number, x, y in owner(at_s)], bag)
    observed = perform(play, 50.0, every_s)
    assert {row.subject for row in observed} == {"object 1"} and 33.0 <= observed[0].at_s - observed[0].value <= 39.0


@pytest.mark.parametrize("every_s", [0.2, 1.0])
def test_a_passer_by_does_not_stop_the_clock(every_s: float) -> None:
    def people(at_s: float) -> list[tuple[int, float, float]]:
        return [*owner(at_s), *([(9, (at_s - 45) * 40, 150)] if 45 <= at_s < 53 else [])]

    observed = perform(Play(people, bag), 70.0, every_s)
    assert {row.subject for row in observed} == {"object 1"}
    assert observed[-1].value > 30.0
    assert all(b.value > a.value for a, b in itertools.pairwise(observed))


@pytest.mark.parametrize("every_s", [0.2, 1.0])
def test_a_bag_taken_away_again_ends_and_its_place_is_no_new_object(every_s: float) -> None:
    def people(at_s: float) -> list[tuple[int, float, float]]:
        return [*owner(at_s), *([(9, 300 - abs(at_s - 54) * 40, 134)] if 50 <= at_s < 58 else [])]

    observed = perform(Play(people, lambda at_s: bag(at_s) if at_s < 54 else []), 100.0, every_s)
    assert {row.subject for row in observed} == {"object 1"}
    assert observed[-1].at_s <= 60.0


@pytest.mark.parametrize("every_s", RATES_S)
def test_a_thing_that_was_always_there_and_is_carried_off_is_not_left(every_s: float) -> None:
    assert perform(Play(owner, lambda at_s: [BAG_PX] if at_s < 28 else []), 80.0, every_s) == []


@pytest.mark.parametrize("every_s", RATES_S)
def test_a_thing_that_nobody_brought_is_not_left_behind(every_s: float) -> None:
    assert perform(Play(lambda _: [], bag), 60.0, every_s) == []


@pytest.mark.parametrize("detected", [True, False])
@pytest.mark.parametrize("every_s", [0.2, 1.0])
def test_a_person_who_stands_still_is_not_an_object(every_s: float, detected: bool) -> None:
    play = Play(lambda at_s: owner(min(at_s, 30.0)), nothing, detected=lambda at_s: detected or at_s < 26)
    assert perform(play, 80.0, every_s) == []


@pytest.mark.parametrize("every_s", [0.2, 1.0])
@pytest.mark.parametrize("after", [0.55, 0.8, 1.3])
def test_a_change_of_light_is_not_an_object(every_s: float, after: float) -> None:
    assert perform(Play(owner, nothing, light=lambda at_s: after if at_s >= 30 else 1.0), 70.0, every_s) == []


@pytest.mark.parametrize("every_s", [0.2, 1.0])
def test_a_bag_is_followed_through_dusk(every_s: float) -> None:
    observed = perform(Play(owner, bag, light=lambda at_s: 1.0 - 0.4 * min(max(at_s - 40, 0) / 60, 1)), 110.0, every_s)
    assert {row.subject for row in observed} == {"object 1"} and observed[-1].at_s == pytest.approx(110.0, abs=LOOK_EVERY_S)


@pytest.mark.parametrize("every_s", [0.2, 1.0])
def test_a_cast_shadow_that_stays_is_not_an_object(every_s: float) -> None:
    analytic, observed = order(), []
    for index in range(round(60 / every_s)):
        at_s = index * every_s
        people, image = look(Play(owner, nothing), at_s, index)
        if at_s >= 25:
            x0, y0, x1, y1 = (int(value) for value in BAG_PX)
            image = image.copy()
            image[y0 - 6 : y1 + 2, x0 : x1 + 6] = (image[y0 - 6 : y1 + 2, x0 : x1 + 6] * 0.6).astype(np.uint8)
        observed += analytic.update(people, frame(image, at_s))
    assert observed == []


def test_a_parked_motorcycle_is_too_big_to_be_left_behind() -> None:
    assert perform(Play(owner, lambda at_s: [(140.0, 84.0, 190.0, 134.0)] if at_s >= 25 else []), 70.0, 0.5) == []


def test_outside_the_zones_drawn_for_it_nothing_is_reported() -> None:
    far = Zone("far", "left", ((200, 100), (300, 100), (300, 170), (200, 170)))
    here = Zone("here", "left", ((100, 100), (190, 100), (190, 170), (100, 170)))
    assert perform(LEFT, 50.0, 0.5, order(far)) == []
    assert {row.zone_id for row in perform(LEFT, 50.0, 0.5, order(far, here))} == {"here"}


@settings(max_examples=6, deadline=None)
@given(cut_s=st.integers(38, 55))
def test_the_clock_of_a_thing_left_survives_a_restart(cut_s: int) -> None:
    analytic = order()
    before = perform(LEFT, float(cut_s), 0.5, analytic)
    saved = json.dumps(analytic.state())
    assert len(saved) < 300_000
    again = order()
    again.restore(json.loads(saved))
    after = perform(LEFT, 60.0, 0.5, again, start_s=cut_s + 0.5)
    assert {row.subject for row in after} == {"object 1"}
    assert after[-1].value == pytest.approx(before[-1].value + 60.0 - before[-1].at_s)


def test_a_picture_of_another_size_starts_afresh_without_harm() -> None:
    analytic = order()
    perform(LEFT, 45.0, 0.5, analytic)
    for index, size in enumerate(((160, 90), (640, 360), (33, 20))):
        image = np.asarray(cv2.resize(street(), size), np.uint8)
        assert analytic.update(tracks(46.0 + index), frame(image, 46.0 + index)) == []


OWNER_PX = {
    282: (345, 440, 405, 480),
    312: (336, 324, 416, 480),
    336: (342, 269, 416, 459),
    360: (380, 241, 458, 417),
    384: (407, 249, 471, 393),
    420: (420, 230, 490, 400),
    456: (446, 228, 500, 390),
    504: (430, 212, 490, 374),
    552: (423, 212, 485, 379),
    576: (392, 218, 450, 383),
    600: (335, 234, 384, 403),
    624: (243, 274, 316, 464),
    648: (173, 330, 268, 480),
    672: (104, 400, 181, 480),
    688: (80, 455, 140, 480),
}
SECOND_PX = {
    864: (150, 376, 221, 480), 912: (264, 236, 333, 422), 960: (332, 139, 386, 298), 1008: (363, 68, 413, 208), 1056: (380, 18, 423, 143),
    1104: (404, 0, 442, 99), 1152: (427, 0, 464, 75),
}  # fmt: skip


def real_people(number: int, at_s: float) -> Tracks:
    """The two persons of the clip, their boxes interpolated between those a detector gave."""
    rows = []
    for name, path in ((1, OWNER_PX), (2, SECOND_PX)):
        at = list(path)
        if at[0] <= number <= at[-1]:
            box = [float(np.interp(number, at, [path[key][side] for key in at])) for side in range(4)]
            rows.append((name, "person", box))
    return tracks(at_s, *rows)


@pytest.mark.parametrize("every", [6, 30, 60])
def test_the_real_bag_is_left_once_after_its_owner_is_out_of_view(every: int) -> None:
    path = labelled_data() / "clips" / "aboda_video4_abandoned_bag.avi"
    truth = json.loads((path.parent / "events.json").read_text())[path.name]
    analytic, observed = None, []
    for number, at_s, image in clip(path, every):
        analytic = analytic or Order(CAMERA, Scene((image.shape[1], image.shape[0])), OrderSettings())
        observed += [(number, row) for row in analytic.update(real_people(number, at_s), frame(image, at_s)) if row.metric == "left_s"]
    assert len({row.subject for _, row in observed}) == 1
    alarms = [number for number, row in observed if row.value >= 5.0]
    assert truth["owner_out_of_view"] < alarms[0] <= 690 + 10 * 30 and alarms[-1] > 1080
    assert min(number for number, _ in observed) > truth["owner_steps_away"]
    x0, y0, x1, y1 = (float(value) for value in truth["bag_box_xyxy"])
    box = observed[-1][1].box_px
    assert box is not None
    width, height = min(x1, box[2]) - max(x0, box[0]), min(y1, box[3]) - max(y0, box[1])
    assert width * height > 0.5 * (x1 - x0) * (y1 - y0)


@pytest.mark.parametrize("name", ["motorway_milanoest.mp4", "bridge_traffic.mp4"])
def test_nothing_is_left_behind_on_a_road(name: str) -> None:
    analytic, observed = None, []
    for _, at_s, image in clip(labelled_data() / "clips" / name, 15):
        analytic = analytic or Order(CAMERA, Scene((image.shape[1], image.shape[0])), OrderSettings())
        height, width = image.shape[:2]
        # Even with a person said to stand in the middle all the time, so that an owner would always be at hand.
        standing = box_at(width / 2, height / 2, height / 12, height / 5)
        people = tracks(at_s, (1, "person", standing)) if at_s < 20 else tracks(at_s)
        observed += [row for row in analytic.update(people, frame(image, at_s)) if row.metric == "left_s"]
    assert observed == []
