"""The area tree and its boundaries, as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import shape
from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, RowMapping, Select, Table, Text, or_, select

from sewu.base.paging import Page, cursor_key, cursor_of
from sewu.base.places import LEVELS, Area, Boundary, Level
from sewu.base.records import Place
from sewu.base.rights import Scope
from sewu.base.space import distance_m
from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata, within
from sewu.store.operations.upserts import Document, upsert

areas = Table(
    "area",
    metadata,
    Column("code", Text, primary_key=True),
    Column("level", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_code", Text, ForeignKey("area.code")),
    Column("lat_deg", Double, nullable=False),
    Column("lon_deg", Double, nullable=False),
    Column("area_km2", Double),
    Column("is_synthetic", Boolean, nullable=False),
    Index("ix_area_level_code", "level", "code"),
    Index("ix_area_parent_code", "parent_code"),
)

boundaries = Table(
    "boundary",
    metadata,
    Column("area_code", Text, ForeignKey("area.code"), primary_key=True),
    Column("geometry", Document, nullable=False),
    Column("is_approximate", Boolean, nullable=False),
)

MAX_PAGE = 1000
NEAR_KM = 5.0


@dataclass(frozen=True, slots=True)
class AreaFilter:
    """Which areas: of a level, right below an area, with a text in name or code."""

    level: Level | None = None
    parent_code: str | None = None
    text: str | None = None


class Areas:
    """The areas of a city; each read within a scope."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def put(self, rows: Sequence[Area], now_s: float) -> tuple[str, ...]:
        """Add or change areas, in any order; returns the codes that were new or different.

        Raises:
            StoreUnavailable, StoreFull: nothing was stored.
        """
        ordered = sorted(rows, key=lambda area: (LEVELS.index(area.level), area.code))
        async with self.database.writing() as connection:
            changed: list[str] = []
            for level in LEVELS:  # parents first: a child refers to its parent
                some = [_row(area) for area in ordered if area.level == level]
                changed += [code for (code,) in await upsert(connection, areas, some)]
            await self.database.record(connection, [_change(code, now_s) for code in changed])
        return tuple(changed)

    async def put_boundaries(self, rows: Sequence[Boundary], now_s: float) -> tuple[str, ...]:
        """Set boundaries of areas that exist; an approximate one never replaces a real one. Returns the codes changed."""
        async with self.database.writing() as connection:
            known = set((await connection.execute(select(areas.c.code))).scalars())
            real = set((await connection.execute(select(boundaries.c.area_code).where(~boundaries.c.is_approximate))).scalars())
            wanted = [row for row in rows if row.area_code in known and not (row.is_approximate and row.area_code in real)]
            values = [{"area_code": r.area_code, "geometry": dict(r.geometry), "is_approximate": r.is_approximate} for r in wanted]
            changed = [code for (code,) in await upsert(connection, boundaries, values)]
            await self.database.record(connection, [_change(code, now_s) for code in changed])
        return tuple(changed)

    async def get(self, scope: Scope, code: str) -> Area | None:
        """The area of this code; None when there is none in the scope."""
        async with self.database.reading() as connection:
            query = select(areas).where(areas.c.code == code, within(areas.c.code, scope))
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else _area(row)

    async def list(self, scope: Scope, wanted: AreaFilter, cursor: str | None = None, limit: int = 200) -> Page[Area]:
        """By code, at most `MAX_PAGE` a page. Raises `BadInput` for a cursor of something else."""
        limit = max(1, min(limit, MAX_PAGE))
        query = _filtered(select(areas), scope, wanted)
        if cursor is not None:
            query = query.where(areas.c.code > cursor_key(cursor, (str,))[0])
        async with self.database.reading() as connection:
            found = [_area(row) for row in (await connection.execute(query.order_by(areas.c.code).limit(limit + 1))).mappings()]
        return Page(tuple(found[:limit]), cursor_of((found[limit - 1].code,)) if len(found) > limit else None)

    async def every(self, scope: Scope, level: Level | None = None) -> tuple[Area, ...]:
        """All areas of the scope by code; for drawing and for roll-ups, not for a list."""
        async with self.database.reading() as connection:
            query = _filtered(select(areas), scope, AreaFilter(level)).order_by(areas.c.code)
            return tuple(_area(row) for row in (await connection.execute(query)).mappings())

    async def boundaries(self, scope: Scope, level: Level) -> tuple[Boundary, ...]:
        """The boundaries known of a level within the scope."""
        query = select(boundaries).join(areas, areas.c.code == boundaries.c.area_code)
        query = query.where(areas.c.level == level, within(areas.c.code, scope)).order_by(areas.c.code)
        async with self.database.reading() as connection:
            return tuple(Boundary(**row) for row in (await connection.execute(query)).mappings())

    async def at(self, scope: Scope, place: Place) -> Area | None:
        """The kelurahan that a place lies in: by boundary, else by the nearest centroid within 5 km; None outside the scope."""
        point = shapely.Point(place.lon_deg, place.lat_deg)
        async with self.database.reading() as connection:
            # Looked up in the whole city, then held against the scope: the nearest area of a guest's is not where the place is.
            whole = Scope(tuple((await connection.execute(select(areas.c.code).where(areas.c.level == "city"))).scalars()))
        drawn = await self.boundaries(whole, "kelurahan")
        code = next((boundary.area_code for boundary in drawn if shape(boundary.geometry).covers(point)), None)
        if code is None:
            real = {boundary.area_code for boundary in drawn if not boundary.is_approximate}
            nearest = nearest_centroid([area for area in await self.every(whole, "kelurahan") if area.code not in real], place)
            code = nearest.code if nearest else None
        return None if code is None else await self.get(scope, code)


def nearest_centroid(some: Sequence[Area], place: Place) -> Area | None:
    """The area whose centroid is nearest, when it is within `NEAR_KM`."""
    best = min(some, key=lambda area: distance_m(area.place, place), default=None)
    return best if best is not None and distance_m(best.place, place) <= NEAR_KM * 1000 else None


def _filtered(query: Select[tuple[object, ...]], scope: Scope, wanted: AreaFilter) -> Select[tuple[object, ...]]:
    query = query.where(within(areas.c.code, scope))
    if wanted.level is not None:
        query = query.where(areas.c.level == wanted.level)
    if wanted.parent_code is not None:
        query = query.where(areas.c.parent_code == wanted.parent_code)
    if wanted.text:
        query = query.where(or_(areas.c.name.icontains(wanted.text, autoescape=True), areas.c.code == wanted.text))
    return query


def _change(code: str, now_s: float) -> dict[str, object]:
    return {"at_s": now_s, "topic": "area", "subject_id": code, "area_code": code, "agency": None}


def _row(area: Area) -> dict[str, object]:
    return {
        "code": area.code, "level": area.level, "name": area.name, "parent_code": area.parent_code, "lat_deg": area.place.lat_deg,
        "lon_deg": area.place.lon_deg, "area_km2": area.area_km2, "is_synthetic": area.is_synthetic,
    }  # fmt: skip


def _area(row: RowMapping) -> Area:
    place = Place(row["lat_deg"], row["lon_deg"])
    return Area(row["code"], row["level"], row["name"], row["parent_code"], place, row["area_km2"], row["is_synthetic"])
