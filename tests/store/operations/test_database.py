"""The operations database keeps its promises on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from sewu.base.errors import BadSettings, StoreUnavailable
from sewu.base.rights import Scope, is_within
from sewu.store.operations.database import Database
from sewu.store.operations.tables import changes, new_id, within
from tests.databases import Postgres


def run(url: str, work: Callable[[Database], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        database = Database(url)
        try:
            await database.create()
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(asyncio.wait_for(whole(), 60))


def change(number: int, area: str | None = None) -> dict[str, Any]:
    return {"at_s": float(number), "topic": "test", "subject_id": f"s{number}", "area_code": area, "agency": None}


def test_a_block_that_fails_stores_nothing(database_url: str) -> None:
    async def work(database: Database) -> int:
        with pytest.raises(ZeroDivisionError):
            async with database.writing() as connection:
                await database.record(connection, [change(1)])
                _ = 1 / 0
        return await database.newest_change()

    assert run(database_url, work) == 0


def test_the_outbox_grows_in_the_order_of_commits_and_loses_none(database_url: str) -> None:
    async def work(database: Database) -> list[int]:
        seen: list[int] = []

        async def write(number: int) -> None:
            async with database.writing() as connection:
                await database.record(connection, [change(number)])

        async def read() -> None:
            last = 0
            while len(seen) < 60:
                async with database.reading() as connection:
                    query = select(changes.c.sequence).where(changes.c.sequence > last).order_by(changes.c.sequence)
                    fresh = (await connection.execute(query)).scalars().all()
                seen.extend(fresh)
                last = fresh[-1] if fresh else last
                await asyncio.sleep(0.001)

        await asyncio.gather(read(), *(write(number) for number in range(60)))
        return seen

    seen = run(database_url, work)
    assert len(seen) == 60 and seen == sorted(set(seen))


def test_rights_are_applied_in_the_query(database_url: str) -> None:
    codes = ["33.74", "33.74.01", "33.74.01.1001", "33.74.011", "33_74.01", None]

    async def work(database: Database) -> list[int]:
        async with database.writing() as connection:
            await database.record(connection, [change(index, code) for index, code in enumerate(codes)])
        counts = []
        for areas in ((), ("33.74.01",), ("33.74",), ("33.74.01", "33.74.011")):
            async with database.reading() as connection:
                query = select(func.count()).select_from(changes).where(within(changes.c.area_code, Scope(areas)))
                counts.append(int((await connection.execute(query)).scalar_one()))
        return counts

    assert run(database_url, work) == [0, 2, 4, 3]


@given(st.lists(st.sampled_from(["33", "74", "01", "011", "1001"]), min_size=1, max_size=5), st.integers(1, 5))
def test_a_code_is_within_each_of_its_prefixes_and_no_other(parts: list[str], depth: int) -> None:
    code, area = ".".join(parts), ".".join(parts[:depth])
    assert is_within(code, area)
    assert not is_within(area + "1", area)
    assert Scope((area,)).reaches(code) and not Scope(()).reaches(code) and not Scope((area,)).reaches(None)


@given(st.floats(0, 4e9), st.floats(0.002, 1e6))
def test_ids_sort_by_time(at_s: float, later_s: float) -> None:
    assert new_id("x", at_s) < new_id("x", at_s + later_s)
    assert len(new_id("x", at_s)) == len("x_") + 19


@pytest.mark.parametrize("url", ["mysql://h/d", "not a url", "", "oracle+cx://x"])
def test_an_unknown_database_is_refused_without_showing_its_url(url: str) -> None:
    with pytest.raises(BadSettings):
        Database(url)


def test_a_restarted_postgresql_is_found_again(postgres: Postgres) -> None:
    url = postgres.create("restarted")

    async def work(database: Database) -> int:
        async def write() -> None:
            async with database.writing() as connection:
                await database.record(connection, [change(1)])

        await write()
        await asyncio.to_thread(postgres.stop, "fast")
        try:
            with pytest.raises(StoreUnavailable):
                await write()
        finally:
            await asyncio.to_thread(postgres.start)
        await database.again(write)
        return await database.newest_change()

    assert run(url, work) >= 2
