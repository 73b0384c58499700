"""Latch, arrivals, likeness and sharpness, each alone."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.greys import small_grey
from sewu.measure.health.arrivals import MAX_TIMES, Arrivals
from sewu.measure.health.latch import Latch
from sewu.measure.health.likeness import compare, edges
from sewu.measure.health.sharpness import Sharpness, sharpness
from sewu.measure.health.views import same_framing
from tests.measure.scenes import noisy, street


@given(st.lists(st.tuples(st.floats(0.01, 40.0), st.booleans()), max_size=60))
def test_a_latch_rises_only_on_three_looks_that_last_and_a_single_look_never_lifts_it(steps: list[tuple[float, bool]]) -> None:
    latch, at_s, run, since_s = Latch(3.0, 3.0), 0.0, 0, 0.0
    for passed_s, holds in steps:
        at_s += passed_s
        run, since_s = (run + 1, since_s if run else at_s) if holds else (0, at_s)
        was = latch.up
        if latch.update(holds, at_s) and not was:
            assert run >= 3 and at_s - since_s >= 3.0


def test_a_latch_falls_when_the_condition_has_been_over_for_long_enough() -> None:
    latch = Latch(1.0, 2.0)
    ups = [latch.update(holds, float(at_s)) for at_s, holds in enumerate([True] * 4 + [False] * 4)]
    assert ups == [False, False, True, True, True, True, False, False]
    again = Latch(1.0, 2.0)
    again.restore(json.loads(json.dumps(latch.state())))
    assert again.state() == latch.state()


@given(st.floats(0.02, 5.0))
def test_the_rate_of_even_arrivals_is_their_rate(gap_s: float) -> None:
    arrivals = Arrivals(10.0)
    for index in range(2 * MAX_TIMES):
        arrivals.arrive(index * gap_s)
    assert arrivals.rate_fps == pytest.approx(1 / gap_s, rel=1e-6)
    assert arrivals.usual_fps == pytest.approx(1 / gap_s, rel=0.05)


def test_unrelated_scenes_do_not_agree_and_the_same_scene_does_in_any_light() -> None:
    shares = []
    for seed in range(2, 30):
        other = compare(edges(small_grey(street(1), 160)), edges(small_grey(street(seed), 160)))
        assert other is not None
        shares.append(other.share)
    assert max(shares) < 0.15
    dim = np.asarray(noisy(street(1), 5) * 0.5 + 10, np.uint8)
    same = compare(edges(small_grey(street(1), 160)), edges(small_grey(dim, 160)))
    assert same is not None and same.share > 0.9 and same.lost < 0.05


def test_a_scene_without_structure_cannot_be_compared() -> None:
    flat = np.full((90, 160), 80, np.uint8)
    assert compare(edges(flat), edges(small_grey(street(1), 160))) is None


@pytest.mark.parametrize(("sigma", "most"), [(1.0, 0.75), (2.0, 0.4), (4.0, 0.3)])
def test_blur_lowers_the_ratio_and_half_the_contrast_does_not(sigma: float, most: float) -> None:
    usual, everywhere = Sharpness(), np.ones((5, 8), np.bool_)
    greys = [noisy(street(), seed, 1.0)[..., 0] for seed in range(8)]
    for index in range(8):
        usual.learn(sharpness(greys[index]), everywhere, 110.0, 1.0)
    blurred = usual.ratio(sharpness(np.asarray(cv2.GaussianBlur(greys[0], (0, 0), sigma), np.uint8)), everywhere, 110.0)
    flatter = usual.ratio(sharpness((greys[1] // 2 + 50).astype(np.uint8)), everywhere, 105.0)
    assert blurred is not None and blurred < most
    assert flatter is not None and 0.7 < flatter < 1.3
    again = Sharpness()
    again.restore(json.loads(json.dumps(usual.state())))
    assert again.ratio(sharpness(greys[2]), everywhere, 110.0) == pytest.approx(1.0, abs=0.1)


def test_a_small_reframing_keeps_the_framing_and_a_cut_or_a_strong_zoom_does_not() -> None:
    wide = cv2.GaussianBlur(street(7, (640, 360))[..., 0], (0, 0), 1.0)
    first = np.asarray(wide[80:260, 100:420], np.uint8)
    assert same_framing(first, np.asarray(wide[90:270, 140:460], np.uint8))
    assert not same_framing(first, np.asarray(wide[170:350, 300:620], np.uint8))
    assert not same_framing(first, np.asarray(cv2.resize(wide[120:210, 180:340], (320, 180)), np.uint8))
    assert not same_framing(first, np.full((180, 320), 90, np.uint8))
