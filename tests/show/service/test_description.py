"""The screens are typed by the API's own description; one that has drifted fails here."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from sewu.cli.application import app


def test_the_screens_are_built_against_the_api_as_it_is() -> None:
    printed = json.loads(CliRunner().invoke(app, ["openapi"]).stdout)
    kept = Path(__file__).parents[3] / "web" / "src" / "api" / "openapi.json"
    assert json.loads(kept.read_text(encoding="utf-8")) == printed, "run: sewu openapi > web/src/api/openapi.json"
