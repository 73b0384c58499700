"""Events come in from the shards in batches: fenced, told apart from what is known, and stored with the incident they belong to.

The functions work in the caller's transaction, so that a batch and what became of it is stored as one: an event without an
incident cannot be seen, and a shard that was not answered may send its batch again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.incidents import LIVE_STATES, Announcement, CameraFacts, Incident, Snooze
from sewu.base.records import Event
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import announcements, events, incident_cameras, incidents, snoozes
from sewu.store.operations.incidents import as_incident, row_of

Connection = AsyncConnection
"""A transaction of `Database.writing`; the desk hands it on and asks nothing of it itself."""
DESK_LOCK = 0x5E4
"""Number of PostgreSQL's advisory lock for whoever opens incidents: two batches at once could both open one for the same place."""
CHUNK = 500
"""How many values one query names."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of an event: its newest message, and the incident it is in."""

    phase: str
    at_s: float
    severity: str
    incident_id: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live incident that an arriving event may belong to; `camera_ids`: which of the asked cameras it has."""

    incident: Incident
    camera_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Where to look for candidates: any of these cameras or groups, for these kinds; and map squares, for kinds that reach further."""

    kinds: Collection[str]
    camera_ids: Collection[str]
    group_keys: Collection[str] = ()
    cells: Collection[str] = ()
    wide_kinds: Collection[str] = ()


async def lock(database: Database, connection: AsyncConnection) -> None:
    """One batch at a time becomes incidents. SQLite has one writer anyway."""
    if database.kind == "postgresql":
        await connection.execute(text(f"select pg_advisory_xact_lock({DESK_LOCK})"))


async def known(connection: AsyncConnection, event_ids: Sequence[str]) -> dict[str, Known]:
    """Which of these events are stored already, by id."""
    found: dict[str, Known] = {}
    row = events.c
    for start in range(0, len(event_ids), CHUNK):
        query = select(row.id, row.phase, row.at_s, row.severity, row.incident_id).where(row.id.in_(event_ids[start : start + CHUNK]))
        found |= {id_: Known(*rest) for id_, *rest in await connection.execute(query)}
    return found


async def load(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Incident]:
    """Incidents by id, locked until the transaction ends, so that no person's change is overwritten."""
    found: dict[str, Incident] = {}
    for start in range(0, len(ids), CHUNK):
        query = select(incidents).where(incidents.c.id.in_(ids[start : start + CHUNK])).order_by(incidents.c.id).with_for_update()
        found |= {row["id"]: as_incident(row) for row in (await connection.execute(query)).mappings()}
    return found


async def candidates(connection: AsyncConnection, where: Neighbourhood) -> list[Candidate]:
    """Live incidents of these kinds around these cameras, groups and squares, each locked."""
    cameras: dict[str, set[str]] = {}
    pair, row = incident_cameras.c, incidents.c
    kinds, wide = list(where.kinds), list(where.wide_kinds)
    alive = [row.state.in_(LIVE_STATES), row.merged_into.is_(None)]
    for chosen in _chunks(where.camera_ids):
        query = select(pair.incident_id, pair.camera_id).join(incidents, row.id == pair.incident_id)
        for incident_id, camera_id in await connection.execute(query.where(pair.camera_id.in_(chosen), row.kind.in_(kinds), *alive)):
            cameras.setdefault(incident_id, set()).add(camera_id)
    for column, values, reach in ((row.group_key, where.group_keys, kinds), (row.cell, where.cells, wide)):
        for chosen in _chunks(values):
            for (incident_id,) in await connection.execute(select(row.id).where(column.in_(chosen), row.kind.in_(reach), *alive)):
                cameras.setdefault(incident_id, set())
    loaded = await load(connection, list(cameras))
    return [Candidate(incident, frozenset(cameras[id_])) for id_, incident in loaded.items()]


async def pairs(connection: AsyncConnection, incident_ids: Sequence[str], camera_ids: Sequence[str]) -> dict[str, set[str]]:
    """Which of these cameras each of these incidents has."""
    found: dict[str, set[str]] = {}
    pair = incident_cameras.c
    for some in _chunks(incident_ids):
        for others in _chunks(camera_ids):
            query = select(pair.incident_id, pair.camera_id).where(pair.incident_id.in_(some), pair.camera_id.in_(others))
            for incident_id, camera_id in await connection.execute(query):
                found.setdefault(incident_id, set()).add(camera_id)
    return found


def _chunks(values: Collection[str]) -> list[list[str]]:
    ordered = sorted(set(values))
    return [ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK)]


async def keep(connection: AsyncConnection, rows: Sequence[tuple[Event, str, CameraFacts, str]], seen: Collection[str]) -> None:
    """Store the newest message of each event: (event, incident id, its camera, agency); `seen` are ids that are stored already."""
    fresh = [_event_row(*row) for row in rows if row[0].id not in seen]
    stale = [{f"b_{name}": value for name, value in _event_row(*row).items()} for row in rows if row[0].id in seen]
    if fresh:
        await connection.execute(insert(events), fresh)
    if stale:
        changing = ("phase", "severity", "at_s", "ended_at_s", "value", "peak", "labels", "box_px")
        columns: dict[str, Any] = {name: bindparam(f"b_{name}", type_=events.c[name].type) for name in changing}
        named = {f"b_{name}" for name in (*changing, "id")}
        rows_ = [{name: value for name, value in row.items() if name in named} for row in stale]
        await connection.execute(update(events).where(events.c.id == bindparam("b_id")).values(columns), rows_)


