"""Area lists and boundaries: every bad row is named, any bytes are survived, cells cover the city once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from sewu.base.errors import BadSettings
from sewu.base.places import real_areas
from sewu.cameras.arealist import AREA_COLUMNS, approximate_boundaries, read_areas, read_boundaries

REAL = Path("/work/shared/semarang/kelurahan.geojson")
RING = [[110.41, -6.99], [110.42, -6.99], [110.42, -6.98], [110.41, -6.99]]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("33.74.01,Semarang,-7,110", "used before"),
        ("33.7,X,-7,110", "no area code"),
        ("33.74.02,,-7,110", "the name must"),
        ("33.74.02,X,-97,110", "not a latitude"),
        ("33.74.02,X,,110", "lat '' is not a number"),
        ("33.74.02,X,nan,110", "not a latitude"),
    ],
)
def test_each_bad_area_is_named_and_the_good_ones_are_kept(tmp_path: Path, row: str, reason: str) -> None:
    found = read_areas(write(tmp_path / "a.csv", f"code,name,lat,lon\n33.74.01,Tengah,-7,110\n{row}\n33.74.03,Timur,-7,110\n"))
    assert [area.code for area in found.areas] == ["33.74.01", "33.74.03"]
    assert [fault.row for fault in found.faults] == [3] and reason in found.faults[0].reason


def test_a_row_that_contradicts_its_code_is_refused(tmp_path: Path) -> None:
    text = (
        ",".join(AREA_COLUMNS)
        + "\n33.74.01,kelurahan,X,,-7,110,,\n33.74.02,,X,33.75,-7,110,,\n33.74.03,,X,,-7,110,-1,\n33.74.04,,X,,-7,110,,ja\n"
    )
    assert [fault.row for fault in read_areas(write(tmp_path / "a.csv", text)).faults] == [2, 3, 4, 5]


def features(*entries: tuple[Any, Any]) -> str:
    some = [{"type": "Feature", "properties": properties, "geometry": geometry} for properties, geometry in entries]
    return json.dumps({"type": "FeatureCollection", "features": some})


def test_each_bad_boundary_is_named(tmp_path: Path) -> None:
    good = {"type": "Polygon", "coordinates": [RING]}
    crossed = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    text = features(
        ({"code": "33.74.01.1001"}, good),
        ({"code": "33.74.01.1001"}, good),
        ({"code": "x"}, good),
        ({}, good),
        ({"code": "33.74.01.1002"}, {"type": "Point", "coordinates": [1, 2]}),
        ({"code": "33.74.01.1003"}, crossed),
        ({"code": "33.74.01.1004"}, None),
        ({"code": "33.74.01.1005"}, {"type": "Polygon", "coordinates": [[[500, 1], [501, 1], [501, 2], [500, 1]]]}),
        ({"code": "33.74.01.1006"}, {"type": "Polygon", "coordinates": "x"}),
    )
    found = read_boundaries(write(tmp_path / "b.geojson", text))
    assert [b.area_code for b in found.boundaries] == ["33.74.01.1001"] and not found.boundaries[0].is_approximate
    assert [fault.row for fault in found.faults] == [2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.skipif(not REAL.exists(), reason="the city's boundaries are not here")
def test_the_citys_real_boundaries_are_read(tmp_path: Path) -> None:
    found = read_boundaries(REAL)
    assert len(found.boundaries) + len(found.faults) == len(json.loads(REAL.read_text(encoding="utf-8"))["features"])
    assert {b.area_code for b in found.boundaries} <= {area.code for area in real_areas()}
    assert len(found.boundaries) >= 170


def test_approximate_cells_hold_their_centroid_and_do_not_overlap() -> None:
    areas = {area.code: area for area in real_areas()}
    cells = {b.area_code: shape(b.geometry) for b in approximate_boundaries(real_areas()) if areas[b.area_code].level == "kelurahan"}
    assert len(cells) == 177 and all(b.is_approximate for b in approximate_boundaries(real_areas()))
    for code, cell in cells.items():
        assert cell.is_valid and cell.covers(shapely.Point(areas[code].place.lon_deg, areas[code].place.lat_deg))
    whole = shapely.union_all(list(cells.values())).area
    assert sum(cell.area for cell in cells.values()) == pytest.approx(whole, rel=1e-3)


def test_no_area_has_no_boundary_and_one_has_a_disc() -> None:
    assert approximate_boundaries(()) == ()
    (only,) = approximate_boundaries(real_areas()[2:3])
    assert shape(only.geometry).covers(shapely.Point(110.41869, -6.98371))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: (",".join(AREA_COLUMNS) + "\n" + t).encode("utf-8", "replace")))
)
def test_any_bytes_give_a_list_or_a_clear_refusal(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    for read in (read_areas, read_boundaries):
        try:
            read(path)
        except BadSettings as error:
            assert error.advice


plain = st.recursive(
    st.none() | st.floats() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=4), max_leaves=12
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(["Polygon", "MultiPolygon", "Point", 3]), plain)
def test_any_geometry_is_taken_or_named(tmp_path: Path, kind: object, coordinates: object) -> None:
    text = features(({"code": "33.74.01.1001"}, {"type": kind, "coordinates": coordinates}))
    found = read_boundaries(write(tmp_path / "b.geojson", text))
    assert len(found.boundaries) + len(found.faults) == 1
