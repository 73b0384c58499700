"""Columns are checked when built and stay as they are."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import CameraUnreachable
from sewu.base.records import Detections, Place, Tracks
from tests.fakes import detections, tracks


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="scores has 1 rows where 2"):
        Detections("cam", 0.0, np.zeros((2, 4), np.float32), np.zeros(1, np.float32), np.zeros(2, np.int64))


def test_boxes_need_four_columns() -> None:
    with pytest.raises(ValueError, match=r"\(n, 4\)"):
        Detections("cam", 0.0, np.zeros((2, 5), np.float32), np.zeros(2, np.float32), np.zeros(2, np.int64))


def test_columns_cannot_be_written_to_and_the_callers_array_still_can() -> None:
    boxes = np.zeros((1, 4), np.float32)
    found = Detections("cam", 0.0, boxes, np.ones(1, np.float32), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="read-only"):
        found.boxes_px[0, 0] = 5
    boxes[0, 0] = 5


def test_one_id_twice_in_one_camera_is_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        tracks(0.0, (1, "car", (0, 0, 1, 1)), (1, "car", (5, 5, 6, 6)))


@given(st.lists(st.booleans(), min_size=0, max_size=6))
def test_selecting_keeps_columns_together(keep: list[bool]) -> None:
    rows = [("car", (i, 0, i + 1, 1), i / 10) for i in range(len(keep))]
    chosen = detections(0.0, *rows).select(np.array(keep, np.bool_))
    assert chosen.boxes_px[:, 0].tolist() == [i for i, kept in enumerate(keep) if kept]
    assert chosen.scores.tolist() == pytest.approx([i / 10 for i, kept in enumerate(keep) if kept])


def test_nothing_found_is_an_empty_record() -> None:
    assert len(Detections.none("cam", 1.0)) == 0
    assert Tracks.none("cam", 1.0).boxes_px.shape == (0, 4)


def test_a_place_outside_the_earth_is_refused() -> None:
    with pytest.raises(ValueError, match="latitude"):
        Place(110.4, -7.0)


def test_errors_survive_the_trip_between_processes() -> None:
    error = pickle.loads(pickle.dumps(CameraUnreachable("K1 did not answer.", "Check its cable.")))
    assert type(error) is CameraUnreachable
    assert str(error) == "K1 did not answer. Check its cable."
    assert error.exit_code == 3
