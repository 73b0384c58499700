"""`sewu backup`, `sewu restore` and `sewu prune`: the database of a home as a file, and what is old in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sewu.base.service import Home, open_home
from sewu.store.operations.backup import BackupReport, backup, restore
from sewu.store.operations.database import Database
from sewu.store.operations.retention import prune


async def back_up(named: Path | None, file: Path, now_s: float) -> BackupReport:
    """Copy a home's database into a file. Raises what `store.operations.backup.backup` does."""
    async with _database(open_home(named)) as database:
        return await backup(database, file, now_s)


async def fill_from(named: Path | None, file: Path) -> BackupReport:
    """Fill a home's empty database from a file. Raises what `store.operations.backup.restore` does."""
    async with _database(open_home(named)) as database:
        return await restore(database, file)


async def prune_now(named: Path | None, now_s: float) -> dict[str, int]:
    """Delete what is older than the home's settings say."""
    home = open_home(named)
    async with _database(home) as database:
        await database.upgrade()
        return await prune(database, home.settings.retention, now_s)


@asynccontextmanager
async def _database(home: Home) -> AsyncIterator[Database]:
    database = Database(home.database_url)
    try:
        yield database
    finally:
        await database.close()
