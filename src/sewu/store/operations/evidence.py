"""Evidence as it is kept: items, requests and the chain of custody. The bytes lie outside, under their SHA-256."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Double,
    ForeignKey,
    Index,
    Table,
    Text,
    and_,
    delete,
    insert,
    or_,
    select,
    update,
)

from sewu.base.errors import BadInput, Conflict, NotFound
from sewu.base.evidence import Custody, EvidenceItem, EvidenceRequest
from sewu.base.incidents import Incident
from sewu.base.rights import Scope
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import Counter, incidents
from sewu.store.operations.incidents import find, visible
from sewu.store.operations.intake import Connection
from sewu.store.operations.tables import metadata

items = Table(
    "evidence_item",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, ForeignKey("incident.id"), nullable=False, index=True),
    Column("camera_id", Text),
    Column("kind", Text, nullable=False),
    Column("sha256", Text, nullable=False, index=True),
    Column("bytes_count", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("from_s", Double, nullable=False),
    Column("until_s", Double, nullable=False),
    Column("stored_at_s", Double, nullable=False, index=True),
    Column("locked_until_s", Double),
)

requests = Table(
    "evidence_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, ForeignKey("incident.id"), nullable=False, index=True),
    Column("item_ids", JSON, nullable=False),
    Column("requester", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_at_s", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at_s", Double),
    Column("decision", Text),
    Column("exported_at_s", Double),
    Column("package_sha256", Text),
    Index("ix_evidence_request_state", "state", "requested_at_s"),
)

custody = Table(
    "evidence_custody",
    metadata,
    Column("number", Counter, primary_key=True, autoincrement=True),
    Column("at_s", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("incident_id", Text, ForeignKey("incident.id"), nullable=False, index=True),
    Column("item_id", Text),
    Column("request_id", Text),
    Column("details", JSON, nullable=False),
)
"""Append-only: nothing here changes or removes a row."""
OPEN_REQUESTS = ("requested", "approved")


class Evidence:
    """Reads and writes, each within a scope. Raises `NotFound` where the incident lies outside of it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, scope: Scope, item: EvidenceItem, actor: str) -> None:
        """Store that a file was kept for an incident."""
        async with self.database.writing() as connection:
            incident = await _incident(connection, scope, item.incident_id)
            await connection.execute(insert(items), [_values(item)])
            details = {"sha256": item.sha256, "bytes": item.bytes_count}
            await _note(connection, Custody(item.stored_at_s, actor, "stored", item.incident_id, item.id, None, details))
            await self.database.record(connection, [_change(incident, item.id, item.stored_at_s)])

    async def items(self, scope: Scope, incident_id: str) -> tuple[EvidenceItem, ...]:
        """An incident's evidence by the time that it shows."""
        query = select(items).join(incidents, incidents.c.id == items.c.incident_id)
        query = query.where(items.c.incident_id == incident_id, visible(scope)).order_by(items.c.from_s, items.c.id)
        async with self.database.reading() as connection:
            return tuple(EvidenceItem(**row) for row in (await connection.execute(query)).mappings())

    async def viewed(self, scope: Scope, incident_id: str, item_id: str, actor: str, now_s: float) -> EvidenceItem:
        """The item, for looking at it here; that it was looked at is noted first."""
        item = next((row for row in await self.items(scope, incident_id) if row.id == item_id), None)
        if item is None:
            raise NotFound(f"There is no evidence {item_id} that you may see.", "List it again.")
        async with self.database.writing() as connection:
            await _note(connection, Custody(now_s, actor, "viewed", incident_id, item_id))
        return item

    async def lock(self, scope: Scope, item: EvidenceItem, until_s: float | None, entry: Custody) -> None:
        """Keep an item from deletion until a time; None ends the lock. `entry` says who did so and why."""
        async with self.database.writing() as connection:
            incident = await _incident(connection, scope, item.incident_id)
            await connection.execute(update(items).where(items.c.id == item.id).values(locked_until_s=until_s))
            await _note(connection, entry)
            await self.database.record(connection, [_change(incident, item.id, entry.at_s)])

    async def ask(self, scope: Scope, request: EvidenceRequest) -> None:
        """Store a request. Raises `BadInput` when an item is not the incident's."""
        async with self.database.writing() as connection:
            incident = await _incident(connection, scope, request.incident_id)
            query = select(items.c.id).where(items.c.incident_id == request.incident_id, items.c.id.in_(request.item_ids))
            if not request.item_ids or set((await connection.execute(query)).scalars()) != set(request.item_ids):
                raise BadInput("A request names evidence of its incident.", "Choose among the incident's evidence.")
            await connection.execute(insert(requests), [_values(request) | {"item_ids": list(request.item_ids)}])
            details = {"purpose": request.purpose, "reason": request.reason, "items": list(request.item_ids)}
            entry = Custody(request.requested_at_s, request.requester, "requested", request.incident_id, None, request.id, details)
            await _note(connection, entry)
            await self.database.record(connection, [_change(incident, request.id, request.requested_at_s)])

    async def request(self, scope: Scope, request_id: str) -> EvidenceRequest:
        """The request. Raises `NotFound`."""
        async with self.database.reading() as connection:
            found = await self._found(connection, scope, request_id)
        return found

    async def requests(self, scope: Scope, states: Sequence[str] = (), limit: int = 200) -> tuple[EvidenceRequest, ...]:
        """Requests, newest first."""
        query = select(requests).join(incidents, incidents.c.id == requests.c.incident_id).where(visible(scope))
        if states:
            query = query.where(requests.c.state.in_(states))
        query = query.order_by(requests.c.requested_at_s.desc(), requests.c.id).limit(limit)
        async with self.database.reading() as connection:
            return tuple(_request(row) for row in (await connection.execute(query)).mappings())

    async def move(self, scope: Scope, before: EvidenceRequest, after: EvidenceRequest, entry: Custody) -> None:
        """Store what a request has become. Raises `Conflict` when somebody else was first."""
        async with self.database.writing() as connection:
            incident = await _incident(connection, scope, before.incident_id)
            same = and_(requests.c.id == before.id, requests.c.state == before.state)
            values = _values(after) | {"item_ids": list(after.item_ids)}
            if (await connection.execute(update(requests).where(same).values(**values))).rowcount != 1:
                raise Conflict(f"Request {before.id} was decided by somebody else meanwhile.", "Read it again.")
            await _note(connection, entry)
            if entry.action == "exported":
                await _note(connection, *(replace(entry, item_id=item_id) for item_id in after.item_ids))
            await self.database.record(connection, [_change(incident, before.id, entry.at_s)])

    async def chain(self, scope: Scope, incident_id: str) -> tuple[Custody, ...]:
        """All that was done with an incident's evidence, in order."""
        names = [custody.c[name] for name in Custody.__dataclass_fields__]
        query = select(*names).join(incidents, incidents.c.id == custody.c.incident_id)
        query = query.where(custody.c.incident_id == incident_id, visible(scope)).order_by(custody.c.number)
        async with self.database.reading() as connection:
            return tuple(Custody(**row) for row in (await connection.execute(query)).mappings())

    async def expired(self, stored_before_s: float, now_s: float, limit: int = 500) -> tuple[EvidenceItem, ...]:
        """Retention: items stored before, that no lock and no open request holds; oldest first."""
        async with self.database.reading() as connection:
            free = await _free(connection, now_s)
            query = select(items).where(items.c.stored_at_s < stored_before_s, free)
            rows = (await connection.execute(query.order_by(items.c.stored_at_s, items.c.id).limit(limit))).mappings()
            return tuple(EvidenceItem(**row) for row in rows)

    async def forget(self, rows: Sequence[EvidenceItem], now_s: float) -> tuple[str, ...]:
        """Retention: delete these unless locked or asked for meanwhile; returns the SHA-256 of files that nothing needs now."""
        gone: list[str] = []
        async with self.database.writing() as connection:
            free = await _free(connection, now_s)
            for row in rows:
                if (await connection.execute(delete(items).where(items.c.id == row.id, free))).rowcount == 1:
                    await _note(connection, Custody(now_s, "retention", "deleted", row.incident_id, row.id, None, {"sha256": row.sha256}))
                    gone.append(row.sha256)
            still = set((await connection.execute(select(items.c.sha256).where(items.c.sha256.in_(gone)))).scalars())
        return tuple(sorted(set(gone) - still))

    async def _found(self, connection: Connection, scope: Scope, request_id: str) -> EvidenceRequest:
        query = (
            select(requests).join(incidents, incidents.c.id == requests.c.incident_id).where(requests.c.id == request_id, visible(scope))
        )
        row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise NotFound(f"There is no evidence request {request_id} that you may see.", "Check the number.")
        return _request(row)


