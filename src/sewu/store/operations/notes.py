"""What people leave with an incident: comments, attachments, watching, ticks on its checklist; and snoozes of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, delete, insert, select

from sewu.base.errors import BadInput, NotFound
from sewu.base.incidents import Attachment, Comment, HistoryEntry, Incident, Snooze
from sewu.base.rights import Scope
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import attachments, checks, comments, incidents, snoozes, watchers
from sewu.store.operations.incidents import change_of, find, tell, visible
from sewu.store.operations.intake import Connection
from sewu.store.operations.tables import new_id, within

MAX_COMMENT_LETTERS = 10_000
MAX_ATTACHMENT_BYTES = 50 * 1024 * 1024


class Notes:
    """Reads and writes, each within a scope. Raises `NotFound` where the incident lies outside of it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def comment(self, scope: Scope, incident_id: str, author: str, text: str, now_s: float) -> Comment:
        """Write a comment."""
        if not text.strip() or len(text) > MAX_COMMENT_LETTERS:
            raise BadInput(f"A comment has 1 to {MAX_COMMENT_LETTERS} letters.", "Write something shorter, or something.")
        row = Comment(new_id("com", now_s), incident_id, now_s, author, text.strip())
        await self._add(scope, comments, row, HistoryEntry(incident_id, now_s, author, "commented", details={"comment": row.id}))
        return row

    async def attach(self, scope: Scope, row: Attachment) -> Attachment:
        """Note a file that was stored under its SHA-256; the bytes themselves are kept by the caller's blob store."""
        if row.bytes_count > MAX_ATTACHMENT_BYTES:
            raise BadInput(f"{row.name} is larger than {MAX_ATTACHMENT_BYTES >> 20} MiB.", "Attach a smaller file.")
        entry = HistoryEntry(row.incident_id, row.at_s, row.author, "attached", details={"name": row.name, "sha256": row.sha256})
        await self._add(scope, attachments, row, entry)
        return row

    async def comments(self, scope: Scope, incident_id: str) -> tuple[Comment, ...]:
        """Comments in order."""
        return tuple(Comment(**row) for row in await self._of(scope, comments, incident_id))

    async def attachments(self, scope: Scope, incident_id: str) -> tuple[Attachment, ...]:
        """Attachments in order."""
        return tuple(Attachment(**row) for row in await self._of(scope, attachments, incident_id))

    async def watch(self, scope: Scope, incident_id: str, user_id: str, now_s: float, wanted: bool = True) -> None:
        """Begin or stop to watch an incident; doing so twice changes nothing."""
        async with self.database.writing() as connection:
            await _seen(connection, scope, incident_id)
            mine = (watchers.c.incident_id == incident_id) & (watchers.c.user_id == user_id)
            await connection.execute(delete(watchers).where(mine))
            if wanted:
                await connection.execute(insert(watchers).values(incident_id=incident_id, user_id=user_id, since_s=now_s))

    async def watchers(self, scope: Scope, incident_id: str) -> tuple[str, ...]:
        """Ids of the users who watch it."""
        query = select(watchers.c.user_id).join(incidents, incidents.c.id == watchers.c.incident_id)
        async with self.database.reading() as connection:
            rows = await connection.execute(query.where(watchers.c.incident_id == incident_id, visible(scope)).order_by(watchers.c.user_id))
            return tuple(rows.scalars())

    async def tick(self, scope: Scope, incident_id: str, item: str, person: str, now_s: float) -> None:
        """Note that an item of the checklist is done; who did it first stays."""
        async with self.database.writing() as connection:
            incident = await _seen(connection, scope, incident_id)
            mine = select(checks.c.item).where(checks.c.incident_id == incident_id, checks.c.item == item)
            if (await connection.execute(mine)).first() is not None:
                return
            await connection.execute(insert(checks).values(incident_id=incident_id, item=item, done_by=person, done_at_s=now_s))
            await tell(connection, [HistoryEntry(incident_id, now_s, person, "ticked", details={"item": item})])
            await self.database.record(connection, [{**change_of(incident), "at_s": now_s}])

    async def ticks(self, scope: Scope, incident_id: str) -> dict[str, tuple[str, float]]:
        """Done items: item -> (who, when)."""
        query = select(checks).join(incidents, incidents.c.id == checks.c.incident_id)
        async with self.database.reading() as connection:
            rows = (await connection.execute(query.where(checks.c.incident_id == incident_id, visible(scope)))).mappings()
            return {row["item"]: (row["done_by"], row["done_at_s"]) for row in rows}

    async def snooze(self, scope: Scope, row: Snooze) -> Snooze:
        """Keep a kind quiet at a camera or in an area. Raises `NotFound` when the area is not in the scope."""
        if not scope.reaches(row.area_code):
            raise NotFound(f"Area {row.area_code} is not yours to quiet.", "Choose an area of your own.")
        async with self.database.writing() as connection:
            await connection.execute(insert(snoozes), [{name: getattr(row, name) for name in Snooze.__dataclass_fields__}])
        return row

    async def snoozes(self, scope: Scope, now_s: float) -> tuple[Snooze, ...]:
        """Snoozes that hold now, the first to end first."""
        query = select(snoozes).where(snoozes.c.until_s > now_s, within(snoozes.c.area_code, scope)).order_by(snoozes.c.until_s)
        async with self.database.reading() as connection:
            return tuple(Snooze(**row) for row in (await connection.execute(query)).mappings())

    async def wake(self, scope: Scope, snooze_id: str) -> None:
        """End a snooze now. Raises `NotFound`."""
        async with self.database.writing() as connection:
            done = await connection.execute(delete(snoozes).where(snoozes.c.id == snooze_id, within(snoozes.c.area_code, scope)))
            if done.rowcount != 1:
                raise NotFound(f"There is no snooze {snooze_id} that you may end.", "List the snoozes again.")

    async def _add(self, scope: Scope, table: Table, row: Any, entry: HistoryEntry) -> None:
        async with self.database.writing() as connection:
            incident = await _seen(connection, scope, row.incident_id)
            await connection.execute(insert(table), [{name: getattr(row, name) for name in type(row).__dataclass_fields__}])
            await tell(connection, [entry])
            await self.database.record(connection, [{**change_of(incident), "at_s": row.at_s}])

    async def _of(self, scope: Scope, table: Table, incident_id: str) -> Sequence[Any]:
        query = select(table).join(incidents, incidents.c.id == table.c.incident_id)
        query = query.where(table.c.incident_id == incident_id, visible(scope)).order_by(table.c.at_s, table.c.id)
        async with self.database.reading() as connection:
            return (await connection.execute(query)).mappings().all()


async def _seen(connection: Connection, scope: Scope, incident_id: str) -> Incident:
    found = await find(connection, incident_id, scope)
    if found is None:
        raise NotFound(f"There is no incident {incident_id} that you may see.", "Check the number.")
    return found
