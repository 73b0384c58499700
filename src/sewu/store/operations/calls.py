"""Emergency calls: where, when, which incident; and the links by which one incident is shown to a responder for a while.

Of a link's token only its SHA-256 is kept: who reads the database cannot open the link.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import JSON, Column, Double, ForeignKey, Index, Integer, Table, Text, insert, select, update

from sewu.base.errors import NotFound
from sewu.base.incidents import Incident
from sewu.base.records import Place
from sewu.base.rights import Scope
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import history, incidents
from sewu.store.operations.incidents import as_incident, visible
from sewu.store.operations.intake import Connection
from sewu.store.operations.tables import metadata

calls = Table(
    "emergency_call",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, ForeignKey("incident.id"), nullable=False, index=True),
    Column("at_s", Double, nullable=False),
    Column("lat_deg", Double, nullable=False),
    Column("lon_deg", Double, nullable=False),
    Column("address", Text),
    Column("note", Text),
    Column("taken_by", Text, nullable=False),
    Column("cameras", JSON, nullable=False),
    Index("ix_emergency_call_at", "at_s"),
)

shares = Table(
    "share_link",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, ForeignKey("incident.id"), nullable=False, index=True),
    Column("token_sha256", Text, nullable=False, unique=True),
    Column("made_by", Text, nullable=False),
    Column("made_at_s", Double, nullable=False),
    Column("until_s", Double, nullable=False),
    Column("revoked_at_s", Double),
    Column("opened_count", Integer, nullable=False),
    Column("last_opened_at_s", Double),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `camera_ids`: the nearest cameras when it came in, nearest first."""

    id: str
    incident_id: str
    at_s: float
    place: Place
    taken_by: str
    address: str | None = None
    note: str | None = None
    camera_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """A link to one incident, without its token."""

    id: str
    incident_id: str
    made_by: str
    made_at_s: float
    until_s: float
    revoked_at_s: float | None = None
    opened_count: int = 0
    last_opened_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """How long one call's incident took, seconds from the call; None for what has not happened."""

    call_id: str
    acknowledged_s: float | None
    started_s: float | None
    resolved_s: float | None


def token_hash(token: str) -> str:
    """What is kept of a token of 256 random bits: no salt is needed for what cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


class Calls:
    """Calls and share links, each within a scope; `opened` alone takes a token instead."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, connection: Connection, call: Call) -> None:
        """Store a call, in the transaction that opens its incident."""
        row = {"lat_deg": call.place.lat_deg, "lon_deg": call.place.lon_deg, "cameras": list(call.camera_ids)}
        same = ("id", "incident_id", "at_s", "address", "note", "taken_by")
        await connection.execute(insert(calls).values(**row, **{name: getattr(call, name) for name in same}))

    async def list(self, scope: Scope, from_s: float, until_s: float, limit: int = 200) -> tuple[Call, ...]:
        """Calls of a time, newest first."""
        query = select(calls).join(incidents, incidents.c.id == calls.c.incident_id).where(visible(scope))
        query = query.where(calls.c.at_s >= from_s, calls.c.at_s < until_s).order_by(calls.c.at_s.desc(), calls.c.id).limit(limit)
        async with self.database.reading() as connection:
            return tuple(_call(row) for row in (await connection.execute(query)).mappings())

    async def share(self, scope: Scope, share: Share) -> str:
        """Make a link; returns its token, which is not kept and cannot be shown again. Raises `NotFound`."""
        token = secrets.token_urlsafe(32)
        async with self.database.writing() as connection:
            query = select(incidents.c.id).where(incidents.c.id == share.incident_id, visible(scope))
            if (await connection.execute(query)).first() is None:
                raise NotFound(f"There is no incident {share.incident_id} that you may share.", "Check the number.")
            values = {name: getattr(share, name) for name in Share.__dataclass_fields__}
            await connection.execute(insert(shares).values(token_sha256=token_hash(token), **values))
        return token

    async def opened(self, token: str, now_s: float) -> tuple[Share, Incident]:
        """The incident that a token opens; counted. Raises `NotFound` for a token that is unknown, over or revoked."""
        mine = shares.c.token_sha256 == token_hash(token)
        holds = mine & (shares.c.until_s > now_s) & shares.c.revoked_at_s.is_(None)
        async with self.database.writing() as connection:
            row = (await connection.execute(select(shares).where(holds))).mappings().first()
            if row is None:
                raise NotFound("This link is not valid, or not any more.", "Ask the one who sent it for a new one.")
            count = {"opened_count": shares.c.opened_count + 1, "last_opened_at_s": now_s}
            await connection.execute(update(shares).where(shares.c.id == row["id"]).values(**count))
            found = (await connection.execute(select(incidents).where(incidents.c.id == row["incident_id"]))).mappings().one()
        return Share(**{name: row[name] for name in Share.__dataclass_fields__}), as_incident(found)

    async def revoke(self, scope: Scope, share_id: str, now_s: float) -> None:
        """End a link now. Raises `NotFound`."""
        query = select(shares.c.id).join(incidents, incidents.c.id == shares.c.incident_id).where(shares.c.id == share_id, visible(scope))
        async with self.database.writing() as connection:
            if (await connection.execute(query)).first() is None:
                raise NotFound(f"There is no link {share_id} that you may end.", "List them again.")
            await connection.execute(update(shares).where(shares.c.id == share_id).values(revoked_at_s=now_s))

    async def shares(self, scope: Scope, incident_id: str) -> tuple[Share, ...]:
        """Links of an incident, newest first."""
        query = select(shares).join(incidents, incidents.c.id == shares.c.incident_id)
        query = query.where(shares.c.incident_id == incident_id, visible(scope)).order_by(shares.c.made_at_s.desc(), shares.c.id)
        async with self.database.reading() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(Share(**{name: row[name] for name in Share.__dataclass_fields__}) for row in rows)

    async def responses(self, scope: Scope, from_s: float, until_s: float) -> tuple[Response, ...]:
        """How long each call of a time took; the start is the first time that somebody set out ("start")."""
        started = select(history.c.incident_id, history.c.at_s).where(history.c.action == "start", history.c.at_s >= from_s)
        query = select(calls.c.id, calls.c.at_s, incidents.c.id, incidents.c.acknowledged_at_s, incidents.c.resolved_at_s)
        query = query.join(incidents, incidents.c.id == calls.c.incident_id).where(visible(scope))
        query = query.where(calls.c.at_s >= from_s, calls.c.at_s < until_s).order_by(calls.c.at_s, calls.c.id)
        async with self.database.reading() as connection:
            rows = (await connection.execute(query)).all()
            begun: dict[str, float] = {}
            for incident_id, at_s in await connection.execute(started.order_by(history.c.number.desc())):
                begun[incident_id] = at_s
        return tuple(
            Response(id_, _since(at_s, ack), _since(at_s, begun.get(inc)), _since(at_s, done)) for id_, at_s, inc, ack, done in rows
        )


def _since(from_s: float, at_s: float | None) -> float | None:
    return None if at_s is None else max(0.0, at_s - from_s)


def _call(row: object) -> Call:
    values = dict(row)  # type: ignore[call-overload]
    place = Place(values.pop("lat_deg"), values.pop("lon_deg"))
    cameras = tuple(values.pop("cameras"))
    return Call(**values, place=place, camera_ids=cameras)
