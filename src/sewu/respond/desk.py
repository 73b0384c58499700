"""The desk: takes batches of events from the shards and turns them into incidents, all of a batch in one transaction.

It remembers nothing that is not in the database: killed between two batches, it goes on where it was, and a batch that was not
answered may be sent again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sewu.base.incidents import HEALTH_KINDS, STORM_KINDS, Announcement, CameraFacts, HistoryEntry, Incident, Snooze, agency_for
from sewu.base.records import Event
from sewu.base.rights import is_within
from sewu.base.words import Words
from sewu.respond import storm
from sewu.respond.merging import Draft, Merger
from sewu.respond.policy import DeskSettings
from sewu.store.operations import incidents as kept
from sewu.store.operations import intake, shards
from sewu.store.operations.database import Database
from sewu.store.operations.tables import new_id

Locate = Callable[[Collection[str]], Awaitable[Mapping[str, CameraFacts]]]
"""Facts of cameras by code; those that the register does not know are left out."""
ACTOR = "desk"
PHASES = ("start", "update", "end")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch. `repeated`: messages that were known already. `opened`, `raised`: ids of incidents."""

    stored: int
    repeated: int
    opened: tuple[str, ...]
    raised: tuple[str, ...]


class Desk:
    """Events in, incidents out.

    Args:
        database: where both are kept. settings: what belongs together. locate: the register, asked once a batch.
        words: the city's language, in which titles are written.
    """

    def __init__(self, database: Database, settings: DeskSettings, locate: Locate, words: Words) -> None:
        self.database, self.settings = database, settings
        self._locate, self._words = locate, words

    async def take(self, shard: str, epoch: int, events: Sequence[Event], now_s: float) -> Taken:
        """Store a batch and what it means; when this returns, it is on the disk.

        Raises:
            Refused: a newer epoch of the shard has written. StoreUnavailable, StoreFull: nothing was stored, send it again.
        """
        facts = dict(await self._locate({event.camera_id for event in events}))
        for event in events:
            if event.camera_id not in facts:
                facts[event.camera_id] = CameraFacts(event.camera_id, event.camera_id, self.settings.city_area)
        async with self.database.writing() as connection:
            await intake.lock(self.database, connection)
            await shards.fence(connection, shard, epoch)
            known = await intake.known(connection, sorted({event.id for event in events}))
            fresh, repeated = newest(events, known)
            batch = Batch(self, facts, known, now_s)
            await batch.work(connection, fresh)
            await self.database.record(connection, [kept.change_of(incident) for incident in batch.told()])
        return Taken(len(fresh), repeated, batch.opened(), batch.raised())

    def title(self, event: Event, camera: CameraFacts) -> str:
        """What an incident is called when this event opens it."""
        key = f"incident.kind.{event.kind}"
        kind = self._words(key) if self._words.has(key) else event.kind.replace("_", " ")
        return self._words("incident.title", kind=kind, camera=camera.name)

    def storm_title(self, kind: str, name: str, cameras: int) -> str:
        """What many faults at once are called."""
        return self._words(f"incident.title.{kind}", name=name, cameras=cameras)


def newest(events: Sequence[Event], known: Mapping[str, intake.Known]) -> tuple[list[Event], int]:
    """The messages that tell something new, in order of time, each event's once; and how many tell nothing new."""
    chosen: dict[str, Event] = {}
    for event in sorted(events, key=lambda e: (e.at_s, PHASES.index(e.phase), e.started_at_s)):
        before = known.get(event.id)
        if before is not None and (before.phase == "end" or (before.at_s, PHASES.index(before.phase)) >= rank(event)):
            continue
        if event.id in chosen and chosen[event.id].phase == "end":
            continue
        chosen[event.id] = event
    fresh = sorted(chosen.values(), key=lambda event: (event.started_at_s, event.id))
    return fresh, len(events) - len(fresh)


def rank(event: Event) -> tuple[float, int]:
    """Which message of an event is newer."""
    return event.at_s, PHASES.index(event.phase)


