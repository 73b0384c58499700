"""Boxes around meshes that the edge of the picture cuts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.outline import shown_box_px

SIZE_PX = (100, 60)
SPOTS = st.tuples(st.floats(-150, 250), st.floats(-150, 210), st.floats(1.0, 30.0))


@given(st.lists(st.tuples(SPOTS, SPOTS, SPOTS), min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_the_box_holds_just_what_lies_in_the_picture(
    triangles: list[tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]],
) -> None:
    spots = np.asarray(triangles, np.float32).reshape(-1, 3)
    at = np.concatenate([spots[:, :2] * spots[:, 2:], spots[:, 2:]], axis=1)
    box = shown_box_px(at, np.arange(len(at)).reshape(-1, 3), SIZE_PX)
    # Many points of each triangle of the picture; what is inside must be in the box.
    share = np.stack(np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 40)), -1).reshape(-1, 2)
    share = share[share.sum(axis=1) <= 1]
    corners = spots[:, :2].reshape(-1, 3, 2)
    first, along, across = corners[:, None, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    points = first + along[:, None] * share[None, :, :1] + across[:, None] * share[None, :, 1:]
    inside = points[((points > 0.01) & (points < np.asarray(SIZE_PX) - 0.01)).all(axis=2)]
    if box is None:
        assert not len(inside)
        return
    assert 0 <= box[0] <= box[2] <= SIZE_PX[0] and 0 <= box[1] <= box[3] <= SIZE_PX[1]
    if len(inside):
        assert (inside >= np.asarray(box[:2]) - 0.01).all() and (inside <= np.asarray(box[2:]) + 0.01).all()


def test_what_lies_outside_reaches_no_higher_than_what_is_inside() -> None:
    # A slope that rises to the left, far beyond the edge of the picture.
    at = np.asarray([[-100, -30, 1], [50, 30, 1], [50, 31, 1]], np.float32)
    box = shown_box_px(at, np.asarray([[0, 1, 2]]), SIZE_PX)
    assert box is not None
    assert box[0] == 0 and box[2] == 50
    assert abs(box[1] - 10) < 0.01 and abs(box[3] - 31) < 0.01


def test_a_corner_of_the_picture_that_is_covered_belongs_to_the_box() -> None:
    at = np.asarray([[60, -50, 1], [200, 20, 1], [60, 20, 1]], np.float32)
    box = shown_box_px(at, np.asarray([[0, 1, 2]]), SIZE_PX)
    assert box is not None
    assert box[2] == 100 and box[1] == 0 and box[0] == 60


def test_what_is_behind_the_camera_is_not_in_the_box() -> None:
    at = np.asarray([[20, 20, 1], [40, 20, 1], [-1e3, -1e3, -5.0]], np.float32)
    box = shown_box_px(at, np.asarray([[0, 1, 2]]), SIZE_PX)
    assert box is not None and box[0] >= 0 and box[3] <= 60
    assert shown_box_px(-at[2:].repeat(3, 0) * (1, 1, -1), np.asarray([[0, 1, 2]]), SIZE_PX) is None


def test_a_barrel_lens_draws_points_towards_the_middle_and_never_turns_them_back() -> None:
    camera = PoleCamera(0, 0, 6, 90, 15, 60, k1=-0.2)
    bend = camera.lens((200, 100))
    along = np.stack([np.linspace(100, 2000, 300), np.full(300, 50.0)], axis=1)
    bent = bend(along)
    assert (bent[1:, 0] < along[1:, 0]).all()
    assert (np.diff(bent[:, 0]) >= -1e-9).all()
    assert np.allclose(bend(np.asarray([[100.0, 50.0]])), [[100, 50]])
