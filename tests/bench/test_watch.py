"""Intervals are counted per camera, medians over rounds, and the usual ways really do what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sewu.base.clock import SystemClock
from sewu.base.errors import StreamBroken
from sewu.bench.usual import UsualCost, measure_usual
from sewu.bench.watch import Kept, Spread, WatchCost, WatchRound, kept, report
from sewu.detect.motion import MotionDetector
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, serve_in_thread
from sewu.simulate.testcard import SUB_CARD, cached_card


def round_of(ms: float, memory: int = 3 << 20) -> WatchRound:
    stages = {"receive": 0.2, "decode": 0.5, "look": ms - 1.0, "flow": 0.2, "other": 0.1}
    return WatchRound(60.0, ms, stages, {"whole": 3, "parts": 2, "carried": 1}, 1.0, (memory, memory), (20, 20), (4, 4))


def test_a_gap_of_one_camera_is_late_and_the_pause_between_cameras_is_not() -> None:
    found = kept({"a": [0.0, 2.0, 4.0, 8.0], "b": [100.0, 102.0], "c": [5.0]}, 2.0)
    assert (found.cameras, found.gaps, found.late, found.worst_s, found.silent) == (3, 4, 1, 4.0, 1)
    assert found.share == pytest.approx(0.75)


def test_one_and_a_half_intervals_are_still_in_time_and_start_up_does_not_count() -> None:
    assert kept({"a": [0.0, 3.0]}, 2.0).late == 0
    assert kept({"a": [0.0, 3.01]}, 2.0).late == 1
    assert kept({"a": [0.0, 50.0, 52.0]}, 2.0, from_s=40.0).late == 0
    assert kept({}, 2.0).share is None


def test_looks_told_twice_or_out_of_order_are_one_line_of_times() -> None:
    assert kept({"a": [4.0, 0.0, 2.0, 2.0]}, 2.0) == Kept(1, 2, 0, 2.0, 2.0, 0)


def test_spread_is_the_range_over_the_median() -> None:
    assert Spread.of([4.0, 5.0, 6.0]) == Spread(5.0, 0.4)
    assert Spread.of([0.0]) == Spread(0.0, 0.0)


def test_json_has_the_agreed_keys_and_leaves_out_what_was_not_measured() -> None:
    usual = (UsualCost("demux", 2.0, 10, 0), UsualCost("usual", 90.0, 10, 5), UsualCost("usual", 110.0, 10, 5))
    cost = WatchCost(3, 1, 2.0, (round_of(4.0), round_of(5.0)), usual, Kept(2, 10, 1, 3.5, 2.0, 0), {"model": "none"})
    said = json.loads(json.dumps(cost.as_json()))
    assert (said["cameras"], said["interval_s"], said["sewu_ms_per_camera_s"], said["pyav_ms_per_camera_s"]) == (3, 2.0, 4.5, 2.0)
    assert said["ratio"] == pytest.approx(100 / 4.5, abs=0.01)
    assert set(said["ways_ms_per_camera_s"]) == {"demux", "usual"}
    assert said["memory_mib_per_camera"] == 1.0
    assert "90.00% of 10 intervals" in report(cost)
    alone = WatchCost(3, 1, 2.0, (round_of(4.0),), (), Kept(2, 0, 0, 0.0, 0.0, 0)).as_json()
    assert alone["ratio"] is None
    assert alone["pyav_ms_per_camera_s"] is None


def test_each_way_does_more_than_the_one_before(tmp_path: Path) -> None:
    file = StreamFile(path=cached_card(SUB_CARD, tmp_path))
    clock = SystemClock()
    with serve_in_thread(ServerPlan(cameras=(ServedCamera(id="a", main=file),))) as server:
        decode = measure_usual("decode", [server.url("a")], MotionDetector, 2.0, clock)
        usual = measure_usual("usual", [server.url("a")], MotionDetector, 2.0, clock)
    assert decode.pictures_fps == pytest.approx(10, abs=2.5)
    assert decode.looks_fps == 0
    assert usual.looks_fps == pytest.approx(5, abs=2)
    assert usual.ms_per_camera_s > 0


def test_a_camera_that_is_not_there_is_said() -> None:
    with pytest.raises(StreamBroken):
        measure_usual("demux", ["rtsp://127.0.0.1:9/none"], MotionDetector, 1.0, SystemClock())