class Batch:
    """The work on one batch, within its transaction."""

    def __init__(self, desk: Desk, facts: Mapping[str, CameraFacts], known: Mapping[str, intake.Known], now_s: float) -> None:
        self.desk, self.facts, self.known, self.now_s = desk, facts, known, now_s
        self.merger = Merger(desk.settings, now_s)
        self.storm_ids: list[str] = []

    def told(self) -> list[Incident]:
        """Incidents that changed in a way that a screen must hear of."""
        return [draft.incident for draft in self.merger.drafts.values() if draft.is_told]

    def opened(self) -> tuple[str, ...]:
        """Incidents that still stand after the batch and did not before."""
        return tuple(d.incident.id for d in self.merger.drafts.values() if d.is_new and d.incident.merged_into is None)

    def raised(self) -> tuple[str, ...]:
        """Incidents that became graver."""
        return tuple(d.incident.id for d in self.merger.drafts.values() if d.raised_from is not None)

    async def work(self, connection: intake.Connection, events: Sequence[Event]) -> None:
        """Find each event's incident, then store all of it."""
        if not events:
            return
        await self._look_around(connection, events)
        placed = [(event, self._placed(event)) for event in events]
        snoozes = await intake.snoozing(connection, {event.kind for event in events}, self.now_s)
        for event, draft in placed:
            if draft.is_new:
                draft.incident = snoozed(draft.incident, event, snoozes)
        changed = {draft.incident.id: draft for _, draft in placed}
        await kept.add(connection, [draft.incident for draft in changed.values() if draft.is_new])
        await intake.become(connection, [draft.incident for draft in changed.values() if not draft.is_new])
        rows = [(event, draft.incident.id, self.facts[event.camera_id], self._agency(event)) for event, draft in placed]
        await intake.keep(connection, rows, self.known.keys())
        await intake.see(connection, {(draft.incident.id, camera) for draft in changed.values() for camera in draft.new_cameras})
        await kept.tell(connection, [entry for draft in changed.values() for entry in self._entries(draft)])
        keys = {self.facts[event.camera_id].group_key for event, draft in placed if draft.is_new and event.kind in HEALTH_KINDS}
        await storm.gather(self, connection, {key for key in keys if key is not None})
        standing = [draft for draft in changed.values() if draft.incident.merged_into is None]
        await intake.announce(connection, [word for draft in standing for word in self._words_for(draft)])

    async def _look_around(self, connection: intake.Connection, events: Sequence[Event]) -> None:
        new = [event for event in events if event.id not in self.known]
        cameras = {event.camera_id for event in new}
        groups = {self.facts[e.camera_id].group_key for e in new if e.kind in HEALTH_KINDS}
        wide = [event for event in new if self.desk.settings.policy(event.kind).radius_m > 0]
        places = [self.facts[camera].place for camera in sorted({event.camera_id for event in wide})]
        cells = {cell for place in places if place is not None for cell in kept.cells_around(place)}
        kinds = {event.kind for event in new} | (set(STORM_KINDS) if groups else set())
        around = intake.Neighbourhood(kinds, cameras, (), cells, {event.kind for event in wide})
        found = {c.incident.id: c for c in await intake.candidates(connection, around)} if new else {}
        storms = intake.Neighbourhood(STORM_KINDS, (), [key for key in groups if key is not None])
        found |= {c.incident.id: c for c in await intake.candidates(connection, storms) if c.incident.id not in found} if groups else {}
        old = {self.known[event.id].incident_id for event in events if event.id in self.known}
        loaded = await intake.load(connection, sorted(old - found.keys()))
        pairs = await intake.pairs(connection, sorted(loaded.keys() | found.keys()), sorted({e.camera_id for e in events}))
        drafts = [Draft(c.incident, set(pairs.get(c.incident.id, ()))) for c in found.values()]
        drafts += [Draft(incident, set(pairs.get(incident.id, ()))) for incident in loaded.values()]
        self.merger = Merger(self.desk.settings, self.now_s, drafts)

    def _placed(self, event: Event) -> Draft:
        before, camera = self.known.get(event.id), self.facts[event.camera_id]
        if before is None:
            draft = self.merger.place(event, camera, self.desk.title(event, camera))
        else:
            draft = self.merger.drafts[before.incident_id]
        draft.note(event, None if before is None else before.phase, self.now_s)
        if draft.incident.kind in STORM_KINDS:
            title = self.desk.storm_title(draft.incident.kind, camera.group_name or camera.id, draft.incident.camera_count)
            draft.incident = replace(draft.incident, title=title)
        draft.weigh(event.severity, self.desk.settings, self.now_s)
        return draft

    def _agency(self, event: Event) -> str:
        return agency_for(event.kind, event.labels.get("agency"))

    def _entries(self, draft: Draft) -> list[HistoryEntry]:
        incident = draft.incident
        if draft.is_new:
            return [HistoryEntry(incident.id, self.now_s, ACTOR, "opened", None, None, "open", {"severity": incident.severity})]
        if draft.raised_from is not None:
            details = {"from": draft.raised_from, "to": incident.severity, "cameras": incident.camera_count}
            return [HistoryEntry(incident.id, self.now_s, ACTOR, "raised", details=details)]
        return []

    def _words_for(self, draft: Draft) -> list[Announcement]:
        incident = draft.incident
        quiet = incident.snoozed_until_s is not None and incident.snoozed_until_s > self.now_s
        if quiet or not (draft.is_new or draft.raised_from is not None):
            return []
        occasion = "opened" if draft.is_new else "raised"
        return [Announcement(new_id("ann", self.now_s), incident.id, occasion, self.now_s, incident.agency)]  # type: ignore[arg-type]


def snoozed(incident: Incident, event: Event, snoozes: Sequence[Snooze]) -> Incident:
    """The incident, quiet for as long as a snooze of its kind and camera, or area, says."""
    holding = [
        snooze.until_s
        for snooze in snoozes
        if snooze.kind == event.kind
        and (snooze.camera_id is None or snooze.camera_id == event.camera_id)
        and incident.area_code is not None
        and is_within(incident.area_code, snooze.area_code)
    ]
    return replace(incident, snoozed_until_s=max(holding)) if holding else incident
