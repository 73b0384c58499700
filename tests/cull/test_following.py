"""Following lives on what is left over: rates stretch, then cameras wait, and all of it recovers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.records import Event
from sewu.cull.following import MAX_STRETCH, Following, Load

START = Event("e1", "K1", "r", "intrusion", "start", "high", 90.0, 100.0, 1.0, 1.0, "persons")


def following() -> Following:
    return Following(fps=5.0, event_kinds=frozenset({"intrusion"}), event_s=30.0)


def test_an_open_event_has_its_camera_followed_until_it_ends() -> None:
    plan = following()
    plan.take([START, replace(START, id="e2", kind="illegal_parking", camera_id="K2")], 100.0)
    assert plan.at(101.0) == ["K1"]
    plan.take([replace(START, phase="end", at_s=110.0)], 110.0)
    assert plan.at(110.0) == []
    assert plan.wanted == {}


def test_a_long_event_is_followed_for_a_bounded_time_and_its_updates_do_not_begin_it_anew() -> None:
    plan = following()
    plan.take([START], 100.0)
    assert plan.at(129.0) == ["K1"]
    plan.take([replace(START, phase="update", at_s=160.0)], 160.0)
    assert plan.at(160.5) == []


def test_a_camera_that_is_always_followed_outlives_its_events() -> None:
    plan = following()
    plan.always("K1", True)
    plan.take([START, replace(START, phase="end", at_s=110.0)], 110.0)
    assert plan.at(1e9) == ["K1"]
    plan.always("K1", False)
    assert plan.at(111.0) == []
    plan.forget("K1")


def load(plan: Following, cameras: int) -> tuple[Load, int]:
    """What following really costs: 0.02 for decoding and 0.05 for looks at full rate, per camera."""
    followed = len(plan.at(0.0))
    assert followed <= cameras
    return Load(0.02 * followed, 0.05 * followed / plan.stretch), followed


@pytest.mark.parametrize(("room", "cameras"), [(0.5, 10), (0.1, 10), (0.02, 3), (3.0, 10)])
def test_following_settles_within_its_room(room: float, cameras: int) -> None:
    plan = following()
    for number in range(cameras):
        plan.always(f"K{number}", True)
    over = 0
    for turn in range(200):
        cost, followed = load(plan, cameras)
        over += turn >= 20 and cost.decode + cost.look > room * 1.05
        plan.balance(2.0 * turn, room, cost, followed)
    assert over <= 9, "a waiting camera is tried again now and then, for one turn"
    if room == 3.0:
        assert (plan.stretch, followed) == (1.0, cameras)
    if room == 0.5:
        assert plan.stretch > 1.0
        assert followed == cameras, "rates are stretched before a camera waits"


def test_what_falls_behind_gives_way_even_if_the_load_seems_to_fit() -> None:
    plan = following()
    for number in range(4):
        plan.always(f"K{number}", True)
    for turn in range(8):
        plan.balance(2.0 * turn, 1.0, Load(0.5, 0.1), len(plan.at(0.0)), behind=True)
    assert plan.stretch > 4
    assert len(plan.at(0.0)) < 4


def test_following_recovers_when_there_is_room_again() -> None:
    plan = following()
    for number in range(10):
        plan.always(f"K{number}", True)
    for turn in range(50):
        plan.balance(2.0 * turn, 0.0, *load(plan, 10))
    assert plan.at(0.0) == []
    for turn in range(50, 250):
        plan.balance(2.0 * turn, 3.0, *load(plan, 10))
    assert len(plan.at(0.0)) == 10
    assert plan.stretch == 1.0


@given(
    st.lists(
        st.tuples(
            st.floats(-1, 4, allow_nan=False), st.floats(0, 4, allow_nan=False), st.floats(0, 4, allow_nan=False), st.integers(0, 20)
        ),
        max_size=30,
    )
)
def test_no_load_makes_nonsense(loads: list[tuple[float, float, float, int]]) -> None:
    plan = following()
    for turn, (room, decode, look, followed) in enumerate(loads):
        plan.balance(2.0 * turn, room, Load(decode, look), followed)
        assert 1.0 <= plan.stretch <= MAX_STRETCH
        assert plan.allowed >= 0
