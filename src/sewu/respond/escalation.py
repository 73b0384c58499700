"""The service clock: what nobody acknowledged, or resolved, in time is called out again, each time one level higher."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sewu.base.incidents import Announcement, HistoryEntry, Incident
from sewu.base.rights import Scope
from sewu.respond.policy import DeskSettings
from sewu.store.operations import incidents as kept
from sewu.store.operations import intake
from sewu.store.operations.database import Database
from sewu.store.operations.due import Due
from sewu.store.operations.tables import new_id

Late = Literal["acknowledge", "resolve"]
BATCH = 200


@dataclass(frozen=True, slots=True)
class Overdue:
    """One incident past its time, and by how much."""

    incident: Incident
    late: Late
    by_s: float


def overdue(incident: Incident, now_s: float) -> Overdue | None:
    """Whether somebody should have acted by now; an acknowledgement counts as missing only while it is open."""
    if not incident.is_live or incident.merged_into is not None:
        return None
    if incident.state == "open" and incident.acknowledge_by_s is not None and incident.acknowledge_by_s < now_s:
        return Overdue(incident, "acknowledge", now_s - incident.acknowledge_by_s)
    if incident.resolve_by_s is not None and incident.resolve_by_s < now_s:
        return Overdue(incident, "resolve", now_s - incident.resolve_by_s)
    return None


def is_due_for_call(late: Overdue, settings: DeskSettings) -> bool:
    """Whether to call out now: level n is called n x `escalate_every_s` after the time was missed, while levels are left."""
    return late.incident.level < settings.max_level and late.by_s >= late.incident.level * settings.escalate_every_s


class Escalation:
    """Looks for what is late. It remembers nothing: levels are kept with the incidents."""

    def __init__(self, database: Database, settings: DeskSettings) -> None:
        self.database, self.settings, self._due = database, settings, Due(database)

    async def list(self, scope: Scope, now_s: float, limit: int = 200) -> tuple[Overdue, ...]:
        """What is late now, the latest first to have been due."""
        found = [overdue(incident, now_s) for incident in await self._due.late(scope, now_s, limit)]
        return tuple(late for late in found if late is not None)

    async def call(self, now_s: float) -> tuple[Incident, ...]:
        """Raise by one level what is due for it, and leave word for its agency; snoozed ones wait. Returns them."""
        async with self.database.writing() as connection:
            rows = await self._due.to_call(connection, now_s, self.settings.max_level, self.settings.escalate_every_s, BATCH)
            lates = [late for late in (overdue(row, now_s) for row in rows) if late is not None and is_due_for_call(late, self.settings)]
            raised = [
                replace(late.incident, level=late.incident.level + 1, updated_at_s=now_s, version=late.incident.version + 1)
                for late in lates
            ]
            await intake.become(connection, raised)
            pairs = list(zip(raised, lates, strict=True))
            entries = [
                HistoryEntry(row.id, now_s, "clock", "overdue", details={"late": late.late, "by_s": late.by_s, "level": row.level})
                for row, late in pairs
            ]
            await kept.tell(connection, entries)
            words = [Announcement(new_id("ann", now_s), row.id, "overdue", now_s, row.agency) for row in raised]
            await intake.announce(connection, words)
            await self.database.record(connection, [kept.change_of(row) for row in raised])
        return tuple(raised)
