"""Stills and clips that the watch made of events, waiting to be kept as evidence of the event's incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Double, Index, Integer, Table, Text, select, update

from sewu.base.rights import Scope
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import events, incidents
from sewu.store.operations.tables import metadata, within
from sewu.store.operations.upserts import in_batches, upsert

exhibits = Table(
    "exhibit",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("due_at_s", Double, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done_at_s", Double),
    Index("ix_exhibit_due", "done_at_s", "due_at_s"),
)
LATER_S, TRIES = 30.0, 5


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A file of an event. `due_at_s`: when it should be complete."""

    event_id: str
    kind: str
    path: str
    due_at_s: float


@dataclass(frozen=True, slots=True)
class Due:
    """A file that should be complete, with what it is evidence of."""

    exhibit: Exhibit
    incident_id: str
    camera_id: str
    from_s: float
    until_s: float


class ExhibitList:
    """What waits. The service's own: evidence it becomes is read within each person's scope."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def note(self, rows: Sequence[Exhibit]) -> None:
        """Remember files; those noted before keep their time."""
        async with self._db.writing() as connection:
            for part in in_batches([row.event_id for row in rows]):
                known = set(
                    (await connection.execute(select(exhibits.c.event_id, exhibits.c.kind).where(exhibits.c.event_id.in_(part)))).all()
                )
                fresh = {
                    (r.event_id, r.kind): r for r in rows if r.event_id in part and (r.event_id, r.kind) not in {tuple(k) for k in known}
                }
                values = [
                    {"event_id": r.event_id, "kind": r.kind, "path": r.path, "due_at_s": r.due_at_s, "tries": 0, "done_at_s": None}
                    for r in fresh.values()
                ]
                await upsert(connection, exhibits, values)

    async def due(self, city: Scope, now_s: float, limit: int = 50) -> list[Due]:
        """Files that should be complete now, of events with an incident, oldest first."""
        row = exhibits.c
        columns = [
            row.event_id,
            row.kind,
            row.path,
            row.due_at_s,
            events.c.incident_id,
            events.c.camera_id,
            events.c.started_at_s,
            events.c.at_s,
        ]
        query = select(*columns).join(events, events.c.id == row.event_id).join(incidents, incidents.c.id == events.c.incident_id)
        query = query.where(row.done_at_s.is_(None), row.due_at_s <= now_s, within(incidents.c.area_code, city))
        async with self._db.reading() as connection:
            found = (await connection.execute(query.order_by(row.due_at_s).limit(limit))).all()
        return [Due(Exhibit(*values[:4]), *values[4:]) for values in found]

    async def settle(self, exhibit: Exhibit, now_s: float, kept: bool) -> None:
        """Note that it was kept; or try it again later, and give up after some tries."""
        mine = (exhibits.c.event_id == exhibit.event_id) & (exhibits.c.kind == exhibit.kind)
        async with self._db.writing() as connection:
            tries = int((await connection.execute(select(exhibits.c.tries).where(mine))).scalar() or 0) + 1
            done_at_s = now_s if kept or tries >= TRIES else None
            await connection.execute(update(exhibits).where(mine).values(tries=tries, due_at_s=now_s + LATER_S, done_at_s=done_at_s))
