"""Channels and the messages that go over them: written before they are sent, kept until they are sent or given up.

A channel's secret is stored encrypted and comes out only through `secret`, for the one who sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import JSON, Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text, and_, delete, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from sewu.base.errors import NotFound
from sewu.base.incidents import Announcement, Incident
from sewu.base.paging import Page, cursor_key, cursor_of
from sewu.base.rights import Scope
from sewu.base.routing import Channel, Dispatch, DispatchState, Message
from sewu.store.operations.agencies import owned
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import announcements, incidents
from sewu.store.operations.incidents import visible
from sewu.store.operations.intake import Connection, load
from sewu.store.operations.tables import metadata, within

channels = Table(
    "channel",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agency", Text, ForeignKey("agency.code"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("min_severity", Text, nullable=False),
    Column("occasions", JSON, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("sealed_secret", Text),
)

dispatches = Table(
    "dispatch",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, ForeignKey("incident.id"), nullable=False, index=True),
    Column("announcement_id", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("channel_id", Text, ForeignKey("channel.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("made_at_s", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at_s", Double, nullable=False),
    Column("message", JSON, nullable=False),
    Column("sent_at_s", Double),
    Column("error", Text),
    Index("ix_dispatch_due", "state", "next_at_s", "id"),
    Index("ix_dispatch_list", "agency", "made_at_s", "id"),
    Index("ix_dispatch_channel", "channel_id", "state"),
)
MAX_PAGE = 200
MAX_ERROR_LETTERS = 500


class Seal(Protocol):
    """What encrypts and decrypts: the vault."""

    def seal(self, secret: str) -> str: ...

    def open(self, sealed: str) -> str: ...


class Channels:
    """Ways to tell agencies, each read within the scope's agencies."""

    def __init__(self, database: Database, vault: Seal) -> None:
        self.database, self._vault = database, vault

    async def put(self, scope: Scope, row: Channel, secret: str | None = None) -> None:
        """Enter or change a channel; `secret` None keeps what is stored. Raises `NotFound` for another's agency or an unknown one."""
        values = {name: getattr(row, name) for name in Channel.__dataclass_fields__ if name != "id"}
        values |= {"settings": dict(row.settings), "occasions": list(row.occasions)}
        if secret is not None:
            values["sealed_secret"] = self._vault.seal(secret)
        async with self.database.writing() as connection:
            before = (await connection.execute(select(channels.c.agency).where(channels.c.id == row.id))).scalar()
            if not owned(scope, row.agency) or (before is not None and not owned(scope, before)):
                raise NotFound(f"Agency {row.agency} is not yours to reach.", "Choose your own agency.")
            if before is None:
                await connection.execute(insert(channels).values(id=row.id, **values))
            else:
                await connection.execute(update(channels).where(channels.c.id == row.id).values(**values))

    async def list(self, scope: Scope) -> tuple[Channel, ...]:
        """The channels of the scope's agencies, without secrets."""
        async with self.database.reading() as connection:
            rows = [as_channel(row) for row in (await connection.execute(select(channels).order_by(channels.c.id))).mappings()]
        return tuple(row for row in rows if owned(scope, row.agency))

    async def remove(self, scope: Scope, channel_id: str) -> None:
        """Take a channel out of use and forget its secret; what was sent over it stays told. Raises `NotFound`."""
        if channel_id not in {row.id for row in await self.list(scope)}:
            raise NotFound(f"There is no channel {channel_id} that you may remove.", "List them again.")
        async with self.database.writing() as connection:
            mine = channels.c.id == channel_id
            await connection.execute(update(channels).where(mine).values(is_active=False, sealed_secret=None))

    async def secret(self, channel_id: str) -> str | None:
        """The secret, for sending only. Raises `BadSettings` when it cannot be decrypted."""
        async with self.database.reading() as connection:
            sealed = (await connection.execute(select(channels.c.sealed_secret).where(channels.c.id == channel_id))).scalar()
        return None if sealed is None else self._vault.open(sealed)


