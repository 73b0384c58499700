"""How far each source of events has been read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Table, Text, select

from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata
from sewu.store.operations.upserts import upsert

positions = Table(
    "feed_position",
    metadata,
    Column("source", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("at_s", Double, nullable=False),
)


class Positions:
    """Saved after what was read is stored: killed in between, it is read again, and known by its ids."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def of(self, source: str) -> int:
        """Where to go on; 0 for a source that was never read."""
        async with self._db.reading() as connection:
            return int((await connection.execute(select(positions.c.position).where(positions.c.source == source))).scalar() or 0)

    async def save(self, source: str, position: int, at_s: float) -> None:
        """Go on here next time."""
        async with self._db.writing() as connection:
            await upsert(connection, positions, [{"source": source, "position": position, "at_s": at_s}])
