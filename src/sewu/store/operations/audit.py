"""Who looked at, searched, exported or changed what, when and why: append-only, each row chained to the one before.

A row's hash is SHA-256 over its canonical JSON (keys sorted, no spaces, ASCII) followed by the previous row's hash in hex.
Triggers in the database refuse UPDATE and DELETE. Whoever owns the database's files can rewrite the whole chain from
some row on: that shows only against a hash kept elsewhere, which is what `known` is for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import DDL, BigInteger, Column, Double, Integer, Table, Text, event, insert, select, text

from sewu.base.rights import Scope
from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata, within

audit = Table(
    "audit",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at_s", Double, nullable=False, index=True),
    Column("actor", Text, nullable=False, index=True),
    Column("action", Text, nullable=False, index=True),
    Column("subject", Text),
    Column("outcome", Text, nullable=False),
    Column("purpose", Text),
    Column("area_code", Text, index=True),
    Column("detail", Text, nullable=False),
    Column("request_id", Text),
    Column("hash", Text, nullable=False),
)
GUARDS: Mapping[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"create trigger audit_no_{verb} before {verb} on audit begin select raise(abort, 'the audit is append-only'); end"
        for verb in ("update", "delete")
    ),
    "postgresql": (
        "create or replace function sewu_audit_refuses() returns trigger language plpgsql as "
        "$$ begin raise exception 'the audit is append-only'; end $$",
        "create trigger audit_no_change before update or delete on audit for each row execute function sewu_audit_refuses()",
        "create trigger audit_no_truncate before truncate on audit for each statement execute function sewu_audit_refuses()",
    ),
}
"""Statements that make the table append-only; the migrations run them too."""
for _dialect, _statements in GUARDS.items():
    for _statement in _statements:
        event.listen(audit, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]

AUDIT_LOCK = 0x5E5
"""Number of PostgreSQL's advisory lock around the chain's end."""
START = "0" * 64
HASHED = ("sequence", "at_s", "actor", "action", "subject", "outcome", "purpose", "area_code", "detail", "request_id")


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing somebody did or tried.

    Args:
        actor: a user's, token's or kiosk's id, or "system". action: the right it took, for example "camera.read".
        subject: the id of what it was about. outcome: "done", "denied" or "failed". purpose: what for, where said.
        area_code: where, so that an auditor of one area can read it. detail: filters and changes; never a secret.
    """

    at_s: float
    actor: str
    action: str
    outcome: str = "done"
    subject: str | None = None
    purpose: str | None = None
    area_code: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A deed as it was written down."""

    sequence: int
    deed: Deed
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The chain's end at some time: enough to prove later that nothing up to it was changed."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found. `broken_at`: sequence of the first row that is not what was written; `why` in words."""

    rows: int
    head: Head
    broken_at: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows to read; None leaves it open."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    from_s: float | None = None
    to_s: float | None = None


class Audit:
    """The audit trail."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def write(self, deeds: Sequence[Deed]) -> Head | None:
        """Append, all or none; when this returns they are on the disk. None when there was nothing to write."""
        if not deeds:
            return None
        async with self._db.writing() as connection:
            if self._db.kind == "postgresql":
                await connection.execute(text(f"select pg_advisory_xact_lock({AUDIT_LOCK})"))
            last = (await connection.execute(select(audit.c.sequence, audit.c.hash).order_by(audit.c.sequence.desc()).limit(1))).first()
            sequence, previous = (int(last[0]), str(last[1])) if last else (0, START)
            rows = []
            for deed in deeds:
                sequence += 1
                row = asdict(deed) | {"sequence": sequence, "detail": _canonical(dict(deed.detail))}
                previous = row["hash"] = chained(row, previous)
                rows.append(row)
            await connection.execute(insert(audit), rows)
        return Head(sequence, previous)

    async def page(self, chosen: AuditFilter, scope: Scope, before: int | None, limit: int) -> list[AuditRow]:
        """Newest first, those before a sequence number. Rows of no area are only for who reaches a whole city ("33.74")."""
        query = select(audit).order_by(audit.c.sequence.desc()).limit(limit)
        whole_city = any(area.count(".") <= 1 for area in scope.areas)
        query = query.where(
            within(audit.c.area_code, scope) | audit.c.area_code.is_(None) if whole_city else within(audit.c.area_code, scope)
        )
        for column, value in ((audit.c.actor, chosen.actor), (audit.c.action, chosen.action), (audit.c.subject, chosen.subject)):
            query = query.where(column == value) if value is not None else query
        query = query.where(audit.c.at_s >= chosen.from_s) if chosen.from_s is not None else query
        query = query.where(audit.c.at_s < chosen.to_s) if chosen.to_s is not None else query
        query = query.where(audit.c.sequence < before) if before is not None else query
        async with self._db.reading() as connection:
            return [_row(row) for row in (await connection.execute(query)).mappings()]

    async def after(self, sequence: int, limit: int = 1000) -> list[tuple[dict[str, Any], str]]:
        """Rows as they are stored, oldest first, for verification and export: (hashed fields, hash)."""
        query = select(audit).where(audit.c.sequence > sequence).order_by(audit.c.sequence).limit(limit)
        async with self._db.reading() as connection:
            return [({n: row[n] for n in HASHED}, row["hash"]) for row in (await connection.execute(query)).mappings()]

    async def verify(self, known: Head | None = None) -> Verdict:
        """Recompute the whole chain; with `known`, also that it still goes through that head."""
        count, head = 0, Head(0, START)
        while rows := await self.after(head.sequence):
            for row, stored in rows:
                count += 1
                if row["sequence"] != head.sequence + 1:
                    missing = head.sequence + 1
                    return Verdict(count, head, missing, f"Rows {missing} to {row['sequence'] - 1} are missing.")
                if chained(row, head.hash) != stored:
                    return Verdict(count, head, row["sequence"], f"Row {row['sequence']} is not what was written.")
                head = Head(row["sequence"], stored)
                if known is not None and known.sequence == head.sequence and known.hash != head.hash:
                    return Verdict(count, head, head.sequence, f"Row {head.sequence} has another hash than the one kept elsewhere.")
        if known is not None and known.sequence > head.sequence:
            return Verdict(count, head, head.sequence + 1, f"Rows {head.sequence + 1} to {known.sequence} are missing at the end.")
        return Verdict(count, head)


def chained(row: Mapping[str, Any], previous: str) -> str:
    """The hash of a row that follows the row with hash `previous`."""
    return hashlib.sha256((_canonical({name: row[name] for name in HASHED}) + previous).encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _row(row: Any) -> AuditRow:
    values = {name: row[name] for name in HASHED if name not in {"sequence", "detail"}}
    return AuditRow(row["sequence"], Deed(**values, detail=json.loads(row["detail"])), row["hash"])
