"""What people do with incidents: each act checked, stored with its history line and told to the screens, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sewu.base.errors import BadInput, Conflict, NotFound
from sewu.base.incidents import Announcement, HistoryEntry, Incident, Occasion, common_area
from sewu.base.records import SEVERITIES
from sewu.base.rights import Scope
from sewu.respond.lifecycle import Step, take
from sewu.respond.policy import DAY_S, DeskSettings
from sewu.respond.storm import absorb
from sewu.store.operations import incidents as kept
from sewu.store.operations import intake
from sewu.store.operations.database import Database
from sewu.store.operations.tables import new_id

MAX_SNOOZE_S = 7 * DAY_S
MAX_MERGED = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, and how far their rights reach."""

    user_id: str
    scope: Scope


class Handling:
    """Acts of people. Each raises `NotFound` for what lies outside of the person's scope, and `Conflict` for what is not allowed now."""

    def __init__(self, database: Database, settings: DeskSettings) -> None:
        self.database, self.settings = database, settings

    async def step(self, scope: Scope, incident_id: str, step: Step, version: int | None = None) -> Incident:
        """Move an incident through its life; `version`: only if it is still the one that the person saw."""
        async with self.database.writing() as connection:
            before = await self._locked(connection, incident_id, scope, version)
            after, entry = take(before, step)
            if step.action == "reopen":
                clock = self.settings.clock(after.kind, after.severity)
                after = replace(after, acknowledge_by_s=step.at_s + clock.acknowledge_s, resolve_by_s=step.at_s + clock.resolve_s)
            occasions: dict[str, Occasion] = {"assign": "assigned", "close": "closed", "false_alarm": "closed", "reopen": "opened"}
            await self._store(connection, [after], [entry], occasions.get(step.action))
        return after

    async def hand_to(self, person: Person, incident_id: str, agency: str, reason: str, now_s: float) -> Incident:
        """Make it another agency's; it is then open again for that one."""
        async with self.database.writing() as connection:
            before = await self._locked(connection, incident_id, person.scope, None)
            if not before.is_live:
                raise Conflict(f"Incident {incident_id} is {before.state}; it has no agency to act any more.", "Reopen it first.")
            after = replace(before, agency=agency, assignee=None, state="open", acknowledged_at_s=None)
            after = replace(after, updated_at_s=now_s, version=before.version + 1)
            details = {"from": before.agency, "to": agency}
            entry = HistoryEntry(incident_id, now_s, person.user_id, "handed", _reason(reason), before.state, after.state, details)
            await self._store(connection, [after], [entry], "opened")
            await self.database.record(connection, [{**kept.change_of(after), "agency": before.agency}])
        return after

    async def snooze(self, person: Person, incident_id: str, until_s: float, reason: str, now_s: float) -> Incident:
        """Keep it quiet until a time, at most a week; its service clock goes on."""
        if not now_s < until_s <= now_s + MAX_SNOOZE_S:
            raise BadInput("A snooze ends within seven days from now.", "Choose a time in the next seven days.")
        async with self.database.writing() as connection:
            before = await self._locked(connection, incident_id, person.scope, None)
            after = replace(before, snoozed_until_s=until_s, updated_at_s=now_s, version=before.version + 1)
            entry = HistoryEntry(incident_id, now_s, person.user_id, "snoozed", _reason(reason), details={"until_s": until_s})
            await self._store(connection, [after], [entry], None)
        return after

    async def merge(self, person: Person, target_id: str, source_ids: Sequence[str], reason: str, now_s: float) -> Incident:
        """Let some incidents live on in another one, with all their events and cameras."""
        sources_wanted = sorted(set(source_ids))
        if not sources_wanted or target_id in sources_wanted or len(sources_wanted) > MAX_MERGED:
            raise BadInput(f"Merge 1 to {MAX_MERGED} other incidents into one.", "Name the target, and the others apart from it.")
        async with self.database.writing() as connection:
            await intake.lock(self.database, connection)
            target = await self._locked(connection, target_id, person.scope, None)
            sources = [await self._locked(connection, id_, person.scope, None) for id_ in sources_wanted]
            for one in (target, *sources):
                if not one.is_live or one.merged_into is not None:
                    raise Conflict(f"Incident {one.id} is {one.state}; only live incidents can be merged.", "Reopen it, or leave it out.")
            cameras = await intake.rehome(connection, sources_wanted, target_id)
            joined = _joined(target, sources, cameras, now_s)
            absorbed = [absorb(source, target_id, now_s) for source in sources]
            entries = [HistoryEntry(target_id, now_s, person.user_id, "merged", _reason(reason), details={"from": sources_wanted})]
            entries += [
                HistoryEntry(s.id, now_s, person.user_id, "merged", _reason(reason), s.state, "closed", {"into": target_id})
                for s in sources
            ]
            await intake.withdraw(connection, sources_wanted)
            await self._store(connection, [joined, *absorbed], entries, None)
        return joined

    async def split(self, person: Person, incident_id: str, event_ids: Sequence[str], reason: str, now_s: float) -> Incident:
        """Take some events out of an incident into one of their own; at least one stays."""
        wanted = sorted(set(event_ids))
        async with self.database.writing() as connection:
            await intake.lock(self.database, connection)
            before = await self._locked(connection, incident_id, person.scope, None)
            moved = await intake.members(connection, incident_id, wanted)
            if not wanted or moved.count < len(wanted) or moved.count >= before.event_count:
                raise BadInput("Some, not all, of this incident's own events can be split off.", "Choose among its events.")
            clock = self.settings.clock(before.kind, before.severity)
            fresh = replace(
                before,
                id=new_id("inc", now_s),
                state="open",
                opened_at_s=now_s,
                began_at_s=moved.began_at_s,
                last_event_at_s=moved.last_at_s,
                version=1,
                acknowledged_at_s=None,
                resolved_at_s=None,
                closed_at_s=None,
                assignee=None,
                level=0,
                acknowledge_by_s=now_s + clock.acknowledge_s,
                resolve_by_s=now_s + clock.resolve_s,
                updated_at_s=now_s,
                merged_into=None,
            )
            await kept.add(connection, [fresh])
            left, taken = await intake.part(connection, incident_id, fresh.id, wanted)
            fresh = replace(fresh, event_count=taken.count, going_on=taken.going_on, camera_count=taken.cameras)
            rest = replace(before, event_count=left.count, going_on=left.going_on, camera_count=left.cameras)
            rest = replace(rest, updated_at_s=now_s, version=before.version + 1)
            entries = [
                HistoryEntry(fresh.id, now_s, person.user_id, "split", _reason(reason), None, "open", {"from": incident_id}),
                HistoryEntry(
                    incident_id, now_s, person.user_id, "split", _reason(reason), details={"into": fresh.id, "events": len(wanted)}
                ),
            ]
            await self._store(connection, [fresh, rest], entries, None)
        return fresh

    async def _locked(self, connection: intake.Connection, incident_id: str, scope: Scope, version: int | None) -> Incident:
        if await kept.find(connection, incident_id, scope) is None:
            raise NotFound(f"There is no incident {incident_id} that you may see.", "Check the number.")
        found = (await intake.load(connection, [incident_id]))[incident_id]
        if version is not None and found.version != version:
            raise Conflict(f"Incident {incident_id} was changed meanwhile.", "Read it again, then decide.")
        return found

    async def _store(
        self, connection: intake.Connection, rows: Sequence[Incident], entries: Sequence[HistoryEntry], occasion: Occasion | None
    ) -> None:
        await intake.become(connection, rows)
        await kept.tell(connection, entries)
        if occasion is not None:
            words = [Announcement(new_id("ann", row.updated_at_s), row.id, occasion, row.updated_at_s, row.agency) for row in rows]
            await intake.announce(connection, words)
        await self.database.record(connection, [kept.change_of(row) for row in rows])


def _reason(reason: str) -> str:
    if not reason.strip() or len(reason) > 2000:
        raise BadInput("This needs a reason of at most 2000 letters.", "Say why, in a sentence.")
    return reason.strip()


def _joined(target: Incident, sources: Sequence[Incident], cameras: int, now_s: float) -> Incident:
    everyone = [target, *sources]
    areas = [one.area_code for one in everyone if one.area_code is not None]
    return replace(
        target,
        severity=max((one.severity for one in everyone), key=SEVERITIES.index),
        area_code=common_area(areas) or target.area_code,
        began_at_s=min(one.opened_at_s if one.began_at_s is None else one.began_at_s for one in everyone),
        last_event_at_s=max((one.last_event_at_s for one in everyone if one.last_event_at_s is not None), default=None),
        event_count=sum(one.event_count for one in everyone),
        going_on=sum(one.going_on for one in everyone),
        zone_id=target.zone_id if {one.zone_id for one in everyone} == {target.zone_id} else None,
        camera_count=cameras,
        updated_at_s=now_s,
        version=target.version + 1,
    )
