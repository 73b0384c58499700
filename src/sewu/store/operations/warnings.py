"""Warnings of others (weather, flood), as context beside our incidents: what they say, where and until when.

They are public, but asked for within a scope like everything that has a place: a warning belongs to the area that it was taken in
for (the city, or the smallest area of ours that it touches).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import JSON, Column, Double, Index, Table, Text, and_, delete, insert, select

from sewu.base.rights import Scope
from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata, within

warnings = Table(
    "warning",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sender", Text, nullable=False),
    Column("sent_s", Double, nullable=False),
    Column("event", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("certainty", Text, nullable=False),
    Column("headline", Text),
    Column("description", Text),
    Column("web", Text),
    Column("from_s", Double, nullable=False),
    Column("until_s", Double, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("polygons", JSON, nullable=False),
    Index("ix_warning_when", "until_s", "from_s"),
)


@dataclass(frozen=True, slots=True)
class Warning:
    """One warning. severity, urgency, certainty: CAP's words. polygons: rings of (lat, lon) degrees."""

    id: str
    sender: str
    sent_s: float
    event: str
    severity: str
    urgency: str
    certainty: str
    from_s: float
    until_s: float
    area_code: str
    headline: str | None = None
    description: str | None = None
    web: str | None = None
    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()


class Warnings:
    """What holds now, and what is taken in."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def put(self, rows: tuple[Warning, ...], replaced: tuple[str, ...], now_s: float) -> None:
        """Take warnings in, and take back those that they replace or cancel; taking one in again changes nothing."""
        gone = {*replaced, *(row.id for row in rows)}
        async with self.database.writing() as connection:
            if gone:
                await connection.execute(delete(warnings).where(warnings.c.id.in_(sorted(gone))))
            if rows:
                await connection.execute(
                    insert(warnings), [{name: getattr(row, name) for name in Warning.__dataclass_fields__} for row in rows]
                )
            topics = [{"at_s": now_s, "topic": "event", "subject_id": row.id, "area_code": row.area_code, "agency": None} for row in rows]
            await self.database.record(connection, topics)

    async def holding(self, scope: Scope, now_s: float) -> tuple[Warning, ...]:
        """Warnings that hold now, newest first."""
        holds = and_(warnings.c.from_s <= now_s, warnings.c.until_s > now_s, within(warnings.c.area_code, scope))
        async with self.database.reading() as connection:
            rows = (await connection.execute(select(warnings).where(holds).order_by(warnings.c.sent_s.desc(), warnings.c.id))).mappings()
            return tuple(Warning(**{**row, "polygons": _rings(row["polygons"])}) for row in rows)

    async def forget(self, before_s: float) -> int:
        """Retention: delete what ended before; returns how many."""
        async with self.database.writing() as connection:
            return int((await connection.execute(delete(warnings).where(warnings.c.until_s < before_s))).rowcount)


def _rings(stored: list[list[list[float]]]) -> tuple[tuple[tuple[float, float], ...], ...]:
    return tuple(tuple((point[0], point[1]) for point in ring) for ring in stored)
