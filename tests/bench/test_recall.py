"""The recall curve counts what was found against what happened, and against the exhaustive pipeline."""

from __future__ import annotations

import json

import pytest

from sewu.bench.recall import Pass, RecallCurve, Tally, kinds_of, table

FULL = Pass("exhaustive", None, 12.0, 120.0, 600, 600, 0, 0, {"gathering": Tally(2, 2, 0), "queue": Tally(1, 0, 1)})
SPARSE = Pass("watch", 4.0, 0.6, 120.0, 30, 10, 5, 15, {"gathering": Tally(2, 1, 0), "queue": Tally(1, 0, 0)})
CURVE = RecallCurve((FULL, SPARSE), 2, 60.0, {"model": "none"})


def test_tallies_add_up_and_no_truth_has_no_recall() -> None:
    assert Tally(2, 1, 3) + Tally(1, 1, 0) == Tally(3, 2, 3)
    assert Tally().recall is None
    assert SPARSE.total.recall == pytest.approx(1 / 3)


def test_a_sparse_pass_is_judged_by_what_the_exhaustive_one_found() -> None:
    assert CURVE.relative(SPARSE) == pytest.approx(0.5)
    assert CURVE.relative(SPARSE, "gathering") == pytest.approx(0.5)
    assert CURVE.relative(SPARSE, "queue") is None, "the exhaustive pipeline found none"


def test_costs_are_per_camera_second() -> None:
    assert FULL.ms_per_camera_s == pytest.approx(100.0)
    assert SPARSE.ms_per_camera_s == pytest.approx(5.0)


def test_json_has_the_agreed_keys_and_survives_a_round_trip() -> None:
    said = json.loads(json.dumps(CURVE.as_json()))
    assert said["cameras"] == 2
    row = said["curve"][1]
    assert (row["interval_s"], row["sewu_ms_per_camera_s"], row["ratio"]) == (4.0, 5.0, 20.0)
    assert row["recall"] == pytest.approx(1 / 3)
    assert row["kinds"]["queue"] == {"truths": 1, "found": 0, "unmatched": 0}


def test_the_table_names_every_kind_that_happened() -> None:
    text = table(CURVE)
    assert kinds_of(CURVE.passes) == ["gathering", "queue"]
    assert [line.split() for line in text.splitlines() if line.startswith("gathering")] == [["gathering", "2/2", "1/2"]]
    assert "4 s" in text.splitlines()[0]
