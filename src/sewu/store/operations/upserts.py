"""Many rows at once: new ones inserted, different ones updated, equal ones left alone and not reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import JSON, Table, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A column of structured values: comparable in both databases, SQL null for None."""

BATCH = 5000
"""Values in one query: both databases allow some 32,000."""

T = TypeVar("T")


def in_batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in pieces that fit one query."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]


async def upsert(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    quiet: frozenset[str] = frozenset(),
    counter: str | None = None,
) -> list[tuple[Any, ...]]:
    """Insert or update by primary key, in the caller's transaction.

    Args:
        rows: dicts of the same keys, no primary key twice.
        quiet: columns that alone make no difference (when a row was written, for example).
        counter: a column that an update counts up by one (a version).

    Returns:
        The primary keys of the rows that were new or different.
    """
    if not rows:
        return []
    keys = tuple(table.primary_key.columns)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(table)
    values = {name: statement.excluded[name] for name in rows[0] if not table.c[name].primary_key and name != counter}
    told = [table.c[name].is_distinct_from(new) for name, new in values.items() if name not in quiet]
    if counter is not None:
        values[counter] = table.c[counter] + 1
    if told:
        statement = statement.on_conflict_do_update(index_elements=list(keys), set_=values, where=or_(*told))
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(keys))
    found = await connection.execute(statement.returning(*keys), list(rows))
    return [tuple(row) for row in found]


async def overwrite(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert or replace by primary key without asking what differed: the fast way for rows that nearly always do."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(table)
    values = {name: statement.excluded[name] for name in rows[0] if not table.c[name].primary_key}
    await connection.execute(statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=values), list(rows))
