"""Incidents as they are kept: found within a scope, listed page by page, changed only at the version that was read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, literal_column, or_, select, tuple_, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.errors import Conflict
from sewu.base.incidents import HistoryEntry, Incident, IncidentFilter, Precision
from sewu.base.paging import Page, cursor_key, cursor_of
from sewu.base.records import Event, Place
from sewu.base.rights import Scope
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import events, history, incident_cameras, incidents
from sewu.store.operations.tables import within

MAX_PAGE = 500
SMALL_DOTS = 4
"""An area whose code has so many dots is an RW or RT: so few rows that they are found by area and then sorted."""
MAX_SEARCH_LETTERS = 400
"""An index holds the text, and PostgreSQL's hold at most 2700 bytes a row."""
CELL_DEG = 0.005
"""Side of a map square, 550 m of latitude: what merges must be nearer than that."""
DISTRICT_LETTERS = len("33.74.01")
"""Literal in the query: PostgreSQL takes a bound value in SELECT and the same one in GROUP BY for two things."""
SAME = tuple(name for name in Incident.__dataclass_fields__ if name != "place")
"""Columns that are the noun's fields."""


def visible(scope: Scope) -> ColumnElement[bool]:
    """The condition that an incident lies in the scope's areas and is one of its agencies'."""
    area = within(incidents.c.area_code, scope)
    return area if scope.agencies is None else and_(area, incidents.c.agency.in_(scope.agencies))


def narrowed(column: ColumnElement[Any], scope: Scope, kind: str) -> list[ColumnElement[bool]]:
    """For SQLite, a range that holds all codes of a scope of small areas, so that their index is used; it excludes nothing `within` takes.

    Codes are digits and dots, and "/" follows "." in SQLite's order. PostgreSQL's order may be another; it has an index for LIKE.
    """
    if kind != "sqlite" or not scope.areas or any(area.count(".") < SMALL_DOTS for area in scope.areas):
        return []
    return [or_(*(and_(column >= area, column < f"{area}/") for area in scope.areas))]


