"""Constant-velocity filters: exact in time, sane in variance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.records import Doubles
from sewu.follow import kalman

NUMBERS = st.floats(-500, 500, width=32)
BOX = st.tuples(NUMBERS, NUMBERS, st.floats(2, 200, width=32), st.floats(2, 200, width=32))


def newborn(*boxes: tuple[float, float, float, float]) -> Doubles:
    centred = np.array(boxes, np.float64).reshape(-1, 4)
    return kalman.born(centred, np.full((len(centred), 1), 4.0), np.full((len(centred), 4), 50.0))


def wander(count: int) -> Doubles:
    return np.full((count, 4), 900.0)


@given(box=BOX, seen=BOX, gap_s=st.floats(0.01, 5), parts=st.integers(2, 30))
def test_one_long_prediction_equals_many_short_ones(
    box: tuple[float, float, float, float], seen: tuple[float, float, float, float], gap_s: float, parts: int
) -> None:
    motion = kalman.updated(kalman.predicted(newborn(box), np.array([0.1]), wander(1)), np.array([seen]), np.full((1, 4), 4.0))
    short = motion
    for _ in range(parts):
        short = kalman.predicted(short, np.array([gap_s / parts]), wander(1))
    assert np.allclose(short, kalman.predicted(motion, np.array([gap_s]), wander(1)), rtol=1e-8, atol=1e-6)


@given(st.lists(st.tuples(st.floats(0, 3), BOX), min_size=1, max_size=20))
def test_variances_stay_positive_and_consistent(steps: list[tuple[float, tuple[float, float, float, float]]]) -> None:
    motion = newborn(steps[0][1])
    for gap_s, box in steps:
        motion = kalman.updated(kalman.predicted(motion, np.array([gap_s]), wander(1)), np.array([box]), np.full((1, 4), 4.0))
        assert np.all(motion[:, kalman.VAR] > 0)
        assert np.all(motion[:, kalman.VAR] <= 4.0 + 1e-9), "a detection leaves no more doubt than its own"
        assert np.all(motion[:, kalman.VAR] * motion[:, kalman.VAR_VELOCITY] >= motion[:, kalman.COV] ** 2 * (1 - 1e-9))


@pytest.mark.parametrize("rate_fps", [25, 5, 0.5])
def test_steady_motion_is_learnt_at_any_rate(rate_fps: float) -> None:
    motion, velocity = newborn((0, 0, 30, 60)), np.array([[40.0, -10.0, 0.0, 0.0]])
    start = motion[:, kalman.POSITION].copy()
    for step in range(1, 16):
        at = start + velocity * step / rate_fps
        motion = kalman.updated(kalman.predicted(motion, np.array([1 / rate_fps]), wander(1)), at, np.full((1, 4), 1.0))
    assert motion[0, kalman.VELOCITY] == pytest.approx(velocity[0], abs=6.0)


def test_a_replayed_gap_corrects_a_stale_velocity() -> None:
    motion = newborn((0, 0, 30, 60))
    for step in range(1, 11):
        motion = kalman.updated(
            kalman.predicted(motion, np.array([0.1]), wander(1)), np.array([[5.0 * step, 0, 30, 60]]), np.full((1, 4), 4.0)
        )
    turned = np.array([[20.0, 0.0, 30.0, 60.0]])  # one second later it is behind where it was
    replayed = kalman.reupdated(motion, np.array([1.0]), wander(1), turned, np.full((1, 4), 4.0), steps=8)
    assert replayed[0, kalman.VELOCITY, 0] == pytest.approx(-30.0, abs=8.0)
    assert replayed[0, kalman.POSITION, 0] == pytest.approx(20.0, abs=1.5)


@given(st.lists(BOX, max_size=5))
def test_corners_and_centres_are_inverse(boxes: list[tuple[float, float, float, float]]) -> None:
    centred = np.array(boxes, np.float64).reshape(-1, 4)
    assert np.allclose(kalman.to_centres(kalman.to_corners(centred)), centred, atol=1e-9)
