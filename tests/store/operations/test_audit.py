"""The audit cannot be changed by asking the database, and shows it when its files were changed behind it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sewu.base.errors import SewuError
from sewu.base.rights import Scope
from sewu.store.operations.audit import START, Audit, AuditFilter, Deed, Head, chained
from sewu.store.operations.database import Database
from tests.store.operations.test_database import run

CITY = Scope(("33.74",))


def deed(number: int, area: str | None = None) -> Deed:
    return Deed(1000.0 + number, "usr_1", "camera.read", subject=f"cam-{number}", area_code=area, detail={"q": "né\u0000", "n": number})


async def tamper(database: Database, statement: str) -> None:
    """Do what the guards refuse, as somebody with the database's files could."""
    async with database.writing() as connection:
        if database.kind == "sqlite":
            for verb in ("update", "delete"):
                await connection.execute(text(f"drop trigger if exists audit_no_{verb}"))
        else:
            await connection.execute(text("alter table audit disable trigger all"))
        await connection.execute(text(statement))


def test_concurrent_writers_make_one_unbroken_chain(database_url: str) -> None:
    async def work(database: Database) -> Any:
        audit = Audit(database)
        await asyncio.gather(*(audit.write([deed(n), deed(n + 100)]) for n in range(25)))
        return await audit.verify()

    verdict = run(database_url, work)
    assert (verdict.rows, verdict.broken_at, verdict.head.sequence) == (50, None, 50)


@pytest.mark.parametrize("statement", ["update audit set actor = 'x'", "delete from audit", "delete from audit where sequence = 2"])
def test_the_database_refuses_to_change_what_was_written(database_url: str, statement: str) -> None:
    async def work(database: Database) -> int:
        audit = Audit(database)
        await audit.write([deed(n) for n in range(3)])
        with pytest.raises((DBAPIError, SewuError)):
            async with database.writing() as connection:
                await connection.execute(text(statement))
        return (await audit.verify()).rows

    assert run(database_url, work) == 3


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("update audit set actor = 'usr_2' where sequence = 3", 3),
        ("update audit set detail = '{}' where sequence = 1", 1),
        ("update audit set at_s = at_s + 0.001 where sequence = 5", 5),
        ("update audit set purpose = 'safety' where sequence = 4", 4),
        ("delete from audit where sequence = 2", 2),
        ("delete from audit where sequence = 1", 1),
        ("update audit set hash = repeat_placeholder where sequence = 6", 6),
    ],
)
def test_tampering_is_found_where_it_happened(database_url: str, statement: str, broken_at: int) -> None:
    async def work(database: Database) -> Any:
        audit = Audit(database)
        await audit.write([deed(n) for n in range(6)])
        await tamper(database, statement.replace("repeat_placeholder", f"'{START}'"))
        return await audit.verify()

    verdict = run(database_url, work)
    assert verdict.broken_at == broken_at and verdict.why


def test_a_cut_or_rewritten_end_is_found_against_a_head_kept_elsewhere(database_url: str) -> None:
    async def work(database: Database) -> list[int | None]:
        audit = Audit(database)
        head = await audit.write([deed(n) for n in range(6)])
        await tamper(database, "delete from audit where sequence > 4")
        alone, against = await audit.verify(), await audit.verify(head)
        await audit.write([deed(77), deed(78)])
        rewritten = await audit.verify(head)
        assert isinstance(head, Head)
        return [alone.broken_at, against.broken_at, rewritten.broken_at]

    assert run(database_url, work) == [None, 5, 6]


def test_an_auditor_of_one_area_reads_only_its_rows(database_url: str) -> None:
    async def work(database: Database) -> Any:
        audit = Audit(database)
        await audit.write([deed(1, "33.74.01"), deed(2, "33.74.02"), deed(3), deed(4, "33.74.01.1001")])
        village = await audit.page(AuditFilter(), Scope(("33.74.01",)), None, 10)
        city = await audit.page(AuditFilter(), CITY, None, 3)
        older = await audit.page(AuditFilter(), CITY, city[-1].sequence, 3)
        nobody = await audit.page(AuditFilter(), Scope(), None, 10)
        one = await audit.page(AuditFilter(subject="cam-2", from_s=0, to_s=5000), CITY, None, 10)
        return [[row.sequence for row in rows] for rows in (village, city, older, nobody, one)]

    assert run(database_url, work) == [[4, 1], [4, 3, 2], [1], [], [2]]


@given(st.dictionaries(st.sampled_from(["actor", "action", "subject"]), st.text(max_size=20), min_size=3), st.floats(0, 4e9))
def test_any_change_of_a_field_changes_the_hash(values: dict[str, str], at_s: float) -> None:
    row = {"sequence": 1, "at_s": at_s, "outcome": "done", "purpose": None, "area_code": None, "detail": "{}", "request_id": None} | values
    first = chained(row, START)
    assert chained(row | {"actor": values["actor"] + "x"}, START) != first
    assert chained(row | {"at_s": at_s + 1.0}, START) != first
    assert chained(row, "1" * 64) != first
