from __future__ import annotations

import csv
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sewu.base.errors import BadSettings
from sewu.cli.simulate_city import mount
from sewu.simulate.testcard import TestCard, encode_card
from tests.simulate.server.player import Player

RUN = "import typer; from sewu.cli.simulate_city import mount; app = typer.Typer(); mount(app); app()"


def app() -> typer.Typer:
    commands = typer.Typer()
    mount(commands)
    return commands


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_city_is_served_commanded_and_stopped(tmp_path: Path, ending: signal.Signals) -> None:
    loop = tmp_path / "loops" / "street"
    loop.mkdir(parents=True)
    encode_card(TestCard(width_px=160, height_px=90, duration_s=1.0, gop_s=0.5), loop / "main.mp4")
    out, control, log = tmp_path / "out", tmp_path / "control.json", tmp_path / "log"
    command = [sys.executable, "-c", RUN, "city", "--cameras", "6", "--port", "0", "--http-port", "0", "--auth", "digest"]
    command += ["--loops", str(tmp_path / "loops"), "--out", str(out), "--control", str(control)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "SEWU_LANGUAGE": "id"}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
    try:
        deadline = time.monotonic() + 30
        while not control.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert control.exists(), log.read_text()
        rows = list(csv.DictReader((out / "cameras.csv").read_text(encoding="utf-8").splitlines()))
        secrets = json.loads((out / "secrets.json").read_text())
        truth = [json.loads(line) for line in (out / "truth.jsonl").read_text().splitlines()]
        assert len(rows) == len(truth) == len(secrets) == 6 and truth[0]["duration_s"] == 1.0
        assert stat.S_IMODE((out / "secrets.json").stat().st_mode) == 0o600
        row = rows[2]
        with Player(row["stream_url"], row["user"], secrets[row["secret_name"]]) as player:
            player.play()
            assert len(player.pictures(3)) == 3
            done = CliRunner().invoke(app(), ["fault", row["id"], "refuse", "--control", str(control)])
            assert done.exit_code == 0, done.output
            assert player.ends()
        done = CliRunner().invoke(app(), ["fault", row["id"], "none", "--control", str(control)])
        assert done.exit_code == 0, done.output
        process.send_signal(ending)
        assert process.wait(10) == 0
        assert "Berhenti." in log.read_text() and not control.exists()
    finally:
        process.kill()
        process.wait(5)


def test_the_register_is_written(tmp_path: Path) -> None:
    done = CliRunner().invoke(app(), ["register", "--out", str(tmp_path / "new" / "cameras.csv")])
    assert done.exit_code == 0, done.output
    with (tmp_path / "new" / "cameras.csv").open(encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == 10_693
    assert (tmp_path / "new" / "cameras.areas.csv").is_file()


@pytest.mark.parametrize("arguments", [["CAM", "explode"], ["CAM", "drop", "--set", "share"], ["CAM", "stall"]])
def test_a_command_that_cannot_be_given_is_explained(tmp_path: Path, arguments: list[str]) -> None:
    control = tmp_path / "control.json"
    if arguments[1] != "stall":
        control.write_text(
            json.dumps({"control_port": 9, "token": "x", "host": "127.0.0.1", "rtsp_port": 1, "rtsps_port": None, "http_port": 1})
        )
    done = CliRunner().invoke(app(), ["fault", *arguments, "--control", str(control)])
    assert isinstance(done.exception, BadSettings) and done.exception.advice


def test_the_serving_bench_is_a_command(tmp_path: Path) -> None:
    from sewu.cli import bench_serve

    commands = typer.Typer()
    bench_serve.mount(commands)
    file = encode_card(TestCard(width_px=160, height_px=90, duration_s=1.0, gop_s=0.5), tmp_path / "card.mp4")
    done = CliRunner().invoke(commands, ["--cameras", "3", "--seconds", "1", "--file", str(file)])
    assert done.exit_code == 0 and "3 cameras, sub" in done.output, done.output
