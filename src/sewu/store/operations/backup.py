"""A copy of the database as one file that restores into either kind of database.

Compressed JSON Lines: a head with the revision, one line per row, a last line with the counts, so that a file that was cut
off is noticed. Read in one transaction, so that the copy is of one moment while the service goes on. Secrets stay encrypted;
the key is not in it and must be kept apart.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import MetaData, Table, func, insert, select, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.errors import BadInput, BadSettings
from sewu.store.files import refused
from sewu.store.operations.database import Database
from sewu.store.operations.migrations import current_revision, newest_revision, upgrade

FORMAT = "sewu-backup-1"
ROWS = 2000
"""Rows read or written at once."""
MAX_LINE_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds: the revision of its database, when it was made, rows by table."""

    revision: str
    made_at_s: float
    rows: dict[str, int]


async def backup(database: Database, file: Path, now_s: float) -> BackupReport:
    """Copy the database into `file`, whole or not at all; only its owner may read it.

    Raises:
        BadSettings: the database is not at this version's revision. StoreFull: the disk is full. SewuError: it may not be written.
    """
    revision = await current_revision(database)
    if revision != newest_revision():
        raise BadSettings(f"The database is at revision {revision}, not {newest_revision()}.", "Start the service once, then back up.")
    counts: dict[str, int] = {}
    with _writing(file) as out:
        out.write(json.dumps({"format": FORMAT, "revision": revision, "made_at_s": now_s}) + "\n")
        async with database.engine.connect() as plain:
            connection = await plain.execution_options(**({} if database.kind == "sqlite" else {"isolation_level": "REPEATABLE READ"}))
            if database.kind == "sqlite":
                connection = await connection.execution_options(reads=True)
            for table in (await _tables(connection)).sorted_tables:
                counts[table.name] = 0
                async for rows in _rows(connection, table):
                    counts[table.name] += len(rows)
                    lines = "".join(json.dumps([table.name, row], ensure_ascii=False) + "\n" for row in rows)
                    await asyncio.to_thread(out.write, lines)  # compressing would hold up everything else
        out.write(json.dumps({"end": counts}) + "\n")
    return BackupReport(str(revision), now_s, counts)


async def restore(database: Database, file: Path) -> BackupReport:
    """Fill an empty database from a backup, all or nothing, then bring it to this version.

    Raises:
        BadInput: the file is no whole backup, or is of a newer Sewu. BadSettings: the database is not empty.
    """
    head = next(_lines(file), None)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise BadInput(f"{file} is no backup of Sewu.", "Name a file that `sewu backup` wrote.")
    if await current_revision(database) is not None:
        raise BadSettings("The database is not empty.", "Restore into a new, empty one, then let the settings name it.")
    report = BackupReport(str(head.get("revision")), float(head.get("made_at_s", 0)), {})
    async with database.writing() as connection:
        try:
            await upgrade(database, connection, report.revision)
        except BadSettings as error:
            raise BadInput(f"{file} is of another version: {error.what}", error.advice) from error
        tables = {table.name: table for table in (await _tables(connection)).sorted_tables}
        for name, rows in _batches(file, tables):
            try:
                await connection.execute(insert(tables[name]), rows)
            except (IntegrityError, DataError) as error:
                raise BadInput(f"{file} holds a row of {name} that cannot be.", "Take another backup.") from error
            report.rows[name] = report.rows.get(name, 0) + len(rows)
        if database.kind == "postgresql":
            await _follow_sequences(connection, tables)
    await upgrade(database)
    return report


def _batches(file: Path, tables: dict[str, Table]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Rows by table, in the order of the file. Raises `BadInput` when the file ends early or says what cannot be."""
    lines = _lines(file)
    next(lines)
    counts: dict[str, int] = {}
    name = ""
    rows: list[dict[str, Any]] = []
    for line in lines:
        match line:
            case {"end": dict() as wanted}:
                if rows:
                    yield name, rows
                if {key: count for key, count in wanted.items() if count} != counts:
                    raise BadInput(f"{file} lacks rows that it should have.", "Take another backup.")
                return
            case [str() as table, dict() as row] if table in tables:
                if rows and (table != name or len(rows) >= ROWS):
                    yield name, rows
                    rows = []
                name = table
                rows.append(row)
                counts[name] = counts.get(name, 0) + 1
            case _:
                raise BadInput(f"{file} holds a line that is no row of this version.", "Take another backup.")
    raise BadInput(f"{file} ends before its end: it was cut off.", "Take another backup.")


def _lines(file: Path) -> Iterator[Any]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as source:
            while line := source.readline(MAX_LINE_BYTES):
                yield json.loads(line)
    except OSError as error:  # gzip's own error is one too
        raise BadInput(f"{file} cannot be read: {error.strerror or error}.", "Check the path, or take another backup.") from error
    except (EOFError, ValueError, RecursionError) as error:
        raise BadInput(f"{file} is damaged or no backup.", "Take another backup.") from error


async def _tables(connection: AsyncConnection) -> MetaData:
    """The tables as the database has them: a backup of an older revision is restored as it was, then upgraded."""
    found = MetaData()
    await connection.run_sync(found.reflect)
    found.remove(found.tables["alembic_version"])
    return found


async def _rows(connection: AsyncConnection, table: Table) -> AsyncIterator[list[dict[str, Any]]]:
    result = await connection.stream(select(table).order_by(*table.primary_key.columns))
    async for part in result.mappings().partitions(ROWS):
        yield [dict(row) for row in part]


async def _follow_sequences(connection: AsyncConnection, tables: dict[str, Table]) -> None:
    """PostgreSQL counts its own numbers: let them go on after those that were restored."""
    for table in tables.values():
        for column in table.primary_key.columns:
            query = text("select pg_get_serial_sequence(quote_ident(:table), :column)")
            sequence = (await connection.execute(query, {"table": table.name, "column": column.name})).scalar()
            highest = (await connection.execute(select(func.max(column)))).scalar() if sequence else None
            if highest:
                await connection.execute(text("select setval(:sequence, :highest)"), {"sequence": sequence, "highest": highest})


@contextmanager
def _writing(file: Path) -> Iterator[TextIO]:
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as raw:
            with gzip.open(raw, "wt", compresslevel=6, encoding="utf-8") as out:
                yield out
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(file)
    except OSError as error:
        raise refused(file, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
