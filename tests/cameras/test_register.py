"""Camera lists: every bad row is named, no secret stays in a URL, any bytes are survived."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.base.records import Camera, Place
from sewu.cameras.register import COLUMNS, read_cameras, write_cameras

GOOD = "id,stream_url,lat,lon,heading_deg\nK1,rtsp://10.0.0.1/main,-7.0,110.4,90\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_row_becomes_a_camera(tmp_path: Path) -> None:
    found = read_cameras(write(tmp_path / "c.csv", GOOD))
    assert found.cameras == (Camera("K1", "K1", "rtsp://10.0.0.1/main", place=Place(-7.0, 110.4), heading_deg=90.0),)
    assert found.faults == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("K1,rtsp://h/x,,,", "used before"),
        ("../x,rtsp://h/x,,,", "the id must"),
        (",rtsp://h/x,,,", "the id must"),
        ("K2,,,,", "stream_url must"),
        ("K2,gopher://h/x,,,", "stream_url must"),
        ("K2,rtsp://h:99999/x,,,", "stream_url must"),
        ("K2,rtsp://h/x,-97,110,", "lat -97"),
        ("K2,rtsp://h/x,-7,,", "belong together"),
        ("K2,rtsp://h/x,-7,x,", "not a number"),
        ("K2,rtsp://h/x,nan,1,", "lat nan"),
        ("K2,rtsp://h/x,,,400", "heading_deg"),
    ],
)
def test_each_bad_row_is_named_and_the_good_ones_are_kept(tmp_path: Path, row: str, reason: str) -> None:
    found = read_cameras(write(tmp_path / "c.csv", GOOD + row + "\nK9,rtsp://h/x,,,\n"))
    assert [camera.id for camera in found.cameras] == ["K1", "K9"]
    assert [fault.row for fault in found.faults] == [3]
    assert reason in found.faults[0].reason


def test_a_password_leaves_the_url_and_is_never_printed(tmp_path: Path) -> None:
    found = read_cameras(write(tmp_path / "c.csv", "id,stream_url\nK1,rtsp://admin:s%40cret@10.0.0.1:554/main\n"))
    assert found.cameras[0].stream_url == "rtsp://10.0.0.1:554/main"
    assert found.credentials["K1"].password == "s@cret"
    assert "cret" not in repr(found)


def test_unread_columns_are_named(tmp_path: Path) -> None:
    assert read_cameras(write(tmp_path / "c.csv", "id,stream_url,colour\nK1,rtsp://h/x,red\n")).ignored_columns == ("colour",)


def test_geojson_points_are_read(tmp_path: Path) -> None:
    feature = {
        "type": "Feature",
        "properties": {"id": "K1", "stream_url": "rtsp://h/x"},
        "geometry": {"type": "Point", "coordinates": [110.4, -7]},
    }
    found = read_cameras(write(tmp_path / "c.geojson", json.dumps({"type": "FeatureCollection", "features": [feature]})))
    assert found.cameras[0].place == Place(-7.0, 110.4)


def test_a_list_without_header_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="Begin the file with: id,name"):
        read_cameras(write(tmp_path / "c.csv", "K1,rtsp://h/x\n"))
    with pytest.raises(BadSettings, match="cannot be read"):
        read_cameras(tmp_path / "none.csv")


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.builds(
            Camera, names, st.just('Jalan, "A" 1'), st.just("rtsp://h/x"), place=st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))
        ),
        unique_by=lambda c: c.id,
        max_size=5,
    )
)
def test_a_written_list_reads_back_the_same(tmp_path: Path, cameras: list[Camera]) -> None:
    write_cameras(cameras, tmp_path / "c.csv")
    assert list(read_cameras(tmp_path / "c.csv").cameras) == cameras


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["csv", "geojson"]), st.booleans())
def test_any_bytes_give_a_list_or_a_clear_refusal(tmp_path: Path, data: bytes, suffix: str, with_header: bool) -> None:
    path = tmp_path / f"c.{suffix}"
    path.write_bytes((",".join(COLUMNS).encode() + b"\n" if with_header else b"") + data)
    try:
        read_cameras(path)
    except BadSettings as error:
        assert error.advice
