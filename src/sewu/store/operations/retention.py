"""What is old is deleted, class by class, in small transactions, so that nobody waits for it. The audit is never deleted.

Stills and clips are the evidence's own (`Evidence.expired`); an incident stays as long as one of its items is kept.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, Table, and_, delete, exists, func, select

from sewu.base.service import Retention
from sewu.store.operations.database import Database
from sewu.store.operations.evidence import items
from sewu.store.operations.incident_tables import events, incidents
from sewu.store.operations.schema import metadata
from sewu.store.operations.states import condition_spans
from sewu.store.operations.tables import changes

DAY_S = 86_400.0
ROWS = 5_000
"""Rows deleted in one transaction."""
INCIDENTS = 500
ENDED = ("closed", "false_alarm")


async def prune(database: Database, kept: Retention, now_s: float) -> dict[str, int]:
    """Delete what is older than the settings say; returns how many rows of each class went. Stopping it midway harms nothing.

    Raises:
        StoreUnavailable: what was deleted before stays deleted; go on later.
    """
    newest = select(func.max(changes.c.sequence)).scalar_subquery()  # the last change stays: screens ask for its number
    return {
        "changes": await _delete(database, changes, and_(changes.c.at_s < now_s - kept.changes_days * DAY_S, changes.c.sequence < newest)),
        "health": await _delete(database, condition_spans, condition_spans.c.until_s < now_s - kept.health_days * DAY_S),
        "incidents": await _delete_incidents(database, now_s - kept.incidents_days * DAY_S),
        "events": await _delete(
            database, events, and_(events.c.incident_id.is_(None), events.c.at_s < now_s - kept.incidents_days * DAY_S)
        ),
    }


async def _delete(database: Database, table: Table, condition: ColumnElement[bool]) -> int:
    """Delete the rows of a condition, some at a time."""
    keys = tuple(table.primary_key.columns)
    gone = 0
    while True:
        some = select(*keys).where(condition).limit(ROWS)
        async with database.writing() as connection:
            found = (await connection.execute(some)).all()
            for start in range(0, len(found), INCIDENTS):
                part = found[start : start + INCIDENTS]
                chosen = keys[0].in_([row[0] for row in part])
                await connection.execute(delete(table).where(chosen, condition))
        gone += len(found)
        if len(found) < ROWS:
            return gone


async def _delete_incidents(database: Database, before_s: float) -> int:
    """Delete ended incidents with all that belongs to them, some at a time."""
    belonging = [
        (table, column)
        for table in reversed(metadata.sorted_tables)
        for column in table.columns
        if any(key.column is incidents.c.id for key in column.foreign_keys) and table is not incidents
    ]
    gone = 0
    while True:
        async with database.writing() as connection:
            ids = (await connection.execute(_old_incidents(before_s))).scalars().all()
            for table, column in belonging:
                await connection.execute(delete(table).where(column.in_(ids)))
            await connection.execute(delete(incidents).where(incidents.c.id.in_(ids)))
        gone += len(ids)
        if len(ids) < INCIDENTS:
            return gone


def _old_incidents(before_s: float) -> Select[tuple[str]]:
    kept = exists().where(items.c.incident_id == incidents.c.id)
    ended_s = func.coalesce(incidents.c.closed_at_s, incidents.c.updated_at_s)
    return select(incidents.c.id).where(incidents.c.state.in_(ENDED), ended_s < before_s, ~kept).limit(INCIDENTS)
