"""Box arithmetic, checked against definitions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sewu.base import boxes

coordinates = st.floats(0, 1000, width=32)


@st.composite
def some_boxes(draw: st.DrawFn, least: int = 0) -> np.ndarray:
    count = draw(st.integers(least, 12))
    corners = draw(hnp.arrays(np.float32, (count, 2), elements=coordinates))
    sides = draw(hnp.arrays(np.float32, (count, 2), elements=st.floats(1, 300, width=32)))
    return np.hstack([corners, corners + sides])


@given(some_boxes(), some_boxes())
def test_iou_is_symmetric_and_between_zero_and_one(a: np.ndarray, b: np.ndarray) -> None:
    overlap = boxes.iou(a, b)
    assert overlap.shape == (len(a), len(b))
    assert np.all((overlap >= 0) & (overlap <= 1 + 1e-6))
    np.testing.assert_allclose(overlap, boxes.iou(b, a).T, atol=1e-6)


@given(some_boxes(least=1))
def test_a_box_covers_itself(a: np.ndarray) -> None:
    np.testing.assert_allclose(np.diag(boxes.iou(a, a)), 1.0, atol=1e-4)


def test_half_overlap_is_a_third() -> None:
    a, b = np.array([[0, 0, 2, 2]], np.float32), np.array([[1, 0, 3, 2]], np.float32)
    assert boxes.iou(a, b)[0, 0] == np.float32(1 / 3)


def test_boxes_without_area_overlap_nothing() -> None:
    flat = np.array([[5, 5, 5, 9], [9, 9, 5, 5]], np.float32)
    assert not boxes.iou(flat, flat).any()


@given(some_boxes(), st.floats(0.05, 0.95), st.integers(1, 3))
def test_suppression_keeps_the_best_and_no_two_alike(found: np.ndarray, max_iou: float, class_count: int) -> None:
    scores = np.linspace(0.1, 0.9, len(found), dtype=np.float32)
    classes = np.arange(len(found), dtype=np.int64) % class_count
    kept = boxes.suppress(found, scores, classes, max_iou)
    overlap = boxes.iou(found, found)
    for i in kept:
        assert not any(j != i and classes[i] == classes[j] and overlap[i, j] > max_iou + 1e-3 for j in kept)
    for i in set(range(len(found))) - set(kept.tolist()):
        assert any(classes[i] == classes[j] and scores[j] >= scores[i] and overlap[i, j] > max_iou - 1e-3 for j in kept)