class Dispatches:
    """The outgoing messages. `waiting`, `lease`, `done` and the like are for the loop that sends; people read within a scope."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def unrouted(self, connection: Connection, limit: int) -> list[tuple[Announcement, Incident]]:
        """Word that the desk left, with the incidents it is about, oldest first."""
        names = [announcements.c[name] for name in Announcement.__dataclass_fields__]
        query = select(*names).where(announcements.c.routed_at_s.is_(None)).order_by(announcements.c.at_s, announcements.c.id)
        query = query.limit(limit).with_for_update(skip_locked=True)
        words = [Announcement(**row) for row in (await connection.execute(query)).mappings()]
        found = await load(connection, sorted({word.incident_id for word in words}))
        return [(word, found[word.incident_id]) for word in words]

    async def routed(self, connection: Connection, words: Sequence[Announcement], rows: Sequence[Dispatch], now_s: float) -> None:
        """Store what was made of them, and mark them, in the caller's transaction."""
        if rows:
            await connection.execute(insert(dispatches), [_row(row) for row in rows])
        ids = [word.id for word in words]
        await connection.execute(update(announcements).where(announcements.c.id.in_(ids)).values(routed_at_s=now_s))

    async def active_channels(self, connection: Connection) -> list[Channel]:
        """All channels in use."""
        query = select(channels).where(channels.c.is_active).order_by(channels.c.id)
        return [as_channel(row) for row in (await connection.execute(query)).mappings()]

    async def lease(self, now_s: float, lease_s: float, limit: int) -> list[tuple[Dispatch, Channel]]:
        """Due messages with their channels, kept from other senders for `lease_s`; one that dies sends them again after that."""
        due = and_(dispatches.c.state == "waiting", dispatches.c.next_at_s <= now_s)
        query = select(dispatches).where(due).order_by(dispatches.c.next_at_s, dispatches.c.id)
        async with self.database.writing() as connection:
            rows = (await connection.execute(query.limit(limit).with_for_update(skip_locked=True))).mappings().all()
            found = [as_dispatch(row) for row in rows]
            ids = [row.id for row in found]
            if not ids:
                return []
            await connection.execute(update(dispatches).where(dispatches.c.id.in_(ids)).values(next_at_s=now_s + lease_s))
            wanted = select(channels).where(channels.c.id.in_(sorted({row.channel_id for row in found})))
            ways = {row["id"]: as_channel(row) for row in (await connection.execute(wanted)).mappings()}
        return [(row, ways[row.channel_id]) for row in found]

    async def settle(self, row: Dispatch, state: DispatchState, next_at_s: float, now_s: float, error: str | None = None) -> None:
        """Store how an attempt went."""
        values: dict[str, Any] = {"state": state, "attempts": row.attempts + 1, "next_at_s": next_at_s}
        values |= {"error": None if error is None else error[:MAX_ERROR_LETTERS], "sent_at_s": now_s if state == "sent" else None}
        change = {"at_s": now_s, "topic": "agency", "subject_id": row.agency, "area_code": row.message.area_code, "agency": row.agency}
        async with self.database.writing() as connection:
            await connection.execute(update(dispatches).where(dispatches.c.id == row.id, dispatches.c.state == "waiting").values(**values))
            await self.database.record(connection, [change])

    async def list(self, scope: Scope, state: DispatchState | None = None, cursor: str | None = None, limit: int = 50) -> Page[Dispatch]:
        """Messages about incidents in the scope, or to its agencies, newest first; `state` "dead" is the dead letters."""
        limit = max(1, min(limit, MAX_PAGE))
        query = select(dispatches).join(incidents, incidents.c.id == dispatches.c.incident_id).where(_readable(scope))
        if state is not None:
            query = query.where(dispatches.c.state == state)
        if cursor is not None:
            at_s, id_ = cursor_key(cursor, (float, str))
            same = and_(dispatches.c.made_at_s == at_s, dispatches.c.id < id_)
            query = query.where(or_(dispatches.c.made_at_s < at_s, same))
        query = query.order_by(dispatches.c.made_at_s.desc(), dispatches.c.id.desc()).limit(limit + 1)
        async with self.database.reading() as connection:
            rows = [as_dispatch(row) for row in (await connection.execute(query)).mappings()]
        more = rows[limit - 1] if len(rows) > limit else None
        return Page(tuple(rows[:limit]), cursor_of((more.made_at_s, more.id)) if more else None)

    async def of_incident(self, scope: Scope, incident_id: str) -> tuple[Dispatch, ...]:
        """Who was told of an incident, and whether it arrived."""
        query = select(dispatches).join(incidents, incidents.c.id == dispatches.c.incident_id)
        query = query.where(dispatches.c.incident_id == incident_id, visible(scope)).order_by(dispatches.c.made_at_s, dispatches.c.id)
        async with self.database.reading() as connection:
            return tuple(as_dispatch(row) for row in (await connection.execute(query)).mappings())

    async def revive(self, scope: Scope, dispatch_id: str, now_s: float) -> None:
        """Send a dead letter again, from the first attempt. Raises `NotFound`."""
        query = select(dispatches.c.id).join(incidents, incidents.c.id == dispatches.c.incident_id)
        query = query.where(dispatches.c.id == dispatch_id, dispatches.c.state == "dead", _readable(scope))
        async with self.database.writing() as connection:
            if (await connection.execute(query)).first() is None:
                raise NotFound(f"There is no dead letter {dispatch_id} that you may send again.", "List them again.")
            values = {"state": "waiting", "attempts": 0, "next_at_s": now_s, "made_at_s": now_s}
            await connection.execute(update(dispatches).where(dispatches.c.id == dispatch_id).values(**values))

    async def forget(self, before_s: float) -> int:
        """Retention: delete what was settled and made before; returns how many."""
        old = and_(dispatches.c.made_at_s < before_s, dispatches.c.state != "waiting")
        async with self.database.writing() as connection:
            return int((await connection.execute(delete(dispatches).where(old))).rowcount)


def _readable(scope: Scope) -> Any:
    """An agency reads what it was told of incidents in its areas, though the incident be another's."""
    if scope.agencies is None:
        return visible(scope)
    return and_(within(incidents.c.area_code, scope), or_(visible(scope), dispatches.c.agency.in_(scope.agencies)))


def as_channel(row: RowMapping) -> Channel:
    """The noun of a row, without its secret."""
    values = {name: row[name] for name in Channel.__dataclass_fields__}
    return Channel(**{**values, "occasions": tuple(row["occasions"])})


def as_dispatch(row: RowMapping) -> Dispatch:
    """The noun of a row."""
    values = {name: row[name] for name in Dispatch.__dataclass_fields__}
    return Dispatch(**{**values, "message": Message(**row["message"])})


def _row(row: Dispatch) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in Dispatch.__dataclass_fields__}
    return values | {"message": {name: getattr(row.message, name) for name in Message.__dataclass_fields__}}
