"""`python -m sewu.store.operations.migrations`: write revision 0001 from the tables, or draft the next revision.

    python -m sewu.store.operations.migrations first          before the first release: 0001 anew
    python -m sewu.store.operations.migrations next NAME      afterwards: NNNN_name.py with what differs, to be read and mended

Both refuse to work on anything but the sources of Sewu.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from sewu.store.operations.audit import GUARDS
from sewu.store.operations.database import Database
from sewu.store.operations.migrations.running import FOLDER, newest_revision, upgrade
from sewu.store.operations.schema import metadata

HEAD = '''"""{title}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    """Say here what an operator should know of it."""
    {body}
'''


def write_first(folder: Path = FOLDER) -> None:
    """Write 0001.sqlite.sql and 0001.postgresql.sql from the tables."""
    for kind, dialect in (("sqlite", sqlite.dialect()), ("postgresql", postgresql.dialect())):  # type: ignore[no-untyped-call]
        parts: list[str] = []
        for table in metadata.sorted_tables:
            parts.append(str(CreateTable(table).compile(dialect=dialect)).strip().replace("\t", "  "))
            parts += [
                str(CreateIndex(index).compile(dialect=dialect)).strip() for index in sorted(table.indexes, key=lambda i: str(i.name))
            ]
        parts += GUARDS[kind]
        lines = (line.rstrip() for line in ";\n\n".join(parts).splitlines())
        (folder / "versions" / f"0001.{kind}.sql").write_text("\n".join(lines) + ";\n", encoding="utf-8")


def draft_next(name: str, folder: Path = FOLDER) -> Path:
    """Draft the next revision from what a fresh database at the newest one lacks; returns its file."""
    before = newest_revision()
    revision = f"{int(before) + 1:04d}"

    def body(connection: Connection) -> str:
        context = MigrationContext.configure(connection, opts={"render_as_batch": True, "compare_type": True})
        operations = produce_migrations(context, metadata).upgrade_ops
        return "pass" if operations is None else render_python_code(operations, render_as_batch=True)

    async def whole() -> str:
        database = Database("sqlite://")
        try:
            await upgrade(database)
            async with database.reading() as connection:
                return await connection.run_sync(body)
        finally:
            await database.close()

    file = folder / "versions" / f"{revision}_{name}.py"
    text = HEAD.format(title=name.replace("_", " ").capitalize(), revision=revision, before=before, body=asyncio.run(whole()))
    file.write_text(text, encoding="utf-8")
    return file


def main(arguments: list[str]) -> int:
    """Run the command; the exit code says whether it was understood."""
    if arguments == ["first"]:
        write_first()
        return 0
    if len(arguments) == 2 and arguments[0] == "next" and arguments[1].isidentifier():
        sys.stdout.write(f"{draft_next(arguments[1])}\n")
        return 0
    sys.stderr.write(f"{__doc__}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
