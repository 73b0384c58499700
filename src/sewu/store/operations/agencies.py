"""Agencies, what each of them owns, and who is on duty for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text, delete, insert, select, update

from sewu.base.errors import BadInput, Conflict, NotFound
from sewu.base.incidents import Agency
from sewu.base.rights import Scope
from sewu.base.routing import Duty, Ownership
from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata, within

agencies = Table(
    "agency",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
)

ownerships = Table(
    "agency_ownership",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agency", Text, ForeignKey("agency.code"), nullable=False, index=True),
    Column("area_code", Text, nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("weekdays", JSON, nullable=False),
    Column("from_minute", Integer, nullable=False),
    Column("until_minute", Integer, nullable=False),
)

duties = Table(
    "agency_duty",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agency", Text, ForeignKey("agency.code"), nullable=False),
    Column("user_id", Text, nullable=False),
    Column("from_s", Double, nullable=False),
    Column("until_s", Double, nullable=False),
    Column("note", Text),
    Index("ix_agency_duty_when", "agency", "until_s", "from_s"),
)

SEMARANG = (
    Agency("dishub", "Dinas Perhubungan"),
    Agency("satpolpp", "Satuan Polisi Pamong Praja"),
    Agency("polisi", "Polrestabes"),
    Agency("bpbd", "Badan Penanggulangan Bencana Daerah"),
    Agency("disdag", "Dinas Perdagangan"),
    Agency("diskominfo", "Dinas Komunikasi dan Informatika"),
    Agency("112", "Layanan darurat 112"),
)
"""The departments that a new service begins with; a city renames and adds."""
MINUTES_OF_DAY = 1440
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
MAX_NAME_LETTERS = 200


def owned(scope: Scope, agency: str) -> bool:
    """Whether the scope reaches an agency's own affairs: it is of that agency, or of none in particular."""
    return bool(scope.areas) and (scope.agencies is None or agency in scope.agencies)


