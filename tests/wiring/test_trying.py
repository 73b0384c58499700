"""A rule is tried on what was observed before anybody is called by it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from sewu.base.clock import SystemClock
from sewu.base.errors import BadInput, Conflict
from sewu.base.records import Observation
from sewu.base.trials import Trial, TrialBounds, TrialSpan
from sewu.notice import RuleSet
from sewu.notice.rules import Rule
from sewu.store import ObservationStore
from sewu.store.replay import interrupted_after, replay
from sewu.wiring.trying import Trials, dry_run

DAY_S = 86_400.0
START_S = 20_000 * DAY_S  # 07:00 in Semarang


def minute(camera: str, number: int, value: float, zone: str | None = None) -> Observation:
    return Observation(camera, START_S + number * 60.0, "crowd", "count", value, "persons", zone, labels={"a": "b"}, box_px=(0, 0, 1, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Two days of two cameras: K1 is crowded for ten minutes each noon and once more shortly after, K2 never."""
    store = ObservationStore(tmp_path, "main")
    for number in range(2 * 1440):
        crowded = number % 1440 in range(300, 310) or number % 1440 in range(315, 320)
        store.add([minute("K2", number, 1.0), minute("K1", number, 50.0 if crowded else 2.0)])
        if number == 2000:
            store.seal()
    store.commit()  # the rest is still in the journal
    yield tmp_path
    store.close()


def rules(**more: object) -> RuleSet:
    values: dict[str, object] = {"id": "r", "kind": "gathering", "analytic": "crowd", "metric": "count", "above": 20, "gap_s": 120}
    return RuleSet(rules=(Rule.model_validate(values | more), Rule.model_validate(values | {"id": "other", "above": 1000})))


def test_what_is_replayed_is_what_was_stored_camera_by_camera_in_order(folder: Path) -> None:
    rows = list(replay(folder, [("crowd", "count")]))
    assert len(rows) == 4 * 1440
    assert rows == sorted(rows, key=lambda row: (row.camera_id, row.at_s))
    assert rows[300] == minute("K1", 300, 50.0)
    part = list(replay(folder, [("crowd", "count")], START_S + 60, START_S + 180, ["K2"]))
    assert [row.at_s for row in part] == [START_S + 60, START_S + 120] and {row.camera_id for row in part} == {"K2"}
    assert (
        list(replay(folder, [("crowd", "rate")]))
        == []
        == list(replay(folder, []))
        == list(replay(folder, [("crowd", "count")], camera_ids=()))
    )


def test_a_trial_counts_incidents_by_day(folder: Path) -> None:
    trial = dry_run(folder, rules(), "Asia/Jakarta")
    first, other = trial.rules
    assert (trial.observations, trial.cameras) == (4 * 1440, 2)
    assert first.events == 4 and first.incidents == 2  # the second gathering of a day joins the first
    assert first.by_day == {"2024-10-04": 1, "2024-10-05": 1}
    assert other.events == 0 == other.incidents
    per_day = trial.per_day(first)
    assert per_day is not None and abs(per_day - 1.0) < 0.01


def test_a_stricter_rule_opens_less_and_other_cameras_nothing(folder: Path) -> None:
    assert dry_run(folder, rules(for_s=480.0), "Asia/Jakarta").rules[0].events == 2
    assert dry_run(folder, rules(), "Asia/Jakarta", TrialSpan(camera_ids=["K2"])).rules[0].events == 0


def test_part_of_a_day_gives_no_daily_figure(folder: Path) -> None:
    trial = dry_run(folder, rules(), "Asia/Jakarta", TrialSpan(START_S, START_S + 8 * 3600))
    assert trial.rules[0].incidents == 1 and trial.per_day(trial.rules[0]) is None


def test_a_folder_without_observations_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no observations"):
        dry_run(tmp_path, rules(), "Asia/Jakarta")
    (tmp_path / "observations" / "day=2024-10-04").mkdir(parents=True)
    (tmp_path / "observations" / "day=2024-10-04" / "main-000001.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(BadInput, match="damaged"):
        dry_run(tmp_path, rules(), "Asia/Jakarta")


def trials(folder: Path, rows: int = 100_000, longest_s: float = 60.0) -> Trials:
    return Trials(folder, "Asia/Jakarta", SystemClock(), TrialBounds(rows, longest_s))


def test_the_service_tries_a_rule_as_the_command_line_does(folder: Path) -> None:
    assert asyncio.run(trials(folder)(rules(), TrialSpan())) == dry_run(folder, rules(), "Asia/Jakarta")


def test_a_trial_that_would_take_too_much_is_refused_not_cut(folder: Path) -> None:
    asyncio.run(trials(folder, rows=4 * 1440)(rules(), TrialSpan()))
    with pytest.raises(BadInput, match="more than 5,759 observations"):
        asyncio.run(trials(folder, rows=4 * 1440 - 1)(rules(), TrialSpan()))
    with pytest.raises(BadInput, match="longer than"):
        asyncio.run(trials(folder, longest_s=0.0)(rules(), TrialSpan()))


def test_a_database_that_is_busy_too_long_is_interrupted(folder: Path) -> None:
    with closing(duckdb.connect()) as database, pytest.raises(duckdb.InterruptException), interrupted_after(0.05, database):
        database.execute("select sum(a.range * b.range) from range(10000000) a, range(10000000) b").fetchall()
    assert not list(replay(folder, [("crowd", "rate")], longest_s=10.0))


def test_one_rule_is_tried_at_a_time(folder: Path) -> None:
    async def two() -> list[object]:
        both = trials(folder)
        return list(await asyncio.gather(both(rules(), TrialSpan()), both(rules(), TrialSpan()), return_exceptions=True))

    done, refused = asyncio.run(two())
    assert isinstance(done, Trial) and isinstance(refused, Conflict)


def test_before_anything_was_observed_a_trial_opens_nothing(tmp_path: Path) -> None:
    trial = asyncio.run(trials(tmp_path)(rules(), TrialSpan()))
    assert trial.observations == 0 and [one.incidents for one in trial.rules] == [0, 0] and trial.per_day(trial.rules[0]) is None
