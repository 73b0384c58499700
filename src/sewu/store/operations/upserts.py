"""Many rows at once: new ones inserted, different ones updated, equal ones left alone and not reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, Table, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A column of structured values: comparable in both databases, SQL null for None."""


async def upsert(
    connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]], keep: frozenset[str] = frozenset()
) -> list[tuple[Any, ...]]:
    """Insert or update by primary key, in the caller's transaction.

    Args:
        rows: dicts of the same keys, no primary key twice.
        keep: columns that an update leaves as they are, and that make no difference (when it was made, for example).

    Returns:
        The primary keys of the rows that were new or different.
    """
    if not rows:
        return []
    keys = tuple(table.primary_key.columns)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(table)
    fresh = [table.c[name] for name in rows[0] if name not in keep and not table.c[name].primary_key]
    if fresh:
        differs = or_(*(column.is_distinct_from(statement.excluded[column.name]) for column in fresh))
        values = {column.name: statement.excluded[column.name] for column in fresh}
        statement = statement.on_conflict_do_update(index_elements=list(keys), set_=values, where=differs)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(keys))
    found = await connection.execute(statement.returning(*keys), list(rows))
    return [tuple(row) for row in found]
