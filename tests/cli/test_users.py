"""People and the audit at the command line, on a home made by `sewu init`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sewu.base.errors import BadInput, BadSettings
from sewu.cli.application import app

runner = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "home"
    monkeypatch.setenv("SEWU_HOME", str(folder))
    monkeypatch.setenv("SEWU_LANGUAGE", "en")
    assert runner.invoke(app, ["init"], catch_exceptions=False).exit_code == 0
    yield folder


def run(*arguments: str, typed: str = "") -> str:
    result = runner.invoke(app, list(arguments), input=typed, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_people_are_added_granted_listed_and_locked_out(home: Path) -> None:
    run("users", "add", "sari", "--name", "Sari W", "--role", "operator", "--password-stdin", typed="Lawang1000pintu\n")
    run("users", "grant", "sari", "--role", "agency_officer", "--agency", "dishub", "--area", "33.74.01", "--until", "2030-01-31")
    listed = run("users", "list")
    assert "sari\tSari W" in listed and "operator 33.74" in listed
    assert "agency_officer (dishub) 33.74.01 until 2030-01-31T16:59:59" in listed
    run("users", "passwd", "sari", "--password-stdin", typed="Lawang2000pintu\n")
    run("users", "disable", "sari")
    assert "locked out" in run("users", "list")
    run("users", "disable", "sari", "--enable")
    assert "locked out" not in run("users", "list")
    assert "Lawang" not in (home / "sewu.sqlite").read_bytes().decode("latin-1")


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        (("users", "add", "x", "--password-stdin"), "short\n"),
        (("users", "add", "x", "--role", "king", "--password-stdin"), "Lawang1000pintu\n"),
        (("users", "grant", "nobody", "--role", "rt"), ""),
        (("users", "grant", "nobody", "--role", "rt", "--until", "31-01-2030"), ""),
        (("audit", "verify", "--known", "12"), ""),
    ],
)
def test_what_makes_no_sense_is_refused(home: Path, arguments: tuple[str, ...], typed: str) -> None:
    with pytest.raises(BadInput):
        runner.invoke(app, list(arguments), input=typed, catch_exceptions=False)


def test_the_audit_is_verified_exported_and_tampering_is_named(home: Path, tmp_path: Path) -> None:
    run("users", "add", "sari", "--role", "operator", "--password-stdin", typed="Lawang1000pintu\n")
    whole = run("audit", "verify")
    head = whole.strip().rpartition(" ")[2]
    assert run("audit", "verify", "--known", head)
    run("audit", "export", str(tmp_path / "audit.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [row["action"] for row in rows] == ["user.write", "user.write", "audit.export"]
    with closing(sqlite3.connect(home / "sewu.sqlite")) as database:
        with pytest.raises(sqlite3.DatabaseError):
            database.execute("update audit set actor = 'x' where sequence = 2")
        database.execute("drop trigger audit_no_update")
        database.execute("update audit set actor = 'x' where sequence = 2")
        database.commit()
    result = runner.invoke(app, ["audit", "verify"])
    assert result.exit_code == 1 and "row 2" in result.output


def test_without_a_home_the_reader_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEWU_HOME", str(tmp_path / "none"))
    with pytest.raises(BadSettings, match="sewu init"):
        runner.invoke(app, ["users", "list"], catch_exceptions=False)


def test_the_api_is_described_without_a_database() -> None:
    described = json.loads(run("openapi"))
    assert described["openapi"].startswith("3.1") and described["paths"]["/api/v1/incidents"]["get"]["x-needs"] == "incident.read"
