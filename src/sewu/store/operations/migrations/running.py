"""Bringing a database to the newest revision, in one transaction; saying how it differs from the tables."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.errors import BadSettings
from sewu.store.operations.database import Database
from sewu.store.operations.schema import metadata

FOLDER = Path(str(resources.files("sewu.store.operations.migrations")))
UPGRADE_LOCK = 0x5E4
"""Number of PostgreSQL's advisory lock around an upgrade: two services that start at once do it once."""


async def upgrade(database: Database, within: AsyncConnection | None = None, to: str | None = None) -> str:
    """Bring the database to this version's tables; harmless when it is there already. Returns the revision.

    Args:
        within: do it in this transaction. to: an older revision to stop at, where a backup is to be restored.

    Raises:
        BadSettings: the database was made by a newer Sewu, or is not Sewu's. StoreUnavailable, StoreFull: nothing was changed.
    """
    if within is not None:
        return await within.run_sync(_upgrade, to or newest_revision())
    async with database.writing() as connection:
        if database.kind == "postgresql":
            await connection.execute(text(f"select pg_advisory_xact_lock({UPGRADE_LOCK})"))
        return await connection.run_sync(_upgrade, to or newest_revision())


async def current_revision(database: Database) -> str | None:
    """The revision of a database; None for an empty one."""
    async with database.reading() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def differences(database: Database) -> list[Any]:
    """What the tables say and the database does not; empty after an upgrade. In the words of Alembic."""
    async with database.reading() as connection:
        return await connection.run_sync(_differences)


def newest_revision() -> str:
    """The revision that this version of Sewu works with."""
    head = scripts().get_current_head()
    assert head is not None, "the migrations are part of the package"
    return head


def scripts() -> ScriptDirectory:
    """The revisions of the package."""
    return ScriptDirectory(str(FOLDER))


def statements(revision: str, kind: str) -> list[str]:
    """The SQL statements of a revision that is written as such, for one kind of database."""
    sql = (FOLDER / "versions" / f"{revision}.{kind}.sql").read_text(encoding="utf-8")
    return [part.strip() for part in sql.split(";\n") if part.strip()]


def _upgrade(connection: Connection, wanted: str) -> str:
    directory = scripts()
    current = MigrationContext.configure(connection).get_current_revision()
    if current == wanted:
        return wanted
    if current is None and inspect(connection).get_table_names():
        raise BadSettings("This database holds tables, but not those of a released Sewu.", "Name an empty database.")
    for revision in (current, wanted):
        if revision is not None and not _is_known(directory, revision):
            raise BadSettings(
                f"It was made by a newer Sewu (revision {revision}, this one knows {newest_revision()}).",
                "Install that version or a newer one.",
            )

    def steps(revision: Any, _context: Any) -> Any:
        return directory._upgrade_revs(wanted, revision)

    environment = EnvironmentContext(Config(), directory, fn=steps, destination_rev=wanted)
    with environment:
        environment.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        environment.run_migrations()
    return wanted


def _is_known(directory: ScriptDirectory, revision: str) -> bool:
    try:
        return directory.get_revision(revision) is not None
    except (CommandError, RevisionError):
        return False


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, metadata))