class Agencies:
    """Agencies are public to everybody with any right; what they own is read within a scope, duties within an agency."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def seed(self, rows: Sequence[Agency] = SEMARANG) -> int:
        """Enter those that are missing; returns how many were."""
        async with self.database.writing() as connection:
            there = set((await connection.execute(select(agencies.c.code))).scalars())
            missing = [{"code": row.code, "name": row.name, "is_active": row.is_active} for row in rows if row.code not in there]
            if missing:
                await connection.execute(insert(agencies), missing)
        return len(missing)

    async def list(self) -> tuple[Agency, ...]:
        """All, by name."""
        async with self.database.reading() as connection:
            return tuple(Agency(**row) for row in (await connection.execute(select(agencies).order_by(agencies.c.name))).mappings())

    async def put(self, row: Agency, now_s: float) -> None:
        """Enter or change an agency. Raises `BadInput` for a code that is no plain word: it becomes part of addresses."""
        if not CODE.fullmatch(row.code) or not 1 <= len(row.name.strip()) <= MAX_NAME_LETTERS:
            raise BadInput("An agency has a code of small letters, digits, - and _, and a name.", "Correct it, for example dishub.")
        values = {"name": row.name, "is_active": row.is_active}
        async with self.database.writing() as connection:
            done = await connection.execute(update(agencies).where(agencies.c.code == row.code).values(**values))
            if done.rowcount == 0:
                await connection.execute(insert(agencies).values(code=row.code, **values))
            await self.database.record(connection, [_change(row.code, now_s, None)])

    async def own(self, row: Ownership, now_s: float) -> Ownership:
        """Say that an agency is told of these kinds in this area and these hours. Raises `BadInput`."""
        if not (0 <= row.from_minute < MINUTES_OF_DAY and 0 < row.until_minute <= MINUTES_OF_DAY and row.from_minute != row.until_minute):
            raise BadInput("Hours run from minute 0 to 1440 of the day.", "Give different minutes within one day.")
        if not row.weekdays or not set(row.weekdays) <= set(range(7)):
            raise BadInput("Weekdays are numbers from 0 (Monday) to 6.", "Name at least one.")
        async with self.database.writing() as connection:
            await _exists(connection, row.agency)
            await connection.execute(insert(ownerships), [_values(row) | {"kinds": list(row.kinds), "weekdays": list(row.weekdays)}])
            await self.database.record(connection, [_change(row.agency, now_s, row.area_code)])
        return row

    async def disown(self, scope: Scope, ownership_id: str, now_s: float) -> None:
        """Take it back. Raises `NotFound`."""
        async with self.database.writing() as connection:
            mine = (ownerships.c.id == ownership_id) & within(ownerships.c.area_code, scope)
            row = (await connection.execute(select(ownerships.c.agency, ownerships.c.area_code).where(mine))).first()
            if row is None:
                raise NotFound(f"There is no ownership {ownership_id} that you may end.", "List them again.")
            await connection.execute(delete(ownerships).where(mine))
            await self.database.record(connection, [_change(row.agency, now_s, row.area_code)])

    async def ownerships(self, scope: Scope) -> tuple[Ownership, ...]:
        """What is owned in the scope's areas."""
        query = select(ownerships).where(within(ownerships.c.area_code, scope)).order_by(ownerships.c.agency, ownerships.c.id)
        async with self.database.reading() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(Ownership(**{**row, "kinds": tuple(row["kinds"]), "weekdays": tuple(row["weekdays"])}) for row in rows)

    async def plan(self, scope: Scope, row: Duty, now_s: float) -> Duty:
        """Put somebody on duty. Raises `BadInput` (no time), `Conflict` (already on duty then), `NotFound` (not your agency)."""
        if not row.from_s < row.until_s:
            raise BadInput("A duty ends after it begins.", "Correct the times.")
        if not owned(scope, row.agency):
            raise NotFound(f"Agency {row.agency} is not yours to plan.", "Choose your own agency.")
        async with self.database.writing() as connection:
            await _exists(connection, row.agency)
            same = (duties.c.agency == row.agency) & (duties.c.user_id == row.user_id)
            overlap = select(duties.c.id).where(same, duties.c.from_s < row.until_s, duties.c.until_s > row.from_s)
            if (await connection.execute(overlap)).first() is not None:
                raise Conflict(f"{row.user_id} is on duty for {row.agency} at that time already.", "Choose another time.")
            await connection.execute(insert(duties), [_values(row)])
            await self.database.record(connection, [_change(row.agency, now_s, None)])
        return row

    async def cancel(self, scope: Scope, duty_id: str) -> None:
        """Take a duty off the roster. Raises `NotFound`."""
        async with self.database.writing() as connection:
            agency = (await connection.execute(select(duties.c.agency).where(duties.c.id == duty_id))).scalar()
            if agency is None or not owned(scope, agency):
                raise NotFound(f"There is no duty {duty_id} that you may cancel.", "List the roster again.")
            await connection.execute(delete(duties).where(duties.c.id == duty_id))

    async def roster(self, scope: Scope, from_s: float, until_s: float) -> tuple[Duty, ...]:
        """Who is on duty in this time, for the scope's agencies."""
        query = select(duties).where(duties.c.from_s < until_s, duties.c.until_s > from_s).order_by(duties.c.from_s, duties.c.id)
        async with self.database.reading() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(duty for duty in (Duty(**row) for row in rows) if owned(scope, duty.agency))


def _values(row: Ownership | Duty) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__dataclass_fields__}


def _change(agency: str, now_s: float, area_code: str | None) -> dict[str, Any]:
    return {"at_s": now_s, "topic": "agency", "subject_id": agency, "area_code": area_code, "agency": agency}


async def _exists(connection: Any, agency: str) -> None:
    if (await connection.execute(select(agencies.c.code).where(agencies.c.code == agency))).first() is None:
        raise BadInput(f"There is no agency {agency}.", "Enter the agency first.")
