"""Zones of many cameras: read once, followed live, and never lost to a bad save."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sewu.base.errors import BadSettings
from sewu.simulate.painted.street import Street
from sewu.wiring.zoning import ZonesFolder, needs_following, scene_from_document

ZONE = """size_px = [640, 360]
[[zones]]
id = "kerb"
kind = "no_parking"
points_px = [[0, 0], [100, 0], [100, 100]]
{more}
"""


def save(path: Path, text: str, version: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(version * 10**9, version * 10**9))


def test_each_camera_gets_its_own_zones(tmp_path: Path) -> None:
    save(tmp_path / "K1.toml", ZONE.format(more=""), 1)
    save(tmp_path / "K2.toml", Street().zones_toml(), 1)
    zones = ZonesFolder(tmp_path)
    assert zones.refresh()
    assert not zones.refresh(), "nothing changed since"
    first, second = scene_from_document(zones.document("K1")), scene_from_document(zones.document("K2"))
    assert first is not None
    assert second is not None
    assert [zone.id for zone in first.zones] == ["kerb"]
    assert (needs_following(first), needs_following(second)) == (False, True), "only the street has a counting line"
    assert zones.document("K3") is None
    assert zones.strangers({"K1"}) == ("K2",)


def test_a_bad_save_keeps_the_last_good_zones_and_is_told_until_mended(tmp_path: Path) -> None:
    path = tmp_path / "K1.toml"
    save(path, ZONE.format(more=""), 1)
    zones = ZonesFolder(tmp_path)
    zones.refresh()
    good = zones.document("K1")
    for version, text in enumerate(["size_px = [640, 3", ZONE.format(more="settings = { report_after_s = 'soon' }"), "\x00"], start=2):
        save(path, text, version)
        assert not zones.refresh()
        assert zones.document("K1") == good
        assert list(zones.faults) == ["K1.toml"]
    save(path, ZONE.format(more='name = "Kerb"'), 9)
    assert zones.refresh()
    assert zones.faults == {}
    path.unlink()
    assert zones.refresh()
    assert zones.document("K1") is None


def test_a_missing_folder_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no folder"):
        ZonesFolder(tmp_path / "nowhere")
