"""Answers that were given under an Idempotency-Key, so that a request that is sent again is not done again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, Double, Integer, Table, Text, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata

answers = Table(
    "idempotent_answer",
    metadata,
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("at_s", Double, nullable=False, index=True),
    Column("status", Integer),
    Column("media_type", Text),
    Column("sealed", Text),
)
KEPT_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Earlier:
    """A request with the same key. `status` None: it has not been answered (yet)."""

    request_hash: str
    at_s: float
    status: int | None
    media_type: str | None
    sealed: str | None


class Idempotency:
    """Remembers answers for a day."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def begin(self, key: str, request_hash: str, now_s: float) -> Earlier | None:
        """Take a key; what was there before, or None when it is free and now ours."""
        try:
            async with self._db.writing() as connection:
                await connection.execute(delete(answers).where(answers.c.at_s < now_s - KEPT_S))
                await connection.execute(insert(answers).values(key=key, request_hash=request_hash, at_s=now_s))
            return None
        except IntegrityError:
            async with self._db.reading() as connection:
                row = (await connection.execute(select(answers).where(answers.c.key == key))).mappings().first()
        if row is None:
            return await self.begin(key, request_hash, now_s)
        return Earlier(row["request_hash"], row["at_s"], row["status"], row["media_type"], row["sealed"])

    async def finish(self, key: str, status: int, media_type: str | None, sealed: str) -> None:
        """Keep the answer, its body sealed by the vault."""
        async with self._db.writing() as connection:
            await connection.execute(
                update(answers).where(answers.c.key == key).values(status=status, media_type=media_type, sealed=sealed)
            )

    async def give_up(self, key: str) -> None:
        """Free the key: the request failed and may be tried again."""
        async with self._db.writing() as connection:
            await connection.execute(delete(answers).where(answers.c.key == key))
