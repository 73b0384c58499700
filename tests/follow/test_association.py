"""Near pairs are all found, and the assignment is the best there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from sewu.base.boxes import iou
from sewu.base.records import Doubles
from sewu.bench.tracker import time_association
from sewu.follow import association
from sewu.follow.association import assign, covered, direction_agreement, near_pairs, widened_iou


def scattered(seed: int, count: int, spread_px: float) -> Doubles:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, spread_px, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(5, 40, (count, 2))], axis=1)


@given(seed=st.integers(0, 10_000), n=st.integers(0, 12), m=st.integers(0, 12), reach=st.floats(0, 30))
def test_near_pairs_are_exactly_those_that_overlap_when_widened(seed: int, n: int, m: int, reach: float) -> None:
    a, b = scattered(seed, n, 200), scattered(seed + 1, m, 200)
    rows, columns = near_pairs(a, b, np.full(n, reach))
    every_row, every_column = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    overlapping = widened_iou(a[every_row], b[every_column], np.full(n * m, reach)) > 1e-6
    listed = set(zip(rows.tolist(), columns.tolist(), strict=True))
    assert listed >= set(zip(every_row[overlapping].tolist(), every_column[overlapping].tolist(), strict=True))
    assert len(listed) == len(rows)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 10))
def test_without_widening_it_is_plain_iou(seed: int, count: int) -> None:
    a, b = scattered(seed, count, 60), scattered(seed + 1, count, 60)
    assert np.allclose(widened_iou(a, b), np.diagonal(iou(a, b)), atol=1e-5)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 25), m=st.integers(1, 25), density=st.floats(0.02, 1.0), dense=st.booleans())
def test_the_assignment_has_the_largest_possible_sum(seed: int, n: int, m: int, density: float, dense: bool) -> None:
    rng = np.random.default_rng(seed)
    table = np.where(rng.random((n, m)) < density, rng.uniform(0.01, 1.3, (n, m)), 0.0)
    rows, columns = np.nonzero(table)
    with pytest.MonkeyPatch.context() as patch:
        if not dense:
            patch.setattr(association, "DENSE_CELLS", 0)
        r, c = assign(rows, columns, table[rows, columns], (n, m))
    assert len(set(r.tolist())) == len(r) == len(set(c.tolist()))
    assert np.all(table[r, c] > 0), "a pair that was not listed was chosen"
    best = linear_sum_assignment(table, maximize=True)
    assert table[r, c].sum() == pytest.approx(table[best].sum())


def test_a_thousand_tracks_and_a_thousand_detections_take_less_than_20_ms() -> None:
    cost = time_association(1000)
    assert cost.matched >= 990
    assert cost.median_ms < 20.0


def test_going_on_agrees_turning_round_disagrees_and_standing_says_nothing() -> None:
    earlier, last = np.zeros((3, 2)), np.array([[100.0, 0], [100, 0], [0.5, 0]])
    onward = np.array([[200.0, 0], [0, 0], [100, 0]])
    agreement = direction_agreement(earlier, last, onward, np.full(3, 5.0))
    assert agreement[0] > 0.9
    assert agreement[1] < -0.9
    assert abs(agreement[2]) < 0.1


def test_a_box_inside_another_is_covered_and_not_the_other_way_round() -> None:
    small, large = np.array([[10.0, 10, 20, 20]]), np.array([[0.0, 0, 40, 40]])
    assert covered(small, large).tolist() == [1.0]
    assert covered(large, small).tolist() == [pytest.approx(100 / 1600)]
