"""The zones of each camera: every version kept, the newest in force, "to be checked" once the camera has moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, RowMapping, Select, Table, Text, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.drawn import ZoneVersion
from sewu.base.errors import Conflict, NotFound
from sewu.base.paging import Page, cursor_key, cursor_of
from sewu.base.rights import Scope
from sewu.store.operations.camera_tables import cameras
from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata, within
from sewu.store.operations.upserts import Document, in_batches

zone_versions = Table(
    "zone_version",
    metadata,
    Column("camera_id", Text, ForeignKey("camera.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", Document, nullable=False),
    Column("author", Text, nullable=False),
    Column("at_s", Double, nullable=False),
)

zones = Table(
    "zone",
    metadata,
    Column("camera_id", Text, ForeignKey("camera.id"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("to_check_since_s", Double),
    Index(
        "ix_zone_to_check",
        "camera_id",
        postgresql_where=text("to_check_since_s IS NOT NULL"),
        sqlite_where=text("to_check_since_s IS NOT NULL"),
    ),
)
"""The version in force of each camera."""

MAX_PAGE = 1000


class Zones:
    """The zones; each read and change within a scope. Whoever writes has checked the document (`cameras.zonefile.scene_of`)."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def put(
        self, scope: Scope, camera_id: str, document: Mapping[str, Any], author: str, now_s: float, expected: int | None = None
    ) -> ZoneVersion:
        """Store a new version and put it in force; what was to be checked has been.

        Args:
            expected: the version that was read before (0 for none yet); None replaces whatever is there.

        Raises:
            NotFound: no such camera in the scope. Conflict: somebody else drew meanwhile.
        """
        try:
            async with self.database.writing() as connection:
                area, last = await self._state(connection, scope, camera_id)
                if expected not in (None, last):
                    raise _drawn_meanwhile(camera_id, last)
                drawn = ZoneVersion(camera_id, last + 1, dict(document), author, now_s)
                values = {"camera_id": camera_id, "version": drawn.version, "document": drawn.document, "author": author, "at_s": now_s}
                await connection.execute(insert(zone_versions).values(values))
                if last:
                    query = update(zones).where(zones.c.camera_id == camera_id)
                    await connection.execute(query.values(version=drawn.version, to_check_since_s=None))
                else:
                    await connection.execute(insert(zones).values(camera_id=camera_id, version=drawn.version))
                await self.database.record(connection, [_change(camera_id, area, now_s)])
                return drawn
        except IntegrityError as error:  # two first versions at once
            raise _drawn_meanwhile(camera_id, 1) from error

    async def checked(self, scope: Scope, camera_id: str, now_s: float) -> None:
        """Somebody looked: the zones still fit. Raises `NotFound`."""
        async with self.database.writing() as connection:
            area, _ = await self._state(connection, scope, camera_id)
            await connection.execute(update(zones).where(zones.c.camera_id == camera_id).values(to_check_since_s=None))
            await self.database.record(connection, [_change(camera_id, area, now_s)])

    async def get(self, scope: Scope, camera_id: str, version: int | None = None) -> ZoneVersion | None:
        """The zones in force, or those of a version; None when there are none in the scope."""
        query = _reading(scope).where(zone_versions.c.camera_id == camera_id)
        query = query.where(zone_versions.c.version == (zones.c.version if version is None else version))
        async with self.database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else _version(row)

    async def versions(self, scope: Scope, camera_id: str) -> tuple[ZoneVersion, ...]:
        """All versions, newest first."""
        query = _reading(scope).where(zone_versions.c.camera_id == camera_id).order_by(zone_versions.c.version.desc())
        async with self.database.reading() as connection:
            return tuple(_version(row) for row in (await connection.execute(query)).mappings())

    async def in_force(self, scope: Scope, camera_ids: Sequence[str]) -> dict[str, ZoneVersion]:
        """The zones in force of these cameras, by camera."""
        found: dict[str, ZoneVersion] = {}
        query = _reading(scope).where(zone_versions.c.version == zones.c.version)
        async with self.database.reading() as connection:
            for part in in_batches(sorted(set(camera_ids))):
                rows = await connection.execute(query.where(zone_versions.c.camera_id.in_(part)))
                found.update({row["camera_id"]: _version(row) for row in rows.mappings()})
        return found

    async def to_check(self, scope: Scope, cursor: str | None = None, limit: int = 100) -> Page[ZoneVersion]:
        """The zones in force of cameras that moved since, by camera."""
        limit = max(1, min(limit, MAX_PAGE))
        query = _reading(scope).where(zone_versions.c.version == zones.c.version, zones.c.to_check_since_s.is_not(None))
        if cursor is not None:
            query = query.where(zones.c.camera_id > cursor_key(cursor, (str,))[0])
        async with self.database.reading() as connection:
            rows = await connection.execute(query.order_by(zones.c.camera_id).limit(limit + 1))
            found = [_version(row) for row in rows.mappings()]
        return Page(tuple(found[:limit]), cursor_of((found[limit - 1].camera_id,)) if len(found) > limit else None)

    async def _state(self, connection: AsyncConnection, scope: Scope, camera_id: str) -> tuple[str, int]:
        """The camera's area and the version in force, 0 for none. Raises `NotFound`."""
        query = select(cameras.c.area_code, zones.c.version).select_from(cameras.outerjoin(zones, zones.c.camera_id == cameras.c.id))
        query = query.where(cameras.c.id == camera_id, cameras.c.deleted_at_s.is_(None), within(cameras.c.area_code, scope))
        row = (await connection.execute(query.with_for_update(of=cameras))).first()
        if row is None:
            raise NotFound(f"There is no camera {camera_id} in these areas.", "Check the code and the area.")
        return row[0], row[1] or 0


async def mark_to_check(connection: AsyncConnection, camera_ids: Sequence[str], now_s: float) -> None:
    """Note that these cameras may look elsewhere now, in the caller's transaction; those noted before keep their time."""
    for part in in_batches(camera_ids):
        query = update(zones).where(zones.c.camera_id.in_(part), zones.c.to_check_since_s.is_(None))
        await connection.execute(query.values(to_check_since_s=now_s))


def _reading(scope: Scope) -> Select[Any]:
    whole = zone_versions.join(zones, zones.c.camera_id == zone_versions.c.camera_id).join(cameras, cameras.c.id == zones.c.camera_id)
    query = select(zone_versions, zones.c.version.label("in_force"), zones.c.to_check_since_s).select_from(whole)
    return query.where(within(cameras.c.area_code, scope), cameras.c.deleted_at_s.is_(None))


def _version(row: RowMapping) -> ZoneVersion:
    since_s = row["to_check_since_s"] if row["version"] == row["in_force"] else None
    return ZoneVersion(row["camera_id"], row["version"], row["document"], row["author"], row["at_s"], since_s)


def _drawn_meanwhile(camera_id: str, version: int) -> Conflict:
    return Conflict(f"The zones of {camera_id} were drawn anew meanwhile (version {version}).", "Look at them, then draw again.")


def _change(camera_id: str, area_code: str, now_s: float) -> dict[str, Any]:
    return {"at_s": now_s, "topic": "zone", "subject_id": camera_id, "area_code": area_code, "agency": None}
