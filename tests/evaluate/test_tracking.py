"""Tracking metrics equal the reference tools', and obey what follows from their definitions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.evaluate.mot_files import Boxes, read_boxes, read_truth
from sewu.evaluate.tracking import clear_mot, hota, identity, score_tracking
from tests.fakes import labelled_data

GOLDEN = Path(__file__).parents[1] / "golden" / "trackeval.json"
SEQUENCES = sorted(json.loads(GOLDEN.read_text(encoding="utf-8"))["scores"])


def boxes(*rows: tuple[int, int, float]) -> Boxes:
    """Rows of (frame, id, x): boxes of 10 x 20 px."""
    table = np.array(sorted(rows), np.float64).reshape(-1, 3)
    x = table[:, 2]
    corners = np.column_stack([x, np.zeros(len(x)), x + 10, np.full(len(x), 20.0)])
    return Boxes(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), corners, np.ones(len(x)))


@st.composite
def scenes(draw: st.DrawFn) -> Boxes:
    rows = draw(
        st.dictionaries(st.tuples(st.integers(1, 6), st.integers(0, 4)), st.floats(0, 60, width=32), max_size=20).map(
            lambda d: [(frame, number, x) for (frame, number), x in d.items()]
        )
    )
    return boxes(*rows)


@pytest.mark.parametrize("name", SEQUENCES)
def test_clear_mot_and_idf1_equal_py_motmetrics_on_real_trackers(name: str) -> None:
    folder = labelled_data() / "tracking"
    expected = json.loads((folder / "expected_metrics.json").read_text(encoding="utf-8"))[name]
    score = score_tracking(read_truth(folder / name.split("/")[0] / "gt.txt"), read_boxes(folder / name))
    assert score.clear.objects == expected["num_objects"]
    assert score.clear.switches == expected["id_switches"]
    assert score.clear.false_positives == expected["fp"]
    assert score.clear.misses == expected["fn"]
    assert score.clear.mota == pytest.approx(expected["mota"], abs=1e-4)
    assert score.clear.motp_distance == pytest.approx(expected["motp_distance"], abs=1e-4)
    assert score.identity.f1 == pytest.approx(expected["idf1"], abs=1e-4)


@pytest.mark.parametrize("name", SEQUENCES)
def test_hota_equals_trackeval_on_real_trackers(name: str) -> None:
    folder = labelled_data() / "tracking"
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))["scores"][name]
    score = hota(read_truth(folder / name.split("/")[0] / "gt.txt"), read_boxes(folder / name))
    for part in ("hota", "det_a", "ass_a", "loc_a"):
        assert getattr(score, part) == pytest.approx(expected[part], abs=1e-4)


@pytest.mark.filterwarnings("ignore")
@given(truth=scenes(), found=scenes())
@settings(max_examples=25, deadline=None)
def test_clear_mot_and_idf1_equal_py_motmetrics_on_any_scene(truth: Boxes, found: Boxes) -> None:
    # The library's pandas calls warn of deprecations; the marker above keeps those out of our verdict.
    motmetrics = pytest.importorskip("motmetrics")
    accumulator = motmetrics.MOTAccumulator()
    frames = np.arange(1, 8)
    for frame, true, said in zip(frames.tolist(), truth.by_frame(frames), found.by_frame(frames), strict=True):
        accumulator.update(true.ids, said.ids, distances_of(true, said), frameid=frame)
    host = motmetrics.metrics.create()
    names = ["num_switches", "num_false_positives", "num_misses", "idtp", "idfp", "idfn"]
    reference = host.compute(accumulator, metrics=names, return_dataframe=False)
    clear, ident = clear_mot(truth, found), identity(truth, found)
    assert clear.misses == reference["num_misses"]
    assert clear.false_positives == reference["num_false_positives"]
    assert clear.switches == reference["num_switches"]
    if len(truth) and len(found):
        assert ident.true_positives == reference["idtp"]
        assert ident.false_positives == reference["idfp"]
        assert ident.false_negatives == reference["idfn"]


def distances_of(true: Boxes, said: Boxes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """1 - IoU of the boxes `boxes` makes, NaN beyond 0.5: one-dimensional, as they differ in x only."""
    shared = np.maximum(0.0, 10 - np.abs(true.boxes_px[:, None, 0] - said.boxes_px[None, :, 0]))
    distances = 1 - shared / (20 - shared)
    return np.where(distances > 0.5, np.nan, distances)


@given(truth=scenes())
def test_a_perfect_tracker_scores_one(truth: Boxes) -> None:
    score = score_tracking(truth, truth)
    assert score.clear.switches == 0 or len(np.unique(truth.boxes_px, axis=0)) < len(truth)
    if len(truth):
        assert score.identity.f1 == 1.0
        assert score.hota.hota == pytest.approx(1.0)
        assert score.clear.misses == score.clear.false_positives == 0
    else:
        assert score.clear.mota is None
        assert score.identity.f1 is None


@given(truth=scenes(), found=scenes(), order=st.permutations(range(5)))
def test_names_of_tracks_do_not_matter_for_identity(truth: Boxes, found: Boxes, order: list[int]) -> None:
    renamed = Boxes(found.frames, np.array(order, np.int64)[found.ids] * 7, found.boxes_px, found.scores)
    assert identity(truth, renamed) == identity(truth, found)


@given(seed=st.integers(0, 1000), order=st.permutations(range(6)))
def test_names_of_tracks_do_not_matter_where_no_two_overlaps_are_equal(seed: int, order: list[int]) -> None:
    rng = np.random.default_rng(seed)
    truth = boxes(*[(frame, number, float(x)) for frame in range(1, 8) for number, x in enumerate(rng.uniform(0, 60, 5))])
    found = boxes(*[(frame, number, float(x)) for frame in range(1, 8) for number, x in enumerate(rng.uniform(0, 60, 6))])
    renamed = Boxes(found.frames, np.array(order, np.int64)[found.ids] + 100, found.boxes_px, found.scores)
    one, other = score_tracking(truth, found), score_tracking(truth, renamed)
    assert one.clear.motp_distance == pytest.approx(other.clear.motp_distance)
    assert (one.clear.misses, one.clear.switches) == (other.clear.misses, other.clear.switches)
    assert np.allclose(one.hota.per_alpha, other.hota.per_alpha)


@given(truth=scenes(), found=scenes())
def test_truth_and_tracks_exchanged_exchange_misses_and_false_boxes(truth: Boxes, found: Boxes) -> None:
    one, other = identity(truth, found), identity(found, truth)
    assert (one.false_positives, one.false_negatives, one.f1) == (other.false_negatives, other.false_positives, other.f1)


@given(truth=scenes(), found=scenes())
def test_all_scores_stay_in_range(truth: Boxes, found: Boxes) -> None:
    score = score_tracking(truth, found)
    parts = [score.hota.hota, score.hota.det_a, score.hota.ass_a, score.hota.loc_a]
    parts += [value for value in (score.identity.f1, score.identity.precision, score.identity.recall) if value is not None]
    assert all(0.0 <= value <= 1.0 + 1e-9 for value in parts)
    assert score.clear.mota is None or score.clear.mota <= 1.0
    assert score.clear.matches + score.clear.misses == len(truth)
    assert score.clear.matches + score.clear.false_positives == len(found)


def test_a_track_that_changes_person_is_one_switch_each() -> None:
    truth = boxes(*[(frame, person, 100.0 * person) for frame in range(1, 5) for person in (1, 2)])
    swapped = boxes(*[(frame, (person if frame < 3 else 3 - person), 100.0 * person) for frame in range(1, 5) for person in (1, 2)])
    score = score_tracking(truth, swapped)
    assert score.clear.switches == 2
    assert score.clear.mota == pytest.approx(1 - 2 / 8)
    assert score.identity.f1 == pytest.approx(0.5)


def test_an_established_pair_is_kept_while_it_still_overlaps_enough() -> None:
    truth = boxes((1, 1, 0.0), (2, 1, 0.0))
    found = boxes((1, 7, 0.0), (2, 7, 3.0), (2, 8, 0.0))
    assert clear_mot(truth, found).switches == 0


def test_an_overlap_of_exactly_the_threshold_is_a_match() -> None:
    truth = boxes((1, 1, 0.0))
    half = Boxes(truth.frames, truth.ids, np.array([[0.0, 0.0, 10.0, 10.0]]), truth.scores)
    assert clear_mot(truth, half).matches == 1


def test_an_id_twice_in_one_frame_is_refused() -> None:
    double = boxes((1, 1, 0.0), (1, 1, 50.0))
    with pytest.raises(ValueError, match="twice"):
        score_tracking(double, double)
