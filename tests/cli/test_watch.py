"""Watching real cameras over RTSP in real processes: everybody is seen in time, a killed worker comes back."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from sewu.base.errors import BadSettings
from sewu.base.records import Camera
from sewu.base.words import LANGUAGES, Words
from sewu.cameras.register import write_cameras
from sewu.cli.watch import _dashboard
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, serve_in_process
from sewu.simulate.testcard import SUB_CARD, cached_card
from sewu.store.checkpoints import Checkpoints
from sewu.store.observations import read_observations
from sewu.wiring.watching import CityList, tasks_from
from sewu.workers.status import ShardStatus, total

CAMERAS = 6
LINE = """size_px = [640, 360]
[[lines]]
id = "road"
start_px = [320, 0]
end_px = [320, 360]
"""


def served(folder: Path) -> ServerPlan:
    file = StreamFile(path=cached_card(SUB_CARD, folder))
    return ServerPlan(cameras=tuple(ServedCamera(id=f"K{number}", main=file, phase_s=number * 0.7) for number in range(CAMERAS)))


def command(tmp_path: Path, seconds: float) -> list[str]:
    options = ["--cameras", str(tmp_path / "cameras.csv"), "--out", str(tmp_path / "out"), "--model", "motion", "--workers", "1"]
    return [sys.executable, "-m", "sewu", "watch", *options, "--interval", "2", "--seconds", str(seconds), "--json"]


@pytest.fixture
def base_url(tmp_path: Path) -> Iterator[str]:
    with serve_in_process(served(tmp_path)) as control:
        url = f"rtsp://127.0.0.1:{control.addresses.rtsp_port}"
        write_cameras([Camera(f"K{number}", f"K{number}", f"{url}/K{number}/main") for number in range(CAMERAS)], tmp_path / "cameras.csv")
        yield url


def test_every_camera_is_watched_in_time_and_what_was_seen_is_stored(tmp_path: Path, base_url: str) -> None:
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "K0.toml").write_text(LINE)
    started = [*command(tmp_path, 16), "--zones", str(tmp_path / "zones")]
    done = subprocess.run(started, capture_output=True, text=True, timeout=80, stdin=subprocess.DEVNULL, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout.splitlines()[-1])
    assert status["sending"] == CAMERAS
    assert status["pictures"] >= CAMERAS * 3
    is_busy = status["share"] < 0.5  # others use this machine hard: the promise is stretched, and that is told
    assert status["worst_ratio"] <= (3.0 if is_busy else 1.5)
    assert is_busy or status["stretch"] == 1.0
    assert status["following"] == 1, "the camera with a counting line"
    assert status["followed_pictures"] >= 20
    cameras = {observation.camera_id for observation in read_observations(tmp_path / "out")}
    assert cameras == {f"K{number}" for number in range(CAMERAS)}


def test_a_killed_worker_is_back_within_seconds_and_goes_on_from_its_states(tmp_path: Path, base_url: str) -> None:
    with subprocess.Popen(command(tmp_path, 60), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        try:
            worker = wait_for_worker(parent.pid)
            saved = tmp_path / "out" / "states.sqlite"
            wait_until(lambda: saved.exists() and bool(states(saved)), 40)
            worker.send_signal(signal.SIGKILL)
            before = {name: state["flow"] for name, state in states(saved).items()}
            wait_until(lambda: any(state["flow"] != before.get(name) for name, state in states(saved).items()), 40)
            parent.send_signal(signal.SIGINT)
            parent.communicate(timeout=40)
        finally:
            for child in psutil.Process(parent.pid).children(recursive=True) if parent.poll() is None else []:
                child.kill()
            parent.kill()


def wait_for_worker(pid: int) -> psutil.Process:
    wait_until(lambda: bool(psutil.Process(pid).children()), 20)
    return psutil.Process(pid).children()[0]


def states(path: Path) -> dict[str, dict[str, object]]:
    store = Checkpoints(path)
    found = store.load(f"K{number}" for number in range(CAMERAS))
    store.close()
    return found


def wait_until(true: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_list_without_a_camera_that_can_be_watched_says_why(tmp_path: Path) -> None:
    path = tmp_path / "cameras.csv"
    path.write_text("id,stream_url\nK1,http://h/video.mjpg\nK2,gopher://h/x\n")
    with pytest.raises(BadSettings, match="K1: only rtsp") as caught:
        tasks_from(CityList(path), 2)
    assert "row 3 (K2)" in caught.value.what
    path.write_text("id,stream_url\nK1,http://h/video.mjpg\nK2,rtsp://user:secret@h/x\n")
    tasks, faults = tasks_from(CityList(path), 1)
    assert tasks == {0: {"cameras": [{"id": "K2", "url": "rtsp://h/x", "user": "user", "password": "secret"}]}}
    assert len(faults) == 1


def test_the_dashboard_shows_what_is_wrong() -> None:
    row = ShardStatus(
        0, 1, 5.0, 3, 2, following=1, camera_s=100.0, look_s=0.2, follow_stretch=2.0, down={"K3": "no answer"}, refused="Full."
    )
    console = Console(width=200, record=True, file=io.StringIO())
    for language in LANGUAGES:
        console.print(_dashboard(total([row]), [row], ("row 7: no address",), Words(language)))
        text = console.export_text()
        for expected in ("2/3", "2.00", "K3: no answer", "Full.", "row 7: no address", "2.0"):
            assert expected in text
