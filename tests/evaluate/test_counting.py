"""Counting error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.evaluate.counting import count_error, counts_per_frame
from sewu.evaluate.mot_files import parse_boxes

COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=20)


def test_too_few_is_a_negative_bias() -> None:
    error = count_error([4, 6, 10], [3, 6, 8])
    assert (error.mae, error.bias, error.p95) == (1.0, -1.0, 2.0)
    assert error.relative == pytest.approx(3 / 20)


def test_errors_that_cancel_have_no_bias_but_an_absolute_error() -> None:
    error = count_error([5, 5], [3, 7])
    assert (error.bias, error.mae, error.rmse) == (0.0, 2.0, 2.0)


@given(COUNTS)
def test_bias_never_exceeds_absolute_error_nor_that_the_root_mean_square(pairs: list[tuple[int, int]]) -> None:
    true, said = zip(*pairs, strict=True)
    error = count_error(true, said)
    assert abs(error.bias) <= error.mae + 1e-9 <= error.rmse + 2e-9
    assert count_error(true, true).mae == 0.0
    assert count_error(said, true).bias == pytest.approx(-error.bias)


def test_counts_of_other_looks_are_refused() -> None:
    for true, said in (([], []), ([1], [1, 2]), ([1.0], [float("nan")])):
        with pytest.raises(ValueError, match="count"):
            count_error(true, said)


def test_frames_without_boxes_count_zero() -> None:
    rows = parse_boxes("1,1,0,0,5,5\n1,2,0,0,5,5\n3,1,0,0,5,5\n", "text")
    assert counts_per_frame(rows, np.array([1, 2, 3])).tolist() == [2.0, 0.0, 1.0]
