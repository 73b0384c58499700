"""Incidents come back as they were stored, to those only whose scope reaches them, on both databases."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace as changed
from typing import Any

import pytest

from sewu.base.errors import BadInput, Conflict
from sewu.base.incidents import INCIDENT_STATES, HistoryEntry, Incident, IncidentFilter, common_area
from sewu.base.records import SEVERITIES, Place
from sewu.base.rights import Scope
from sewu.store.operations import incidents as kept
from sewu.store.operations.database import Database
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.tables import new_id

CITY = Scope(("33.74",))


def run(url: str, work: Callable[[Database], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        database = Database(url)
        try:
            await database.create()
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(asyncio.wait_for(whole(), 60))


def incident(number: int, **values: Any) -> Incident:
    at_s = 1_700_000_000.0 + number
    base: dict[str, Any] = {"kind": "illegal_parking", "severity": "medium", "state": "open", "title": f"Parkir liar {number}"}
    base |= {"area_code": "33.74.01.1001", "agency": "dishub", "opened_at_s": at_s, "updated_at_s": at_s}
    return Incident(id=new_id("inc", at_s), **(base | values))


async def store(database: Database, *rows: Incident) -> None:
    async with database.writing() as connection:
        await kept.add(connection, rows)
        await database.record(connection, [kept.change_of(row) for row in rows])


def test_an_incident_comes_back_as_it_was_stored(database_url: str) -> None:
    one = incident(1, place=Place(-6.98, 110.41), zone_id="z1", rule_id="r1", acknowledge_by_s=1_700_000_300.25, level=2)

    async def work(database: Database) -> None:
        await store(database, one)
        desk = Incidents(database)
        assert await desk.get(CITY, one.id) == one
        assert await desk.get(Scope(("33.74.02",)), one.id) is None
        assert await desk.get(Scope(("33.74",), ("polisi",)), one.id) is None
        assert await desk.get(Scope(("33.74.01",), ("dishub",)), one.id) == one

    run(database_url, work)


def test_pages_join_to_the_whole_list_and_a_filter_finds_what_a_loop_finds(database_url: str) -> None:
    chance = random.Random(6)
    rows = [
        incident(
            number // 3,  # several at the very same time
            state=chance.choice(INCIDENT_STATES),
            severity=chance.choice(SEVERITIES),
            kind=chance.choice(["illegal_parking", "queue"]),
            agency=chance.choice(["dishub", "polisi"]),
            area_code=chance.choice(["33.74.01.1001", "33.74.011.1001", "33.74.02", None]),
        )
        for number in range(120)
    ]
    wanted = IncidentFilter(states=("open", "assigned", "closed"), kinds=("queue",), area_code="33.74.01", opened_from_s=1_700_000_003.0)

    async def pages(desk: Incidents, scope: Scope, asked: IncidentFilter, limit: int) -> list[str]:
        found, cursor = [], None
        while True:
            page = await desk.list(scope, asked, cursor, limit)
            found += [row.id for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def work(database: Database) -> None:
        await store(database, *rows)
        desk = Incidents(database)
        newest = sorted(rows, key=lambda row: (row.opened_at_s, row.id), reverse=True)
        everywhere = [row.id for row in newest if row.area_code is not None]
        assert await pages(desk, CITY, IncidentFilter(), 7) == everywhere
        expected = [
            row.id
            for row in newest
            if row.state in wanted.states
            and row.kind == "queue"
            and row.area_code == "33.74.01.1001"
            and row.opened_at_s >= 1_700_000_003.0
        ]
        assert expected and await pages(desk, CITY, wanted, 2) == expected
        assert await pages(desk, Scope(()), IncidentFilter(), 50) == []
        counted = await desk.counts(CITY, wanted)
        assert sum(counted.values()) == len(expected)
        text = await desk.list(CITY, IncidentFilter(text="LIAR 13"))
        assert {row.title for row in text.rows} <= {"Parkir liar 13"}
        with pytest.raises(BadInput):
            await desk.list(CITY, IncidentFilter(), "no-cursor")

    run(database_url, work)


def test_of_two_who_change_the_same_version_one_is_told_to_read_again(database_url: str) -> None:
    one = incident(1)

    async def change(database: Database, state: Any) -> bool:
        try:
            async with database.writing() as connection:
                await kept.replace(connection, one, changed(one, state=state, version=2))
                await kept.tell(connection, [HistoryEntry(one.id, 5.0, "usr", "state", "because", "open", state)])
        except Conflict:
            return False
        return True

    async def work(database: Database) -> None:
        await store(database, one)
        done = await asyncio.gather(change(database, "acknowledged"), change(database, "false_alarm"))
        desk = Incidents(database)
        found = await desk.get(CITY, one.id)
        said = await desk.history(CITY, one.id)
        assert sorted(done) == [False, True] and found is not None and found.version == 2
        assert [entry.to_state for entry in said] == [found.state]
        assert await desk.history(Scope(("33.74.09",)), one.id) == ()

    run(database_url, work)


def test_a_rules_precision_counts_what_people_said(database_url: str) -> None:
    states = ["closed", "closed", "resolved", "false_alarm", "open"]
    rows = [incident(number, rule_id="r1", state=state) for number, state in enumerate(states)]
    rows.append(incident(9, rule_id="r1", state="closed", merged_into=rows[0].id))
    rows.append(incident(10, rule_id="r2", state="false_alarm", area_code="33.75"))

    async def work(database: Database) -> None:
        await store(database, *rows)
        (only,) = await Incidents(database).precision(CITY)
        assert (only.rule_id, only.confirmed, only.false_alarms, only.share) == ("r1", 3, 1, 0.75)

    run(database_url, work)


def test_the_smallest_common_area_holds_all() -> None:
    assert common_area(["33.74.01.1001", "33.74.01.1002"]) == "33.74.01"
    assert common_area(["33.74.01", "33.74.011"]) == "33.74"
    assert common_area(["33.74", "12.01"]) is None and common_area([]) is None


def test_counts_by_district_stay_within_the_scope_and_count_merged_ones_once(database_url: str) -> None:
    one = incident(1, area_code="33.74.01.1001.RW01.RT02")
    rows = (
        one,
        incident(2, area_code="33.74.01.1002"),
        incident(3, area_code="33.74.01.1001", kind="queue"),
        incident(4, area_code="33.74.01.1001", merged_into=one.id, state="closed"),
        incident(5, area_code="33.74.02"),
        incident(6, area_code="33.74"),
        incident(7, area_code=None),
        incident(8, area_code="33.74.02.1001", agency="polisi"),
    )

    async def work(database: Database) -> None:
        await store(database, *rows)
        desk, every = Incidents(database), IncidentFilter()
        first = (("33.74.01", "illegal_parking", 2), ("33.74.01", "queue", 1))
        assert await desk.by_district(CITY, every) == (("33.74", "illegal_parking", 1), *first, ("33.74.02", "illegal_parking", 2))
        assert await desk.by_district(Scope(("33.74.01",)), every) == first
        assert await desk.by_district(Scope(("33.74",), ("polisi",)), every) == (("33.74.02", "illegal_parking", 1),)
        assert await desk.by_district(CITY, IncidentFilter(kinds=("queue",))) == (("33.74.01", "queue", 1),)
        assert await desk.by_district(CITY, IncidentFilter(opened_from_s=1_700_000_008.0)) == (("33.74.02", "illegal_parking", 1),)
        assert await desk.by_district(Scope(), every) == ()

    run(database_url, work)
