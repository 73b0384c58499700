"""Zones, lines, the ground plane and the earth."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.records import Place
from sewu.base.space import Homography, Line, Scene, Zone, bearing_deg, distance_m, groups_within, moved

SQUARE = ((10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0))


def test_a_zone_holds_its_inside_and_edge_only() -> None:
    zone = Zone("z", "crowd", SQUARE)
    points = np.array([[20, 20], [10, 20], [9.9, 20], [31, 31]])
    assert zone.holds(points).tolist() == [True, True, False, False]
    assert zone.holds(np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize("points", [SQUARE[:2], ((0, 0), (10, 10), (10, 0), (0, 10)), ((0, 0), (5, 5), (10, 10))])
def test_a_zone_that_crosses_itself_or_is_flat_is_refused(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="zone 'z'"):
        Zone("z", "crowd", points)


def test_the_right_hand_of_a_line_is_its_positive_side() -> None:
    upwards = Line("n", (50, 100), (50, 0))  # standing at the bottom, looking up: right is larger x
    assert upwards.sides_px(np.array([[60.0, 50.0], [40.0, 50.0]])).tolist() == [10.0, -10.0]
    assert upwards.along(np.array([[60.0, 50.0], [0.0, -100.0]])).tolist() == [0.5, 2.0]


def test_a_line_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Line("n", (1, 1), (1, 1.5))


def pole_camera(height_m: float, tilt_deg: float) -> Homography:
    """Ground (x right, y away) to picture of a pinhole camera 640 x 360, focal length 500 px, turned inside out."""
    sin, cos = math.sin(math.radians(tilt_deg)), math.cos(math.radians(tilt_deg))
    rotation = np.array([[1, 0, 0], [0, -sin, -cos], [0, cos, -sin]])
    translation = rotation @ np.array([0, 0, -height_m])
    camera = np.array([[500, 0, 320], [0, 500, 180], [0, 0, 1.0]])
    return Homography(np.linalg.inv(camera @ np.column_stack([rotation[:, 0], rotation[:, 1], translation])))


@given(st.floats(3, 12), st.floats(15, 70), st.lists(st.tuples(st.floats(-8, 8), st.floats(6, 30)), min_size=5, max_size=9))
def test_calibration_points_give_the_camera_back(height_m: float, tilt_deg: float, checks: list[tuple[float, float]]) -> None:
    truth = pole_camera(height_m, tilt_deg)
    corners = np.array([[-4, 8], [4, 8], [5, 20], [-5, 20.0]])
    fitted = Homography.from_points(truth.to_picture_px(corners).tolist(), corners.tolist())
    ground = np.array(checks)
    np.testing.assert_allclose(fitted.to_ground_m(truth.to_picture_px(ground)), ground, atol=1e-3)


def test_more_than_four_noisy_points_are_averaged() -> None:
    truth, random = pole_camera(6, 35), np.random.default_rng(1)
    ground = np.array([[x, y] for x in (-5, 0, 5) for y in (7, 12, 20.0)])
    noisy = truth.to_picture_px(ground) + random.normal(0, 0.5, ground.shape)
    fitted = Homography.from_points(noisy.tolist(), ground.tolist())
    assert np.abs(fitted.to_ground_m(truth.to_picture_px(ground)) - ground).max() < 0.4


def test_the_sky_has_no_place_on_the_ground() -> None:
    ground = pole_camera(6, 20).to_ground_m(np.array([[320.0, 350.0], [320.0, -180.0]]))
    assert np.isfinite(ground[0]).all()
    assert np.isnan(ground[1]).all()


def test_calibration_points_on_a_line_are_refused() -> None:
    with pytest.raises(ValueError, match="line"):
        Homography.from_points([(0, 0), (1, 1), (2, 2), (3, 3)], [(0, 0), (1, 0), (2, 0), (3, 0)])
    with pytest.raises(ValueError, match="four pairs"):
        Homography.from_points([(0, 0)], [(0, 0)])


def test_an_area_on_the_ground_is_measured_in_square_metres() -> None:
    truth = pole_camera(6, 40)
    picture = truth.to_picture_px(np.array([[-2, 8], [2, 8], [2, 13], [-2, 13.0]]))
    assert truth.area_m2(shapely.Polygon(picture)) == pytest.approx(20.0, rel=1e-3)


def test_a_scene_scales_with_its_picture() -> None:
    truth = pole_camera(6, 35)
    scene = Scene((640, 360), (Zone("z", "crowd", SQUARE),), (Line("n", (0, 100), (200, 100)),), truth)
    small = scene.scaled_to((320, 180))
    assert small.zones[0].points_px[2] == (15.0, 15.0)
    assert small.lines[0].end_px == (100.0, 50.0)
    assert small.ground is not None
    point = np.array([[320.0, 300.0]])
    np.testing.assert_allclose(small.ground.to_ground_m(point / 2), truth.to_ground_m(point), atol=1e-6)
    assert scene.scaled_to((640, 360)) is scene


def test_two_things_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="used twice"):
        Scene((10, 10), (Zone("a", "crowd", SQUARE),), (Line("a", (0, 0), (9, 9)),))


@given(st.floats(-60, 60), st.floats(-179, 179), st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_moving_over_the_earth_and_measuring_agree(lat: float, lon: float, east_m: float, north_m: float) -> None:
    start = Place(lat, lon)
    if abs(lon) > 178:
        return
    assert distance_m(start, moved(start, east_m, north_m)) == pytest.approx(math.hypot(east_m, north_m), rel=2e-3, abs=0.01)


def test_bearings_are_clockwise_from_north() -> None:
    here = Place(-7.0, 110.4)
    assert bearing_deg(here, moved(here, 0, 100)) == pytest.approx(0, abs=0.1)
    assert bearing_deg(here, moved(here, 100, 0)) == pytest.approx(90, abs=0.1)
    assert bearing_deg(here, moved(here, -100, -100)) == pytest.approx(225, abs=0.1)


def test_groups_link_through_their_members() -> None:
    labels = groups_within(np.array([[0, 0], [1, 0], [2, 0], [9, 9.0]]), 1.1)
    assert len(set(labels[:3].tolist())) == 1
    assert labels[3] != labels[0]
    assert groups_within(np.empty((0, 2)), 1.0).shape == (0,)
