"""`sewu simulate city --loops RECIPES`, as a process; skipped where EGL is missing."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sewu.base.errors import Unavailable
from sewu.cameras import load_scene
from sewu.simulate.scenes.happenings import ZONE_KIND
from sewu.simulate.scenes.render import open_context
from tests.simulate.server.player import Player

RUN = "import typer; from sewu.cli.simulate_city import mount; app = typer.Typer(); mount(app); app()"
RECIPES = '[[loops]]\nscene = "street"\nseconds = 1\nsize_px = [160, 92]\n[[loops]]\nscene = "market"\nseconds = 1\nsize_px = [160, 92]\n'


def test_missing_loops_are_rendered_and_every_camera_gets_its_zones_and_truth(tmp_path: Path) -> None:
    try:
        open_context().release()
    except Unavailable as error:
        pytest.skip(str(error))
    (tmp_path / "loops.toml").write_text(RECIPES)
    out, control, log = tmp_path / "out", tmp_path / "control.json", tmp_path / "log"
    command = [sys.executable, "-c", RUN, "city", "--cameras", "8", "--port", "0", "--http-port", "0", "--out", str(out)]
    command += ["--loops", str(tmp_path / "loops.toml"), "--control", str(control)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "SEWU_LANGUAGE": "en"}
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
    try:
        deadline = time.monotonic() + 90
        while not control.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert control.exists(), log.read_text()
        rows = list(csv.DictReader((out / "cameras.csv").read_text(encoding="utf-8").splitlines()))
        truth = {row["camera_id"]: row for row in map(json.loads, (out / "truth.jsonl").read_text().splitlines())}
        for row in rows:
            known = truth[row["id"]]
            scene = load_scene(out / known["zones"], {*ZONE_KIND.values(), "bay"})
            assert scene.size_px == (160, 92) and scene.zones and scene.ground is not None
            assert set(np.loadtxt(Path(known["truth"]) / "gt.txt", delimiter=",")[:, 0]) == set(range(1, 26))
            if known["scene"] in ("street", "market"):
                assert known["loop"].startswith(known["scene"])
        for stream in ("stream_url", "sub_stream_url"):
            with Player(rows[0][stream]) as player:
                player.play()
                assert len(player.pictures(3)) == 3
        text = log.read_text()
        assert "Rendering 2 scenes: 100 %" in text and "of 4000 MB" in text
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()
            process.wait(5)
