from __future__ import annotations

import csv
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.base.space import distance_m
from sewu.simulate.areas import CENTRE, Kelurahan, metres, places, real_areas, shares
from sewu.simulate.city import CITY_CAMERAS, RISKS, RT_CAMERAS, SCENES, City, make_city
from sewu.simulate.register import write_areas, write_cameras
from sewu.simulate.server.plan import SAFE_ID


@pytest.fixture(scope="module")
def city() -> City:
    return make_city()


def test_the_city_has_its_published_numbers(city: City) -> None:
    owners = Counter(camera.owner_class for camera in city.cameras)
    assert len(city.cameras) == CITY_CAMERAS == 10_693
    assert owners["rt"] == RT_CAMERAS and owners["atcs"] + owners["company"] == 400
    levels = Counter(area.level for area in city.areas)
    assert (levels["city"], levels["kecamatan"], levels["kelurahan"]) == (1, 16, 177)


def test_every_camera_is_marked_synthetic_and_unique(city: City) -> None:
    assert len({camera.id for camera in city.cameras}) == len(city.cameras)
    for entry in city.entries:
        assert entry.camera.id.startswith("SIM-") and SAFE_ID.fullmatch(entry.camera.id)
        assert "(sintetis)" in entry.camera.name and "synthetic" in entry.tags
        assert entry.scene in SCENES and set(entry.risks) <= set(RISKS)
        assert entry.camera.stream_url == f"rtsp://127.0.0.1:8554/{entry.camera.id}/main"


def test_every_area_has_a_parent_and_every_rt_camera_an_rt(city: City) -> None:
    codes = {area.code: area for area in city.areas}
    assert len(codes) == len(city.areas)
    seen: set[str] = set()
    for area in city.areas:
        assert area.parent_code is None or area.parent_code in seen, "parents come first"
        seen.add(area.code)
        assert area.is_synthetic == (area.level in ("rw", "rt"))
    for camera in city.cameras:
        assert camera.area_code is not None
        assert codes[camera.area_code].level == ("rt" if camera.owner_class == "rt" else "kelurahan")
    watched = {camera.area_code for camera in city.cameras if camera.owner_class == "rt"}
    assert watched == {area.code for area in city.areas if area.level == "rt"}


def test_cameras_stand_in_their_kelurahan_close_to_others(city: City) -> None:
    land = Kelurahan()
    index = {area.code: row for row, area in enumerate(land.areas)}
    rt = [camera for camera in city.cameras if camera.owner_class == "rt"]
    points = metres([camera.place for camera in rt if camera.place])
    own = np.array([index[str(camera.area_code)[:13]] for camera in rt])
    assert land.owns(own, points).mean() > 0.99
    # Like housing: the nearest neighbour is much closer than if the cameras lay evenly over the land.
    sample = points[::50]
    nearest = np.sort(np.linalg.norm(sample[:, None] - points[None], axis=2), axis=1)[:, 1]
    even_m = 0.5 * np.sqrt(land.areas_m2.sum() / len(points))
    assert np.median(nearest) < 0.7 * even_m


def test_views_are_plausible(city: City) -> None:
    for camera in city.cameras:
        assert camera.heading_deg is not None and 0 <= camera.heading_deg < 360
        assert camera.field_of_view_deg in (54.0, 84.0, 105.0)
        assert camera.height_m is not None and 3 <= camera.height_m <= 12
    headings = np.array([camera.heading_deg for camera in city.cameras], np.float64)
    assert np.histogram(headings, 8, (0, 360))[0].min() > 800


def test_the_same_seed_gives_the_same_city_and_another_seed_another(city: City) -> None:
    began = time.process_time()
    assert make_city() == city
    assert time.process_time() - began < 5
    assert make_city(2).cameras[0].place != city.cameras[0].place


def test_a_small_sample_has_every_owner(city: City) -> None:
    assert {entry.camera.owner_class for entry in city.sample(3)} == {"rt", "atcs", "company"}
    assert len({entry.camera.id for entry in city.sample(24)}) == 24
    assert len(city.sample(1)) == 1 and len(city.sample(CITY_CAMERAS)) == CITY_CAMERAS
    with pytest.raises(BadSettings):
        city.sample(0)


@pytest.mark.parametrize("cameras", [354, 2000, 16_400])
def test_the_city_may_be_smaller_or_larger(cameras: int) -> None:
    assert len(make_city(3, cameras).cameras) == cameras


def test_too_small_a_city_is_refused() -> None:
    with pytest.raises(BadSettings):
        make_city(1, 100)


@given(st.integers(10, 5000), st.lists(st.floats(0.01, 100), min_size=1, max_size=10))
def test_shares_add_up(total: int, weights: list[float]) -> None:
    parts = shares(total, np.array(weights), 1)
    assert parts.sum() == total and parts.min() >= 1


def test_metres_and_places_are_inverse_and_true_to_scale() -> None:
    area = real_areas()[100].place
    point = metres([area])
    assert distance_m(places(point)[0], area) < 0.2
    assert np.hypot(*point[0]) == pytest.approx(distance_m(CENTRE, area), rel=2e-3)


def test_the_register_is_written_without_passwords(city: City, tmp_path: Path) -> None:
    write_cameras(city.sample(5), tmp_path / "cameras.csv", "viewer")
    write_areas(city.areas, tmp_path / "areas.csv")
    with (tmp_path / "cameras.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [entry.camera.id for entry in city.sample(5)]
    assert rows[0]["secret_name"] == f"camera/{rows[0]['id']}" and rows[0]["user"] == "viewer" and "@" not in rows[0]["stream_url"]
    assert float(rows[0]["lat"]) < -6.9 and "synthetic" in rows[0]["tags"].split(";")
    with (tmp_path / "areas.csv").open(encoding="utf-8", newline="") as file:
        areas = list(csv.DictReader(file))
    assert len(areas) == len(city.areas) and areas[0]["area_km2"] == ""
