"""Storm mode: when many cameras of one uplink, or area, fail at about the same time, that is one incident, not hundreds.

The incidents that were opened one by one before the number was reached live on in it; later faults of the same group join it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sewu.base.incidents import HEALTH_KINDS, Announcement, HistoryEntry, Incident, common_area
from sewu.base.records import Severity
from sewu.respond.merging import Draft
from sewu.store.operations import incidents as kept
from sewu.store.operations import intake
from sewu.store.operations.tables import new_id

if TYPE_CHECKING:
    from sewu.respond.desk import Batch

SEVERITY: Severity = "high"


async def gather(batch: Batch, connection: intake.Connection, group_keys: set[str]) -> None:
    """Open a storm for each group that reached the number, within the batch's transaction."""
    if not group_keys:
        return
    since_s = batch.now_s - batch.desk.settings.storm_window_s
    failing = await intake.failing(connection, HEALTH_KINDS, group_keys, since_s)
    for key, ids in sorted(failing.items()):
        if len(ids) < batch.desk.settings.storm_cameras:
            continue
        sources = await intake.load(connection, sorted(ids))
        await _open(batch, connection, key, list(sources.values()))


async def _open(batch: Batch, connection: intake.Connection, key: str, sources: list[Incident]) -> None:
    now_s, settings = batch.now_s, batch.desk.settings
    kind = "uplink_down" if key.startswith("uplink:") else "area_down"
    names = [facts.group_name for facts in batch.facts.values() if facts.group_key == key and facts.group_name]
    clock = settings.clock(kind, SEVERITY)
    storm = Incident(
        id=new_id("inc", now_s),
        kind=kind,
        severity=SEVERITY,
        state="open",
        title=batch.desk.storm_title(kind, names[0] if names else key, 0),
        opened_at_s=now_s,
        updated_at_s=now_s,
        began_at_s=min(source.began_at_s or source.opened_at_s for source in sources),
        area_code=common_area([source.area_code for source in sources if source.area_code]) or settings.city_area,
        place=sources[0].place,
        group_key=key,
        agency=sources[0].agency,
        last_event_at_s=max(source.last_event_at_s or source.opened_at_s for source in sources),
        event_count=sum(source.event_count for source in sources),
        going_on=sum(source.going_on for source in sources),
        acknowledge_by_s=now_s + clock.acknowledge_s,
        resolve_by_s=now_s + clock.resolve_s,
    )
    await kept.add(connection, [storm])
    cameras = await intake.rehome(connection, [source.id for source in sources], storm.id)
    title = batch.desk.storm_title(kind, names[0] if names else key, cameras)
    storm = replace(storm, camera_count=cameras, title=title)
    await intake.become(connection, [storm])
    absorbed = [absorb(source, storm.id, now_s) for source in sources]
    await intake.become(connection, absorbed)
    details = {"severity": SEVERITY, "merged": len(sources), "cameras": cameras}
    entries = [HistoryEntry(storm.id, now_s, "desk", "opened", "storm", None, "open", details)]
    entries += [HistoryEntry(s.id, now_s, "desk", "merged", "storm", s.state, "closed", {"into": storm.id}) for s in sources]
    await kept.tell(connection, entries)
    await intake.announce(connection, [Announcement(new_id("ann", now_s), storm.id, "opened", now_s, storm.agency)])
    await intake.withdraw(connection, [source.id for source in sources])
    for incident in absorbed:
        draft = batch.merger.drafts.setdefault(incident.id, Draft(incident, set()))
        draft.incident, draft.is_told = incident, True
    batch.merger.drafts[storm.id] = Draft(storm, set(), is_new=True, is_told=True)


def absorb(source: Incident, into: str, now_s: float) -> Incident:
    """An incident that lives on in another: closed, with the way to it, and empty."""
    return replace(
        source,
        state="closed",
        merged_into=into,
        closed_at_s=now_s,
        resolved_at_s=source.resolved_at_s or now_s,
        acknowledged_at_s=source.acknowledged_at_s or now_s,
        updated_at_s=now_s,
        version=source.version + 1,
        event_count=0,
        going_on=0,
    )
