"""One way in to the operations database, whichever it is.

SQLite: WAL, one writer at a time (a lock here, `BEGIN IMMEDIATE` between processes), full sync, so that what a commit
acknowledged survives a killed process. PostgreSQL: a pool that is checked before use, so that a restarted server is
found again; writers that record changes take one advisory lock, so that the outbox's numbers follow the order of commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from sqlalchemy import event, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from sewu.base.errors import BadSettings, SewuError, StoreFull, StoreUnavailable
from sewu.store.operations.tables import changes, metadata

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
BUSY_TIMEOUT_S = 15.0
OUTBOX_LOCK = 0x5E3
"""Number of PostgreSQL's advisory lock around the outbox."""
AWAY_STATES = ("57P01", "57P02", "57P03", "53300", "40001", "40P01")
"""PostgreSQL's admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections, serialization_failure, deadlock_detected."""
ATTEMPTS, WAIT_S = 6, 0.25

T = TypeVar("T")


class Database:
    """The operations database.

    Args:
        url: "sqlite:///folder/sewu.sqlite" or "postgresql://user:password@host/name".

    Raises:
        BadSettings: no database of a kind that Sewu knows.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise BadSettings("The database URL cannot be read.", "Write sqlite:///path or postgresql://user:password@host/name.") from None
        kind = parsed.drivername.partition("+")[0]
        if kind not in DRIVERS:
            raise BadSettings(f"Sewu keeps nothing in {kind}.", "Use sqlite:///path or postgresql://user:password@host/name.")
        self.kind = "sqlite" if kind == "sqlite" else "postgresql"
        self.engine = _engine(parsed.set(drivername=DRIVERS[kind]), self.kind)
        self._writer = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one consistent state. Raises `StoreUnavailable`."""
        with _explained():
            async with self.engine.connect() as connection:
                yield await connection.execution_options(reads=True)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: all of it is stored when the block ends, or none of it.

        Raises:
            StoreFull: the disk refused. StoreUnavailable: the database is away; nothing was stored, try again.
        """
        with _explained():
            if self.kind == "sqlite":
                async with self._writer, self.engine.begin() as connection:
                    yield connection
            else:
                async with self.engine.begin() as connection:
                    yield connection

    async def again(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do work that may be done twice, and do it again while the database is away (a restart), for some seconds."""
        for attempt in range(ATTEMPTS):
            try:
                return await work()
            except StoreUnavailable:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(WAIT_S * 2**attempt)
        raise AssertionError("unreachable")

    async def record(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
        """Write changes to the outbox, in the transaction that makes them; last of all, since it may wait for other writers.

        rows: at_s, topic ("incident", "camera", "state", ...), subject_id, area_code, agency.
        """
        if not rows:
            return
        if self.kind == "postgresql":
            await connection.execute(text(f"select pg_advisory_xact_lock({OUTBOX_LOCK})"))
        await connection.execute(insert(changes), rows)

    async def newest_change(self) -> int:
        """The outbox's last number; 0 when nothing has changed yet."""
        async with self.reading() as connection:
            found = await connection.execute(select(changes.c.sequence).order_by(changes.c.sequence.desc()).limit(1))
            return int(found.scalar() or 0)

    async def create(self) -> None:
        """Make every table that is missing; for tests. A city's database is made and changed by the migrations."""
        async with self.writing() as connection:
            await connection.run_sync(metadata.create_all)

    async def upgrade(self) -> str:
        """Bring the database to this version's tables, whatever release made it; returns the revision.

        Raises:
            BadSettings: a newer Sewu made it, or it is not Sewu's.
        """
        from sewu.store.operations.migrations import upgrade  # the migrations know every table, and each table knows this module

        return await upgrade(self)

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()


def _engine(url: Any, kind: str) -> AsyncEngine:
    if kind == "postgresql":
        return create_async_engine(url, pool_size=10, max_overflow=10, pool_pre_ping=True, pool_timeout=10)
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=8, max_overflow=8, connect_args={"timeout": BUSY_TIMEOUT_S}
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        cursor = connection.cursor()
        for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on", "temp_store = memory", "cache_size = -65536"):
            cursor.execute(f"pragma {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("begin" if connection.get_execution_options().get("reads") else "begin immediate")

    return engine


def _is_away(error: DBAPIError) -> bool:
    """Whether PostgreSQL says that it starts, stops, is full of connections or wants the transaction again (by its SQLSTATE)."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return state in AWAY_STATES or state.startswith("08")


@contextmanager
def _explained() -> Iterator[None]:
    """Turns what a database says into what its reader can do."""
    try:
        yield
    except SewuError:
        raise
    except (DBAPIError, OSError, TimeoutError, PoolTimeout) as error:
        said = str(getattr(error, "orig", error))
        if "disk is full" in said or "No space left" in said or "could not extend file" in said:
            raise StoreFull("The database's disk is full; this change was not stored.", "Free some space, then try again.") from error
        lost = isinstance(error, DBAPIError) and (error.connection_invalidated or _is_away(error))
        if lost or isinstance(error, OperationalError | InterfaceError | PoolTimeout | OSError | TimeoutError):
            raise StoreUnavailable("The database does not answer; this change was not stored.", "Try again; see that it runs.") from error
        raise