def _event_row(event: Event, incident_id: str, camera: CameraFacts, agency: str) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in Event.__dataclass_fields__}
    values["labels"] = dict(event.labels)
    values["box_px"] = None if event.box_px is None else list(event.box_px)
    return values | {"incident_id": incident_id, "area_code": camera.area_code, "agency": agency}


async def see(connection: AsyncConnection, pairs: Collection[tuple[str, str]]) -> None:
    """Note that (incident id, camera id) belong together; pairs that are not noted yet."""
    if pairs:
        await connection.execute(insert(incident_cameras), [{"incident_id": i, "camera_id": c} for i, c in sorted(pairs)])


async def become(connection: AsyncConnection, rows: Sequence[Incident]) -> None:
    """Store what locked incidents have become."""
    if not rows:
        return
    values = [{f"b_{name}": value for name, value in row_of(incident).items()} for incident in rows]
    columns: dict[str, Any] = {column.name: bindparam(f"b_{column.name}") for column in incidents.columns if column.name != "id"}
    await connection.execute(update(incidents).where(incidents.c.id == bindparam("b_id")).values(columns), values)


async def announce(connection: AsyncConnection, rows: Sequence[Announcement]) -> None:
    """Leave word for `route`, in the caller's transaction."""
    names = Announcement.__dataclass_fields__
    if rows:
        await connection.execute(insert(announcements), [{name: getattr(row, name) for name in names} for row in rows])


async def withdraw(connection: AsyncConnection, incident_ids: Sequence[str]) -> None:
    """Take back word that was left about these incidents and is not yet out: they live on in another."""
    for chosen in _chunks(incident_ids):
        await connection.execute(
            delete(announcements).where(announcements.c.incident_id.in_(chosen), announcements.c.routed_at_s.is_(None))
        )


async def snoozing(connection: AsyncConnection, kinds: Collection[str], now_s: float) -> list[Snooze]:
    """Snoozes of these kinds that hold now."""
    query = select(snoozes).where(snoozes.c.until_s > now_s, snoozes.c.kind.in_(list(kinds)))
    return [Snooze(**row) for row in (await connection.execute(query)).mappings()]


async def failing(connection: AsyncConnection, kinds: Collection[str], group_keys: Collection[str], since_s: float) -> dict[str, set[str]]:
    """Live incidents of these kinds opened since then in each group: group key -> incident ids."""
    row, found = incidents.c, {key: set[str]() for key in group_keys}
    for chosen in _chunks(group_keys):
        query = select(row.group_key, row.id).where(row.group_key.in_(chosen), row.kind.in_(list(kinds)), row.opened_at_s >= since_s)
        for key, id_ in await connection.execute(query.where(row.state.in_(LIVE_STATES), row.merged_into.is_(None))):
            found[key].add(id_)
    return found


async def rehome(connection: AsyncConnection, sources: Sequence[str], target: str) -> int:
    """Move the events and cameras of some incidents into another; returns how many cameras that one then has."""
    for chosen in _chunks(sources):
        await connection.execute(update(events).where(events.c.incident_id.in_(chosen)).values(incident_id=target))
        there = select(incident_cameras.c.camera_id).where(incident_cameras.c.incident_id == target)
        pair = incident_cameras.c
        missing = select(pair.camera_id).distinct().where(pair.incident_id.in_(chosen), pair.camera_id.not_in(there))
        cameras = (await connection.execute(missing)).scalars().all()
        await see(connection, [(target, camera) for camera in cameras])
    count = select(func.count()).select_from(incident_cameras).where(incident_cameras.c.incident_id == target)
    return int((await connection.execute(count)).scalar_one())


@dataclass(frozen=True, slots=True)
class Members:
    """Some events of an incident, counted. `going_on`: how many have not ended. `cameras`: how many saw them."""

    count: int
    going_on: int
    cameras: int
    began_at_s: float | None
    last_at_s: float | None


async def members(connection: AsyncConnection, incident_id: str, event_ids: Sequence[str] | None = None) -> Members:
    """Count those of these events (None: all) that are in the incident."""
    row = events.c
    counted = (func.count(), func.count().filter(row.phase != "end"), func.count(row.camera_id.distinct()))
    query = select(*counted, func.min(row.started_at_s), func.max(row.at_s)).where(row.incident_id == incident_id)
    if event_ids is not None:
        query = query.where(row.id.in_(event_ids))
    return Members(*(await connection.execute(query)).one())


async def part(connection: AsyncConnection, source: str, target: str, event_ids: Sequence[str]) -> tuple[Members, Members]:
    """Move these events from one incident to a new one, and each camera to where its events are; returns what both then have."""
    mine = events.c.incident_id == source
    await connection.execute(update(events).where(mine, events.c.id.in_(event_ids)).values(incident_id=target))
    query = select(events.c.camera_id).distinct().where(events.c.incident_id == target)
    await see(connection, [(target, camera) for camera in (await connection.execute(query)).scalars()])
    still = select(events.c.camera_id).where(mine)
    gone = (incident_cameras.c.incident_id == source) & incident_cameras.c.camera_id.not_in(still)
    await connection.execute(delete(incident_cameras).where(gone))
    return await members(connection, source), await members(connection, target)
