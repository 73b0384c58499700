"""A home is made once; a list is tried before it is stored, and stored twice changes nothing."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sewu.base.errors import BadInput, BadSettings
from sewu.base.records import Place
from sewu.base.register import CameraFilter, Login
from sewu.base.service import OidcSettings, ServiceSettings, open_home
from sewu.store.operations.areas import AreaFilter
from sewu.wiring.registering import Registering, make_home, registering, settings_toml

LIST = """id,name,stream_url,area_code,lat,lon,heading_deg,field_of_view_deg,colour
K1,Satu,rtsp://admin:rahasia@10.0.0.1/main,,-6.98371,110.41869,90,60,x
K2,Dua,rtsp://10.0.0.2/main,33.74.02.1001,,,,,x
K3,Tiga,gopher://10.0.0.3/main,33.74.02.1001,,,,,x
K4,Empat,rtsp://10.0.0.4/main,33.75,,,,,x
"""


def run(home: Path, work: Callable[[Registering], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        if not home.exists():
            await make_home(home, {"city_name": "Kota Uji"}, 1.0)
        async with registering(home) as register:
            return await work(register)

    return asyncio.run(asyncio.wait_for(whole(), 60))


def test_a_new_home_has_all_that_a_service_needs(tmp_path: Path) -> None:
    async def work(register: Registering) -> int:
        return len((await register.list_areas(AreaFilter("kelurahan"), 1000)).rows)

    assert run(tmp_path / "home", work) == 177
    home = open_home(tmp_path / "home")
    assert home.settings.city_name == "Kota Uji" and stat.S_IMODE(home.key_file.stat().st_mode) == 0o600
    assert home.evidence_folder.is_dir() and stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    with pytest.raises(BadInput, match="already"):
        asyncio.run(make_home(home.folder, {}, 1.0))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(BadSettings, match="not empty"):
        asyncio.run(make_home(tmp_path / "other", {}, 1.0))
    with pytest.raises(BadSettings, match="listen"):
        asyncio.run(make_home(tmp_path / "wrong", {"listen": "x"}, 1.0))


def test_the_settings_file_names_every_setting() -> None:
    text = settings_toml({"database_url": "postgresql://h/d"})
    assert all(f"{name} = " in text for name in ServiceSettings.model_fields if name not in ("retention", "oidc"))
    assert 'database_url = "postgresql://h/d"\n' in text and "# listen = " in text and "audit" not in text.split("[retention]")[1]
    assert all(f"# {name} = " in text.split("# [oidc]")[1] for name in OidcSettings.model_fields)


def test_an_import_is_tried_first_and_then_stored_and_again_does_nothing(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text(LIST, encoding="utf-8")

    async def work(register: Registering) -> list[Any]:
        reports = [await register.import_cameras(file, at_s, dry) for at_s, dry in ((1.0, True), (2.0, False), (3.0, True), (4.0, False))]
        file.write_text(LIST.replace("rahasia", "baru").replace("Dua", "Kedua"), encoding="utf-8")
        reports += [await register.import_cameras(file, at_s, dry) for at_s, dry in ((5.0, True), (6.0, False))]
        return [reports, await register.cameras.logins(register.scope, ["K1", "K2"])]

    reports, logins = run(tmp_path / "home", work)
    assert [(r.new, r.different, r.same) for r in reports] == [
        (("K1", "K2"), (), 0), (("K1", "K2"), (), 0), ((), (), 2), ((), (), 2), ((), ("K1", "K2"), 0), ((), ("K1", "K2"), 0),
    ]  # fmt: skip
    assert [(fault.row, fault.camera_id) for fault in reports[0].faults] == [(4, "K3"), (5, "K4")]
    assert reports[0].ignored_columns == ("colour",)
    assert logins == {"K1": Login("admin", "baru")}


def test_what_is_exported_imports_as_the_same(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(LIST, encoding="utf-8")

    async def work(register: Registering) -> list[Any]:
        await register.import_cameras(tmp_path / "c.csv", 1.0, False)
        counts = [await register.export_cameras(tmp_path / name, CameraFilter()) for name in ("o.csv", "o.geojson")]
        return [counts, *[await register.import_cameras(tmp_path / name, 2.0, False) for name in ("o.csv", "o.geojson")]]

    counts, *reports = run(tmp_path / "home", work)
    assert counts == [2, 2] and all((r.new, r.different, r.same, r.faults) == ((), (), 2, ()) for r in reports)
    assert "rahasia" not in (tmp_path / "o.csv").read_text() + (tmp_path / "o.geojson").read_text()


def test_cameras_are_listed_and_the_nearest_found(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(LIST, encoding="utf-8")

    async def work(register: Registering) -> list[Any]:
        await register.import_cameras(tmp_path / "c.csv", 1.0, False)
        return [await register.list_cameras(CameraFilter(text="du"), 10), await register.nearest(Place(-6.98371, 110.4190), 5, True)]

    page, near = run(tmp_path / "home", work)
    assert [row.camera.id for row in page.rows] == ["K2"] and [(n.camera.id, n.faces) for n in near] == [("K1", True)]


def test_areas_of_another_city_and_orphans_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "code,name,lat,lon\n33.74.01.1001.RW01,RW 1,-6.98,110.41\n33.75.01,Lain,-7,110\n33.74.01.1001.RW02.RT01,RT 1,-6.98,110.41\n",
        encoding="utf-8",
    )
    (tmp_path / "b.geojson").write_text(
        '{"features":[{"properties":{"code":"33.74.99"},"geometry":{"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2],[1,1]]]}}]}',
        encoding="utf-8",
    )

    async def work(register: Registering) -> list[Any]:
        return [await register.import_areas(tmp_path / name, 1.0) for name in ("a.csv", "b.geojson")]

    areas, drawn = run(tmp_path / "home", work)
    assert areas.changed == ("33.74.01.1001.RW01",)
    assert [fault.code for fault in areas.faults] == ["33.75.01", "33.74.01.1001.RW02.RT01"]
    assert drawn.changed == () and [fault.code for fault in drawn.faults] == ["33.74.99"]
