"""The obligation register, as it is kept: who must show what, which camera proves it, which letters are due."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Column, Double, Index, Integer, RowMapping, Select, Table, Text, insert, or_, select, update

from sewu.base.assets import Letter, Obligation, ObligationStatus
from sewu.base.errors import Conflict, NotFound
from sewu.base.paging import Page, cursor_key, cursor_of
from sewu.base.records import Place
from sewu.base.rights import Scope
from sewu.store.operations.camera_tables import cameras
from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata, new_id, within
from sewu.store.operations.upserts import Document

obligations = Table(
    "obligation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("risk", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("address", Text),
    Column("lat_deg", Double),
    Column("lon_deg", Double),
    Column("camera_id", Text),
    Column("view_approved_by", Text),
    Column("view_approved_at_s", Double),
    Column("letters", Document, nullable=False),
    Column("next_letter_on", Text),
    Column("note", Text),
    Column("version", Integer, nullable=False),
    Column("changed_at_s", Double, nullable=False),
    Index("ix_obligation_area_code_id", "area_code", "id"),
    Index("ix_obligation_next_letter_on", "next_letter_on"),
    Index("ix_obligation_camera_id", "camera_id"),
)

MAX_PAGE = 1000
PLAIN = tuple(name for name in Obligation.__dataclass_fields__ if name not in ("place", "letters"))


class Obligations:
    """The obligation register; each read and change within a scope."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, scope: Scope, obligation: Obligation, now_s: float) -> Obligation:
        """Store a new one; it is given its id. Raises `NotFound` when its area or camera lies outside the scope."""
        fresh = replace(obligation, id=new_id("obl", now_s), version=1, changed_at_s=now_s)
        async with self.database.writing() as connection:
            await _must_reach(connection, scope, fresh)
            await connection.execute(insert(obligations).values(_row(fresh)))
            await self.database.record(connection, [_change(fresh, fresh.area_code)])
        return fresh

    async def change(self, scope: Scope, obligation: Obligation, version: int, now_s: float) -> Obligation:
        """Replace one as it was read at `version`.

        Raises:
            NotFound: there is none of this id in the scope, or its new area or camera is not. Conflict: changed meanwhile.
        """
        async with self.database.writing() as connection:
            query = _reading(scope).where(obligations.c.id == obligation.id).with_for_update()
            row = (await connection.execute(query)).mappings().first()
            if row is None:
                raise NotFound(f"There is no obligation {obligation.id} in these areas.", "Check the id and the area.")
            if row["version"] != version:
                raise Conflict(f"Obligation {obligation.id} was changed meanwhile.", "Read it again, then change it.")
            fresh = replace(obligation, version=version + 1, changed_at_s=now_s)
            await _must_reach(connection, scope, fresh)
            await connection.execute(update(obligations).where(obligations.c.id == fresh.id).values(_row(fresh)))
            await self.database.record(connection, [_change(fresh, area) for area in sorted({row["area_code"], fresh.area_code})])
        return fresh

    async def get(self, scope: Scope, obligation_id: str) -> Obligation | None:
        """The obligation; None when there is none in the scope."""
        async with self.database.reading() as connection:
            row = (await connection.execute(_reading(scope).where(obligations.c.id == obligation_id))).mappings().first()
        return None if row is None else _obligation(row)

    async def list(
        self,
        scope: Scope,
        cursor: str | None = None,
        limit: int = 100,
        *,
        status: ObligationStatus | None = None,
        text: str | None = None,
    ) -> Page[Obligation]:
        """By id, at most `MAX_PAGE` a page. Raises `BadInput` for a cursor of something else."""
        limit = max(1, min(limit, MAX_PAGE))
        query = _reading(scope)
        if status is not None:
            query = query.where(obligations.c.status == status)
        if text:
            query = query.where(obligations.c.search.contains(text.casefold(), autoescape=True))
        if cursor is not None:
            query = query.where(obligations.c.id > cursor_key(cursor, (str,))[0])
        async with self.database.reading() as connection:
            rows = (await connection.execute(query.order_by(obligations.c.id).limit(limit + 1))).mappings()
            found = [_obligation(row) for row in rows]
        return Page(tuple(found[:limit]), cursor_of((found[limit - 1].id,)) if len(found) > limit else None)

    async def due(self, scope: Scope, on: str, limit: int = MAX_PAGE) -> tuple[Obligation, ...]:
        """Those with a letter due on or before a date, longest due first."""
        query = _reading(scope).where(obligations.c.next_letter_on <= on).order_by(obligations.c.next_letter_on, obligations.c.id)
        async with self.database.reading() as connection:
            return tuple(_obligation(row) for row in (await connection.execute(query.limit(limit))).mappings())

    async def unproven(self, scope: Scope) -> tuple[Obligation, ...]:
        """Approved ones whose camera is not in use any more: what was proven is so no longer."""
        query = _reading(scope).outerjoin(cameras, cameras.c.id == obligations.c.camera_id)
        query = query.where(obligations.c.status == "approved", or_(cameras.c.id.is_(None), cameras.c.deleted_at_s.is_not(None)))
        async with self.database.reading() as connection:
            return tuple(_obligation(row) for row in (await connection.execute(query.order_by(obligations.c.id))).mappings())


async def _must_reach(connection: Any, scope: Scope, obligation: Obligation) -> None:
    if not scope.reaches(obligation.area_code):
        raise NotFound(f"Area {obligation.area_code} is none of these areas.", "Choose an area within your own.")
    if obligation.camera_id is not None:
        query = select(cameras.c.id).where(
            cameras.c.id == obligation.camera_id, cameras.c.deleted_at_s.is_(None), within(cameras.c.area_code, scope)
        )
        if (await connection.execute(query)).first() is None:
            raise NotFound(f"There is no camera {obligation.camera_id} in these areas.", "Check the code and the area.")


def _reading(scope: Scope) -> Select[Any]:
    return select(obligations).where(within(obligations.c.area_code, scope))


def _obligation(row: RowMapping) -> Obligation:
    values = {name: row[name] for name in PLAIN}
    place = None if row["lat_deg"] is None or row["lon_deg"] is None else Place(row["lat_deg"], row["lon_deg"])
    return Obligation(**values, place=place, letters=tuple(Letter(**letter) for letter in row["letters"]))


def _row(obligation: Obligation) -> dict[str, Any]:
    row = {name: getattr(obligation, name) for name in PLAIN}
    place = obligation.place
    row |= {"lat_deg": None if place is None else place.lat_deg, "lon_deg": None if place is None else place.lon_deg}
    row["letters"] = [asdict(letter) for letter in obligation.letters]
    row["next_letter_on"] = obligation.next_letter_on
    row["search"] = f"{obligation.name}\n{obligation.owner}\n{obligation.address or ''}".casefold()
    return row


def _change(obligation: Obligation, area_code: str) -> dict[str, Any]:
    return {"at_s": obligation.changed_at_s, "topic": "obligation", "subject_id": obligation.id, "area_code": area_code, "agency": None}
