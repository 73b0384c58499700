"""Glances see small things, ignore noise and light, and learn which tiles cry wolf."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from sewu.base.records import Image
from sewu.cull.change import GRID, MAX_DISTRUST, MAX_NOISE, Glance, small_grey, tiles_of

EVERY = np.ones((GRID[1], GRID[0]), np.bool_)
NONE = np.zeros((GRID[1], GRID[0]), np.bool_)


def street(seed: int = 0) -> Image:
    rough = np.random.default_rng(seed).integers(0, 255, (360, 640, 3), np.uint8).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), 9)
    return np.asarray((smooth - smooth.min()) / (smooth.max() - smooth.min()) * 200 + 20, np.uint8)


def noisy(image: Image, sigma: float = 6.0, seed: int = 1) -> Image:
    grain = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(image.astype(np.float32) + grain, 0, 255).astype(np.uint8)


def with_person(image: Image, x: int, y: int, width: int = 12, height: int = 30) -> Image:
    changed = image.copy()
    patch = changed[y : y + height, x : x + width]
    changed[y : y + height, x : x + width] = np.where(patch.mean() > 110, 45, 190)
    return changed


def looked_at(image: Image) -> Glance:
    glance = Glance()
    glance.looked(small_grey(image), EVERY, NONE)
    return glance


def test_before_the_first_look_everything_is_new() -> None:
    assert Glance().compare(small_grey(street())).everywhere


def test_sensor_noise_is_no_change() -> None:
    glance = looked_at(street())
    assert glance.compare(small_grey(noisy(street()))).share == 0.0


@pytest.mark.parametrize(("x", "y"), [(20, 40), (300, 200), (600, 300), (155, 85)])
def test_a_small_person_is_seen_where_they_stand(x: int, y: int) -> None:
    change = looked_at(street()).compare(small_grey(with_person(noisy(street()), x, y)))
    assert change.tiles.any()
    assert not (change.tiles & ~tiles_of(np.array([[x, y, x + 12, y + 30]]), (640, 360))).any()
    assert not change.everywhere


@pytest.mark.parametrize("gain", [0.8, 0.9, 1.1, 1.2])
def test_a_cloud_is_no_change(gain: float) -> None:
    darker = np.clip(street().astype(np.float32) * gain + 5, 0, 255).astype(np.uint8)
    assert looked_at(street()).compare(small_grey(darker)).share < 0.05


def test_a_turned_camera_changes_everywhere() -> None:
    assert looked_at(street()).compare(small_grey(street(seed=9))).everywhere


def test_what_was_looked_at_is_old_and_the_rest_stays_new() -> None:
    glance = looked_at(street())
    changed = small_grey(with_person(with_person(street(), 100, 100), 500, 200))
    left = tiles_of(np.array([[0, 0, 320, 360]]), (640, 360))
    glance.looked(changed, left, left)
    tiles = glance.compare(changed).tiles
    assert not tiles[left].any()
    assert tiles[~left].any()


def test_leaves_that_never_hold_anything_are_trusted_less_and_a_find_restores_trust() -> None:
    glance, leaves = looked_at(street()), tiles_of(np.array([[400, 80, 440, 120]]), (640, 360))
    for turn in range(30):
        shown = small_grey(with_person(street(), 404 + turn % 2 * 8, 84, 12, 28))
        glance.looked(shown, leaves, NONE)
    weak = small_grey(with_person(street(), 404, 84, 9, 20))
    glance.looked(small_grey(street()), leaves, NONE)
    assert not glance.compare(weak).tiles.any()
    assert glance.compare(small_grey(with_person(street(), 400, 80, 40, 40))).tiles.any(), "less trusted, never blind"
    glance.looked(small_grey(street()), leaves, leaves)
    assert glance.compare(weak).tiles.any()


def test_what_was_learned_survives_a_restart_and_is_bounded() -> None:
    glance = looked_at(street())
    for _ in range(100):
        glance.looked(small_grey(street()), EVERY, NONE)
    saved = json.loads(json.dumps(glance.state()))
    assert np.max(saved["distrust"]) <= MAX_DISTRUST
    fresh = Glance()
    fresh.restore(saved)
    assert fresh.state() == glance.state()


def test_tiles_of_boxes_outside_the_picture_are_clipped() -> None:
    assert tiles_of(np.array([[-50.0, -50.0, 5000.0, 5000.0]]), (640, 360)).all()
    assert not tiles_of(np.empty((0, 4)), (640, 360)).any()


def test_a_bus_that_fills_a_third_of_the_picture_is_no_change_of_light() -> None:
    bus = street()
    bus[60:360, 0:250] = (250, 250, 250)
    tiles = looked_at(street()).compare(small_grey(noisy(bus))).tiles
    beside = ~tiles_of(np.array([[0, 60, 290, 360]]), (640, 360))
    assert not (tiles & beside).any()
    assert tiles[4, 2]


def test_dusk_in_small_steps_never_adds_up_to_a_change_but_a_parked_car_stays_new() -> None:
    glance = looked_at(np.asarray(street() + 30, np.uint8))
    for turn in range(45):
        dusk = np.clip(street().astype(np.float32) + 30 - np.linspace(0, turn, 640)[None, :, None], 0, 255).astype(np.uint8)
        change = glance.compare(small_grey(with_person(dusk, 300, 200, 40, 40)))
        assert change.tiles[5, 7:9].any(), "what differs by more than noise is not absorbed before it was looked at"
        assert not change.tiles[:, :5].any() and not change.tiles[:, 12:].any(), turn


def test_the_weak_rest_of_an_object_is_taken_in_beside_its_sure_part() -> None:
    glance = looked_at(street())
    speck = with_person(street(), 124, 44, 7, 8)  # alone it is too small to count
    assert not glance.compare(small_grey(speck)).tiles[:, 3].any()
    change = glance.compare(small_grey(with_person(speck, 84, 50, 30, 30)))
    assert change.tiles[1, 2]
    assert change.tiles[1, 3]


def test_a_flickering_tile_learns_its_noise_and_no_other_does() -> None:
    glance, rng = looked_at(street()), np.random.default_rng(3)
    for _ in range(60):
        shown = street().astype(np.float32)
        shown[80:120, 80:120] += rng.normal(0, 45, (40, 40, 1)).astype(np.float32)
        grey = small_grey(np.clip(shown, 0, 255).astype(np.uint8))
        glance.compare(grey)
        glance.looked(grey, EVERY, NONE)
    noise = np.array(glance.state()["noise"])
    assert noise[2, 2] > 2 * np.median(noise)
    assert noise.max() <= MAX_NOISE
