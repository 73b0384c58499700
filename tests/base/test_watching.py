"""Watched time and counting windows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.watching import Tally, WatchedTime, Windows

times = st.lists(st.floats(0, 100_000, allow_nan=False), min_size=1, max_size=60)


@given(times_s=times)
def test_watched_time_never_falls_and_never_exceeds_what_passed(times_s: list[float]) -> None:
    watched, before_s = WatchedTime(45.0), 0.0
    for at_s in times_s:
        step = watched.advance(at_s)
        assert 0.0 <= step.watched_s <= 45.0
        assert watched.now_s == pytest.approx(before_s + step.watched_s)
        before_s = watched.now_s


def test_a_gap_and_a_clock_set_back_add_nothing() -> None:
    watched = WatchedTime(45.0)
    for at_s in (100.0, 130.0, 200.0, 210.0, 50.0, 60.0):
        step = watched.advance(at_s)
        assert step.set_back == (at_s == 50.0)
    assert watched.now_s == 30.0 + 10.0 + 10.0


@given(times_s=times.map(sorted))
def test_no_watched_second_is_lost_or_counted_twice(times_s: list[float]) -> None:
    watched, windows = WatchedTime(45.0), Windows(60.0)
    over: list[Tally] = []
    for at_s in times_s:
        over += windows.advance(watched.advance(at_s))
    last = windows.close()
    assert last is not None
    everything = [*over, last]
    assert sum(tally.watched_s for tally in everything) == pytest.approx(watched.now_s)
    assert all(windows.coverage(tally) <= 1.0 for tally in everything)
    starts = [tally.start_s for tally in everything]
    assert starts == sorted(set(starts)), "each window is given out once, in order"


def test_a_level_holds_until_the_next_look_across_the_edge_of_a_window() -> None:
    watched, windows = WatchedTime(45.0), Windows(60.0)
    windows.advance(watched.advance(30.0))
    windows.level("count", 4.0)
    (over,) = windows.advance(watched.advance(70.0))
    windows.level("count", 0.0)
    assert (over.mean("count"), windows.coverage(over), windows.end_s(over)) == (4.0, 0.5, 60.0)
    (over,) = windows.advance(watched.advance(110.0)) + windows.advance(watched.advance(120.0))
    assert over.mean("count") == pytest.approx(4.0 * 10 / 60)
    assert over.maxima["count"] == 4.0


def test_a_level_does_not_hold_across_a_gap() -> None:
    watched, windows = WatchedTime(45.0), Windows(60.0)
    windows.advance(watched.advance(0.0))
    windows.level("count", 4.0)
    windows.advance(watched.advance(30.0))
    windows.level("count", 2.0)
    (over,) = windows.advance(watched.advance(600.0))
    assert (windows.coverage(over), over.mean("count")) == (0.5, 4.0), "what held after 30 s is not known"
    assert over.mean("nothing") is None


@given(times_s=times, cut=st.integers(0, 60))
def test_restoring_changes_nothing(times_s: list[float], cut: int) -> None:
    watched, windows = WatchedTime(), Windows(60.0)
    watched_too, windows_too = WatchedTime(), Windows(60.0)
    for index, at_s in enumerate(times_s):
        if index == cut:
            saved = json.loads(json.dumps([watched_too.state(), windows_too.state()]))
            watched_too, windows_too = WatchedTime(), Windows(60.0)
            watched_too.restore(saved[0])
            windows_too.restore(saved[1])
        assert windows.advance(watched.advance(at_s)) == windows_too.advance(watched_too.advance(at_s))
        windows.level("x", float(index))
        windows_too.level("x", float(index))


def test_a_level_before_the_first_look_is_refused() -> None:
    with pytest.raises(ValueError, match="advance"):
        Windows(60.0).level("count", 1.0)
