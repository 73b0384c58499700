"""Cameras that are down, held against the events that tell of it: which outage has no event yet, and which event's outage is over."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, exists, literal_column, select

from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import events
from sewu.store.operations.incidents import as_event
from sewu.store.operations.states import condition_spans

RULE_ID = "camera-down"
KIND = "camera_down"


@dataclass(frozen=True, slots=True)
class Outage:
    """A camera is or was down. until_s None: it still is. event_id: the event that tells of it, if one does."""

    camera_id: str
    since_s: float
    until_s: float | None
    reason: str | None
    event_id: str | None = None


class Outages:
    """Reads for the job that turns outages into events; not for people, who read states within a scope."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def untold(self, since_before_s: float, limit: int) -> tuple[Outage, ...]:
        """Outages that go on, began before this time and have no event; oldest first."""
        row = condition_spans.c
        same = and_(events.c.camera_id == row.camera_id, events.c.started_at_s == row.since_s, events.c.rule_id == RULE_ID)
        query = select(row.camera_id, row.since_s, row.until_s, row.reason).where(row.until_s.is_(None), row.condition == "down")
        query = query.where(row.since_s <= since_before_s, ~exists().where(same)).order_by(row.since_s, row.camera_id).limit(limit)
        async with self.database.reading() as connection:
            return tuple(Outage(**found) for found in (await connection.execute(query)).mappings())

    async def over(self, limit: int) -> tuple[Outage, ...]:
        """Outages that have ended while their event has not; the first to end first."""
        row = condition_spans.c
        query = select(events, row.until_s, row.reason).join(
            condition_spans, and_(row.camera_id == events.c.camera_id, row.since_s == events.c.started_at_s)
        )
        going_on = and_(events.c.kind == KIND, events.c.phase != literal_column("'end'"))  # as the partial index has it
        query = query.where(going_on, events.c.rule_id == RULE_ID, row.until_s.is_not(None))
        async with self.database.reading() as connection:
            rows = (await connection.execute(query.order_by(row.until_s, events.c.id).limit(limit))).mappings().all()
            found = [(as_event(row), row["until_s"], row["reason"]) for row in rows]
        return tuple(Outage(event.camera_id, event.started_at_s, until_s, reason, event.id) for event, until_s, reason in found)
