"""The register at the command line, in both languages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event, Thread

import pytest
from typer.testing import CliRunner

from sewu.base.errors import BadInput, BadSettings
from sewu.base.records import Observation
from sewu.cli.application import app
from sewu.store import ObservationStore
from tests.cameras.test_discovery import network

LIST = "id,name,stream_url,area_code,lat,lon,heading_deg,field_of_view_deg\nK1,Satu,rtsp://a:b@h/x,,-6.98371,110.41869,90,60\nK2,Dua,gopher://x,33.74,,,,\n"


def sewu(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize(
    ("language", "tried", "condition"), [("id", "Belum disimpan", "tidak dipantau"), ("en", "Nothing stored", "not watched")]
)
def test_a_register_is_made_filled_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, tried: str, condition: str
) -> None:
    for name, value in (("SEWU_LANGUAGE", language), ("COLUMNS", "200"), ("SEWU_HOME", str(tmp_path / "home"))):
        monkeypatch.setenv(name, value)
    file = tmp_path / "c.csv"
    file.write_text(LIST, encoding="utf-8")
    assert "sewu.key" in sewu("init", "--city-name", "Kota Uji")
    said = sewu("cameras", "import", str(file), code=2)
    assert tried in said and "gopher" not in said and "K2" in said
    assert "K1" not in sewu("cameras", "list")
    sewu("cameras", "import", str(file), "--apply", code=2)
    assert "K1" in sewu("cameras", "list", "satu") and "K1" not in sewu("cameras", "list", "--condition", "up")
    assert condition in sewu("cameras", "nearest", "--facing", "--", "-6.98371", "110.4190")
    sewu("cameras", "export", str(tmp_path / "o.csv"))
    assert "K1" in (tmp_path / "o.csv").read_text() and ":b@" not in (tmp_path / "o.csv").read_text()
    assert "Miroto" in sewu("areas", "list", "--level", "kelurahan", "miroto")
    (tmp_path / "a.csv").write_text("code,name,lat,lon\n33.74.01.1001.RW01,RW Satu,-6.98,110.41\nx,y,1,1\n", encoding="utf-8")
    sewu("areas", "import", str(tmp_path / "a.csv"), code=2)
    assert "RW Satu" in sewu("areas", "list", "--below", "33.74.01.1001")


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="sewu init"):
        sewu("cameras", "list", "--home", str(tmp_path))
    with pytest.raises(BadInput, match="--level"):
        sewu("areas", "list", "--level", "desa", "--home", str(tmp_path))


def test_cameras_on_the_network_become_a_list_to_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEWU_LANGUAGE", "en")
    monkeypatch.setenv("SEWU_CAMERA_PASSWORD", "sécret")
    out = tmp_path / "found.csv"
    started, ended, ports = Event(), Event(), list[int]()

    async def serve() -> None:
        async with network() as port:
            ports.append(port)
            started.set()
            while not ended.is_set():
                await asyncio.sleep(0.02)

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(10)
        asked = ("--target", "127.0.0.1", "--port", str(ports[0]), "--user", "viewer", "--seconds", "0.4", "--out", str(out))
        said = sewu("cameras", "discover", *asked)
    finally:
        ended.set()
        thread.join(10)
    assert "2 cameras written" in said and "/K3/" in said
    sewu("init", "--home", str(tmp_path / "home"))
    found = sewu("cameras", "import", str(out), "--home", str(tmp_path / "home"), code=2)
    assert "needs an area_code" in found and "sécret" not in out.read_text()
    with pytest.raises(BadInput, match="exists already"):
        sewu("cameras", "discover", *asked)


def test_a_home_is_saved_restored_and_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEWU_LANGUAGE", "en")
    old, new, file = str(tmp_path / "old"), str(tmp_path / "new"), str(tmp_path / "s.backup")
    sewu("init", "--home", old)
    (tmp_path / "c.csv").write_text(LIST, encoding="utf-8")
    sewu("cameras", "import", str(tmp_path / "c.csv"), "--apply", "--home", old, code=2)
    assert "rows saved" in sewu("backup", file, "--home", old)
    sewu("init", "--home", new)
    with pytest.raises(BadSettings, match="not empty"):
        sewu("restore", file, "--home", new)
    (tmp_path / "new" / "sewu.sqlite").unlink()
    for extra in ("-wal", "-shm"):
        (tmp_path / "new" / f"sewu.sqlite{extra}").unlink(missing_ok=True)
    assert "0001" in sewu("restore", file, "--home", new)
    assert "K1" in sewu("cameras", "list", "--home", new)
    assert "0 incidents deleted" in sewu("prune", "--home", new)


def test_rules_are_tried_on_a_folder_of_observations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEWU_LANGUAGE", "en")
    store = ObservationStore(tmp_path, "main")
    for minute in range(1441):
        store.add([Observation("K1", 1.7e9 + 60 * minute, "crowd", "count", 50.0 if minute in range(300, 310) else 2.0, "persons")])
    store.close()
    text = '[[rules]]\nid = "r"\nkind = "gathering"\nanalytic = "crowd"\nmetric = "count"\nabove = 20\n'
    (tmp_path / "rules.toml").write_text(text, encoding="utf-8")
    said = sewu("rules", "dry-run", str(tmp_path / "rules.toml"), "--observations", str(tmp_path))
    assert "1441 observations of 1 cameras over 1.0 days" in said and "r: 1 events, 1 incidents (1.0 a day)" in said
    assert "0 incidents" in sewu("rules", "dry-run", str(tmp_path / "rules.toml"), "--observations", str(tmp_path), "--camera", "K2")
    with pytest.raises(BadInput, match="--from"):
        sewu("rules", "dry-run", str(tmp_path / "rules.toml"), "--observations", str(tmp_path), "--from", "kemarin")
