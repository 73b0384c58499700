"""Killed in the middle, out of disk, sent in any order and any number of times: nothing acknowledged is lost, nothing is half."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event as listening
from sqlalchemy import select

from sewu.base.errors import StoreFull, StoreUnavailable
from sewu.base.incidents import Incident, IncidentFilter
from sewu.base.records import Event
from sewu.respond.desk import PHASES
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import events, history, incident_cameras
from sewu.store.operations.incidents import Incidents
from tests.respond.desks import CITY, NOW_S, camera, desk_over, event, run

STREET = [camera(number, east_m=40.0 * number) for number in range(4)]


async def audited(database: Database) -> dict[str, str]:
    """Event id -> incident id; fails where the counts of an incident are not those of its events and cameras."""
    async with database.reading() as connection:
        rows = (await connection.execute(select(events.c.id, events.c.incident_id, events.c.phase, events.c.camera_id))).all()
        pairs = Counter((await connection.execute(select(incident_cameras.c.incident_id))).scalars())
        opened = Counter((await connection.execute(select(history.c.incident_id).where(history.c.action == "opened"))).scalars())
    cursor: str | None = None
    found: list[Incident] = []
    while True:
        page = await Incidents(database).list(CITY, IncidentFilter(), cursor, 500)
        found += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break
    for incident in found:
        mine = [row for row in rows if row.incident_id == incident.id]
        assert incident.event_count == len(mine) and incident.going_on == sum(row.phase != "end" for row in mine)
        assert incident.camera_count == pairs[incident.id] == len({row.camera_id for row in mine})
        assert opened[incident.id] == 1
    assert {row.incident_id for row in rows} <= {incident.id for incident in found}
    return {row.id: row.incident_id for row in rows}


def message(number: int, phase: str) -> Event:
    at_s = 30.0 * number + 10.0 * PHASES.index(phase)
    kind = ("gathering", "illegal_parking")[number % 2]
    return event(number, f"K{number % 4}", 30.0 * number, kind=kind, phase=phase, at_s=NOW_S + at_s)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from(PHASES)), min_size=1, max_size=40), st.integers(1, 9))
def test_messages_in_any_order_and_number_leave_counts_that_are_right(sent: list[tuple[int, Any]], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:

        async def work(database: Database) -> dict[str, str]:
            desk = desk_over(database, *STREET)
            for _ in range(2):  # all of it is sent again
                for start in range(0, len(sent), size):
                    await desk.take("s1", 1, [message(*one) for one in sent[start : start + size]], NOW_S + start)
            return await audited(database)

        home = run(f"sqlite:///{folder}/sewu.sqlite", work)
    assert set(home) == {f"ev-{number}" for number, _ in sent}


CHILD = """
import asyncio, sys
from tests.respond.desks import NOW_S, desk_over
from tests.respond.test_intake_faults import STREET, message
from sewu.store.operations.database import Database

async def work(url, acknowledged):
    desk = desk_over(Database(url), *STREET)
    for number in range(100_000):
        await desk.take("s1", 1, [message(number, "start"), message(number, "update")], NOW_S + number)
        acknowledged.write(f"{number}\\n")
        acknowledged.flush()

with open(sys.argv[2], "w") as acknowledged:
    asyncio.run(work(sys.argv[1], acknowledged))
"""


def test_a_service_killed_while_writing_has_all_that_it_acknowledged(database_url: str, tmp_path: Path) -> None:
    async def create(database: Database) -> None:
        return None

    run(database_url, create)
    acknowledged = tmp_path / "acknowledged"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])}
    with (tmp_path / "child.log").open("wb") as log:
        command = [sys.executable, "-c", CHILD, database_url, str(acknowledged)]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=Path(__file__).parents[2])
    try:
        for _ in range(600):
            if acknowledged.exists() and len(acknowledged.read_text().split("\n")) > 12:
                break
            assert child.poll() is None, (tmp_path / "child.log").read_text()
            time.sleep(0.05)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    told = {f"ev-{line}" for line in acknowledged.read_text().split("\n")[:-1] if line}

    async def look(database: Database) -> dict[str, str]:
        before = await audited(database)
        await desk_over(database, *STREET).take("s1", 2, [message(int(id_[3:]), "start") for id_ in before], NOW_S + 9e5)
        assert await audited(database) == before
        return before

    home = run(database_url, look)
    assert len(told) >= 11 and told <= set(home) and len(home) <= len(told) + 1


def test_a_full_disk_is_said_and_leaves_nothing_half(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        desk = desk_over(database, *STREET)
        await desk.take("s1", 1, [message(0, "start")], NOW_S)
        before = await audited(database)
        await database.engine.dispose()

        @listening.listens_for(database.engine.sync_engine, "connect")
        def fill(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("pragma max_page_count = 1")  # no more than there are now
            cursor.close()

        stored = dict(before)
        with pytest.raises(StoreFull):
            for number in range(1, 400):
                await desk.take("s1", 1, [message(number, "start")], NOW_S + number)
                stored[f"ev-{number}"] = ""
        assert set(await audited(database)) == set(stored)

    run(f"sqlite:///{tmp_path / 'sewu.sqlite'}", work)


async def persistently(database: Database, work: Callable[[], Awaitable[object]]) -> None:
    """As a feeder does: again until it is stored; a busy machine's PostgreSQL may take many seconds to start."""
    for _ in range(8):
        with contextlib.suppress(StoreUnavailable):
            await database.again(work)
            return
    raise AssertionError("PostgreSQL did not come back")


def test_a_postgresql_that_restarts_under_load_loses_nothing(postgres: Any) -> None:
    url = postgres.create("desk_restarted")

    async def work(database: Database) -> dict[str, str]:
        desk = desk_over(database, *STREET)
        for number in range(30):
            if number == 10:
                await asyncio.to_thread(postgres.stop, "immediate")
                starting = asyncio.create_task(asyncio.to_thread(postgres.start))
            await persistently(database, lambda number=number: desk.take("s1", 1, [message(number, "start")], NOW_S + number))  # type: ignore[misc]
        await starting
        return await audited(database)

    assert len(run(url, work)) == 30
