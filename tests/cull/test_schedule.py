"""Promises are kept while they fit, stretched evenly when they do not, and recover."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.cull.schedule import Ready, Schedule


def run(
    schedule: Schedule, gops_s: dict[str, float], seconds: float, cost_s: float, tick_s: float = 0.25, start_s: float = 0.0
) -> dict[str, list[float]]:
    """Cameras that send a keyframe every `gop`, a process that has `capacity` seconds a second. Returns when each was taken."""
    taken: dict[str, list[float]] = {camera_id: [] for camera_id in gops_s}
    waiting: dict[str, Ready] = {}
    random_ = random.Random(1)
    next_s = {camera_id: start_s + random_.uniform(0, gop_s) for camera_id, gop_s in gops_s.items()}
    for tick in range(int(seconds / tick_s)):
        now_s = start_s + (tick + 1) * tick_s
        for camera_id, gop_s in gops_s.items():
            while next_s[camera_id] <= now_s:
                waiting[camera_id] = Ready(next_s[camera_id], gop_s)
                next_s[camera_id] += gop_s
        for camera_id in schedule.choose(waiting, schedule.capacity * tick_s):
            offer = waiting.pop(camera_id)
            taken[camera_id].append(offer.at_s)
            schedule.took(camera_id, offer.at_s, cost_s)
        if tick % 8 == 7:
            schedule.balance(now_s, overhead=0.0)
    return taken


def gaps(times: list[float]) -> list[float]:
    return [b - a for a, b in itertools.pairwise(times)]


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([1.0, 2.0, 4.0]), st.sampled_from([2.0, 3.0, 8.0, 10.0]))
def test_a_promise_that_fits_is_kept(gop_s: float, interval_s: float) -> None:
    schedule = Schedule(capacity=0.9)
    cameras = {f"c{index}": gop_s for index in range(20)}
    for camera_id in cameras:
        schedule.add(camera_id, interval_s, 0.0)
    taken = run(schedule, cameras, 60, cost_s=0.002)
    for times in taken.values():
        assert max(gaps(times)) <= max(interval_s * 1.06, gop_s) + 1e-6
    assert schedule.stretch == 1.0


def test_no_keyframe_is_taken_that_the_promise_does_not_need() -> None:
    schedule = Schedule(capacity=0.9)
    schedule.add("c0", 8.0, 0.0)
    assert set(map(round, gaps(run(schedule, {"c0": 1.0}, 100, 0.001)["c0"]))) == {8}


def test_overload_stretches_all_cameras_alike_and_recovers() -> None:
    schedule = Schedule(capacity=0.5, first_cost_s=0.01)
    cameras = {f"c{index}": 1.0 for index in range(100)}
    for camera_id in cameras:
        schedule.add(camera_id, 1.0, 0.0)
    run(schedule, cameras, 60, cost_s=0.015)  # 1.5 s of work a second for 0.5
    assert schedule.stretch == pytest.approx(3.0, rel=0.1)
    taken = run(schedule, cameras, 120, cost_s=0.015, start_s=60)
    counts = [len(times) for times in taken.values()]
    assert min(counts) >= 0.7 * max(counts), "nobody starves"
    for camera_id in list(cameras)[30:]:
        schedule.remove(camera_id)
    few = dict(list(cameras.items())[:30])
    run(schedule, few, 120, cost_s=0.005, start_s=180)
    assert schedule.stretch == 1.0


def test_a_dead_camera_does_not_stretch_the_others() -> None:
    schedule = Schedule(capacity=0.1, first_cost_s=0.1)
    schedule.add("dead", 1.0, 0.0)
    schedule.add("alive", 10.0, 0.0)
    assert schedule.balance(1.0, 0.0, watched=["alive"]) == 1.0
    assert schedule.balance(2.0, 0.0) > 1.0


def test_the_most_overdue_go_first_and_one_is_always_taken() -> None:
    schedule = Schedule(capacity=1.0, first_cost_s=5.0)
    for camera_id, last_s in (("a", 90.0), ("b", 80.0), ("c", 85.0)):
        schedule.add(camera_id, 2.0, 0.0)
        schedule.took(camera_id, last_s, 5.0)
    ready = {camera_id: Ready(100.0, 2.0) for camera_id in "abc"}
    assert schedule.choose(ready, 0.001) == ["b"]
    assert schedule.choose(ready, 100.0) == ["b", "c", "a"]


def test_of_equally_late_cameras_the_better_value_for_its_cost_goes_first() -> None:
    schedule = Schedule(capacity=1.0)
    for camera_id, value, cost_s in (("dear", 1.0, 0.02), ("cheap", 1.0, 0.002), ("precious", 50.0, 0.02)):
        schedule.add(camera_id, 2.0, 0.0, value)
        schedule.took(camera_id, 10.0, cost_s)
    ready = {camera_id: Ready(14.0, 2.0) for camera_id in schedule.promises}
    assert schedule.choose(ready, 10.0) == ["precious", "cheap", "dear"]


def test_a_camera_clock_set_back_is_taken_at_once() -> None:
    schedule = Schedule(capacity=1.0)
    schedule.add("a", 2.0, 0.0)
    schedule.took("a", 1000.0, 0.001)
    assert schedule.choose({"a": Ready(400.0, 2.0)}, 1.0) == ["a"]


def test_unknown_cameras_are_ignored() -> None:
    schedule = Schedule(capacity=1.0)
    schedule.took("nobody", 1.0, 0.1)
    schedule.remove("nobody")
    assert schedule.choose({"nobody": Ready(1.0, 1.0)}, 1.0) == []


def test_lateness_is_counted() -> None:
    schedule = Schedule(capacity=1.0)
    schedule.add("a", 2.0, 0.0)
    for at_s in (0.0, 2.0, 4.0, 7.5):
        schedule.took("a", at_s, 0.001)
    assert schedule.promises["a"].late == 1
    assert schedule.promises["a"].worst_s == 3.5


def test_a_look_that_is_asked_for_comes_early_once_and_never_at_the_cost_of_a_promise() -> None:
    schedule = Schedule(capacity=0.9, first_cost_s=0.01)
    for name in ("promised", "asking"):
        schedule.add(name, 8.0, 0.0)
    schedule.took("asking", 0.0, 0.01)
    schedule.ask("asking")
    schedule.ask("unknown")
    ready = {"asking": Ready(1.0, 1.0), "promised": Ready(1.0, 1.0)}
    assert schedule.choose(ready, 0.015) == ["promised"], "no time is left over"
    assert schedule.choose(ready, 0.1) == ["promised", "asking"]
    schedule.took("asking", 1.0, 0.01)
    schedule.took("promised", 1.0, 0.01)
    assert schedule.choose({"asking": Ready(2.0, 1.0)}, 0.1) == [], "it was asked for once"
    schedule.ask("asking")
    schedule.stretch = 1.2
    assert schedule.choose({"asking": Ready(3.0, 1.0)}, 0.1) == []
    assert schedule.extra == 1
