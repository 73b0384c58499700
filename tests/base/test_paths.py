"""Speeds from noisy positions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.paths import MAX_POINTS, Path, robust_velocity

BOX = (0.0, 0.0, 10.0, 20.0)


@given(st.floats(-50, 50), st.floats(-50, 50), st.integers(2, 30), st.floats(0.04, 30))
def test_a_steady_motion_is_found_exactly(vx: float, vy: float, count: int, every_s: float) -> None:
    times_s = np.arange(count) * every_s
    velocity, error = robust_velocity(np.column_stack([times_s, 5 + vx * times_s, 7 + vy * times_s]))
    assert velocity == pytest.approx([vx, vy], abs=1e-6)
    assert math.isnan(error) if count < 3 else error < 1e-6


def test_a_quarter_of_wild_points_does_no_harm() -> None:
    times_s = np.arange(25) / 25
    points = np.column_stack([times_s, 10 * times_s, 0 * times_s])
    points[::4, 1:] += 40.0
    assert robust_velocity(points)[0] == pytest.approx([10.0, 0.0], abs=1.0)


def test_the_stated_error_is_the_error_that_is_made() -> None:
    random, times_s = np.random.default_rng(4), np.arange(13) / 12.5
    off, stated = [], []
    for _ in range(400):
        points = np.column_stack([times_s, 10 * times_s + random.normal(0, 0.2, 13), random.normal(0, 0.2, 13)])
        velocity, error = robust_velocity(points)
        off.append(float(velocity[0]) - 10.0)
        stated.append(error)
    assert 0.6 < np.std(off) / np.median(stated) < 1.4


def test_points_beyond_the_horizon_or_without_time_between_give_no_speed() -> None:
    assert np.isnan(robust_velocity(np.array([[0.0, math.nan, 1.0], [1.0, 2.0, 2.0]]))[0]).all()
    assert np.isnan(robust_velocity(np.array([[1.0, 0.0, 0.0], [1.0, 5.0, 5.0]]))[0]).all()
    assert np.isnan(robust_velocity(np.empty((0, 3)))[0]).all()


def test_a_path_keeps_a_bounded_past_and_at_least_the_last_three() -> None:
    path = Path(1)
    for index in range(1000):
        path.see(index * 0.001, BOX, 3, 0.9, keep_s=1.0)
    assert len(path.points) == MAX_POINTS
    for index in range(10):
        path.see(100.0 + 30 * index, BOX, 3, 0.9, keep_s=1.0)
    assert len(path.points) == 3
