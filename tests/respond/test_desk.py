"""Every event is in exactly one incident, whatever is sent twice, at once, too late or by whom; on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from sewu.base.errors import Refused
from sewu.base.incidents import Incident, IncidentFilter
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import announcements, events, incident_cameras, incidents
from sewu.store.operations.incidents import Incidents
from tests.respond.desks import CITY, NOW_S, camera, desk_over, event, run


async def everything(database: Database) -> list[Incident]:
    return list((await Incidents(database).list(CITY, IncidentFilter(), limit=500)).rows)


async def count(database: Database, *conditions: Any, table: Any = events) -> int:
    async with database.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(table).where(*conditions))).scalar_one())


def test_events_of_one_zone_become_one_incident_and_others_do_not_join(database_url: str) -> None:
    async def work(database: Database) -> None:
        desk = desk_over(database, camera(1), camera(2))
        taken = await desk.take("s1", 1, [event(1), event(2, after_s=30), event(3, zone_id="z2"), event(4, "K2")], NOW_S + 60)
        assert taken.stored == 4 and len(taken.opened) == 3
        late = await desk.take("s1", 1, [event(5, after_s=100), event(6, after_s=90_000, kind="queue")], NOW_S + 120)
        assert len(late.opened) == 1 and late.repeated == 0
        found = {row.zone_id: row for row in await everything(database) if row.camera_count == 1 and row.kind == "illegal_parking"}
        first = next(row for row in await everything(database) if row.event_count == 3)
        assert first.title == "Parkir liar: Simpang 1" and first.area_code == "33.74.01.1002" and first.going_on == 3
        assert first.began_at_s == NOW_S and first.opened_at_s == NOW_S + 60 and first.acknowledge_by_s == NOW_S + 60 + 900
        assert set(found) == {"z1", "z2"}
        assert await count(database, events.c.incident_id.is_(None)) == 0 and await count(database) == 6
        assert await count(database, table=announcements) == 4

    run(database_url, work)


def test_sending_a_batch_again_changes_nothing(database_url: str) -> None:
    batch = [event(1), event(1, phase="update", at_s=NOW_S + 20, peak=300.0), event(2, after_s=5)]

    async def work(database: Database) -> None:
        desk = desk_over(database, camera(1))
        first = await desk.take("s1", 1, batch, NOW_S + 30)
        before, changes = await everything(database), await database.newest_change()
        again = await desk.take("s1", 1, batch, NOW_S + 31)
        assert (first.stored, first.repeated) == (2, 1) and (again.stored, again.repeated) == (0, 3)
        assert await everything(database) == before and await database.newest_change() == changes
        await desk.take("s1", 1, [event(1, phase="end", at_s=NOW_S + 50, ended_at_s=NOW_S + 50)], NOW_S + 51)
        await desk.take("s1", 1, [event(1, phase="update", at_s=NOW_S + 60)], NOW_S + 61)
        (only,) = await everything(database)
        assert only.going_on == 1 and only.event_count == 2

    run(database_url, work)


def test_a_stale_worker_is_refused_and_stores_nothing(database_url: str) -> None:
    async def work(database: Database) -> None:
        desk = desk_over(database, camera(1))
        await desk.take("s1", 4, [event(1)], NOW_S)
        with pytest.raises(Refused):
            await desk.take("s1", 3, [event(2)], NOW_S)
        await desk.take("s2", 1, [event(3)], NOW_S)
        await desk.take("s1", 4, [event(4)], NOW_S)
        assert await count(database) == 3

    run(database_url, work)


def test_a_batch_that_fails_at_its_last_step_leaves_no_half_incident(database_url: str) -> None:
    class Failing(Database):
        async def record(self, connection: Any, rows: list[dict[str, Any]]) -> None:
            raise ZeroDivisionError

    async def work(database: Database) -> None:
        broken = Failing(database_url)
        try:
            with pytest.raises(ZeroDivisionError):
                await desk_over(broken, camera(1)).take("s1", 1, [event(1)], NOW_S)
        finally:
            await broken.close()
        for table in (events, incidents, incident_cameras, announcements):
            assert await count(database, table=table) == 0
        assert (await desk_over(database, camera(1)).take("s1", 1, [event(1)], NOW_S)).stored == 1

    run(database_url, work)


def test_shards_that_write_at_once_do_not_open_two_incidents_for_one_place(database_url: str) -> None:
    async def work(database: Database) -> None:
        near = [camera(number, east_m=5.0 * number) for number in range(8)]
        desk = desk_over(database, *near)
        batches = [[event(number, f"K{number}", kind="standing_water", zone_id=None)] for number in range(8)]
        await asyncio.gather(*(desk.take(f"s{number}", 1, batch, NOW_S) for number, batch in enumerate(batches)))
        (only,) = await everything(database)
        assert only.event_count == 8 and only.camera_count == 8
        assert only.severity == "high"  # medium events, raised by the number of cameras
        assert await count(database, table=announcements) == 2

    run(database_url, work)


def test_a_graver_event_raises_its_incident_and_shortens_its_clock(database_url: str) -> None:
    async def work(database: Database) -> None:
        desk = desk_over(database, camera(1))
        await desk.take("s1", 1, [event(1)], NOW_S)
        taken = await desk.take("s1", 1, [event(2, after_s=10, severity="critical")], NOW_S + 20)
        (only,) = await everything(database)
        assert only.severity == "critical" and taken.raised == (only.id,)
        assert only.acknowledge_by_s == NOW_S + 20 + 120
        assert [entry.action for entry in await Incidents(database).history(CITY, only.id)] == ["opened", "raised"]
        await desk.take("s1", 1, [event(3, after_s=20, severity="low")], NOW_S + 30)
        assert (await everything(database))[0].severity == "critical"

    run(database_url, work)


def test_an_uplink_with_212_dead_cameras_is_one_incident(database_url: str) -> None:
    cameras = [camera(number) for number in range(212)] + [camera(900, group="uplink:8")]
    down: dict[str, Any] = {"kind": "camera_down", "zone_id": None, "unit": "1"}

    async def work(database: Database) -> None:
        desk = desk_over(database, *cameras)
        for start in range(0, 212, 12):  # trickling in
            batch = [event(number, f"K{number}", after_s=number / 10, **down) for number in range(start, min(start + 12, 212))]
            await desk.take("s1", 1, batch, NOW_S + start / 10)
        await desk.take("s1", 1, [event(900, "K900", **down)], NOW_S + 30)
        live = [row for row in await everything(database) if row.is_live]
        storm = next(row for row in live if row.kind == "uplink_down")
        assert len(live) == 2 and storm.camera_count == 212 and storm.event_count == 212 and storm.going_on == 212
        assert storm.title == "Uplink Uplink:7 putus: 212 kamera" and storm.area_code == "33.74.01"
        assert await count(database, events.c.incident_id == storm.id) == 212
        assert await count(database, incident_cameras.c.incident_id == storm.id, table=incident_cameras) == 212
        merged = [row for row in await everything(database) if row.merged_into == storm.id]
        assert {row.state for row in merged} == {"closed"} and sum(row.event_count for row in merged) == 0
        assert await count(database, announcements.c.incident_id.in_([row.id for row in merged]), table=announcements) == 0
        ends = [event(n, f"K{n}", phase="end", at_s=NOW_S + 99, ended_at_s=NOW_S + 99, **down) for n in range(212)]
        await desk.take("s1", 1, ends, NOW_S + 100)
        assert next(row for row in await everything(database) if row.id == storm.id).going_on == 0

    run(database_url, work)


def test_a_new_desk_over_the_same_database_goes_on_where_the_old_one_was(database_url: str) -> None:
    async def work(database: Database) -> None:
        await desk_over(database, camera(1)).take("s1", 1, [event(1)], NOW_S)
        await desk_over(database, camera(1)).take("s1", 2, [event(2, after_s=60)], NOW_S + 60)
        (only,) = await everything(database)
        assert only.event_count == 2

    run(database_url, work)


def test_a_camera_that_the_register_does_not_know_still_has_its_incident(database_url: str) -> None:
    async def work(database: Database) -> None:
        await desk_over(database).take("s1", 1, [replace(event(1), camera_id="baru")], NOW_S)
        (only,) = await everything(database)
        assert only.area_code == "33.74" and only.title == "Parkir liar: baru"

    run(database_url, work)