async def _free(connection: Connection, now_s: float) -> ColumnElement[bool]:
    """The condition that no lock and no open request holds an item."""
    held = set[str]()
    for ids in (await connection.execute(select(requests.c.item_ids).where(requests.c.state.in_(OPEN_REQUESTS)))).scalars():
        held.update(ids)
    unlocked = or_(items.c.locked_until_s.is_(None), items.c.locked_until_s <= now_s)
    return and_(unlocked, items.c.id.not_in(sorted(held)))


def _values(row: EvidenceItem | EvidenceRequest | Custody) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__dataclass_fields__}


def _request(row: Any) -> EvidenceRequest:
    return EvidenceRequest(**{**row, "item_ids": tuple(row["item_ids"])})


def _change(incident: Incident, subject_id: str, now_s: float) -> dict[str, Any]:
    return {"at_s": now_s, "topic": "evidence", "subject_id": subject_id, "area_code": incident.area_code, "agency": incident.agency}


async def _note(connection: Connection, *entries: Custody) -> None:
    await connection.execute(insert(custody), [_values(entry) | {"details": dict(entry.details)} for entry in entries])


async def _incident(connection: Connection, scope: Scope, incident_id: str) -> Incident:
    found = await find(connection, incident_id, scope)
    if found is None:
        raise NotFound(f"There is no incident {incident_id} that you may see.", "Check the number.")
    return found
