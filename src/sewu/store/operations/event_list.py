"""Events over all incidents, newest first: for an officer's own list, for export, for looking back."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, select, tuple_

from sewu.base.incidents import EventFilter, ListedEvent
from sewu.base.paging import Page, cursor_key, cursor_of
from sewu.base.rights import Scope
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import events
from sewu.store.operations.incidents import MAX_PAGE, as_event, narrowed
from sewu.store.operations.tables import within


class Events:
    """Reads, each within a scope: an event is its camera's area's and its agency's."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def list(self, scope: Scope, wanted: EventFilter, cursor: str | None = None, limit: int = 100) -> Page[ListedEvent]:
        """By time of start, newest first, at most `MAX_PAGE` a page. Raises `BadInput` for a cursor of something else."""
        limit = max(1, min(limit, MAX_PAGE))
        order = (events.c.started_at_s.desc(), events.c.id.desc())
        small = narrowed(events.c.area_code, scope, self.database.kind)
        ids = select(events.c.id).where(_visible(scope), *small, *_conditions(wanted))
        if cursor is not None:
            ids = ids.where(tuple_(events.c.started_at_s, events.c.id) < tuple_(*cursor_key(cursor, (float, str))))
        async with self.database.reading() as connection:
            chosen = (await connection.execute(ids.order_by(*order).limit(limit + 1))).scalars().all()
            query = select(events).where(events.c.id.in_(chosen[:limit])).order_by(*order)
            found = (await connection.execute(query)).mappings().all() if chosen else []
        rows = tuple(ListedEvent(as_event(row), row["incident_id"], row["area_code"], row["agency"]) for row in found)
        last = rows[-1].event if len(chosen) > limit else None
        return Page(rows, None if last is None else cursor_of((last.started_at_s, last.id)))


def _visible(scope: Scope) -> ColumnElement[bool]:
    area = within(events.c.area_code, scope)
    return area if scope.agencies is None else and_(area, events.c.agency.in_(scope.agencies))


def _conditions(wanted: EventFilter) -> Iterable[ColumnElement[bool]]:
    row = events.c
    if wanted.kinds:
        yield row.kind.in_(wanted.kinds)
    if wanted.severities:
        yield row.severity.in_(wanted.severities)
    if wanted.camera_id is not None:
        yield row.camera_id == wanted.camera_id
    if wanted.area_code is not None:
        yield within(row.area_code, Scope((wanted.area_code,)))
    if wanted.started_from_s is not None:
        yield row.started_at_s >= wanted.started_from_s
    if wanted.started_until_s is not None:
        yield row.started_at_s < wanted.started_until_s
