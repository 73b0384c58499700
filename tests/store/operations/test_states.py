"""States in batches on both databases: changes told once, old workers fenced off, availability adds up."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sewu.base.errors import Refused
from sewu.base.register import CameraFilter, CameraState, RegisteredCamera
from sewu.base.rights import Scope
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.states import States
from sewu.store.operations.tables import changes
from tests.store.operations.test_database import run

CITY = Scope(("33.74",))


async def with_cameras(database: Database, count: int = 3) -> States:
    rows = [RegisteredCamera(f"K{n}", f"Kamera {n}", "rtsp://h/x", f"33.74.{n % 2 + 1:02d}.1001") for n in range(count)]
    await Cameras(database).put(CITY, rows, 0.0)
    return States(database)


def up(camera_id: str, since_s: float, frame_s: float) -> CameraState:
    return CameraState(camera_id, "up", since_s, None, frame_s, f"{camera_id}.jpg", {"rate_fps": 10.0})


def down(camera_id: str, since_s: float, reason: str = "unreachable") -> CameraState:
    return CameraState(camera_id, "down", since_s, reason)


def test_only_a_change_of_condition_is_told(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        states = await with_cameras(database)
        written = [
            await states.write("s1", 1, batch, at_s)
            for at_s, batch in (
                (10.0, [up("K0", 9, 10), up("K1", 9, 10), up("K404", 9, 10)]),
                (20.0, [up("K0", 9, 20), down("K1", 15)]),
                (30.0, [up("K0", 29, 30), down("K1", 15)]),
            )
        ]
        async with database.reading() as connection:
            query = select(changes.c.subject_id).where(changes.c.topic == "state").order_by(changes.c.sequence)
            told = list((await connection.execute(query)).scalars())
        return written, told, await Cameras(database).get(CITY, "K0"), await Cameras(database).list(CITY, CameraFilter(condition="down"))

    written, told, newest, found = run(database_url, work)
    assert [w.changed for w in written] == [("K0", "K1"), ("K1",), ()]
    assert [w.unregistered for w in written] == [("K404",), (), ()]
    assert told == ["K0", "K1", "K1"]
    assert newest.state == CameraState("K0", "up", 9, None, 30, "K0.jpg", {"rate_fps": 10.0})
    assert [row.camera.id for row in found.rows] == ["K1"]


def test_a_worker_of_an_older_epoch_changes_nothing(database_url: str) -> None:
    async def work(database: Database) -> Any:
        states = await with_cameras(database)
        await states.write("s1", 2, [up("K0", 1, 1)], 1.0)
        with pytest.raises(Refused, match="epoch 2 has taken over"):
            await states.write("s1", 1, [down("K0", 2)], 2.0)
        await states.write("s2", 1, [up("K1", 1, 1)], 2.0)
        return await Cameras(database).count(CITY)

    assert run(database_url, work) == {"up": 2, "unknown": 1}


def test_what_nobody_watches_becomes_unknown_but_keeps_its_last_picture(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        states = await with_cameras(database)
        await states.write("s1", 1, [up("K0", 1, 1), up("K1", 1, 1)], 1.0)
        await states.write("s1", 1, [up("K0", 1, 99)], 99.0)
        return await states.expire(100.0, 30.0), await states.expire(101.0, 30.0), await Cameras(database).get(CITY, "K1")

    first, again, found = run(database_url, work)
    assert first.changed == ("K1",) and again.changed == ()
    assert (found.state.condition, found.state.reason, found.state.still_ref) == ("unknown", "not_watched", "K1.jpg")


def test_spans_follow_each_other_and_availability_adds_up(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        states = await with_cameras(database, 2)
        await states.write("s1", 1, [up("K0", 0, 0), up("K1", 0, 0)], 0.0)
        await states.write("s1", 1, [down("K0", 60)], 61.0)
        await states.write("s1", 1, [replace(up("K0", 80, 80), condition="degraded", reason="blurred")], 81.0)
        everywhere = await states.availability(CITY, 10.0, 100.0)
        return await states.spans(CITY, "K0", 0, 100), everywhere, await states.availability(Scope(("33.74.02",)), 10.0, 100.0)

    spans, everywhere, part = run(database_url, work)
    assert [(s.since_s, s.until_s, s.condition) for s in spans] == [(0, 60, "up"), (60, 80, "down"), (80, None, "degraded")]
    first, second = everywhere
    assert (first.area_code, first.cameras, first.up_s, first.down_s, first.degraded_s) == ("33.74.01.1001", 1, 50, 20, 20)
    assert first.share == pytest.approx(70 / 90) and second.share == 1.0
    assert part == (second,)


def test_a_whole_city_is_written_at_once(database_url: str) -> None:
    async def work(database: Database) -> dict[str, int]:
        states = await with_cameras(database, 11_000)
        await states.write("s1", 1, [up(f"K{n}", 1, 1) for n in range(11_000)], 1.0)
        written = await states.write("s1", 1, [down(f"K{n}", 2) if n < 212 else up(f"K{n}", 1, 2) for n in range(11_000)], 2.0)
        assert len(written.changed) == 212
        return await Cameras(database).count(CITY)

    assert run(database_url, work) == {"up": 10_788, "down": 212}


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["up", "down", "degraded", "unknown"]), st.sampled_from([None, "a"]), st.floats(-5, 5)), max_size=12)
)
def test_spans_never_overlap_whatever_a_worker_reports(steps: list[Any]) -> None:
    async def work(database: Database) -> Any:
        states = await with_cameras(database, 1)
        for number, (condition, reason, slip_s) in enumerate(steps):
            await states.write("s1", 1, [CameraState("K0", condition, number * 2.0 + slip_s, reason)], number * 2.0)
        return await states.spans(CITY, "K0", -100, 100)

    spans = run("sqlite://", work)
    assert all(a.until_s == b.since_s for a, b in itertools.pairwise(spans))
    assert not spans or spans[-1].until_s is None
