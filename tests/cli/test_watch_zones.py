"""An illegally parked car on a street watched over RTSP: the right zone, zones changed live, a worker killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import psutil
import pytest

from sewu.base.records import Camera
from sewu.cameras.register import write_cameras
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, serve_in_process
from sewu.store.checkpoints import Checkpoints
from tests.cli.street import RATE_FPS, RULES, write_parked, zones
from tests.fakes import labelled_data

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def parked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labelled_data()  # the detector that tells a car lies there too
    return write_parked(tmp_path_factory.mktemp("street") / "parked.mp4")


@contextmanager
def watching(tmp_path: Path, clip: Path, above_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """`sewu watch` on one camera over loopback RTSP; everything is ended afterwards."""
    (tmp_path / "rules.toml").write_text(RULES.format(above_s=above_s))
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "K1.toml").write_text(zones("kerb"))
    with serve_in_process(ServerPlan(cameras=(ServedCamera(id="K1", main=StreamFile(path=clip)),))) as control:
        url = f"rtsp://127.0.0.1:{control.addresses.rtsp_port}/K1/main"
        write_cameras([Camera("K1", "K1", url)], tmp_path / "cameras.csv")
        files = {"cameras": "cameras.csv", "out": "out", "zones": "zones", "rules": "rules.toml"}
        options = [text for name, file in files.items() for text in (f"--{name}", str(tmp_path / file))]
        command = [sys.executable, "-m", "sewu", "watch", *options, "--interval", "1", "--workers", "1", "--json"]
        environment = {**os.environ, "SEWU_MODELS": str(labelled_data() / "models")}
        lines = (tmp_path / "lines.json").open("wb")
        with lines, subprocess.Popen(command, stdout=lines, stderr=subprocess.DEVNULL, env=environment) as parent:
            try:
                yield parent
            finally:
                if parent.poll() is None:
                    parent.send_signal(signal.SIGINT)
                    try:
                        parent.wait(15)
                    except subprocess.TimeoutExpired:
                        for child in psutil.Process(parent.pid).children(recursive=True):
                            child.kill()
                        parent.kill()


def messages(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "out" / "shard-0" / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def starts(tmp_path: Path, zone: str) -> list[dict[str, Any]]:
    return [row for row in messages(tmp_path) if row["phase"] == "start" and row["zone_id"] == zone]


def wait_until(true: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_parked_car_is_an_event_in_its_zone_and_keeps_its_clock_when_zones_are_redrawn(tmp_path: Path, parked: Path) -> None:
    with watching(tmp_path, parked, above_s=5.0):
        wait_until(lambda: bool(starts(tmp_path, "kerb")), 60)
        first = starts(tmp_path, "kerb")[0]
        assert first["kind"] == "illegal_parking"
        assert first["value"] > 5.0
        (tmp_path / "zones" / "K1.toml").write_text(zones("kerb-south"))
        wait_until(lambda: bool(starts(tmp_path, "kerb-south")), 20)
        second = starts(tmp_path, "kerb-south")[0]
    with av.open(str(tmp_path / "out" / first["labels"]["clip"]), "r") as clip:
        assert sum(1 for _ in clip.decode(video=0)) > 5 * RATE_FPS, "evidence reaches back before the event"
    assert (tmp_path / "out" / first["labels"]["still"]).stat().st_size > 1000
    assert second["started_at_s"] == pytest.approx(first["started_at_s"], abs=1.5), "it stood there before the new zone"
    assert {row["zone_id"] for row in messages(tmp_path)} == {"kerb", "kerb-south"}


def statuses(tmp_path: Path) -> list[dict[str, Any]]:
    """The whole lines of `--json` so far."""
    return [json.loads(line) for line in (tmp_path / "lines.json").read_text().rpartition("\n")[0].splitlines()]


def saved_dwell_s(tmp_path: Path) -> float:
    """The longest dwell in the saved state of the camera."""
    path = tmp_path / "out" / "states.sqlite"
    if not path.exists():
        return 0.0
    store = Checkpoints(path)
    state = store.load(["K1"]).get("K1", {"flow": {}})["flow"]
    store.close()
    spots = state["analytics"]["parking"]["standing"]["spots"] if state else []
    return max((seen_s - since_s for _, _, _, since_s, seen_s, *_ in spots), default=0.0)


def test_a_killed_worker_watches_again_within_seconds_and_the_parked_car_keeps_its_clock(tmp_path: Path, parked: Path) -> None:
    with watching(tmp_path, parked, above_s=10.0):
        wait_until(lambda: saved_dwell_s(tmp_path) > 1.0, 40)
        (worker,) = statuses(tmp_path)[-1]["shards"]
        os.kill(worker["pid"], signal.SIGKILL)
        killed_s, saved_s = time.time(), saved_dwell_s(tmp_path)
        assert not messages(tmp_path), "nothing was noticed before the kill"

        def again() -> bool:
            last = statuses(tmp_path)[-1]
            return all(shard["pid"] != worker["pid"] for shard in last["shards"]) and last["sending"] == 1 and last["pictures"] > 0

        wait_until(again, 12)
        back_s = min(
            row["at_s"] for row in statuses(tmp_path) if row["shards"] and row["shards"][0]["pid"] != worker["pid"] and row["pictures"]
        )
        wait_until(lambda: bool(starts(tmp_path, "kerb")), 30)
        event = starts(tmp_path, "kerb")[0]
    assert back_s - killed_s <= 5.0
    assert event["started_at_s"] < killed_s - saved_s + 1.0, "the clock began before the kill"
