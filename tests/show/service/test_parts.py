"""Small parts of the service: limits, what is usual, conditional answers, jobs that go on."""

from __future__ import annotations

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import StoreUnavailable
from sewu.show.service.answers import matches, version_tag, wanted_version
from sewu.show.service.limits import Limiter, Rate
from sewu.show.service.problems import Problem, as_problem
from sewu.show.service.typical import typical_of
from sewu.store.query import Series
from sewu.wiring.supervising import Job, supervised

ZONE = ZoneInfo("Asia/Jakarta")


@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 10), st.floats(0.1, 5))
def test_no_caller_gets_more_than_the_burst_and_the_rate(steps: list[float], burst: int, per_s: float) -> None:
    limiter, now_s, given_ = Limiter(Rate(burst, per_s)), 0.0, 0
    for step in steps:
        now_s += step
        given_ += limiter.wait_s("a", now_s) == 0
    assert given_ <= burst + now_s * per_s + 1e-6


@given(st.integers(1, 5), st.floats(0.1, 5))
def test_who_waits_as_told_is_let_in(burst: int, per_s: float) -> None:
    limiter, now_s = Limiter(Rate(burst, per_s)), 0.0
    for _ in range(burst + 3):
        now_s += limiter.wait_s("a", now_s) + 1e-9
    wait_s = limiter.wait_s("a", now_s)
    assert wait_s >= 0
    if wait_s > 0:
        assert limiter.wait_s("a", now_s + wait_s + 1e-6) == 0


def test_a_limiter_remembers_no_more_keys_than_it_may() -> None:
    limiter = Limiter(Rate(1, 1), keys=10)
    for number in range(1000):
        limiter.wait_s(str(number), 0.0)
    assert len(limiter) == 10


def test_what_is_usual_comes_from_the_same_hour_of_like_days() -> None:
    now_s = datetime(2026, 11, 24, 8, 20, tzinfo=ZONE).timestamp()  # a Tuesday
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=ZONE).timestamp()
    starts = [monday - 86_400 * day for day in range(15)] + [monday + 86_400] + [monday - 3600]
    weekend = [datetime.fromtimestamp(start, ZONE).weekday() >= 5 for start in starts]
    values = [100.0 if is_weekend else 10.0 for is_weekend in weekend]
    values[15], values[16] = 999.0, 777.0  # the hour itself, and another hour
    series = Series(np.array(starts), np.array(values), np.ones(17), np.ones(17, np.int64), "persons")
    found = typical_of(series, now_s, ZONE)
    assert (found.days, found.low, found.middle, found.high) == (11, 10.0, 10.0, 10.0)
    few = Series(np.array(starts[:2]), np.array(values[:2]), np.ones(2), np.ones(2, np.int64), "persons")
    assert typical_of(few, now_s, ZONE).middle is None, "too few days are no usual"


@given(st.text(max_size=30))
def test_any_if_match_is_a_version_or_a_problem(text: str) -> None:
    try:
        assert wanted_version(text) >= 0
    except Problem as problem:
        assert problem.status == 412


@given(st.integers(0, 10**9))
def test_a_version_comes_back_from_its_tag(version: int) -> None:
    tag = version_tag(version)
    assert wanted_version(tag) == version and matches(tag, tag) and matches(f'"x", W/{tag}', tag) and matches("*", tag)
    assert not matches(None, tag) and not matches('"other"', tag)
    with pytest.raises(Problem, match="If-Match"):
        wanted_version(None)


def test_an_unknown_error_tells_nothing_of_the_inside() -> None:
    problem = as_problem(RuntimeError("postgresql://sewu:hunter2@db/sewu refused"))
    assert problem.status == 500 and "hunter2" not in problem.detail
    away = as_problem(StoreUnavailable("The database is away.", "Try again."))
    assert (away.status, away.headers["Retry-After"]) == (503, "2")


def test_a_job_that_fails_goes_on_and_others_are_not_disturbed() -> None:
    done: dict[str, int] = {"bad": 0, "good": 0}

    async def bad() -> None:
        done["bad"] += 1
        raise StoreUnavailable("away", "wait") if done["bad"] % 2 else ValueError("a bug")

    async def good() -> None:
        done["good"] += 1

    async def whole() -> None:
        async with supervised([Job("bad", 0.001, bad), Job("good", 0.001, good)]):
            await asyncio.sleep(0.3)

    asyncio.run(whole())
    assert done["bad"] >= 3 and done["good"] >= 10
