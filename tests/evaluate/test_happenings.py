"""Events are matched to truth by kind, zone and time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.records import Event
from sewu.evaluate.happenings import Happening, match_happenings, reported_happenings

SPANS = st.lists(
    st.builds(
        lambda kind, zone, start, length: Happening(kind, float(start), float(start + length), zone),
        st.sampled_from(["crowd", "parking"]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 100),
        st.integers(0, 20),
    ),
    max_size=8,
)


def event(number: str, phase: str, start_s: float, at_s: float, end_s: float | None = None) -> Event:
    return Event(number, "cam", "rule", "crowd", phase, "low", start_s, at_s, 1.0, 1.0, "persons", end_s, "a")  # type: ignore[arg-type]


def test_found_missed_false_and_late() -> None:
    truth = [Happening("crowd", 10, 20, "a"), Happening("crowd", 50, 60, "a")]
    said = [Happening("crowd", 13, 21, "a"), Happening("crowd", 80, 81, "a")]
    score = match_happenings(truth, said, watched_s=43_200)
    assert (score.found, score.false_alarms) == (1, 1)
    assert (score.precision, score.recall) == (0.5, 0.5)
    assert score.delays_s.tolist() == [3.0]
    assert score.end_errors_s.tolist() == [1.0]
    assert score.false_alarms_per_camera_day == pytest.approx(2.0)


@pytest.mark.parametrize("said", [Happening("parking", 10, 20, "a"), Happening("crowd", 10, 20, "b"), Happening("crowd", 21, 30, "a")])
def test_another_kind_zone_or_time_is_a_false_alarm(said: Happening) -> None:
    score = match_happenings([Happening("crowd", 10, 20, "a")], [said], watched_s=1.0)
    assert (score.found, score.false_alarms) == (0, 1)


def test_a_truth_without_zone_is_found_anywhere_and_one_without_end_lasts() -> None:
    score = match_happenings([Happening("crowd", 10)], [Happening("crowd", 900, None, "b")], watched_s=1.0)
    assert score.found == 1
    assert score.end_errors_s.tolist() == []


def test_a_tolerance_brings_neighbours_together() -> None:
    truth, said = [Happening("crowd", 10, 20)], [Happening("crowd", 22, 30)]
    assert match_happenings(truth, said, 1.0, tolerance_s=1.0).found == 0
    assert match_happenings(truth, said, 1.0, tolerance_s=2.0).found == 1


def test_two_reports_of_one_truth_are_one_found_and_one_false() -> None:
    score = match_happenings([Happening("crowd", 0, 100)], [Happening("crowd", 0, 10), Happening("crowd", 20, 100)], 1.0)
    assert (score.found, score.false_alarms) == (1, 1)
    assert score.pairs == ((0, 1),), "the one that shares most time"


def test_nothing_at_all_has_no_rates() -> None:
    score = match_happenings([], [], 0.0)
    assert (score.precision, score.recall, score.false_alarms_per_camera_day, score.delay_s(0.5)) == (None, None, None, None)


@given(SPANS)
def test_reporting_the_truth_finds_all_without_delay(truth: list[Happening]) -> None:
    score = match_happenings(truth, truth, 1.0)
    assert score.found == len(truth)
    assert score.false_alarms == 0


@given(SPANS, SPANS)
def test_exchanging_truth_and_reports_exchanges_precision_and_recall(truth: list[Happening], said: list[Happening]) -> None:
    one, other = match_happenings(truth, said, 1.0), match_happenings(said, truth, 1.0)
    assert (one.precision, one.recall) == (other.recall, other.precision)
    assert len({i for i, _ in one.pairs}) == len({j for _, j in one.pairs}) == one.found


def test_an_event_in_three_messages_is_one_happening() -> None:
    events = [event("1", "start", 5, 6), event("2", "start", 7, 7), event("1", "update", 5, 8), event("1", "end", 5, 9, 9)]
    assert reported_happenings(events) == [Happening("crowd", 5, 9, "a", "cam"), Happening("crowd", 7, None, "a", "cam")]


def test_a_happening_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="before"):
        Happening("crowd", 5, 4)
