"""Average precision and counts at a score, against cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.evaluate.detection import Picture, at_score, average_precision, mean_average_precision, precision_recall


def picture(truth: list[float], found: list[tuple[float, float]], ignore: list[float] | None = None) -> Picture:
    """Boxes of 10 x 10 px at these x; detections are (x, score)."""
    return Picture(
        square(truth),
        square([x for x, _ in found]),
        np.array([score for _, score in found]),
        square(ignore) if ignore is not None else None,
    )


def square(at: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    x = np.array(at, np.float64)
    return np.column_stack([x, np.zeros(len(x)), x + 10, np.full(len(x), 10.0)])


@given(st.lists(st.integers(0, 30), max_size=6, unique=True))
def test_perfect_detections_score_one(places: list[int]) -> None:
    at = [20.0 * place for place in places]
    perfect = picture(at, [(x, 0.5) for x in at])
    assert average_precision([perfect]) == (1.0 if places else None)
    assert mean_average_precision([perfect]) == (1.0 if places else None)


def test_a_false_detection_surer_than_the_true_one_halves_precision() -> None:
    assert average_precision([picture([0.0], [(100.0, 0.9), (0.0, 0.5)])]) == pytest.approx(0.5)
    assert average_precision([picture([0.0], [(100.0, 0.3), (0.0, 0.5)])]) == pytest.approx(1.0)


def test_a_case_worked_by_hand() -> None:
    # Best first: hit, false, hit, miss of the third: precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3.
    one = picture([0.0, 50.0], [(0.0, 0.9), (200.0, 0.8)])
    two = picture([0.0], [])
    assert average_precision([one, two, picture([], []), picture([300.0], [(300.0, 0.7)])]) == pytest.approx(1 / 4 + (2 / 3) / 4)


def test_the_second_detection_of_one_object_is_false() -> None:
    counts = at_score([picture([0.0], [(0.0, 0.9), (1.0, 0.8)])], 0.3)
    assert (counts.found, counts.false, counts.missed) == (1, 1, 0)


def test_detections_below_the_score_are_thrown_away() -> None:
    counts = at_score([picture([0.0], [(0.0, 0.2)])], 0.3)
    assert (counts.precision, counts.recall) == (None, 0.0)


def test_unmatched_detections_in_ignored_regions_count_neither_way() -> None:
    shown = picture([0.0], [(0.0, 0.9), (100.0, 0.8), (200.0, 0.7)], ignore=[102.0])
    counts = at_score([shown], 0.3)
    assert (counts.found, counts.false, counts.missed) == (1, 1, 0)


@given(st.lists(st.tuples(st.floats(0, 100, width=32), st.floats(0, 1, width=32)), max_size=12), st.permutations(range(12)))
def test_order_of_detections_does_not_matter_and_recall_only_grows(found: list[tuple[float, float]], order: list[int]) -> None:
    # Scores must differ: among equals the matching is free to choose.
    distinct = [(x, 0.9 - 0.05 * rank) for rank, (x, _) in enumerate(found)]
    shuffled = [distinct[i] for i in order if i < len(distinct)]
    truth = [0.0, 30.0, 60.0]
    curve = precision_recall([picture(truth, distinct)])
    assert average_precision([picture(truth, shuffled)]) == average_precision([picture(truth, distinct)])
    assert np.all(np.diff(curve.recall) >= 0)
    assert np.all((curve.precision >= 0) & (curve.precision <= 1))


def test_average_precision_does_not_depend_on_how_equal_scores_are_ordered() -> None:
    one = average_precision([picture([0.0], [(0.0, 0.5), (100.0, 0.5)])])
    other = average_precision([picture([0.0], [(100.0, 0.5), (0.0, 0.5)])])
    assert one == other == pytest.approx(0.5)
