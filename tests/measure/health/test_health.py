"""Faults made by hand on a scene with sensor noise, and the real clips."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.base.records import Image, Observation
from sewu.base.space import Scene
from sewu.measure.health import Health, reference_of
from sewu.measure.health.analytic import HealthSettings
from tests.fakes import CAMERA, labelled_data
from tests.measure.scenes import SIZE_PX, clip, frame, nobody, noisy, street

FLAGS = ("dark", "blurred", "covered", "frozen", "rate_collapse")


@cache
def pictures() -> tuple[Image, ...]:
    return tuple(noisy(street(), seed) for seed in range(12))


def health(**values: object) -> Health:
    return Health(CAMERA, Scene(SIZE_PX), HealthSettings.model_validate(values))


def watch(
    camera: Health, until_s: float, every_s: float, change: Callable[[float, Image], Image] = lambda _, image: image, start_s: float = 0.0
) -> list[Observation]:
    observed: list[Observation] = []
    for index in range(round((until_s - start_s) / every_s) + 1):
        at_s = start_s + index * every_s
        observed += camera.update(nobody(at_s), frame(change(at_s, pictures()[index % 12]), at_s))
    return observed


def raised(observed: list[Observation]) -> dict[str, float]:
    """Each flag that was up, and when first."""
    first: dict[str, float] = {}
    for row in observed:
        if (row.metric in FLAGS and row.value) or row.metric == "view_change" or (row.metric == "view_ok" and not row.value):
            first.setdefault(row.metric, row.at_s)
    return first


def moved(dx: float = 0.0, dy: float = 0.0, zoom: float = 1.0) -> Callable[[Image], Image]:
    def shift(image: Image) -> Image:
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 0, zoom)
        matrix[:, 2] += dx * width, dy * height
        return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)

    return shift


def from_10_s(fault: Callable[[Image], Image]) -> Callable[[float, Image], Image]:
    return lambda at_s, image: fault(image) if at_s >= 10.0 else image


@pytest.mark.parametrize("every_s", [0.2, 1.0, 2.0])
def test_a_healthy_camera_raises_nothing(every_s: float) -> None:
    assert raised(watch(health(), 90.0, every_s)) == {}


@pytest.mark.parametrize(
    ("expected", "fault"),
    [
        ("dark", lambda image: (image * 0.1).astype(np.uint8)),
        ("blurred", lambda image: cv2.GaussianBlur(image, (0, 0), 1.5)),
        ("blurred", lambda image: cv2.GaussianBlur(image, (0, 0), 4.0)),
        ("covered", lambda image: noisy(np.full_like(image, 90), int(image[0, 0, 0]))),
        ("view_change", moved(dx=0.05)),
        ("view_change", moved(dy=0.08)),
        ("view_change", moved(zoom=1.3)),
        ("view_change", moved(dx=0.4, dy=0.2)),
    ],
)
@pytest.mark.parametrize("every_s", [0.2, 1.0])
def test_each_fault_is_named_soon_and_no_other(expected: str, fault: Callable[[Image], Image], every_s: float) -> None:
    first = raised(watch(health(), 20.0, every_s, from_10_s(fault)))
    assert expected in first and 10.0 <= first[expected] <= 10.0 + 3.0 + 2 * every_s
    assert set(first) - {expected} <= {"view_ok"}


@pytest.mark.parametrize(
    "harmless",
    [
        lambda image: (image * 0.6).astype(np.uint8),
        lambda image: np.clip(image * 1.4, 0, 255).astype(np.uint8),
        lambda image: np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 25])[1], cv2.IMREAD_COLOR), np.uint8),
        lambda image: noisy(image, int(image[0, 0, 0]), 6.0),
    ],
)
def test_light_noise_and_compression_are_not_faults(harmless: Callable[[Image], Image]) -> None:
    assert raised(watch(health(), 30.0, 0.5, from_10_s(harmless))) == {}


def test_a_lorry_that_hides_half_the_view_for_three_seconds_is_not_a_fault() -> None:
    def lorry(at_s: float, image: Image) -> Image:
        hidden = image.copy()
        if 10.0 <= at_s < 13.0:
            left = round((at_s - 10.0) / 3.0 * SIZE_PX[0] * 1.5 - SIZE_PX[0] * 0.5)
            hidden[20:, max(left, 0) : max(left + SIZE_PX[0] // 2, 0)] = 60
        return hidden

    assert raised(watch(health(), 20.0, 0.2, lorry)) == {}


def test_zones_are_suspended_while_zoomed_and_valid_again_at_home() -> None:
    camera = health()
    observed = watch(camera, 40.0, 0.2, lambda at_s, image: moved(zoom=2.0)(image) if 10.0 <= at_s < 20.0 else image)
    changes = [(row.at_s, row.labels["to"]) for row in observed if row.metric == "view_change"]
    assert [to for _, to in changes] == ["other", "home"]
    assert 10.0 <= changes[0][0] <= 11.0 and 20.0 <= changes[1][0] <= 21.0
    assert {row.value for row in observed if row.metric == "view_ok" and 11.0 < row.at_s < 20.0} == {0.0}
    assert {row.value for row in observed if row.metric == "view_ok" and row.at_s > 21.0} == {1.0}
    assert camera.view_ok
    away_s = max(row.value for row in observed if row.metric == "away_s")
    assert 9.0 <= away_s <= 10.2


def test_a_reference_says_which_view_is_home_from_the_first_look() -> None:
    camera = health(reference=reference_of(moved(zoom=2.0)(street())))
    first = camera.update(nobody(0.0), frame(pictures()[0], 0.0))
    assert not camera.view_ok and not any(row.metric == "view_change" for row in first)
    observed = watch(camera, 6.0, 0.2, lambda at_s, image: moved(zoom=2.0)(image) if at_s >= 3.0 else image, start_s=0.2)
    assert [row.labels["to"] for row in observed if row.metric == "view_change"] == ["home"]
    assert camera.view_ok


def test_a_picture_that_never_changes_by_a_bit_is_frozen_and_a_noisy_still_one_is_not() -> None:
    observed = watch(health(frozen_after_s=20.0), 60.0, 2.0, lambda at_s, image: pictures()[0] if at_s >= 10.0 else image)
    assert 29.0 <= raised(observed)["frozen"] <= 34.0


def test_two_looks_a_minute_apart_are_too_few_to_call_a_camera_frozen() -> None:
    camera = health(frozen_after_s=20.0)
    for at_s in (0.0, 60.0):
        observed = camera.update(nobody(at_s), frame(pictures()[0], at_s))
    assert raised(observed) == {}


def test_a_rate_that_falls_to_a_fifth_is_a_collapse() -> None:
    camera = health()
    watch(camera, 30.0, 0.1)
    first = raised(watch(camera, 80.0, 0.5, start_s=30.5))
    assert set(first) == {"rate_collapse"} and first["rate_collapse"] < 50.0


def test_looking_at_fewer_keyframes_is_not_a_collapse() -> None:
    camera = health()
    for at_s in [*np.arange(0, 30, 0.5), *np.arange(30, 200, 10.0)]:
        image = pictures()[int(at_s * 2) % 12]
        assert raised(camera.update(nobody(at_s), frame(image, float(at_s), is_keyframe=True))) == {}


def test_told_of_packets_the_rate_is_the_streams_however_rarely_we_look() -> None:
    camera, observed = health(), []
    for index in range(1000):
        at_s = index * 0.1 if index < 500 else 50.0 + (index - 500) * 0.5
        camera.arrive(at_s)
        if index % 20 == 0:
            observed += camera.update(nobody(at_s), frame(pictures()[index // 20 % 12], at_s, is_keyframe=True))
    assert 9.0 < next(row.value for row in observed if row.metric == "frame_rate" and row.at_s > 20.0) < 11.0
    assert 50.0 < raised(observed)["rate_collapse"] <= 80.0  # three looks, ten seconds apart


def test_a_camera_in_the_dark_from_the_start_is_dark_and_nothing_else() -> None:
    assert set(raised(watch(health(), 20.0, 0.5, lambda _, image: (image * 0.05).astype(np.uint8)))) == {"dark"}


def test_numbers_are_given_once_a_second_and_flags_at_once() -> None:
    observed = watch(health(), 10.0, 0.1)
    assert len([row for row in observed if row.metric == "light"]) <= 12
    units = {metric.name: metric.unit for metric in Health.metrics}
    assert all(units[row.metric] == row.unit for row in observed)


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(30, 99), zoomed_from=st.one_of(st.integers(30, 94), st.just(1000)))
def test_a_restart_loses_neither_home_nor_where_the_camera_looks(cut: int, zoomed_from: int) -> None:
    camera = health()
    for index in range(100):
        if index == cut:
            saved = json.dumps(camera.state())
            assert len(saved) < 60_000
            before, camera = camera.view_ok, health()
            camera.restore(json.loads(saved))
            assert camera.view_ok == before
        image = pictures()[index % 12]
        camera.update(nobody(index * 0.2), frame(moved(zoom=2.0)(image) if index >= zoomed_from else image, index * 0.2))
    assert camera.view_ok == (zoomed_from == 1000)


def test_looks_at_the_same_instant_or_of_another_size_do_no_harm() -> None:
    camera = health()
    for image in (pictures()[0], pictures()[1], street(2, (640, 360)), street(3, (33, 21)), pictures()[3][:8, :8], pictures()[2]):
        camera.update(nobody(1.0), frame(image, 1.0))
    for index, image in enumerate((street(2, (640, 360)), street(3, (33, 21)), pictures()[3][:8, :8], pictures()[2])):
        camera.update(nobody(2.0 + index), frame(image, 2.0 + index))


def test_a_reference_that_is_no_picture_is_refused() -> None:
    with pytest.raises(BadSettings):
        health(reference="not a picture")


def test_every_view_change_of_the_real_ptz_clip_is_found_within_a_second_and_no_other() -> None:
    path = labelled_data() / "clips" / "cilacap_etle_motorcycles.mp4"
    truth = json.loads((path.parent / "events.json").read_text())[path.name]
    looks = [(number, at_s, np.asarray(cv2.resize(image, SIZE_PX), np.uint8)) for number, at_s, image in clip(path, 4)]
    wide = next(image for number, _, image in looks if number >= 300)
    camera = health(reference=reference_of(wide))
    found, valid = [], {}
    for number, at_s, image in looks:
        found += [number for row in camera.update(nobody(at_s), frame(image, at_s)) if row.metric == "view_change"]
        valid[number] = camera.view_ok
        assert not any(row.metric in FLAGS and row.value for row in camera.update(nobody(at_s), frame(image, at_s)))
    assert len(found) == len(truth["view_changes_at"])
    assert all(0 <= late - at <= 30 for at, late in zip(truth["view_changes_at"], found, strict=True))
    for start, end in truth["zoomed_view_frames"]:
        assert not any(valid[number] for number in valid if start + 30 <= number <= end)
    assert all(valid[number] for number in valid if 94 + 30 <= number <= 411)


@pytest.mark.parametrize("name", ["milanoest", "casino", "tunnelligure", "traffic"])
def test_glare_rain_and_tunnel_raise_no_alarm(name: str) -> None:
    camera, observed = health(), []
    for _, at_s, image in clip(labelled_data() / "clips" / f"motorway_{name}.mp4", 10):
        observed += camera.update(nobody(at_s), frame(image, at_s))
    assert observed and raised(observed) == {}
