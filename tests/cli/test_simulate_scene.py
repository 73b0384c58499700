"""`sewu simulate scene`."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
import typer
from typer.testing import CliRunner

from sewu.base.errors import BadSettings, Unavailable
from sewu.cli.simulate_scene import scene
from sewu.simulate.scenes.render import open_context


def command() -> typer.Typer:
    app = typer.Typer()
    app.command("scene")(scene)
    return app


def test_a_scene_is_written_with_its_zones_and_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        open_context().release()
    except Unavailable as error:
        pytest.skip(str(error))
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("SEWU_LANGUAGE", "en")
    options = ["carpark", "--out", str(tmp_path / "a.mp4"), "--truth", str(tmp_path / "truth"), "--seconds", "1", "--size", "160x92"]
    done = CliRunner().invoke(command(), options, catch_exceptions=False)
    assert done.exit_code == 0 and "is rendered" in done.output
    assert (tmp_path / "a.mp4").stat().st_size > 1000
    assert "size_px = [160, 92]" in (tmp_path / "a.scene.toml").read_text()
    assert {path.name for path in (tmp_path / "truth").iterdir()} == {"gt.txt", "events.jsonl", "counts.csv", "areas.json"}


def test_faults_are_done_to_the_copy_and_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        open_context().release()
    except Unavailable as error:
        pytest.skip(str(error))
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    options = ["street", "--out", str(tmp_path / "a.mp4"), "--truth", str(tmp_path / "truth"), "--seconds", "1", "--size", "160x92"]
    done = CliRunner().invoke(command(), [*options, "--fault", "dark@0.5-1"], catch_exceptions=False)
    assert done.exit_code == 0
    assert (tmp_path / "truth" / "faults.jsonl").read_text() == '{"kind": "dark", "start_s": 0.52, "end_s": 1.0}\n'
    (loop,) = (tmp_path / "cache" / "sewu" / "loops").glob("street-*")
    assert (loop / "main.mp4").read_bytes() != (tmp_path / "a.mp4").read_bytes()


def test_a_fault_that_is_none_is_refused_before_anything_is_rendered() -> None:
    done = CliRunner().invoke(command(), ["street", "--fault", "melted@1-2"])
    assert isinstance(done.exception, BadSettings) and "frozen" in str(done.exception)


@pytest.mark.parametrize("size", ["1280", "axb", "1281x720", "8x8", "x", "1280x"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    done = CliRunner().invoke(command(), ["street", "--size", size])
    assert isinstance(done.exception, BadSettings)


def test_an_unknown_happening_is_refused_with_the_known_ones() -> None:
    done = CliRunner().invoke(command(), ["street", "--happening", "flying"])
    assert isinstance(done.exception, BadSettings) and "loitering" in str(done.exception)
