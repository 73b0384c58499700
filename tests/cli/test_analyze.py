"""The main job on the command line, in real processes: results, bad input, many sources, Ctrl-C, a full disk."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sewu.store.events import EventStore
from tests.clips import Clip, write

LONG = Clip(frames=300, size_px=(320, 192))


def sewu(*arguments: str, cwd: Path, limit_bytes: int | None = None) -> subprocess.CompletedProcess[str]:
    def limited() -> None:
        if limit_bytes is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    environment = os.environ | {"SEWU_LANGUAGE": "en", "SEWU_MODELS": str(cwd / "no-models")}
    command = [sys.executable, "-m", "sewu", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, preexec_fn=limited
    )


def result(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_a_clip_becomes_a_folder_with_a_report(tmp_path: Path) -> None:
    clip = write(tmp_path / "gate.mp4", LONG)
    done = sewu("analyze", str(clip), "--out", "out", "--video", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = result(done)
    assert (row["camera_id"], row["model"], row["looks"], row["error"]) == ("gate", "motion", 300, None)
    assert row["observations"] == pq.read_metadata(tmp_path / "out" / "observations.parquet").num_rows > 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "rests on motion alone" in page
    assert (tmp_path / "out" / "annotated.mp4").stat().st_size > 1000
    assert json.loads((tmp_path / "out" / "analysis.json").read_text())["state"] == "complete"


def test_events_have_stills_and_clips(tmp_path: Path) -> None:
    clip = write(tmp_path / "c.mp4", LONG)
    rule = '[[rules]]\nid = "any"\nkind = "light"\nanalytic = "health"\nmetric = "light"\nabove = 1.0\nfor_s = 2.0\n'
    (tmp_path / "rules.toml").write_text(rule)
    done = sewu("analyze", str(clip), "--rules", "rules.toml", "--out", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    store = EventStore(tmp_path / "out")
    (event,) = store.events()
    store.close()
    assert (event.kind, event.phase) == ("light", "end")
    assert (tmp_path / "out" / "stills" / f"{event.id}.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert (tmp_path / "out" / "clips" / f"{event.id}.mp4").stat().st_size > 1000
    assert f"clips/{event.id}.mp4" in (tmp_path / "out" / "report.html").read_text()


def test_one_bad_source_does_not_stop_the_others(tmp_path: Path) -> None:
    write(tmp_path / "good.mp4", Clip(frames=20))
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    done = sewu("analyze", "good.mp4", "bad.mp4", "none.mp4", "--out", "out", "--json", cwd=tmp_path)
    assert done.returncode == 3
    good, bad, missing = result(done)
    assert good["looks"] == 20
    assert "bad.mp4" in bad["error"]["what"]
    assert "does not exist" in missing["error"]["what"]
    assert (tmp_path / "out" / "good" / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--every", "often"], "--every"),
        (["--model", "no-such-model"], "no-such-model"),
        (["--zones", "zones.toml"], "corner"),
        (["--rules", "rules.toml"], "did you mean"),
        (["--zones", "none.toml"], "none.toml"),
        (["--out", "taken"], "not an analysis of ours"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_starts(tmp_path: Path, arguments: list[str], words: str) -> None:
    write(tmp_path / "c.mp4", Clip(frames=5))
    (tmp_path / "zones.toml").write_text(
        'size_px = [100, 100]\n[[zones]]\nid = "z"\nkind = "crowd"\npoints_px = [[0, 0], [900, 0], [5, 5]]\n'
    )
    (tmp_path / "rules.toml").write_text('[[rules]]\nid = "r"\nkind = "k"\nanalytic = "crowd"\nmetric = "cuont"\nabove = 1\n')
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    done = sewu("analyze", "c.mp4", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert (tmp_path / "taken" / "thesis.txt").read_text() == "mine"


def test_an_earlier_analysis_is_replaced_not_mixed(tmp_path: Path) -> None:
    write(tmp_path / "c.mp4", Clip(frames=20))
    first, second = (result(sewu("analyze", "c.mp4", "--out", "out", "--json", cwd=tmp_path))[0] for _ in range(2))
    assert first["observations"] == second["observations"]


def test_ctrl_c_ends_in_order_with_a_report_of_what_was_seen(tmp_path: Path) -> None:
    write(tmp_path / "long.mp4", Clip(frames=6000, size_px=(640, 384), gop=100))
    command = [sys.executable, "-m", "sewu", "analyze", "long.mp4", "--every", "all", "--out", "out", "--json"]
    environment = os.environ | {"SEWU_MODELS": str(tmp_path / "none")}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        deadline = time.monotonic() + 40
        while not list((tmp_path / "out").glob("observations/*.journal")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.0)
        running.send_signal(signal.SIGINT)
        try:
            said, _ = running.communicate(timeout=40)
        finally:
            running.kill()
    assert running.returncode == 130
    (row,) = json.loads(said)
    assert row["stopped"]
    assert 0 < row["looks"] < 6000
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_full_disk_is_said_and_what_was_stored_is_whole(tmp_path: Path) -> None:
    write(tmp_path / "c.mp4", Clip(frames=300))
    done = sewu("analyze", "c.mp4", "--every", "all", "--out", "out", "--json", cwd=tmp_path, limit_bytes=40_000)
    assert done.returncode == 4
    assert "Free some space" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_zones_are_drafted_checked_and_used(tmp_path: Path) -> None:
    clip = write(tmp_path / "c.mp4", Clip(frames=200, size_px=(320, 192)))
    drafted = sewu("zones", "draft", str(clip), "--out", "z.toml", cwd=tmp_path)
    if drafted.returncode == 0:
        assert (tmp_path / "z.jpg").is_file()
        assert sewu("zones", "check", "z.toml", cwd=tmp_path).returncode == 0
        assert sewu("analyze", str(clip), "--zones", "z.toml", "--out", "out", cwd=tmp_path).returncode == 0
    else:
        assert "nothing to propose" in drafted.stderr
    again = sewu("zones", "draft", str(clip), "--out", "c.mp4", cwd=tmp_path)
    assert again.returncode == 2
    assert "exists already" in again.stderr
