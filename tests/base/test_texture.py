"""Drift of the picture, busy patches, and the split between two kinds."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.records import Floats
from sewu.base.texture import Drift, edges, mask_of, split_of


def street(shift: tuple[float, float] = (0.0, 0.0), light: float = 1.0, seed: int = 0) -> Floats:
    picture = np.full((360, 640), 100.0, np.float32)
    random = np.random.default_rng(5)
    for _ in range(60):
        x, y = random.integers(0, 600), random.integers(0, 330)
        picture[y : y + random.integers(10, 60), x : x + random.integers(10, 60)] = random.integers(30, 220)
    moved = cv2.warpAffine(picture, np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64), (640, 360), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved * light + np.random.default_rng(seed).normal(0, 3, moved.shape), np.float32)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (6.0, -4.0), (-9.5, 7.5), (0.0, 11.0)])
def test_drift_is_found_within_a_pixel_in_any_light(shift: tuple[float, float]) -> None:
    drift = Drift(reach_px=20.0)
    drift.update(street())
    drift.update(street(shift, 0.7, 1))
    assert drift.shift_px == pytest.approx(shift, abs=1.0)


def test_drift_adds_up_over_small_steps_and_a_restart() -> None:
    drift = Drift(reach_px=8.0)
    for step in range(12):
        drift.update(street((3.0 * step, -1.0 * step), seed=step))
        if step == 5:
            saved, drift = json.loads(json.dumps(drift.state())), Drift(reach_px=8.0)
            drift.restore(saved)
    assert drift.shift_px == pytest.approx((33.0, -11.0), abs=1.0)


def test_another_scene_leaves_the_shift_as_it_was() -> None:
    drift = Drift(reach_px=20.0)
    drift.update(street())
    drift.update(street((6.0, 0.0)))
    drift.update(np.asarray(np.random.default_rng(9).normal(100, 30, (360, 640)), np.float32))
    assert drift.shift_px == pytest.approx((6.0, 0.0), abs=1.0)


def test_a_blank_picture_is_no_error() -> None:
    drift = Drift(reach_px=20.0)
    for _ in range(3):
        drift.update(np.full((360, 640), 80, np.float32))
    assert drift.shift_px == pytest.approx((0.0, 0.0), abs=0.5)


def test_the_split_lies_in_the_gap_between_two_kinds() -> None:
    random = np.random.default_rng(0)
    at, quality = split_of(np.concatenate([random.normal(0, 0.3, 50), random.normal(4, 0.3, 8)]))
    assert 1.0 < at < 3.0 and quality > 0.9


def test_one_kind_is_seen_to_be_one() -> None:
    random = np.random.default_rng(0)
    assert split_of(random.normal(0, 1, 2000))[1] == pytest.approx(0.637, abs=0.02)
    assert split_of(random.uniform(0, 1, 2000))[1] == pytest.approx(0.75, abs=0.02)


@given(st.lists(st.floats(-1e6, 1e6), max_size=40))
def test_the_split_is_always_between_the_least_and_the_most(values: list[float]) -> None:
    at, quality = split_of(np.array(values))
    assert 0.0 <= quality <= 1.0 + 1e-9
    assert not values or min(values) - 1e-6 <= at <= max(values) + 1e-6


def test_edges_of_a_ramp_are_its_slope_and_a_mask_is_its_polygon() -> None:
    ramp = np.asarray(np.tile(np.arange(100.0), (50, 1)) * 2, np.float32)
    assert edges(ramp)[20:30, 40:60] == pytest.approx(2.0, abs=0.01)
    assert mask_of(np.array([[10.0, 10], [19, 10], [19, 14], [10, 14]]), (40, 30)).sum() == 50
