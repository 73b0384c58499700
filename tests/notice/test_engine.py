"""From observations to events: one start, one end, one id, whatever the stream does."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadInput
from sewu.base.records import Event, Observation
from sewu.notice import Notice, Rule, RuleSet, Schedule, latest
from sewu.notice.engine import CLOCK_BACK_S

NIGHT = 1_764_000_000.0 - 1_764_000_000.0 % 86400 + 16 * 3600
"""23:00 in Semarang."""


def rule(**changes: Any) -> Rule:
    plain: dict[str, Any] = {"id": "r", "kind": "k", "analytic": "crowd", "metric": "count", "above": 10, "cool_down_s": 0, "gap_s": 30}
    return Rule.model_validate({**plain, **changes})


def notice(*rules: Rule, **options: int) -> Notice:
    return Notice(RuleSet(rules=rules), **options)


def seen(at_s: float, value: float, subject: str | None = None, zone_id: str | None = "z", **changes: Any) -> Observation:
    plain: dict[str, Any] = {"camera_id": "cam", "analytic": "crowd", "metric": "count", "unit": "persons"}
    return Observation(at_s=at_s, value=value, subject=subject, zone_id=zone_id, **{**plain, **changes})


def play(engine: Notice, values: Iterable[tuple[float, float]], subject: str | None = None) -> list[Event]:
    return [event for at_s, value in values for event in engine.update([seen(at_s, value, subject)], at_s)]


def phases(events: Iterable[Event]) -> list[tuple[str, float]]:
    return [(event.phase, event.at_s) for event in events]


def test_an_event_starts_once_the_condition_has_lasted_and_is_dated_from_its_beginning() -> None:
    events = play(notice(rule(for_s=5)), [(0, 3), (1, 11), (3, 12), (6, 15), (8, 12), (9, 10)])
    assert phases(events) == [("start", 6), ("end", 9)]
    assert {event.id for event in events} == {events[0].id}
    assert (events[0].started_at_s, events[1].ended_at_s, events[1].peak, events[1].value) == (1, 9, 15, 10)
    assert events[1].labels["reason"] == "cleared" and events[0].labels["metric"] == "crowd.count"


def test_a_moment_is_not_an_event() -> None:
    assert play(notice(rule(for_s=5)), [(0, 11), (4, 11), (4.5, 3), (5, 11), (9, 11), (9.5, 2)]) == []


def test_what_equals_the_threshold_is_not_above_it() -> None:
    assert play(notice(rule()), [(0, 10), (1, 10)]) == []


def test_between_the_thresholds_the_event_goes_on() -> None:
    events = play(notice(rule(clear=6)), [(0, 11), (1, 8), (2, 10), (3, 7), (4, 6)])
    assert phases(events) == [("start", 0), ("end", 4)]


def test_between_the_thresholds_no_event_begins() -> None:
    assert play(notice(rule(clear=6)), [(0, 8), (1, 10)]) == []


def test_below_is_the_mirror_of_above() -> None:
    events = play(notice(rule(above=None, below=5, clear=7)), [(0, 6), (1, 4), (2, 2), (3, 6), (4, 7)])
    assert phases(events) == [("start", 1), ("end", 4)]
    assert events[1].peak == 2


def test_a_short_dip_is_not_the_end_and_a_long_one_ends_where_it_began() -> None:
    engine = notice(rule(clear_for_s=5))
    assert phases(play(engine, [(0, 11), (1, 0), (4, 0), (5, 12)])) == [("start", 0)]
    events = play(engine, [(6, 0), (10, 0), (11, 0)])
    assert phases(events) == [("end", 11)] and events[0].ended_at_s == 6


def test_what_is_not_seen_any_more_ends_when_it_was_last_seen() -> None:
    engine = notice(rule(gap_s=10))
    play(engine, [(0, 11), (3, 11)], "track 1")
    assert engine.update([], 13) == []
    events = engine.update([], 13.5)
    assert phases(events) == [("end", 13.5)]
    assert events[0].ended_at_s == 3 and events[0].labels["reason"] == "not seen any more"
    assert len(engine) == 0


def test_a_subject_that_comes_back_after_the_gap_is_a_new_event() -> None:
    events = play(notice(rule(gap_s=10)), [(0, 11), (20, 11)], "track 1")
    assert phases(events) == [("start", 0), ("end", 20), ("start", 20)]
    assert events[2].id != events[0].id


def test_subjects_zones_and_cameras_have_events_of_their_own() -> None:
    engine = notice(rule())
    rows = [seen(0, 11, "a"), seen(0, 11, "b"), seen(0, 11, "a", "y"), seen(0, 11, "a", camera_id="cam2")]
    assert len({event.id for event in engine.update(rows, 0)}) == 4


def test_a_subject_whose_class_flickers_stays_one_event() -> None:
    engine = notice(rule())
    events = [
        e
        for at_s, name in ((0.0, "car"), (1.0, "truck"), (2.0, "car"))
        for e in engine.update([seen(at_s, 11, "track 1", labels={"class": name})], at_s)
    ]
    assert phases(events) == [("start", 0)]


def test_series_told_apart_by_labels_do_not_end_each_other() -> None:
    engine = notice(rule())
    events = []
    for at_s in (0.0, 1.0, 2.0):
        events += engine.update([seen(at_s, 11, labels={"class": "car"}), seen(at_s, 1, labels={"class": "bus"})], at_s)
    assert phases(events) == [("start", 0)] and events[0].labels["class"] == "car"


def test_a_rule_reads_only_its_zones_and_labels() -> None:
    engine = notice(rule(zones=["z"], labels={"class": "car"}))
    assert (
        engine.update(
            [seen(0, 11), seen(0, 11, zone_id="y", labels={"class": "car"}), seen(0, 11, zone_id=None, labels={"class": "car"})], 0
        )
        == []
    )
    assert len(engine.update([seen(1, 11, labels={"class": "car"})], 1)) == 1


def test_updates_come_at_their_interval_with_the_worst_so_far() -> None:
    events = play(notice(rule(update_every_s=10)), [(t, 20 if t == 5 else 11) for t in range(0, 31, 1)])
    assert phases(events) == [("start", 0), ("update", 10), ("update", 20), ("update", 30)]
    assert events[1].peak == 20 and events[1].value == 11


def test_without_an_interval_there_are_no_updates() -> None:
    assert phases(play(notice(rule(update_every_s=None)), [(t, 11) for t in range(0, 300, 20)])) == [("start", 0)]


def test_during_the_cool_down_nothing_starts_and_after_it_what_still_holds_does() -> None:
    engine = notice(rule(cool_down_s=20))
    assert phases(play(engine, [(0, 11), (1, 0), (2, 11), (3, 0), (5, 11), (20, 11)])) == [("start", 0), ("end", 1)]
    events = play(engine, [(21, 11)])
    assert phases(events) == [("start", 21)] and events[0].started_at_s == 5


def test_flapping_is_bounded_by_the_cool_down() -> None:
    events = play(notice(rule(cool_down_s=60)), [(t, 11 if t % 2 else 0) for t in range(0, 600)])
    assert sum(event.phase == "start" for event in events) <= 600 / 60 + 1


def test_a_rule_that_is_off_starts_nothing_and_ends_what_is_open() -> None:
    night = rule(schedule=Schedule(hours=("22:00-05:00",)), gap_s=100_000)
    engine = notice(night)
    assert play(engine, [(NIGHT - 7200, 11)]) == []
    assert phases(play(engine, [(NIGHT, 11)])) == [("start", NIGHT)]
    events = play(engine, [(NIGHT + 6 * 3600 - 1, 11), (NIGHT + 6 * 3600, 11)])
    assert [event.labels.get("reason") for event in events if event.phase == "end"] == ["outside the schedule"]
    assert play(engine, [(NIGHT + 7 * 3600, 11)]) == []


def test_the_schedule_also_ends_what_nobody_reports_on() -> None:
    engine = notice(rule(schedule=Schedule(hours=("22:00-05:00",)), gap_s=100_000))
    play(engine, [(NIGHT, 11)])
    assert [event.labels["reason"] for event in engine.update([], NIGHT + 6 * 3600)] == ["outside the schedule"]


def test_a_thin_look_says_nothing() -> None:
    engine = notice(rule(min_coverage=0.5))
    assert engine.update([seen(0, 11, coverage=0.4)], 0) == []
    assert len(engine.update([seen(1, 11, coverage=0.5)], 1)) == 1
    assert engine.update([seen(2, 0, coverage=0.1)], 2) == []
    assert engine.losses.uncovered == 2


def test_a_counted_window_holds_over_its_length() -> None:
    events = notice(rule(for_s=60)).update([seen(60, 11, window_s=60)], 60)
    assert phases(events) == [("start", 60)] and events[0].started_at_s == 0


def test_a_time_since_something_began_dates_the_event_from_then() -> None:
    engine = notice(rule(above=180, for_s=2))
    events = [e for t in range(100, 300) for e in engine.update([seen(t, t - 100.0, "car 1", unit="s")], t)]
    assert [(e.phase, e.at_s, e.started_at_s) for e in events][:1] == [("start", 283, 100)]


def test_a_time_since_something_began_does_not_reach_into_the_event_before() -> None:
    engine = notice(rule(above=180, gap_s=5))
    engine.update([seen(200, 181, "car 1", unit="s")], 200)
    events = engine.update([seen(220, 201, "car 1", unit="s")], 220)
    assert [(e.phase, e.started_at_s) for e in events] == [("end", 19), ("start", 200)]
    assert events[0].id != events[1].id


def test_a_window_does_not_reach_back_into_the_event_before() -> None:
    engine = notice(rule())
    play(engine, [(0, 11), (20, 0)])
    events = engine.update([seen(40, 11, window_s=60)], 40)
    assert phases(events) == [("start", 40)] and events[0].started_at_s == 20


def test_the_end_of_the_stream_ends_what_is_open_only() -> None:
    engine = notice(rule(for_s=5))
    play(engine, [(0, 11), (6, 11)], "open")
    engine.update([seen(6, 11, "waiting")], 6)
    events = engine.flush(7)
    assert [(e.subject, e.phase, e.ended_at_s, e.labels["reason"]) for e in events] == [("open", "end", 6, "stream ended")]
    assert len(engine) == 0 and engine.flush(8) == []


def test_what_was_gone_before_the_stream_ended_is_not_said_to_have_lasted_to_the_end() -> None:
    engine = notice(rule(gap_s=60, clear_for_s=30))
    for at_s in range(20):
        engine.update(
            [seen(at_s, 11, "stays"), *([seen(at_s, 11, "goes")] if at_s < 10 else []), seen(at_s, 11 if at_s < 5 else 0, "clears")], at_s
        )
    ends = {event.subject: (event.labels["reason"], event.ended_at_s) for event in engine.flush(19)}
    assert ends == {"stays": ("stream ended", 19), "goes": ("not seen any more", 9), "clears": ("cleared", 5)}


def test_late_observations_are_counted_and_change_nothing() -> None:
    engine = notice(rule())
    play(engine, [(10, 11)])
    assert engine.update([seen(9, 0), seen(10, 0)], 11) == []
    assert engine.losses.late == 2 and engine.open_events == 1


def test_a_clock_set_back_ends_what_is_open_and_goes_on() -> None:
    engine = notice(rule())
    play(engine, [(1000, 11)])
    events = play(engine, [(500, 11)])
    assert [(e.phase, e.at_s) for e in events] == [("end", 1000), ("start", 500)]
    assert events[0].labels["reason"] == "clock went back"


def test_a_clock_that_trembles_is_not_set_back() -> None:
    engine = notice(rule())
    play(engine, [(1000, 11)])
    assert play(engine, [(999.5, 0)]) == []
    assert engine.open_events == 1


def test_a_clock_that_leaps_ahead_ends_what_was_open_where_it_was_last_seen() -> None:
    engine = notice(rule())
    play(engine, [(0, 11), (1, 11)])
    events = play(engine, [(1e6, 0)])
    assert [(e.phase, e.ended_at_s) for e in events] == [("end", 1)]


def test_values_that_are_no_numbers_are_counted_and_skipped() -> None:
    engine = notice(rule())
    assert engine.update([seen(0, math.nan), seen(0, math.inf), seen(math.nan, 11)], 0) == []
    assert engine.losses.unusable == 3
    with pytest.raises(ValueError, match="finite"):
        engine.update([], math.nan)


def test_a_time_from_the_future_counts_as_now() -> None:
    engine = notice(rule())
    assert engine.update([seen(1e12, 11)], 5)[0].at_s == 5


def test_memory_is_bounded_and_what_found_no_room_is_counted() -> None:
    engine = notice(rule(), max_machines=10)
    events = engine.update([seen(0, 11, f"track {n}") for n in range(25)], 0)
    assert len(events) == 10 and len(engine) == 10 and engine.losses.crowded_out == 15


def test_what_is_over_is_forgotten() -> None:
    engine = notice(rule(cool_down_s=10, gap_s=5))
    for number in range(500):
        engine.update([seen(float(number), 11, f"track {number}")], float(number))
        assert len(engine) <= 20
    engine.update([], 600)
    assert len(engine) == 0


def test_the_same_stream_gives_the_same_ids() -> None:
    values = [(t, 11.0 if t % 7 < 4 else 0.0) for t in range(100)]
    assert [e.id for e in play(notice(rule()), values)] == [e.id for e in play(notice(rule()), values)]


def test_an_open_event_whose_rule_was_removed_is_ended_after_a_restart() -> None:
    engine = notice(rule())
    started = play(engine, [(0, 11)])[0]
    other = notice(rule(id="another"))
    other.restore(engine.state())
    events = other.update([], 1)
    assert [(e.id, e.phase, e.labels["reason"]) for e in events] == [(started.id, "end", "rule removed")]
    assert len(other) == 0


def test_an_open_event_goes_on_under_the_same_rule_and_ends_when_its_rule_is_defined_otherwise() -> None:
    engine = notice(rule(id="kept", update_every_s=1.0), rule(id="changed"))
    kept, changed = play(engine, [(0, 11)])
    other = notice(rule(id="kept", update_every_s=1.0), rule(id="changed", above=10.5))
    other.restore(json.loads(json.dumps(engine.state())))
    assert other.open_events == 2
    events = other.update([seen(1, 12)], 1)
    told = {(e.rule_id, e.phase): e for e in events}
    assert set(told) == {("kept", "update"), ("changed", "end"), ("changed", "start")}
    assert told["kept", "update"].id == kept.id
    assert (told["changed", "end"].id, told["changed", "end"].labels["reason"]) == (changed.id, "rule changed")
    assert told["changed", "start"].id != changed.id, "under the present definition it is another event"
    assert events.index(told["changed", "end"]) < events.index(told["changed", "start"])


def test_a_cool_down_ends_with_the_definition_that_asked_for_it() -> None:
    engine = notice(rule(cool_down_s=1000))
    play(engine, [(0, 11), (1, 0)])
    assert len(engine) == 1
    same, shorter = notice(rule(cool_down_s=1000)), notice(rule(cool_down_s=0))
    for other in (same, shorter):
        other.restore(engine.state())
    assert same.update([seen(2, 11)], 2) == []
    assert [e.phase for e in shorter.update([seen(2, 11)], 2)] == ["start"]


def test_an_outdated_event_ends_with_its_reason_though_the_stream_ends_first() -> None:
    engine = notice(rule())
    started = play(engine, [(0, 11)])[0]
    other = notice(rule(above=9))
    other.restore(engine.state())
    assert [(e.id, e.labels["reason"]) for e in other.flush(3)] == [(started.id, "rule changed")]


def test_states_saved_before_rules_had_fingerprints_go_on() -> None:
    engine = notice(rule(update_every_s=1.0))
    started = play(engine, [(0, 11)])[0]
    state = engine.state()
    for row in state["machines"]:
        del row[5]["definition"]
    other = notice(rule(update_every_s=1.0, above=9))
    other.restore(state)
    assert [(e.id, e.phase) for e in other.update([seen(1, 11)], 1)] == [(started.id, "update")]


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"version": 99},
        {"version": 1, "at_s": 0, "machines": [[1]], "losses": {}},
        {"version": 1, "at_s": 0, "machines": 3, "losses": {}},
    ],
)
def test_a_state_from_elsewhere_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        notice(rule()).restore(state)


def test_the_agency_is_told_with_the_event() -> None:
    assert play(notice(rule(agency="transport")), [(0, 11)])[0].labels["agency"] == "transport"


def test_latest_keeps_the_newest_message() -> None:
    events = play(notice(rule()), [(0, 11), (1, 0)])
    assert [event.phase for event in latest(events).values()] == ["end"]


RULES = (
    rule(id="plain", update_every_s=7),
    rule(id="slow", above=8, clear=4, for_s=6, clear_for_s=4, gap_s=9, cool_down_s=15),
    rule(id="low", above=None, below=3, clear=5, gap_s=12, cool_down_s=3, min_coverage=0.3),
    rule(id="night", schedule=Schedule(hours=("00:00-00:01", "00:02-00:03"), tz="UTC")),
)
steps = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 1.0, 3.0, 11.0, 40.0, -1.0, -30.0]),
        st.lists(
            st.tuples(
                st.sampled_from([0.0, 4.0, 6.0, 9.0, 12.0, math.nan]),
                st.sampled_from([None, "a", "b"]),
                st.sampled_from([0.0, -2.0, 5.0]),
                st.sampled_from([0.2, 1.0]),
            ),
            max_size=3,
        ),
    ),
    max_size=40,
)
Steps = list[tuple[float, list[tuple[float, str | None, float, float]]]]


def run(engine: Notice, script: Steps, start_s: float = 100.0) -> list[list[Event]]:
    at_s, told = start_s, []
    for step_s, rows in script:
        at_s += step_s
        told.append(engine.update([seen(at_s + shift, value, subject, coverage=cover) for value, subject, shift, cover in rows], at_s))
    return told


@settings(max_examples=150, deadline=None)
@given(script=steps)
def test_every_event_starts_once_and_ends_once_and_is_in_order(script: Steps) -> None:
    engine = notice(*RULES)
    events = [event for told in run(engine, script) for event in told]
    events += engine.flush(1e6)
    by_id: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_id[event.id].append(event)
    clock_went_back = any(step_s < -CLOCK_BACK_S for step_s, _ in script)
    for told in by_id.values():
        order = [event.phase for event in told]
        if not clock_went_back:  # a moment lived twice is told twice, under the same id
            assert order == ["start", *["update"] * (len(order) - 2), "end"]
        last = told[-1]
        assert last.phase == "end" and last.ended_at_s is not None
        assert last.started_at_s <= last.ended_at_s <= last.at_s
        assert all(event.started_at_s <= event.at_s and event.ended_at_s is None for event in told if event.phase != "end")
    assert len(engine) == 0


@settings(max_examples=120, deadline=None)
@given(script=steps, data=st.data())
def test_a_restart_at_any_moment_changes_nothing(script: Steps, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(script)))
    whole = run(notice(*RULES), script)
    first = notice(*RULES)
    before = run(first, script[:cut])
    second = notice(*RULES)
    second.restore(json.loads(json.dumps(first.state())))
    after = run(second, script[cut:], 100.0 + sum(step_s for step_s, _ in script[:cut]))
    assert [*before, *after] == whole
    assert second.state() == notice_state(script)


def notice_state(script: Steps) -> dict[str, Any]:
    engine = notice(*RULES)
    run(engine, script)
    return engine.state()
