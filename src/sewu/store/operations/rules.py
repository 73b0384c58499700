"""The rules of the city: every version kept, each for one camera or for all cameras of an area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Double, Index, Integer, RowMapping, Select, Table, Text, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.drawn import RuleDraft, RuleVersion
from sewu.base.errors import Conflict, NotFound
from sewu.base.paging import Page, cursor_key, cursor_of
from sewu.base.rights import Scope, is_within
from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata, new_id, within
from sewu.store.operations.upserts import Document


def _content() -> tuple[Column[Any], ...]:
    return (
        Column("area_code", Text, nullable=False),
        Column("camera_id", Text),
        Column("document", Document, nullable=False),
        Column("author", Text, nullable=False),
        Column("at_s", Double, nullable=False),
        Column("is_on", Boolean, nullable=False),
        Column("deleted", Boolean, nullable=False),
    )


rules = Table(
    "rule",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    *_content(),
    Index("ix_rule_area_code_id", "area_code", "id"),
    Index("ix_rule_camera_id", "camera_id"),
)
"""The version in force of each rule."""

rule_versions = Table(
    "rule_version",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    *_content(),
)

MAX_PAGE = 1000


class Rules:
    """The rules; each read and change within a scope. Whoever writes has checked the document (`notice.Rule`)."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, scope: Scope, draft: RuleDraft, author: str, now_s: float) -> RuleVersion:
        """Store a new rule; its document is given the id it got. Raises `NotFound` when its area lies outside the scope."""
        rule_id = new_id("rul", now_s)
        return await self._store(scope, _version_of(rule_id, 1, draft, author, now_s))

    async def change(
        self, scope: Scope, rule_id: str, draft: RuleDraft, author: str, now_s: float, expected: int | None = None
    ) -> RuleVersion:
        """Store a new version and put it in force.

        Args:
            expected: the version that was read before; None replaces whatever is there.

        Raises:
            NotFound: no such rule in the scope, or its new area is not. Conflict: somebody changed it meanwhile.
        """
        async with self.database.writing() as connection:
            old = await _locked(connection, scope, rule_id)
            if expected not in (None, old.version):
                raise Conflict(f"Rule {rule_id} was changed meanwhile (version {old.version}).", "Read it again, then change it.")
            return await self._replace(connection, scope, old, _version_of(rule_id, old.version + 1, draft, author, now_s))

    async def delete(self, scope: Scope, rule_id: str, author: str, now_s: float) -> None:
        """Take a rule away; its versions stay, since events name it. Raises `NotFound`."""
        async with self.database.writing() as connection:
            old = await _locked(connection, scope, rule_id)
            draft = RuleDraft(old.area_code, old.document, old.camera_id, False)
            gone = _version_of(rule_id, old.version + 1, draft, author, now_s, deleted=True)
            await self._replace(connection, scope, old, gone)

    async def get(self, scope: Scope, rule_id: str) -> RuleVersion | None:
        """The version in force; None when there is none in the scope."""
        async with self.database.reading() as connection:
            row = (await connection.execute(_reading(scope).where(rules.c.id == rule_id))).mappings().first()
        return None if row is None else _version(row)

    async def versions(self, scope: Scope, rule_id: str) -> tuple[RuleVersion, ...]:
        """All versions of a rule whose newest lies in the scope, newest first."""
        query = select(rule_versions).join(rules, rules.c.id == rule_versions.c.id)
        query = query.where(rule_versions.c.id == rule_id, within(rules.c.area_code, scope)).order_by(rule_versions.c.version.desc())
        async with self.database.reading() as connection:
            return tuple(_version(row) for row in (await connection.execute(query)).mappings())

    async def list(
        self, scope: Scope, cursor: str | None = None, limit: int = 100, *, area_code: str | None = None, camera_id: str | None = None
    ) -> Page[RuleVersion]:
        """The rules in force and those switched off, by id."""
        limit = max(1, min(limit, MAX_PAGE))
        query = _reading(scope)
        if area_code is not None:
            query = query.where(within(rules.c.area_code, Scope((area_code,))))
        if camera_id is not None:
            query = query.where(rules.c.camera_id == camera_id)
        if cursor is not None:
            query = query.where(rules.c.id > cursor_key(cursor, (str,))[0])
        async with self.database.reading() as connection:
            found = [_version(row) for row in (await connection.execute(query.order_by(rules.c.id).limit(limit + 1))).mappings()]
        return Page(tuple(found[:limit]), cursor_of((found[limit - 1].id,)) if len(found) > limit else None)

    async def in_force(self, scope: Scope) -> tuple[RuleVersion, ...]:
        """All rules of a scope that are on, by id; `rules_of` picks a camera's."""
        async with self.database.reading() as connection:
            rows = await connection.execute(_reading(scope).where(rules.c.is_on).order_by(rules.c.id))
            return tuple(_version(row) for row in rows.mappings())

    async def standing(self, scope: Scope) -> tuple[RuleVersion, ...]:
        """All rules of a scope, on or off, by id; those deleted are not among them."""
        async with self.database.reading() as connection:
            rows = await connection.execute(_reading(scope).order_by(rules.c.id))
            return tuple(_version(row) for row in rows.mappings())

    async def for_camera(self, scope: Scope, camera_id: str, area_code: str) -> tuple[RuleVersion, ...]:
        """The rules that watch a camera: its own, and those of the areas it stands in; nothing when it is not in the scope.

        Whoever may see the camera may see what watches it, so rules of the areas above come with it.
        """
        if not scope.reaches(area_code):
            return ()
        parts = area_code.split(".")
        above = [".".join(parts[: depth + 1]) for depth in range(len(parts))]
        query = select(rules).where(rules.c.area_code.in_(above), rules.c.is_on, ~rules.c.deleted).order_by(rules.c.id)
        async with self.database.reading() as connection:
            found = [_version(row) for row in (await connection.execute(query)).mappings()]
        return rules_of(found, camera_id, area_code)

    async def _store(self, scope: Scope, fresh: RuleVersion) -> RuleVersion:
        _must_reach(scope, fresh.area_code)
        async with self.database.writing() as connection:
            await connection.execute(insert(rules).values(_row(fresh)))
            await connection.execute(insert(rule_versions).values(_row(fresh)))
            await self.database.record(connection, [_change(fresh, fresh.area_code)])
        return fresh

    async def _replace(self, connection: AsyncConnection, scope: Scope, old: RuleVersion, fresh: RuleVersion) -> RuleVersion:
        _must_reach(scope, fresh.area_code)
        await connection.execute(update(rules).where(rules.c.id == fresh.id).values(_row(fresh)))
        await connection.execute(insert(rule_versions).values(_row(fresh)))
        await self.database.record(connection, [_change(fresh, area) for area in sorted({old.area_code, fresh.area_code})])
        return fresh


