"""A database comes from any release to this one, and a newer one is left alone."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import sewu.store.operations as package
from sewu.base.errors import BadSettings, SewuError
from sewu.store.operations.database import Database
from sewu.store.operations.migrations import current_revision, differences, newest_revision
from sewu.store.operations.migrations.__main__ import main, write_first
from sewu.store.operations.migrations.running import FOLDER
from sewu.store.operations.schema import MODULES, metadata


def run(url: str, work: Callable[[Database], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        database = Database(url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(asyncio.wait_for(whole(), 60))


def test_an_upgraded_database_is_what_the_tables_say(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        empty = await current_revision(database)
        first = await database.upgrade()
        again = await database.upgrade()
        return empty, first, again, await current_revision(database), await differences(database)

    assert run(database_url, work) == (None, newest_revision(), newest_revision(), newest_revision(), [])


def test_two_services_that_start_at_once_upgrade_once(database_url: str) -> None:
    async def work(database: Database) -> list[str]:
        other = Database(database_url)
        try:
            return list(await asyncio.gather(database.upgrade(), other.upgrade()))
        finally:
            await other.close()

    assert run(database_url, work) == [newest_revision()] * 2


def test_a_newer_database_is_refused_and_left_as_it_is(database_url: str) -> None:
    async def work(database: Database) -> str | None:
        await database.upgrade()
        async with database.writing() as connection:
            await connection.execute(text("update alembic_version set version_num = '9999'"))
        with pytest.raises(BadSettings, match="newer Sewu"):
            await database.upgrade()
        return await current_revision(database)

    assert run(database_url, work) == "9999"


def test_a_database_of_somebody_else_is_refused(database_url: str) -> None:
    async def work(database: Database) -> None:
        async with database.writing() as connection:
            await connection.execute(text("create table theirs (x integer)"))
        with pytest.raises(BadSettings, match="empty database"):
            await database.upgrade()

    run(database_url, work)


def test_an_upgrade_that_fails_leaves_nothing_behind(database_url: str) -> None:
    async def work(database: Database) -> list[Any]:
        async with database.writing() as connection:
            await connection.execute(text("create view zone as select 1 as x"))  # in the way of a table, after others were made
        with pytest.raises((SewuError, DBAPIError)):
            await database.upgrade()
        async with database.writing() as connection:
            await connection.execute(text("drop view zone"))
        await database.upgrade()
        return await differences(database)

    assert run(database_url, work) == []


def test_every_module_with_tables_is_part_of_the_schema() -> None:
    (folder,) = package.__path__
    named = {module.__name__.rpartition(".")[2] for module in MODULES}
    for path in Path(folder).glob("*.py"):
        calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
        if any(isinstance(call.func, ast.Name) and call.func.id == "Table" for call in calls):
            assert path.stem in named, f"add {path.stem} to schema.py, then write a migration"
    assert all(name.islower() and len(name) < 50 for name in metadata.tables)


def test_the_first_revision_can_be_written_again(tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    write_first(tmp_path)
    for kind in ("sqlite", "postgresql"):
        assert (tmp_path / "versions" / f"0001.{kind}.sql").read_text() == (FOLDER / "versions" / f"0001.{kind}.sql").read_text()


def test_the_command_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2 and "NAME" in capsys.readouterr().err
