"""Shards are started, told, heard, restarted and stopped: with real processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.clock import SystemClock
from sewu.base.errors import StreamBroken
from sewu.workers.fleet import Fleet, shard_of
from sewu.workers.status import ShardStatus, parse_status, total

CHILD = """
import json, os, sys, time
shard, mode = int(sys.argv[1]), sys.argv[2]
if mode == "dies": sys.exit(7)
if shard < 0: shard = int(sys.stdin.readline())
cameras = 0
def say():
    status = {"shard": shard, "pid": os.getpid(), "at_s": time.time(), "cameras": cameras, "process_s": 1.0, "camera_s": 500.0}
    print(json.dumps(status), flush=True)
if mode == "slow": time.sleep(1.5)
if mode == "garbage": print("not a status", flush=True)
say()
for line in sys.stdin:
    cameras = len(json.loads(line))
    say()
print(json.dumps({"shard": shard, "pid": os.getpid(), "at_s": 0.0, "events": 99}), flush=True)
"""


@pytest.fixture
def fleet_of(tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    made: list[Fleet] = []

    def make(shards: int = 2, mode: str = "good", spare: bool = False) -> Fleet:
        command = [sys.executable, str(script)]
        fleet = Fleet(lambda shard: [*command, str(shard), mode], shards, tmp_path / "log", SystemClock(), spare=spare)
        made.append(fleet)
        return fleet

    yield make
    for fleet in made:
        fleet.stop(patience_s=2.0)


def wait_until(fleet: Fleet, true: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        fleet.check()
        time.sleep(0.02)


def test_shards_learn_their_cameras_at_start_and_when_they_change(fleet_of: Callable[..., Fleet]) -> None:
    fleet = fleet_of()
    fleet.assign({0: ["a", "b"], 1: ["c"]})
    wait_until(fleet, lambda: sorted(status.cameras for status in fleet.statuses()) == [1, 2])
    fleet.assign({0: ["a", "b", "d", "e"], 1: ["c"]})
    wait_until(fleet, lambda: sorted(status.cameras for status in fleet.statuses()) == [1, 4])


def test_a_list_longer_than_a_pipe_holds_does_not_make_the_parent_wait_for_a_slow_shard(fleet_of: Callable[..., Fleet]) -> None:
    fleet = fleet_of(shards=1, mode="slow")
    fleet.assign({0: ["a camera with many zones"] * 100_000})
    began_s = time.monotonic()
    fleet.check()
    assert time.monotonic() - began_s < 1.0
    wait_until(fleet, lambda: any(status.cameras == 100_000 for status in fleet.statuses()))


def test_a_killed_shard_is_back_within_seconds_and_knows_its_cameras(fleet_of: Callable[..., Fleet]) -> None:
    fleet = fleet_of(shards=1)
    fleet.assign({0: ["a", "b", "c"]})
    wait_until(fleet, lambda: any(status.cameras == 3 for status in fleet.statuses()))
    first = fleet.workers[0].process
    assert first is not None
    first.kill()
    wait_until(fleet, lambda: any(status.cameras == 3 and status.pid != first.pid for status in fleet.statuses()), within_s=5.0)
    assert fleet.workers[0].restarts == 1


def test_a_spare_takes_the_place_of_a_killed_shard_and_is_replaced(fleet_of: Callable[..., Fleet], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sewu.workers.fleet.SPARE_AFTER_S", 0.2)
    fleet = fleet_of(shards=2, spare=True)
    fleet.assign({0: ["a"], 1: ["b", "c", "d"]})
    wait_until(fleet, lambda: any(status.cameras == 3 for status in fleet.statuses()) and fleet._spare is not None)
    spare, killed = fleet._spare, fleet.workers[1].process
    assert spare is not None
    assert killed is not None
    killed.kill()
    wait_until(fleet, lambda: any(status.cameras == 3 and status.pid == spare.pid for status in fleet.statuses()), within_s=5.0)
    wait_until(fleet, lambda: fleet._spare is not None)
    last = fleet._spare
    fleet.stop()
    assert last is not None
    assert last.returncode is not None, "the spare does not outlive its fleet"


def test_a_shard_that_keeps_dying_is_started_ever_more_slowly(fleet_of: Callable[..., Fleet]) -> None:
    fleet = fleet_of(shards=1, mode="dies")
    deadline = time.monotonic() + 3.0
    while time.monotonic() < deadline:
        fleet.check()
        time.sleep(0.02)
    assert 2 <= fleet.workers[0].restarts <= 5


def test_garbage_from_one_shard_does_not_hurt_the_parent(fleet_of: Callable[..., Fleet]) -> None:
    fleet = fleet_of(shards=1, mode="garbage")
    wait_until(fleet, lambda: len(fleet.statuses()) == 1)
    assert fleet.statuses()[0].process_s == 1.0, "the good line after the bad one is heard"


def test_stopping_leaves_no_process(fleet_of: Callable[..., Fleet]) -> None:
    fleet = fleet_of()
    wait_until(fleet, lambda: len(fleet.statuses()) == 2)
    processes = [worker.process for worker in fleet.workers]
    fleet.stop()
    assert all(process is not None and process.returncode == 0 for process in processes)


@given(st.text(min_size=1, max_size=12), st.integers(1, 16))
def test_one_more_shard_moves_a_camera_only_to_the_new_one(camera_id: str, shards: int) -> None:
    before, after = shard_of(camera_id, shards), shard_of(camera_id, shards + 1)
    assert after in {before, shards}


def test_cameras_are_spread_evenly() -> None:
    counts = [0] * 8
    for number in range(8000):
        counts[shard_of(f"K-{number}", 8)] += 1
    assert min(counts) > 850
    assert max(counts) < 1150


@given(st.text(max_size=60))
def test_any_line_is_a_status_or_refused(line: str) -> None:
    try:
        assert isinstance(parse_status(line), ShardStatus)
    except StreamBroken as error:
        assert error.advice


def test_the_total_adds_counters_and_keeps_the_worst() -> None:
    rows = [
        ShardStatus(0, 1, 5.0, cameras=2, camera_s=100, process_s=0.3, pictures=10, late=1, stretch=1.5),
        ShardStatus(1, 2, 6.0, cameras=3, pictures=10),
    ]
    both = total(rows)
    assert (both.cameras, both.stretch, both.at_s, both.kept) == (5, 1.5, 6.0, 0.95)
    assert both.ms_per_camera_s == pytest.approx(3.0)
    assert parse_status(rows[0].line()) == rows[0]
    assert total([]).ms_per_camera_s is None
