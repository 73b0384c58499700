"""Writes deeds to the audit: changes and exports before they are answered, views together within half a second."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from sewu.base.errors import SewuError
from sewu.store.operations.audit import Audit, Deed

log = structlog.get_logger()
EVERY_S = 0.5
MOST_WAITING = 5000


class Diary:
    """Keeps the deeds of a service.

    A view is answered before it is written; what waits is bounded, and a full diary is written before the next answer, so
    that nothing is looked at unseen while the database is away. A kill loses at most the last half second of views.
    """

    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self._waiting: list[Deed] = []
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def now(self, deed: Deed) -> None:
        """Write before answering. Raises `StoreUnavailable` or `StoreFull`: then the answer must not be given."""
        await self.flush(deed)

    async def later(self, deed: Deed) -> None:
        """Write soon; when too much waits, now."""
        self._waiting.append(deed)
        if len(self._waiting) >= MOST_WAITING:
            await self.flush()

    async def flush(self, *more: Deed) -> None:
        """Write all that waits, in order, then `more`."""
        async with self._turn:
            taken, self._waiting = self._waiting, []
            try:
                await self.audit.write([*taken, *more])
            except BaseException:
                self._waiting = taken + self._waiting
                raise

    def start(self) -> None:
        """Begin to write what waits, twice a second."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write the rest and end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.flush()
            except SewuError as error:
                log.warning("the audit could not be written yet", waiting=len(self._waiting), reason=error.what)
