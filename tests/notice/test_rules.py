"""Rules files: shipped ones fit the analytics, faulty ones say where and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.base.interfaces import Metric
from sewu.base.words import Words
from sewu.notice import Rule, RuleSet, Schedule, default_rules, load_rules

METRICS = {
    "crowd": (Metric("count", "persons", "Persons now"), Metric("density", "persons/m2", "Persons per square metre")),
    "parking": (Metric("stationary_s", "s", "How long it stands"),),
}
GOOD = {"id": "full", "kind": "over_capacity", "analytic": "crowd", "metric": "count", "above": 40, "clear": 35}


def write(folder: Path, *rules: dict[str, object]) -> Path:
    path = folder / "rules.json"
    path.write_text(json.dumps({"rules": rules}), encoding="utf-8")
    return path


def fault(folder: Path, *rules: dict[str, object]) -> str:
    with pytest.raises(BadSettings) as caught:
        load_rules(write(folder, *rules), METRICS)
    return str(caught.value)


def wib(text: str) -> float:
    """UTC seconds of a moment in Semarang."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone(timedelta(hours=7))).timestamp()


def test_toml_and_json_give_the_same_rules(tmp_path: Path) -> None:
    toml = tmp_path / "rules.toml"
    toml.write_text(
        '[[rules]]\nid = "full"\nkind = "over_capacity"\nanalytic = "crowd"\nmetric = "count"\nabove = 40\nclear = 35\n', encoding="utf-8"
    )
    assert load_rules(toml, METRICS) == load_rules(write(tmp_path, GOOD), METRICS)


def test_the_shipped_rules_fit_what_the_analytics_emit_and_have_words() -> None:
    from sewu.measure import ANALYTICS

    rules = default_rules({name: analytic.metrics for name, analytic in ANALYTICS.items()})
    kinds = {rule.kind for rule in rules.rules}
    assert {"gathering", "over_capacity", "illegal_parking", "queue", "intrusion", "loitering", "object_left"} <= kinds
    assert {"camera_dark", "camera_blurred", "camera_covered", "camera_frozen", "camera_moved", "frame_rate_collapse"} <= kinds
    for language in ("id", "en"):
        words = Words(language)
        assert [kind for kind in kinds if not words.has(f"event.{kind}")] == []


def test_the_shipped_rules_leave_out_analytics_that_do_not_run() -> None:
    assert {rule.kind for rule in default_rules({"parking": METRICS["parking"]}).rules} == {"illegal_parking"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"analytic": "crowds"}, "rule 'full': unknown analytic 'crowds'; did you mean 'crowd'?"),
        ({"metric": "counts"}, "rule 'full': 'crowd' has no metric 'counts'; did you mean 'count'?"),
        ({"below": 3}, "exactly one of above and below"),
        ({"above": None}, "exactly one of above and below"),
        ({"clear": 41}, "clear must lie at or under above (40), is 41"),
        ({"id": "Full house"}, "rules.0.id"),
        ({"for_s": -1}, "rules.0.for_s"),
        ({"min_coverage": 1.5}, "rules.0.min_coverage"),
        ({"severity": "huge"}, "rules.0.severity"),
        ({"update_every_s": 0}, "rules.0.update_every_s"),
        ({"treshold": 3}, "rules.0.treshold"),
        ({"schedule": {"hours": ["25:00-26:00"]}}, "rules.0.schedule.hours.0"),
        ({"schedule": {"hours": ["08:00-08:00"]}}, "'08:00-08:00' is empty"),
        ({"schedule": {"weekdays": ["senin"]}}, "rules.0.schedule.weekdays.0"),
        ({"schedule": {"weekdays": []}}, "rules.0.schedule.weekdays"),
        ({"schedule": {"tz": "Asia/Jakata"}}, "unknown time zone 'Asia/Jakata'; did you mean 'Asia/Jakarta'?"),
    ],
)
def test_a_faulty_rule_says_where_and_why(tmp_path: Path, change: dict[str, object], words: str) -> None:
    assert words in fault(tmp_path, {**GOOD, **change})


def test_a_rule_id_used_twice_is_named(tmp_path: Path) -> None:
    assert "used more than once: full" in fault(tmp_path, GOOD, GOOD)


def test_zones_that_no_scene_has_are_found() -> None:
    rules = RuleSet(rules=(Rule.model_validate({**GOOD, "zones": ["pasar", "taman"]}),))
    assert rules.unknown_zones({"pasar"}) == {"full": ("taman",)}
    assert rules.unknown_zones({"pasar", "taman"}) == {}


def test_office_hours_end_at_their_end_in_local_time() -> None:
    schedule = Schedule(weekdays=("mon",), hours=("08:00-16:00",))
    assert schedule.is_on(wib("2026-11-23 08:00"))
    assert schedule.is_on(wib("2026-11-23 15:59:59"))
    assert not schedule.is_on(wib("2026-11-23 16:00"))
    assert not schedule.is_on(wib("2026-11-24 09:00"))


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday_night = Schedule(weekdays=("fri",), hours=("22:00-05:00",))
    assert friday_night.is_on(wib("2026-11-27 23:30"))
    assert friday_night.is_on(wib("2026-11-28 04:59"))
    assert not friday_night.is_on(wib("2026-11-28 05:00"))
    assert not friday_night.is_on(wib("2026-11-27 03:00"))
    assert not friday_night.is_on(wib("2026-11-28 23:00"))


def test_sunday_night_goes_over_into_monday() -> None:
    assert Schedule(weekdays=("sun",), hours=("22:00-05:00",)).is_on(wib("2026-11-30 01:00"))


@given(at_s=st.floats(0, 4e9))
def test_a_span_and_its_complement_cover_every_moment_once(at_s: float) -> None:
    day, night = Schedule(hours=("06:30-18:15",)), Schedule(hours=("18:15-06:30",))
    assert day.is_on(at_s) != night.is_on(at_s)
    assert Schedule().is_on(at_s)


@given(at_s=st.floats(0, 4e9), tz=st.sampled_from(["Asia/Jakarta", "Asia/Jayapura", "Europe/Berlin"]))
def test_weekdays_take_turns(at_s: float, tz: str) -> None:
    days = [Schedule(weekdays=(name,), tz=tz).is_on(at_s) for name in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
    assert sum(days) == 1


def test_utc_and_local_midnight_differ() -> None:
    late = datetime(2026, 11, 23, 18, 0, tzinfo=UTC).timestamp()
    assert Schedule(weekdays=("tue",)).is_on(late)
    assert Schedule(weekdays=("mon",), tz="UTC").is_on(late)


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200), suffix=st.sampled_from([".toml", ".json"]))
def test_any_bytes_are_rules_or_a_clear_fault(data: bytes, suffix: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fuzz") / f"rules{suffix}"
    path.write_bytes(data)
    try:
        assert isinstance(load_rules(path, METRICS), RuleSet)
    except BadSettings as error:
        assert str(path) in str(error)


anything = st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)


@settings(max_examples=200, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(sorted(Rule.model_fields)), anything, max_size=4))
def test_any_field_of_any_type_is_taken_or_named(changes: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("fuzz"), {**GOOD, **changes})
    try:
        rule = load_rules(path, METRICS).rules[0]
    except BadSettings as error:
        assert str(path) in str(error)
        return
    assert (rule.above is None) != (rule.below is None)
    assert not rule.begins(rule.threshold)
