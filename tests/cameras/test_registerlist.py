"""The register as files: round trips, every bad row named, any text survived."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.base.places import real_areas
from sewu.base.records import Place
from sewu.base.register import Login, RegisteredCamera
from sewu.cameras.areafinder import AreaFinder
from sewu.cameras.arealist import approximate_boundaries
from sewu.cameras.registerlist import ALL_COLUMNS, masks_of, read_register, write_register

AREAS = AreaFinder(real_areas(), approximate_boundaries(real_areas()))
HEAD = "id,stream_url,area_code,lat,lon"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_camera_without_area_gets_the_kelurahan_it_stands_in(tmp_path: Path) -> None:
    found = read_register(write(tmp_path / "c.csv", f"{HEAD}\nK1,rtsp://h/x,,-6.98371,110.41869\nK2,rtsp://h/x,33.74.02,,\n"), AREAS)
    assert [camera.area_code for camera in found.cameras] == ["33.74.01.1001", "33.74.02"] and found.faults == ()


def test_without_boundaries_the_nearest_centroid_says_it() -> None:
    finder = AreaFinder(real_areas(), ())
    assert finder.at(Place(-6.98371, 110.41869)) == "33.74.01.1001"
    assert finder.at(Place(-7.9, 110.4)) is None and AREAS.at(Place(-7.9, 110.4)) is None
    assert AreaFinder((), ()).at(Place(-6.98371, 110.41869)) is None


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"area_code": "33.74.99"}, "no area of this city"),
        ({"area_code": ""}, "needs an area_code"),
        ({"area_code": "", "lat": "-8.5", "lon": "115.2"}, "inside the city"),
        ({"is_public": "mungkin"}, "must be 1 or 0"),
        ({"is_public": "1"}, "needs a public_reason"),
        ({"warranty_until": "31-12-2026"}, "not a date"),
        ({"installed_on": "2026-02-30"}, "not a date"),
        ({"tags": "a;|"}, "tag '|'"),
        ({"masks": "[[0,0]]"}, "JSON list"),
        ({"owner": "x" * 301}, "printable letters"),
        ({"owner": "a\x07"}, "printable letters"),
        ({"name": "\u200e"}, "printable letters"),
    ],
)
def test_each_bad_cell_is_named(tmp_path: Path, cells: dict[str, str], reason: str) -> None:
    row = {"id": "K1", "stream_url": "rtsp://h/x", "area_code": "33.74.01"} | cells
    with (tmp_path / "c.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    found = read_register(tmp_path / "c.csv", AREAS)
    assert found.cameras == () and len(found.faults) == 1 and reason in found.faults[0].reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[[0,0],[1,0]]]", "2 corners"),
        ("[[[0,0],[1,0],[2,2]]]", "outside"),
        ("[[[0,0],[1,1],[1,0],[0,1]]]", "simple polygon"),
        ("[[[0,0],[1,0],[NaN,1]]]", "outside"),
        ("{}x", "JSON list"),
    ],
)
def test_a_mask_that_hides_nothing_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        masks_of(text)


def test_passwords_are_handed_over_apart(tmp_path: Path) -> None:
    found = read_register(write(tmp_path / "c.csv", f"{HEAD},user\nK1,rtsp://a:s%40@h/x,33.74,,,\nK2,rtsp://h/x,33.74,,,operator\n"), AREAS)
    assert found.logins == {"K1": Login("a", "s@")}
    assert [(camera.stream_url, camera.user) for camera in found.cameras] == [("rtsp://h/x", "a"), ("rtsp://h/x", "operator")]


def test_a_null_byte_hidden_in_an_address_is_refused(tmp_path: Path) -> None:
    found = read_register(write(tmp_path / "c.csv", f"{HEAD}\nK1,rtsp://a%00:b@h/x,33.74,,\n"), AREAS)
    assert found.cameras == () and "user" in found.faults[0].reason


words = st.text(st.characters(categories=("L", "N", "P")), max_size=12).map(str.strip)
corners = st.tuples(st.floats(0, 1), st.floats(0, 1))
cameras = st.builds(
    RegisteredCamera,
    id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    name=words.filter(bool),
    stream_url=st.just("rtsp://10.0.0.1:554/main?a=1"),
    area_code=st.sampled_from([area.code for area in real_areas()]),
    sub_stream_url=st.none() | st.just("rtsps://h/sub"),
    owner_class=st.sampled_from(["rt", "atcs", "company", "public"]),
    owner=st.none() | words.filter(bool),
    agreement=st.none() | words.filter(bool),
    place=st.none() | st.builds(Place, st.floats(-90, 90), st.floats(-180, 180)),
    heading_deg=st.none() | st.floats(0, 360),
    field_of_view_deg=st.none() | st.floats(1, 360),
    height_m=st.none() | st.floats(0, 200),
    user=st.none() | words.filter(bool),
    installed_on=st.none() | st.dates().map(lambda day: day.isoformat()),
    warranty_until=st.none() | st.dates().map(lambda day: day.isoformat()),
    tags=st.lists(st.from_regex(r"[a-z0-9][a-z0-9 .-]{0,8}[a-z0-9]", fullmatch=True), max_size=3).map(lambda t: tuple(sorted(set(t)))),
    masks=st.just(()) | st.floats(0.1, 1).map(lambda x: (((0.0, 0.0), (x, 0.0), (0.0, x)),)),
    is_public=st.just(False),
    public_reason=st.none() | words.filter(bool),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(cameras, unique_by=lambda camera: camera.id, max_size=4), st.sampled_from(["csv", "geojson"]))
def test_a_written_register_reads_back_the_same(tmp_path: Path, some: list[RegisteredCamera], suffix: str) -> None:
    write_register(some, tmp_path / f"c.{suffix}")
    found = read_register(tmp_path / f"c.{suffix}", AREAS)
    assert found.faults == () and list(found.cameras) == some and found.ignored_columns == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(ALL_COLUMNS), st.text(max_size=12) | st.floats() | st.integers() | st.none() | st.booleans(), min_size=3
    )
)
def test_any_cells_are_taken_or_named(tmp_path: Path, cells: dict[str, object]) -> None:
    feature = {"type": "Feature", "properties": {"id": "K1", "stream_url": "rtsp://h/x", "area_code": "33.74"} | cells, "geometry": None}
    try:
        found = read_register(write(tmp_path / "c.geojson", json.dumps({"type": "FeatureCollection", "features": [feature]})), AREAS)
    except BadSettings as error:
        assert error.advice
        return
    assert len(found.cameras) + len(found.faults) == 1
