from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.detect.cards import InputSpec
from sewu.detect.placing import Canvas, fit, rectangle_px

SIDES = st.integers(1, 4000)
INPUTS = st.tuples(st.integers(1, 40), st.integers(1, 40)).map(lambda pair: (pair[0] * 32, pair[1] * 32))


def spec(**fields: object) -> InputSpec:
    return InputSpec.model_validate({"width_px": 64, "height_px": 64, **fields})


@settings(deadline=None)
@given(picture=st.tuples(SIDES, SIDES), into=INPUTS, letterbox=st.booleans(), centred=st.booleans())
def test_a_picture_lies_inside_its_input_and_boxes_come_back(
    picture: tuple[int, int], into: tuple[int, int], letterbox: bool, centred: bool
) -> None:
    place = fit(picture, into, letterbox, centred)
    assert 0 <= place.left_px <= place.left_px + place.width_px <= into[0]
    assert 0 <= place.top_px <= place.top_px + place.height_px <= into[1]
    assert place.width_px >= 1 and place.height_px >= 1
    boxes = np.array([[0, 0, *picture], [picture[0] / 3, picture[1] / 4, picture[0] / 2, picture[1] / 2]], np.float32)
    inside = place.to_input(boxes)
    assert inside[0] == pytest.approx(
        [place.left_px, place.top_px, place.left_px + place.width_px, place.top_px + place.height_px], abs=1e-2
    )
    assert np.allclose(place.to_picture(inside), boxes, rtol=1e-4, atol=1e-2 * max(1, 1 / place.scale_x, 1 / place.scale_y))


@given(picture=st.tuples(SIDES, SIDES), long_side=st.integers(32, 2000))
def test_a_rectangle_has_the_pictures_shape_and_whole_steps(picture: tuple[int, int], long_side: int) -> None:
    width, height = rectangle_px(picture, long_side, 32)
    assert width % 32 == height % 32 == 0 and min(width, height) >= 32
    assert long_side <= max(width, height) < long_side + 32
    place = fit(picture, (width, height), True, False)
    # Nothing but the rounding up is padding, and what cutting the narrow side to whole pixels (at least 32) takes from the scale.
    assert width - place.width_px < 33 + width / 32 and height - place.height_px < 33 + height / 32


def test_a_full_hd_frame_costs_two_thirds_of_a_padded_square() -> None:
    assert rectangle_px((1920, 1080), 416, 32) == (416, 256)
    assert rectangle_px((1920, 1080), 640, 32) == (640, 384)
    assert rectangle_px((1920, 1080), 960, 32) == (960, 544)


def test_a_letterbox_is_padded_grey_and_keeps_the_colours_in_order() -> None:
    picture = np.zeros((32, 64, 3), np.uint8) + np.array([10, 20, 30], np.uint8)
    canvas = Canvas(spec(pad_value=114), (64, 64), 1)
    canvas.paint(0, picture)
    assert canvas.tensor[0, :, 16, 32].tolist() == [10, 20, 30]
    assert canvas.tensor[0, :, 48, 32].tolist() == [114, 114, 114]
    centred = Canvas(spec(anchor="centre", colour="RGB"), (64, 64), 1)
    centred.paint(0, picture)
    assert centred.tensor[0, :, 32, 32].tolist() == [30, 20, 10]
    assert centred.tensor[0, :, 8, 32].tolist() == [114, 114, 114] == centred.tensor[0, :, 56, 32].tolist()


def test_nothing_of_a_wide_picture_is_left_beside_a_tall_one() -> None:
    canvas = Canvas(spec(), (64, 64), 2)
    canvas.paint(0, np.full((32, 64, 3), 255, np.uint8))
    canvas.paint(1, np.full((64, 32, 3), 255, np.uint8))
    assert canvas.tensor[0, 0, :, 63].tolist() == [255] * 32 + [114] * 32
    assert canvas.tensor[1, 0, 0].tolist() == [255] * 32 + [114] * 32


def test_scale_mean_and_deviation_are_applied_per_colour() -> None:
    canvas = Canvas(spec(colour="RGB", resize="stretch", scale=1 / 255, mean=(0.5, 0.4, 0.3), std=(0.5, 0.25, 0.1)), (64, 64), 1)
    canvas.paint(0, np.zeros((10, 10, 3), np.uint8) + np.array([51, 102, 204], np.uint8))
    assert canvas.tensor[0, :, 5, 5] == pytest.approx([(0.8 - 0.5) / 0.5, (0.4 - 0.4) / 0.25, (0.2 - 0.3) / 0.1], abs=1e-5)


def test_rows_of_pixels_suit_tensorflow() -> None:
    canvas = Canvas(spec(layout="NHWC", dtype="uint8", colour="RGB", resize="stretch"), (64, 96), 1)
    canvas.paint(0, np.zeros((8, 8, 3), np.uint8) + np.array([1, 2, 3], np.uint8))
    assert canvas.tensor.shape == (1, 96, 64, 3) and canvas.tensor.dtype == np.uint8
    assert canvas.tensor[0, 90, 60].tolist() == [3, 2, 1]


def test_a_crop_of_a_larger_picture_is_painted_like_a_copy_of_it() -> None:
    whole = np.random.default_rng(1).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    crop = whole[20:150, 40:260]
    a, b = Canvas(spec(), (64, 64), 1), Canvas(spec(), (64, 64), 1)
    a.paint(0, crop)
    b.paint(0, np.ascontiguousarray(crop))
    assert np.array_equal(a.tensor, b.tensor)
