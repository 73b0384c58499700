"""Who is followed, under which number, and when that ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from pydantic import ValidationError

from sewu.base.errors import BadInput
from sewu.base.records import CLASSES, Detections, Tracks
from sewu.follow import ByteOcTracker, TrackerSettings
from tests.fakes import box_at, detections

Row = tuple[str, tuple[float, float, float, float], float]


def person(x: float, y: float = 200, score: float = 0.9) -> Row:
    return "person", box_at(x, y), score


def play(tracker: ByteOcTracker, looks: Iterable[tuple[float, list[Row]]]) -> list[Tracks]:
    return [tracker.update(detections(at_s, *rows)) for at_s, rows in looks]


def steady(
    script: Callable[[float], list[Row]], until_s: float, rate_fps: float = 10, start_s: float = 0.0
) -> list[tuple[float, list[Row]]]:
    """Looks of a scripted scene."""
    times = [start_s + step / rate_fps for step in range(round((until_s - start_s) * rate_fps) + 1)]
    return [(at_s, script(at_s)) for at_s in times]


def ids_of(outputs: list[Tracks]) -> set[int]:
    return {number for tracks in outputs for number in tracks.ids.tolist()}


def test_a_flash_is_never_shown_and_never_ended() -> None:
    outputs = play(ByteOcTracker(), [(0.0, [person(50)]), *[(step / 10, []) for step in range(1, 60)]])
    assert ids_of(outputs) == set()
    assert all(len(tracks.ended) == 0 for tracks in outputs)


def test_a_track_counts_from_when_it_was_first_seen_not_from_when_it_was_confirmed() -> None:
    outputs = play(ByteOcTracker(), steady(lambda t: [person(50 + 20 * (t - 100))], 104.0, start_s=100.0))
    assert len(outputs[0]) == 0
    assert [tracks.since_s.tolist() for tracks in outputs[3:]] == [[100.0]] * len(outputs[3:])


def test_a_track_ends_once_after_its_time_and_its_id_never_comes_back() -> None:
    def script(t: float) -> list[Row]:
        return [person(100)] if t < 2 or t >= 10 else []

    outputs = play(ByteOcTracker(), steady(script, 12.0))
    ended = [(tracks.at_s, number) for tracks in outputs for number in tracks.ended.tolist()]
    assert len(ended) == 1
    assert 1.9 + 2.5 <= ended[0][0] <= 1.9 + 2.7
    first, second = outputs[15].ids.tolist(), outputs[-1].ids.tolist()
    assert first == [ended[0][1]]
    assert second
    assert second != first


def test_an_unseen_track_is_shown_for_a_while_as_not_seen() -> None:
    outputs = play(ByteOcTracker(), steady(lambda t: [person(100 + 30 * t)] if t < 2 else [], 4.0))
    assert outputs[23].seen.tolist() == [False]
    assert outputs[23].boxes_px[0, 0] > outputs[19].boxes_px[0, 0] + 5, "it is predicted to go on"
    assert len(outputs[30]) == 0


def test_a_low_score_keeps_a_track_but_starts_none() -> None:
    outputs = play(ByteOcTracker(), steady(lambda t: [person(100 + 20 * t, score=0.9 if t < 1 else 0.2)], 6.0))
    assert len(ids_of(outputs)) == 1
    assert outputs[-1].seen.tolist() == [True]
    assert ids_of(play(ByteOcTracker(), steady(lambda t: [person(100, score=0.2)], 5.0))) == set()


def test_a_walker_hidden_for_a_second_keeps_the_number() -> None:
    outputs = play(ByteOcTracker(), steady(lambda t: [] if 2 < t < 3 else [person(100 + 40 * t)], 5.0))
    assert len(ids_of(outputs)) == 1


def test_one_who_stops_while_hidden_is_taken_up_where_last_seen() -> None:
    outputs = play(ByteOcTracker(), steady(lambda t: [] if 2 < t < 3.5 else [person(100 + 60 * min(t, 2.0))], 5.0))
    assert len(ids_of(outputs)) == 1


def test_crossing_walkers_keep_their_numbers() -> None:
    def script(t: float) -> list[Row]:
        return [person(50 + 50 * t, y=200), person(350 - 50 * t, y=208)]

    outputs = play(ByteOcTracker(), steady(script, 6.0))
    early, late = outputs[10], outputs[-1]
    assert len(ids_of(outputs)) == 2
    leftmost, rightmost = int(early.ids[early.boxes_px[:, 0].argmin()]), int(late.ids[late.boxes_px[:, 0].argmax()])
    assert leftmost == rightmost


@pytest.mark.parametrize("rate_fps", [25, 12.5, 5, 2, 1, 0.5])
def test_a_walker_is_one_track_at_any_rate(rate_fps: float) -> None:
    outputs = play(ByteOcTracker(), steady(lambda t: [person(20 + 30 * t)], 24 / min(rate_fps, 2), rate_fps))
    assert len(ids_of(outputs)) == 1
    assert len(outputs[-1]) == 1


def test_a_car_at_40_kmh_is_one_track_at_two_looks_a_second() -> None:
    # 4.5 m long and 100 px: 11 m/s are 247 px/s, more than its length from look to look.
    outputs = play(ByteOcTracker(), steady(lambda t: [("car", box_at(247 * t, 300, 100, 40), 0.9)], 6.0, 2))
    assert len(ids_of(outputs)) == 1


def test_looks_may_come_at_any_times() -> None:
    times = np.cumsum([0.04, 0.5, 0.04, 0.04, 2.0, 0.3, 1.0, 0.04, 0.9, 0.2, 1.7])
    outputs = play(ByteOcTracker(), [(t, [person(50 + 25 * t)]) for t in times.tolist()])
    assert len(ids_of(outputs)) == 1


def test_a_car_called_a_truck_now_and_then_stays_one_car() -> None:
    names = ["car", "car", "truck", "car", "bus", "car", "car", "truck", "truck", "car"]
    looks = [(step / 10, [(name, box_at(100 + 3 * step, 200, 80, 40), 0.8)]) for step, name in enumerate(names)]
    outputs = play(ByteOcTracker(), looks)
    assert len(ids_of(outputs)) == 1
    assert {CLASSES[c] for tracks in outputs for c in tracks.classes.tolist()} == {"car"}


def test_a_person_does_not_become_a_car() -> None:
    def script(t: float) -> list[Row]:
        return [("person" if t < 1 else "car", box_at(100, 200, 30, 40), 0.9)]

    assert len(ids_of(play(ByteOcTracker(), steady(script, 2.0)))) == 2


def test_one_object_found_as_car_and_as_truck_is_one_track() -> None:
    def script(t: float) -> list[Row]:
        x = 100 + 20 * t
        return [("car", box_at(x, 200, 80, 40), 0.9), ("truck", box_at(x + 1, 201, 82, 41), 0.7)]

    assert len(ids_of(play(ByteOcTracker(), steady(script, 3.0)))) == 1


def test_a_part_of_somebody_starts_no_track() -> None:
    def script(t: float) -> list[Row]:
        x = 100 + 20 * t
        return [("person", box_at(x, 200, 40, 100), 0.9)] + ([("person", box_at(x, 160, 30, 40), 0.8)] if t > 1 else [])

    assert len(ids_of(play(ByteOcTracker(), steady(script, 3.0)))) == 1


def test_a_parked_car_hidden_for_ten_seconds_is_the_same_car_a_person_is_not() -> None:
    for name, box, count in (("car", box_at(100, 200, 80, 40), 1), ("person", box_at(100, 200), 2)):

        def script(t: float, row: Row = (name, box, 0.9)) -> list[Row]:
            return [] if 3 < t < 13 else [row]

        assert len(ids_of(play(ByteOcTracker(), steady(script, 16.0)))) == count


def test_a_parked_car_looked_at_once_a_minute_is_one_track() -> None:
    outputs = play(ByteOcTracker(), [(60.0 * minute, [("car", box_at(100, 200, 80, 40), 0.8)]) for minute in range(30)])
    assert len(ids_of(outputs)) == 1
    assert outputs[-1].since_s.tolist() == [0.0]


def test_a_track_that_left_the_picture_ends_at_once_when_the_size_is_known() -> None:
    def script(t: float) -> list[Row]:
        return [person(280 + 40 * t)] if t < 1 else []

    known = play(ByteOcTracker(size_px=(320, 240)), steady(script, 3.0))
    unknown = play(ByteOcTracker(), steady(script, 3.0))
    assert sum(len(tracks.ended) for tracks in known) == 1
    assert sum(len(tracks.ended) for tracks in unknown) == 0


def test_time_going_back_ends_all_and_starts_anew() -> None:
    tracker = ByteOcTracker()
    before = play(tracker, steady(lambda t: [person(100)], 2.0, start_s=1.0))
    after = play(tracker, [(-50.0, [person(100)]), *steady(lambda t: [person(100)], -48.0, start_s=-49.9)])
    assert after[0].ended.tolist() == before[-1].ids.tolist()
    assert tracker.restarts == 1
    assert ids_of(after).isdisjoint(ids_of(before))
    assert after[-1].since_s.tolist() == [-50.0]


def test_time_jumping_far_ahead_ends_all() -> None:
    tracker = ByteOcTracker()
    before = play(tracker, steady(lambda t: [person(100)], 2.0))
    after = play(tracker, [(90_000.0, [person(100)])])
    assert after[0].ended.tolist() == before[-1].ids.tolist()
    assert len(after[0]) == 0


def test_a_look_given_twice_and_a_small_step_back_change_nothing_much() -> None:
    tracker = ByteOcTracker()
    looks = steady(lambda t: [person(100 + 20 * t)], 2.0)
    outputs = play(
        tracker, [*looks, looks[-1], (looks[-1][0] - 0.05, looks[-1][1]), *steady(lambda t: [person(100 + 20 * t)], 4.0, start_s=2.1)]
    )
    assert len(ids_of(outputs)) == 1
    assert tracker.restarts == 0
    assert [tracks.at_s for tracks in outputs[20:23]] == [2.0, 2.0, 1.95]


def test_a_flash_given_many_times_at_one_time_is_not_confirmed() -> None:
    outputs = play(ByteOcTracker(), [(1.0, [person(50)])] * 10)
    assert ids_of(outputs) == set()


def test_another_camera_and_a_time_that_is_none_are_refused() -> None:
    tracker = ByteOcTracker()
    tracker.update(detections(0.0, person(50)))
    with pytest.raises(BadInput, match="one tracker per camera"):
        tracker.update(detections(1.0, person(50), camera_id="other"))
    with pytest.raises(BadInput, match="no time"):
        tracker.update(detections(float("nan"), person(50)))


def test_what_is_no_box_is_dropped_and_counted() -> None:
    tracker = ByteOcTracker()
    boxes = np.array([[0, 0, 10, 20], [np.nan, 0, 1, 1], [5, 5, 5, 9], [9, 9, 1, 1], [0, 0, np.inf, 1], [0, 0, 1e30, 1e30]], np.float32)
    for step in range(5):
        look = Detections("cam", step / 10, boxes, np.full(6, 0.9, np.float32), np.zeros(6, np.int64))
        tracks = tracker.update(look)
    assert len(tracks) == 1
    assert tracker.dropped == 25
    tracker.update(Detections("cam", 1.0, boxes[:2], np.array([np.nan, 0.9]), np.array([0, 99])))
    assert tracker.dropped == 27


def test_no_more_than_the_allowed_number_is_followed() -> None:
    tracker = ByteOcTracker(TrackerSettings(max_tracks=3))
    outputs = play(tracker, steady(lambda t: [person(40 * place, score=0.7 + place / 100) for place in range(5)], 1.0))
    assert len(outputs[-1]) == 3
    assert tracker.refused >= 2


def test_settings_are_strict_and_described() -> None:
    for wrong in ({"iou": 0.3}, {"high_score": 0.05}, {"min_low_similarity": 0.1}, {"lost_s": float("inf")}, {"lost_s": -1}):
        with pytest.raises(ValidationError):
            TrackerSettings.model_validate(wrong)
    assert all(field.description for field in TrackerSettings.model_fields.values())


def test_one_sure_detection_is_enough_only_where_looks_are_far_apart() -> None:
    for gap_s, score, shown in ((2.0, 0.9, 1), (2.0, 0.65, 0), (0.5, 0.9, 0)):
        outputs = play(ByteOcTracker(), [(0.0, []), (gap_s, [person(100, score=score)])])
        assert len(outputs[-1]) == shown


def test_one_who_turned_round_while_hidden_is_predicted_in_the_new_direction() -> None:
    def script(t: float) -> list[Row]:
        if t <= 2:
            return [person(100 + 40 * t)]
        return [person(170)] if 2.55 < t < 2.65 else []

    outputs = play(ByteOcTracker(), steady(script, 2.9))
    seen, unseen = outputs[26], outputs[29]
    assert (seen.seen.tolist(), unseen.seen.tolist()) == ([True], [False])
    shift_px = float(unseen.boxes_px[0, 0] - seen.boxes_px[0, 0])
    # From 180 to 170 px in 0.6 s: 5 px to the left in the next 0.3 s..
    assert -9 < shift_px < -2
