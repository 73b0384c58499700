from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sewu.cli.models import app
from tests.detect.test_shelf import with_card, yolox


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEWU_MODELS", str(tmp_path / "shelf"))
    monkeypatch.setenv("SEWU_LANGUAGE", "en")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "shelf"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_the_list_names_every_model_and_where_it_looked(folder: Path) -> None:
    with_card(yolox(folder / "mine.onnx"))
    done = run("list")
    assert done.exit_code == 0
    assert "yolox-nano" in done.stdout and "Apache-2.0" in done.stdout and str(folder) in done.stdout.replace("\n", "")
    entries = {entry["name"]: entry for entry in json.loads(run("list", "--json").stdout)}
    assert entries["mine"]["hash"] == "right" and entries["yolox-nano"]["path"] is None


def test_the_list_warns_of_a_broken_card(folder: Path) -> None:
    folder.mkdir()
    (folder / "broken.toml").write_text("name = 1")
    done = run("list", "--json")
    assert done.exit_code == 0 and "broken.toml" in done.stderr and json.loads(done.stdout)


def test_the_list_speaks_indonesian(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEWU_LANGUAGE", "id")
    assert "lisensi" in run("list").stdout


def test_add_then_verify(folder: Path, tmp_path: Path) -> None:
    bare = yolox(tmp_path / "bare.onnx")
    assert run("add", str(bare), "--name", "street").exit_code == 0
    done = run("verify", "street")
    assert done.exit_code == 0 and "right" in done.stdout and "CPUExecutionProvider" in done.stdout
    assert json.loads(run("verify", "--json").stdout)[0]["good"] is True


def test_a_wrong_hash_sets_the_exit_code(folder: Path) -> None:
    with_card(yolox(folder / "mine.onnx"), sha256=("0" * 64,))
    done = run("verify")
    assert done.exit_code == 2 and "WRONG" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify"], "There is no model to verify"),
        (["verify", "nothing"], "No model is called"),
        (["pull", "rf-detr-nano"], "sewu models add"),
        (["pull", "yolox-tiny"], "--accept-unknown-hash"),
        (["add", "/no/such.onnx"], "no model file"),
    ],
)
def test_errors_go_to_stderr_with_advice(folder: Path, arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2 and said in done.stderr and done.stdout == ""
