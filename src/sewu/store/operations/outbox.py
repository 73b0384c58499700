"""Reads the outbox: what changed, in the order in which it was committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from sewu.store.operations.database import Database
from sewu.store.operations.tables import changes


@dataclass(frozen=True, slots=True)
class Change:
    """One change: of what, where, whose."""

    sequence: int
    at_s: float
    topic: str
    subject_id: str
    area_code: str | None
    agency: str | None


class Outbox:
    """What changed."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def after(self, sequence: int, limit: int, up_to: int | None = None) -> list[Change]:
        """The changes after a sequence number (up to another), oldest first, at most `limit`. For the service's own reader:
        whoever hands them on applies each listener's scope."""
        query = select(changes).where(changes.c.sequence > sequence).order_by(changes.c.sequence).limit(limit)
        if up_to is not None:
            query = query.where(changes.c.sequence <= up_to)
        async with self._db.reading() as connection:
            return [Change(**row) for row in (await connection.execute(query)).mappings()]

    async def newest_of(self, topics: Sequence[str]) -> int:
        """The number of the newest change of these topics that is still kept; 0 when there is none."""
        query = select(changes.c.sequence).where(changes.c.topic.in_(topics)).order_by(changes.c.sequence.desc()).limit(1)
        async with self._db.reading() as connection:
            return int((await connection.execute(query)).scalar() or 0)

    async def ends(self) -> tuple[int, int]:
        """The oldest sequence number that is still kept, and the newest; (0, 0) when there is none."""
        async with self._db.reading() as connection:
            oldest, newest = (await connection.execute(select(func.min(changes.c.sequence), func.max(changes.c.sequence)))).one()
        return int(oldest or 0), int(newest or 0)
