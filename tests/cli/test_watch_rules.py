"""Rules of a running watch are changed over its file: no restart, and what the same rules left open goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from sewu.base.records import Camera
from sewu.cameras.register import write_cameras
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, serve_in_process
from sewu.simulate.testcard import SUB_CARD, cached_card


def rule(rule_id: str, above: float = -1) -> dict[str, Any]:
    """Holds in every picture: nobody is more than minus one person."""
    return {"id": rule_id, "kind": "gathering", "analytic": "crowd", "metric": "count", "above": above, "update_every_s": 0.5}


def messages(out: Path) -> list[dict[str, Any]]:
    path = out / "shard-0" / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_until(true: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def last_line(path: Path) -> dict[str, Any]:
    lines = path.read_text().rpartition("\n")[0].splitlines()
    return json.loads(lines[-1]) if lines else {}


def test_rules_are_changed_under_way(tmp_path: Path) -> None:
    rules, out, lines = tmp_path / "rules.json", tmp_path / "out", tmp_path / "lines.json"
    rules.write_text(json.dumps({"rules": [rule("kept"), rule("gone")]}))
    with serve_in_process(ServerPlan(cameras=(ServedCamera(id="K1", main=StreamFile(path=cached_card(SUB_CARD, tmp_path))),))) as control:
        write_cameras([Camera("K1", "K1", f"rtsp://127.0.0.1:{control.addresses.rtsp_port}/K1/main")], tmp_path / "cameras.csv")
        command = [sys.executable, "-m", "sewu", "watch", "--cameras", str(tmp_path / "cameras.csv"), "--out", str(out), "--workers", "1"]
        command += ["--rules", str(rules), "--model", "motion", "--interval", "0.5", "--follow", "0", "--no-evidence", "--json"]
        with lines.open("wb") as told, subprocess.Popen(command, stdout=told, stderr=subprocess.DEVNULL, env=dict(os.environ)) as parent:
            try:
                wait_until(lambda: {row["rule_id"] for row in messages(out)} == {"kept", "gone"}, 60)
                began = {row["rule_id"]: row["id"] for row in messages(out)}
                wait_until(lambda: bool(last_line(lines).get("shards")), 20)
                (worker,) = last_line(lines)["shards"]
                fresh = tmp_path / "fresh.json"
                fresh.write_text(
                    json.dumps({"rules": [rule("kept")], "sets": {"more": {"rules": [rule("own")]}}, "cameras": {"K1": "more"}})
                )
                fresh.replace(rules)
                wait_until(lambda: any(row["rule_id"] == "own" for row in messages(out)), 20)
                seen = len(messages(out))
                rules.write_text("{ half a fi")
                wait_until(lambda: bool(last_line(lines).get("not_taken")), 20)
                wait_until(lambda: any(row["rule_id"] == "kept" for row in messages(out)[seen:]), 20)
                last = last_line(lines)
            finally:
                parent.send_signal(signal.SIGINT)
                try:
                    parent.wait(15)
                except subprocess.TimeoutExpired:
                    for child in psutil.Process(parent.pid).children(recursive=True):
                        child.kill()
                    parent.kill()
    rows = messages(out)
    ended = [(row["rule_id"], row["id"], row["labels"]["reason"]) for row in rows[:seen] if row["phase"] == "end"]
    assert ended == [("gone", began["gone"], "rule removed")]
    assert {row["id"] for row in rows if row["rule_id"] == "kept"} == {began["kept"]}, "one event from before to after"
    assert str(rules) in last["not_taken"][0], "a bad file is named, and the rules of the good one hold"
    assert last["shards"][0]["pid"] == worker["pid"], "nothing was restarted"