def rules_of(some: Sequence[RuleVersion], camera_id: str, area_code: str) -> tuple[RuleVersion, ...]:
    """The rules among some that watch a camera: its own, and those of the areas it stands in."""
    return tuple(
        rule for rule in some if (rule.camera_id == camera_id if rule.camera_id is not None else is_within(area_code, rule.area_code))
    )


async def _locked(connection: AsyncConnection, scope: Scope, rule_id: str) -> RuleVersion:
    row = (await connection.execute(_reading(scope).where(rules.c.id == rule_id).with_for_update())).mappings().first()
    if row is None:
        raise NotFound(f"There is no rule {rule_id} in these areas.", "Check the id and the area.")
    return _version(row)


def _must_reach(scope: Scope, area_code: str) -> None:
    if not scope.reaches(area_code):
        raise NotFound(f"Area {area_code} is none of these areas.", "Choose an area within your own.")


def _reading(scope: Scope) -> Select[Any]:
    return select(rules).where(within(rules.c.area_code, scope), ~rules.c.deleted)


def _version_of(rule_id: str, version: int, draft: RuleDraft, author: str, now_s: float, deleted: bool = False) -> RuleVersion:
    document = {**draft.document, "id": rule_id}
    return RuleVersion(rule_id, version, draft.area_code, draft.camera_id, document, author, now_s, draft.is_on, deleted)


def _version(row: RowMapping) -> RuleVersion:
    return RuleVersion(**{name: row[name] for name in RuleVersion.__dataclass_fields__})


def _row(rule: RuleVersion) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in RuleVersion.__dataclass_fields__}


def _change(rule: RuleVersion, area_code: str) -> dict[str, Any]:
    return {"at_s": rule.at_s, "topic": "rule", "subject_id": rule.id, "area_code": area_code, "agency": None}
