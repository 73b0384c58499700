"""Questions to the store: right sums, each row once, wherever it lies."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadInput
from sewu.base.records import Observation
from sewu.store import ObservationStore, Question, read_observations, series
from sewu.store.query import How

START_S = 1_764_000_000.0
DAY_S = 86_400.0


def seen(
    at_s: float, value: float, zone_id: str | None = "z", camera_id: str = "cam", unit: str = "persons", coverage: float = 1.0
) -> Observation:
    return Observation(camera_id, at_s, "crowd", "count", value, unit, zone_id, coverage=coverage)


def filled(folder: Path, rows: list[Observation], sealed: int = 0) -> None:
    """A store as a kill leaves it: the first `sealed` rows are in Parquet, the others in the journal."""
    running = folder / "running"
    store = ObservationStore(running)
    store.add(rows[:sealed])
    store.commit()
    store.seal()
    store.add(rows[sealed:])
    store.commit()
    shutil.copytree(running / "observations", folder / "observations")
    store.close()


def test_values_are_summed_up_by_bucket_and_empty_buckets_are_left_out(tmp_path: Path) -> None:
    rows = [seen(START_S + t, v, coverage=c) for t, v, c in ((0, 2, 1), (59, 4, 0.5), (60, 9, 1), (300, 1, 1))]
    filled(tmp_path, rows, 2)
    found = series(tmp_path, Question("crowd", "count", 60))
    assert found.starts_s.tolist() == [START_S, START_S + 60, START_S + 300]
    assert found.values.tolist() == [3, 9, 1] and found.rows.tolist() == [2, 1, 1]
    assert found.coverage.tolist() == [0.75, 1, 1] and found.unit == "persons"


@pytest.mark.parametrize(("how", "value"), [("mean", 4), ("max", 7), ("min", 2), ("sum", 12), ("last", 3)])
def test_a_bucket_is_summed_up_as_asked(tmp_path: Path, how: How, value: float) -> None:
    filled(tmp_path, [seen(START_S + t, v) for t, v in ((0, 2), (1, 7), (2, 3))], 1)
    assert series(tmp_path, Question("crowd", "count", 60, how)).values.tolist() == [value]


def test_camera_zone_and_time_are_chosen(tmp_path: Path) -> None:
    rows = [
        seen(START_S, 1),
        seen(START_S, 2, "y"),
        seen(START_S, 4, camera_id="other"),
        seen(START_S + DAY_S, 8),
        seen(START_S + 2 * DAY_S, 16),
    ]
    filled(tmp_path, rows, 4)

    def total(**chosen: object) -> float:
        return float(series(tmp_path, Question("crowd", "count", DAY_S, "sum", **chosen)).values.sum())  # type: ignore[arg-type]

    assert total() == 31
    assert total(zone_id="y") == 2
    assert total(camera_id="other") == 4
    assert total(from_s=START_S + 1, to_s=START_S + 2 * DAY_S) == 8
    assert total(zone_id="'; drop table rows; --") == 0


def test_what_is_still_in_the_journal_is_found(tmp_path: Path) -> None:
    filled(tmp_path, [seen(START_S + t, 1) for t in range(10)], 6)
    assert list((tmp_path / "observations").glob("*.journal")) and list((tmp_path / "observations").glob("day=*/*.parquet"))
    assert len(list(read_observations(tmp_path))) == 10
    assert series(tmp_path, Question("crowd", "count", 60, "sum")).values.sum() == 10


def test_a_journal_that_was_sealed_but_not_deleted_counts_once(tmp_path: Path) -> None:
    filled(tmp_path, [seen(START_S + t, 1) for t in range(10)])
    journal = next((tmp_path / "observations").glob("*.journal"))
    kept = journal.read_bytes()
    ObservationStore(tmp_path).close()
    assert list((tmp_path / "observations").glob("day=*/*.parquet"))
    journal.write_bytes(kept)
    assert len(list(read_observations(tmp_path))) == 10
    assert series(tmp_path, Question("crowd", "count", 60, "sum")).values.sum() == 10


def test_an_empty_store_has_no_answer_rather_than_zero(tmp_path: Path) -> None:
    found = series(tmp_path, Question("crowd", "count", 60))
    assert len(found) == 0 and found.unit is None


def test_several_units_are_not_mixed(tmp_path: Path) -> None:
    filled(tmp_path, [seen(START_S, 1), seen(START_S, 1, unit="vehicles")])
    with pytest.raises(BadInput, match="several units"):
        series(tmp_path, Question("crowd", "count", 60))


def test_a_question_without_sense_is_refused() -> None:
    with pytest.raises(BadInput):
        Question("crowd", "count", 0)
    with pytest.raises(BadInput):
        Question("crowd", "count", 60, "median")  # type: ignore[arg-type]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    filled(tmp_path, [seen(START_S, 1)], 1)
    path = next((tmp_path / "observations").glob("day=*/*.parquet"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInput, match="damaged"):
        series(tmp_path, Question("crowd", "count", 60))


@settings(max_examples=20, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 200_000), st.floats(-1e6, 1e6)), min_size=1, max_size=30),
    bucket_s=st.sampled_from([1.0, 60.0, 900.0, 3600.0]),
    data=st.data(),
)
def test_buckets_agree_with_plain_arithmetic(
    rows: list[tuple[int, float]], bucket_s: float, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("store")
    filled(folder, [seen(START_S + t, v) for t, v in rows], data.draw(st.integers(0, len(rows))))
    found = series(folder, Question("crowd", "count", bucket_s, "sum"))
    expected: dict[float, list[float]] = {}
    for t, v in rows:
        expected.setdefault(math.floor((START_S + t) / bucket_s) * bucket_s, []).append(v)
    assert found.starts_s.tolist() == sorted(expected)
    assert np.allclose(found.values, [math.fsum(expected[key]) for key in sorted(expected)], rtol=1e-9, atol=1e-6)
    assert int(found.rows.sum()) == len(rows)
