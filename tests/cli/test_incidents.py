"""`sewu incidents` reads a home's incidents, in two languages."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sewu.base.clock import SystemClock
from sewu.base.errors import BadInput, NotFound
from sewu.base.service import open_home
from sewu.cli.application import app
from sewu.respond.handling import Handling
from sewu.respond.lifecycle import Step
from sewu.respond.policy import DeskSettings
from sewu.store.operations.database import Database
from sewu.wiring.registering import make_home
from tests.respond.desks import CITY, camera, desk_over, event


@pytest.fixture
def home(tmp_path: Path) -> tuple[Path, str]:
    """A home with two incidents, one of them a false alarm; its folder and the live one's number."""
    now_s = SystemClock().now_s()

    async def work() -> str:
        await make_home(tmp_path / "home", {}, now_s)
        database = Database(open_home(tmp_path / "home").database_url)
        try:
            batch = [event(1), event(2, zone_id="z2")]
            live, ended = (await desk_over(database, camera(1)).take("s1", 1, batch, now_s - 60)).opened
            step = Step("false_alarm", "usr_1", now_s - 5, "bayangan")
            await Handling(database, DeskSettings()).step(CITY, ended, step)
        finally:
            await database.close()
        return live

    return tmp_path / "home", asyncio.run(asyncio.wait_for(work(), 60))


def said(home: Path, *arguments: str, language: str = "en") -> str:
    result = CliRunner().invoke(app, ["incidents", *arguments, "--home", str(home)], env={"SEWU_LANGUAGE": language, "COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_incidents_are_listed_shown_and_handed_over(home: tuple[Path, str]) -> None:
    folder, live = home
    assert live in said(folder, "list") and "Parkir liar: Simpang 1" in said(folder, "list", "parkir")
    assert len(said(folder, "list", "--all").splitlines()) == 3 and "alarm keliru" in said(folder, "list", "--all", language="id")
    assert live not in said(folder, "list", "--state", "false_alarm")
    shown = said(folder, "show", live)
    assert "Cameras: K1" in shown and "opened" in shown and "1 events, 1 going on" in shown
    note = said(folder, "handover")
    assert "2 opened, 1 ended. Left: 1, 0 late." in note and live in note
    assert "0 %" in said(folder, "precision")


def test_wrong_wishes_are_explained(home: tuple[Path, str]) -> None:
    for arguments, error in ((["list", "--state", "lost"], BadInput), (["show", "inc_none"], NotFound)):
        result = CliRunner().invoke(app, ["incidents", *arguments, "--home", str(home[0])])
        assert isinstance(result.exception, error)
