"""What is late, and how much work there was: reads over incidents by their clocks."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from sewu.base.incidents import LIVE_STATES, Incident
from sewu.base.rights import Scope
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import history, incidents
from sewu.store.operations.incidents import as_incident, visible
from sewu.store.operations.intake import Connection, load


def _late(now_s: float) -> ColumnElement[bool]:
    """Live incidents past one of their times."""
    row = incidents.c
    unanswered = and_(row.state == "open", row.acknowledge_by_s < now_s)
    unsolved = and_(row.state.in_(LIVE_STATES), row.resolve_by_s < now_s)
    return and_(or_(unanswered, unsolved), row.merged_into.is_(None))


@dataclass(frozen=True, slots=True)
class Load:
    """Alarms in one slot of time: `opened` incidents that called somebody, and how many operators acted in it."""

    from_s: float
    opened: int
    operators: int

    @property
    def per_operator(self) -> float | None:
        """Incidents per operator; None when nobody was at work."""
        return self.opened / self.operators if self.operators else None


class Due:
    """Reads of the service clock."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def late(self, scope: Scope, now_s: float, limit: int) -> tuple[Incident, ...]:
        """Late incidents in the scope, longest first."""
        query = select(incidents).where(visible(scope), _late(now_s))
        query = query.order_by(func.coalesce(incidents.c.acknowledge_by_s, incidents.c.resolve_by_s)).limit(limit)
        async with self.database.reading() as connection:
            return tuple(as_incident(row) for row in (await connection.execute(query)).mappings())

    async def to_call(self, connection: Connection, now_s: float, max_level: int, every_s: float, limit: int) -> list[Incident]:
        """Late ones of everybody whose next level is due, locked; for the clock that runs in the service, not for a reader."""
        row = incidents.c
        awake = or_(row.snoozed_until_s.is_(None), row.snoozed_until_s <= now_s)
        since_s = case((row.state == "open", row.acknowledge_by_s), else_=row.resolve_by_s)
        due = and_(row.level < max_level, since_s + row.level * every_s <= now_s)
        query = select(row.id).where(_late(now_s), awake, due).order_by(row.id).limit(limit)
        return list((await load(connection, list((await connection.execute(query)).scalars()))).values())

    async def loads(self, scope: Scope, from_s: float, until_s: float, slot_s: float = 600.0) -> tuple[Load, ...]:
        """Alarm load per slot: incidents opened and not snoozed at once, and people who did anything with incidents in it."""
        slot = func.floor((incidents.c.opened_at_s - from_s) / slot_s).label("slot")
        loud = and_(incidents.c.merged_into.is_(None), incidents.c.snoozed_until_s.is_(None))
        opened = select(slot, func.count()).where(
            incidents.c.opened_at_s >= from_s, incidents.c.opened_at_s < until_s, loud, visible(scope)
        )
        acted = func.floor((history.c.at_s - from_s) / slot_s).label("slot")
        people = history.c.actor.like("usr%")
        worked = select(acted, func.count(history.c.actor.distinct())).join(incidents, incidents.c.id == history.c.incident_id)
        worked = worked.where(history.c.at_s >= from_s, history.c.at_s < until_s, people, visible(scope)).group_by("slot")
        async with self.database.reading() as connection:
            alarms = {int(number): count for number, count in await connection.execute(opened.group_by("slot"))}
            hands = {int(number): count for number, count in await connection.execute(worked)}
        count = max(0, int((until_s - from_s) / slot_s))
        return tuple(Load(from_s + n * slot_s, alarms.get(n, 0), hands.get(n, 0)) for n in range(count))

    async def acts_between(self, scope: Scope, from_s: float, until_s: float) -> dict[str, int]:
        """How often each thing was done with the scope's incidents in a shift."""
        query = select(history.c.action, func.count()).join(incidents, incidents.c.id == history.c.incident_id)
        query = query.where(history.c.at_s >= from_s, history.c.at_s < until_s, visible(scope)).group_by(history.c.action)
        async with self.database.reading() as connection:
            return {action: count for action, count in await connection.execute(query)}