class Incidents:
    """Reads, each within a scope. What changes an incident goes through `respond`, which knows what is allowed."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def get(self, scope: Scope, incident_id: str) -> Incident | None:
        """The incident; None when there is none of this id in the scope."""
        async with self.database.reading() as connection:
            return await find(connection, incident_id, scope)

    async def list(self, scope: Scope, wanted: IncidentFilter, cursor: str | None = None, limit: int = 50) -> Page[Incident]:
        """Newest first, at most `MAX_PAGE` a page. Raises `BadInput` for a cursor of something else."""
        limit = max(1, min(limit, MAX_PAGE))
        order = (incidents.c.opened_at_s.desc(), incidents.c.id.desc())
        small = narrowed(incidents.c.area_code, scope, self.database.kind)
        ids = select(incidents.c.id).where(visible(scope), *small, *_conditions(wanted))
        if cursor is not None:
            ids = ids.where(tuple_(incidents.c.opened_at_s, incidents.c.id) < tuple_(*cursor_key(cursor, (float, str))))
        ids = ids.order_by(*order).limit(limit + 1)
        async with self.database.reading() as connection:
            chosen = (await connection.execute(ids)).scalars().all()
            query = select(incidents).where(incidents.c.id.in_(chosen[:limit])).order_by(*order)
            rows = [as_incident(row) for row in (await connection.execute(query)).mappings()] if chosen else []
        more = len(chosen) > limit
        return Page(tuple(rows), cursor_of((rows[-1].opened_at_s, rows[-1].id)) if more and rows else None)

    async def counts(self, scope: Scope, wanted: IncidentFilter) -> dict[tuple[str, str], int]:
        """How many of each (state, severity) the filter finds."""
        query = select(incidents.c.state, incidents.c.severity, func.count()).where(visible(scope), *_conditions(wanted))
        async with self.database.reading() as connection:
            rows = await connection.execute(query.group_by(incidents.c.state, incidents.c.severity))
            return {(state, severity): count for state, severity, count in rows}

    async def by_district(self, scope: Scope, wanted: IncidentFilter) -> tuple[tuple[str, str, int], ...]:
        """(kecamatan's code, kind, count) of what the filter finds; what lies above a kecamatan keeps its own code.

        Merged ones count once, where they were merged to.
        """
        district = func.substr(incidents.c.area_code, literal_column("1"), literal_column(str(DISTRICT_LETTERS)))
        query = select(district, incidents.c.kind, func.count()).where(
            visible(scope), incidents.c.merged_into.is_(None), *_conditions(wanted)
        )
        async with self.database.reading() as connection:
            rows = await connection.execute(query.group_by(district, incidents.c.kind).order_by(district, incidents.c.kind))
            return tuple((str(area), str(kind), int(count)) for area, kind, count in rows)

    async def history(self, scope: Scope, incident_id: str) -> tuple[HistoryEntry, ...]:
        """All that was done about it, in order; nothing when it is not in the scope."""
        query = select(history).join(incidents, incidents.c.id == history.c.incident_id)
        query = query.where(history.c.incident_id == incident_id, visible(scope)).order_by(history.c.number)
        async with self.database.reading() as connection:
            return tuple(HistoryEntry(**row) for row in (await connection.execute(query)).mappings())

    async def cameras(self, scope: Scope, incident_id: str) -> tuple[str, ...]:
        """Codes of the cameras that saw it."""
        query = select(incident_cameras.c.camera_id).join(incidents, incidents.c.id == incident_cameras.c.incident_id)
        query = query.where(incident_cameras.c.incident_id == incident_id, visible(scope)).order_by(incident_cameras.c.camera_id)
        async with self.database.reading() as connection:
            return tuple((await connection.execute(query)).scalars())

    async def events(self, scope: Scope, incident_id: str, cursor: str | None = None, limit: int = 100) -> Page[Event]:
        """Its events by time of start, oldest first."""
        limit = max(1, min(limit, MAX_PAGE))
        query = select(events).join(incidents, incidents.c.id == events.c.incident_id)
        query = query.where(events.c.incident_id == incident_id, visible(scope))
        if cursor is not None:
            query = query.where(tuple_(events.c.started_at_s, events.c.id) > tuple_(*cursor_key(cursor, (float, str))))
        query = query.order_by(events.c.started_at_s, events.c.id).limit(limit + 1)
        async with self.database.reading() as connection:
            rows = [as_event(row) for row in (await connection.execute(query)).mappings()]
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(tuple(rows[:limit]), cursor_of((last.started_at_s, last.id)) if last else None)

    async def event(self, scope: Scope, incident_id: str, event_id: str) -> Event | None:
        """One event of an incident; None when there is none in the scope."""
        query = select(events).join(incidents, incidents.c.id == events.c.incident_id)
        query = query.where(events.c.id == event_id, events.c.incident_id == incident_id, visible(scope))
        async with self.database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else as_event(row)

    async def of_event(self, event_id: str) -> tuple[str, Event] | None:
        """The incident that an event is part of, and the event; for the service itself, which has no scope."""
        query = select(events).where(events.c.id == event_id, events.c.incident_id.is_not(None))
        async with self.database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else (str(row["incident_id"]), as_event(row))

    async def precision(self, scope: Scope, rule_ids: Sequence[str] = ()) -> tuple[Precision, ...]:
        """What people said of each rule's incidents; merged ones count once, where they were merged to."""
        judged = incidents.c.state.in_(("resolved", "closed", "false_alarm"))
        query = select(incidents.c.rule_id, incidents.c.state, func.count()).where(
            visible(scope), judged, incidents.c.merged_into.is_(None)
        )
        query = query.where(incidents.c.rule_id.in_(rule_ids) if rule_ids else incidents.c.rule_id.is_not(None))
        found: dict[str, list[int]] = {}
        async with self.database.reading() as connection:
            for rule_id, state, count in await connection.execute(query.group_by(incidents.c.rule_id, incidents.c.state)):
                found.setdefault(rule_id, [0, 0])[state == "false_alarm"] += count
        return tuple(Precision(rule_id, *pair) for rule_id, pair in sorted(found.items()))


def _conditions(wanted: IncidentFilter) -> Iterable[ColumnElement[bool]]:
    row = incidents.c
    for column, values in ((row.state, wanted.states), (row.kind, wanted.kinds), (row.severity, wanted.severities)):
        if values:
            yield column.in_(values)
    if wanted.agencies:
        yield row.agency.in_(wanted.agencies)
    if wanted.area_code is not None:
        yield within(row.area_code, Scope((wanted.area_code,)))
    if wanted.camera_id is not None:
        yield row.id.in_(select(incident_cameras.c.incident_id).where(incident_cameras.c.camera_id == wanted.camera_id))
    if wanted.assignee is not None:
        yield row.assignee == wanted.assignee
    if wanted.opened_from_s is not None:
        yield row.opened_at_s >= wanted.opened_from_s
    if wanted.opened_until_s is not None:
        yield row.opened_at_s < wanted.opened_until_s
    if wanted.text:
        yield or_(row.search.contains(wanted.text.casefold(), autoescape=True), row.id == wanted.text)


async def find(connection: AsyncConnection, incident_id: str, scope: Scope) -> Incident | None:
    """The incident of this id in the scope, read in the caller's transaction."""
    query: Select[Any] = select(incidents).where(incidents.c.id == incident_id, visible(scope))
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else as_incident(row)


async def add(connection: AsyncConnection, rows: Sequence[Incident]) -> None:
    """Store new incidents, in the caller's transaction."""
    if rows:
        await connection.execute(insert(incidents), [row_of(incident) for incident in rows])


async def replace(connection: AsyncConnection, before: Incident, after: Incident) -> None:
    """Store what an incident has become.

    Raises:
        Conflict: somebody else changed it since `before` was read; nothing is stored.
    """
    same = and_(incidents.c.id == before.id, incidents.c.version == before.version)
    done = await connection.execute(update(incidents).where(same).values(**row_of(after)))
    if done.rowcount != 1:
        raise Conflict(f"Incident {before.id} was changed by somebody else meanwhile.", "Read it again, then decide.")


async def tell(connection: AsyncConnection, entries: Sequence[HistoryEntry]) -> None:
    """Append to the history, in the caller's transaction."""
    names = [name for name in HistoryEntry.__dataclass_fields__ if name != "number"]
    rows = [{**{name: getattr(entry, name) for name in names}, "details": dict(entry.details)} for entry in entries]
    if rows:
        await connection.execute(insert(history), rows)


def cells_around(place: Place, ring: int = 1) -> list[str]:
    """The map square of a place and, for `ring` 1, its eight neighbours."""
    row, column = math.floor(place.lat_deg / CELL_DEG), math.floor(place.lon_deg / CELL_DEG)
    steps = range(-ring, ring + 1)
    return [f"{row + down}:{column + right}" for down in steps for right in steps]


def change_of(incident: Incident) -> dict[str, Any]:
    """The outbox's row that tells of this incident's change."""
    return {
        "at_s": incident.updated_at_s,
        "topic": "incident",
        "subject_id": incident.id,
        "area_code": incident.area_code,
        "agency": incident.agency,
    }


def as_incident(row: RowMapping) -> Incident:
    """The noun of a row."""
    place = None if row["lat_deg"] is None else Place(row["lat_deg"], row["lon_deg"])
    return Incident(**{name: row[name] for name in SAME}, place=place)


def as_event(row: RowMapping) -> Event:
    """The noun of a row."""
    values = {name: row[name] for name in Event.__dataclass_fields__}
    values["box_px"] = None if row["box_px"] is None else tuple(row["box_px"])
    return Event(**values)


def row_of(incident: Incident) -> dict[str, Any]:
    """The row of a noun."""
    values = {name: getattr(incident, name) for name in SAME}
    values["lat_deg"] = None if incident.place is None else incident.place.lat_deg
    values["lon_deg"] = None if incident.place is None else incident.place.lon_deg
    values["cell"] = None if incident.place is None else cells_around(incident.place, 0)[0]
    values["search"] = f"{incident.title} {incident.kind} {incident.area_code or ''} {incident.group_key or ''}".casefold()[
        :MAX_SEARCH_LETTERS
    ]
    return values
