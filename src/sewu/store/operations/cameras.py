"""The cameras of the register, as they are kept: written in bulk, listed within a scope, never with a password."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.errors import Conflict, NotFound
from sewu.base.paging import Page, cursor_key, cursor_of
from sewu.base.register import CameraEdit, CameraFilter, CameraState, ListedCamera, Login, RegisteredCamera
from sewu.base.rights import Scope
from sewu.store.operations.camera_tables import KEPT, camera_of, camera_secrets, camera_states, cameras, row_of, state_of
from sewu.store.operations.database import Database
from sewu.store.operations.tables import within
from sewu.store.operations.upserts import in_batches, upsert
from sewu.store.operations.vault import Vault
from sewu.store.operations.zones import mark_to_check

MAX_PAGE = 1000
AIM = ("lat_deg", "lon_deg", "heading_deg", "field_of_view_deg", "height_m")
"""When one of these changes, what was drawn on the camera's picture must be looked at again."""


class Cameras:
    """The register of cameras. `vault` is needed where log-ins are written or read."""

    def __init__(self, database: Database, vault: Vault | None = None) -> None:
        self.database, self.vault = database, vault

    async def put(
        self, scope: Scope, rows: Sequence[RegisteredCamera], now_s: float, logins: Mapping[str, Login] | None = None
    ) -> tuple[str, ...]:
        """Add cameras, or replace what is registered of them; all in one transaction. Equal ones are left alone.

        Args:
            rows: no id twice. logins: by camera id; a camera without one keeps the log-in it has.

        Returns:
            The ids that were new or different, in order.

        Raises:
            NotFound: a camera or its area lies outside the scope; nothing was stored.
        """
        async with self.database.writing() as connection:
            return await self._put(connection, scope, rows, now_s, logins or {})

    async def put_at(self, scope: Scope, camera: RegisteredCamera, version: int, now_s: float, login: Login | None = None) -> None:
        """Replace one camera as it was read at `version`.

        Raises:
            NotFound: there is none of this id in the scope. Conflict: somebody changed it meanwhile.
        """
        async with self.database.writing() as connection:
            query = select(cameras.c.version).where(cameras.c.id == camera.id, *_alive(scope)).with_for_update()
            found = (await connection.execute(query)).scalar()
            if found is None:
                raise _unknown(camera.id)
            if found != version:
                raise Conflict(f"Camera {camera.id} was changed meanwhile (version {found}).", "Read it again, then change it.")
            await self._put(connection, scope, [camera], now_s, {} if login is None else {camera.id: login})

    async def get(self, scope: Scope, camera_id: str) -> ListedCamera | None:
        """The camera of this id; None when there is none in the scope."""
        async with self.database.reading() as connection:
            row = (await connection.execute(listing(scope).where(cameras.c.id == camera_id))).mappings().first()
        return None if row is None else listed(row)

    async def some(self, scope: Scope, ids: Iterable[str]) -> tuple[ListedCamera, ...]:
        """The cameras of these ids that lie in the scope, by id."""
        found: list[ListedCamera] = []
        async with self.database.reading() as connection:
            for part in in_batches(sorted(set(ids))):
                rows = await connection.execute(listing(scope).where(cameras.c.id.in_(part)).order_by(cameras.c.id))
                found += [listed(row) for row in rows.mappings()]
        return tuple(found)

    async def list(self, scope: Scope, wanted: CameraFilter, cursor: str | None = None, limit: int = 100) -> Page[ListedCamera]:
        """By id, at most `MAX_PAGE` a page. Raises `BadInput` for a cursor of something else."""
        limit = max(1, min(limit, MAX_PAGE))
        query = listing(scope).where(*conditions(wanted))
        if cursor is not None:
            query = query.where(cameras.c.id > cursor_key(cursor, (str,))[0])
        async with self.database.reading() as connection:
            rows = [listed(row) for row in (await connection.execute(query.order_by(cameras.c.id).limit(limit + 1))).mappings()]
        return Page(tuple(rows[:limit]), cursor_of((rows[limit - 1].camera.id,)) if len(rows) > limit else None)

    async def every(self, scope: Scope, wanted: CameraFilter | None = None) -> tuple[RegisteredCamera, ...]:
        """All cameras of a scope by id; for exports and for the watch engine, not for a list."""
        query = listing(scope).where(*conditions(wanted or CameraFilter())).order_by(cameras.c.id)
        async with self.database.reading() as connection:
            return tuple(camera_of(row) for row in (await connection.execute(query)).mappings())

    async def count(self, scope: Scope, wanted: CameraFilter | None = None) -> dict[str, int]:
        """How many cameras the filter finds in each condition."""
        condition = func.coalesce(camera_states.c.condition, "unknown")
        query = select(condition, func.count()).select_from(cameras).outerjoin(camera_states).where(*_alive(scope))
        async with self.database.reading() as connection:
            rows = await connection.execute(query.where(*conditions(wanted or CameraFilter())).group_by(condition))
            return {str(name): int(number) for name, number in rows}

    async def edit(self, scope: Scope, ids: Sequence[str], change: CameraEdit, now_s: float) -> tuple[str, ...]:
        """Change many cameras at once, all or none; returns the ids that became different.

        Raises:
            NotFound: an id is not in the scope, or the new area is not.
        """
        async with self.database.writing() as connection:
            before: dict[str, RegisteredCamera] = {}
            for part in in_batches(sorted(set(ids))):
                rows = await connection.execute(listing(scope).where(cameras.c.id.in_(part)))
                before.update({row["id"]: camera_of(row) for row in rows.mappings()})
            for camera_id in ids:
                if camera_id not in before:
                    raise _unknown(camera_id)
            return await self._put(connection, scope, [edited(camera, change) for camera in before.values()], now_s, {})

    async def delete(self, scope: Scope, ids: Sequence[str], now_s: float) -> tuple[str, ...]:
        """Take cameras out of use. Their rows stay, since incidents and evidence name them; importing one again revives it."""
        gone: list[tuple[str, str]] = []
        async with self.database.writing() as connection:
            for part in in_batches(sorted(set(ids))):
                query = update(cameras).where(cameras.c.id.in_(part), *_alive(scope))
                values = query.values(deleted_at_s=now_s, changed_at_s=now_s, version=cameras.c.version + 1)
                gone += [(i, a) for i, a in await connection.execute(values.returning(cameras.c.id, cameras.c.area_code))]
            await self.database.record(connection, [change_of(camera_id, area, now_s) for camera_id, area in sorted(gone)])
        return tuple(camera_id for camera_id, _ in sorted(gone))

    async def logins(self, scope: Scope, ids: Iterable[str]) -> dict[str, Login]:
        """Log-ins in the clear, for the watch engine alone: nothing that answers a person may call this.

        Raises:
            BadSettings: a secret was encrypted with another key.
        """
        assert self.vault is not None, "built without a vault"
        query = select(cameras.c.id, cameras.c.user, camera_secrets.c.sealed).join(camera_secrets).where(*_alive(scope))
        found: dict[str, Login] = {}
        async with self.database.reading() as connection:
            for part in in_batches(sorted(set(ids))):
                for camera_id, user, sealed in await connection.execute(query.where(cameras.c.id.in_(part))):
                    found[camera_id] = Login(user or "", self.vault.open(sealed))
        return found

    async def _put(
        self, connection: AsyncConnection, scope: Scope, rows: Sequence[RegisteredCamera], now_s: float, logins: Mapping[str, Login]
    ) -> tuple[str, ...]:
        before = await _before(connection, [camera.id for camera in rows])
        for camera in rows:
            old = before.get(camera.id)
            if not scope.reaches(camera.area_code) or (old is not None and not scope.reaches(old["area_code"])):
                raise _unknown(camera.id)
        # In one order, so that two writers wait for each other instead of blocking each other.
        values = sorted((row_of(_with_user(camera, logins.get(camera.id)), now_s) for camera in rows), key=lambda row: str(row["id"]))
        written = await upsert(connection, cameras, values, KEPT, "version")
        changed = {str(key) for (key,) in written} | await self._put_secrets(connection, logins)
        moved = [v["id"] for v in values if v["id"] in before and any(v[name] != before[v["id"]][name] for name in AIM)]
        await mark_to_check(connection, moved, now_s)
        told = sorted((v["id"], v["area_code"]) for v in values if v["id"] in changed)
        leaving = sorted((i, before[i]["area_code"]) for i, area in told if i in before and before[i]["area_code"] != area)
        await self.database.record(connection, [change_of(camera_id, area, now_s) for camera_id, area in leaving + told])
        return tuple(camera_id for camera_id, _ in told)

    async def _put_secrets(self, connection: AsyncConnection, logins: Mapping[str, Login]) -> set[str]:
        """Store the passwords that differ: encryption is random, so equal ones are found by opening what is there."""
        wanted = {camera_id: login.password for camera_id, login in logins.items() if login.password}
        if not wanted:
            return set()
        assert self.vault is not None, "built without a vault"
        rows = []
        for part in in_batches(sorted(wanted)):
            query = select(camera_secrets.c.camera_id, camera_secrets.c.sealed).where(camera_secrets.c.camera_id.in_(part))
            stored: dict[str, str] = {camera_id: sealed for camera_id, sealed in await connection.execute(query)}
            for camera_id in part:
                if camera_id not in stored or self.vault.open(stored[camera_id]) != wanted[camera_id]:
                    rows.append({"camera_id": camera_id, "sealed": self.vault.seal(wanted[camera_id])})
        return {str(key) for (key,) in await upsert(connection, camera_secrets, rows)}


def listing(scope: Scope | None) -> Select[Any]:
    """Cameras in use within a scope, with whether a password is stored and how each fares.

    No scope is for the map's columns alone: they are held for everybody, and each answer takes its own scope's out of them.
    """
    has_secret = camera_secrets.c.camera_id.is_not(None).label("has_secret")
    states = [column for column in camera_states.c if column.name != "written_at_s"]
    query = select(cameras, has_secret, *states).outerjoin(camera_secrets).outerjoin(camera_states)
    return query.where(cameras.c.deleted_at_s.is_(None) if scope is None else and_(*_alive(scope)))


def listed(row: RowMapping) -> ListedCamera:
    """A row of `listing`."""
    state: CameraState | None = state_of(row)
    return ListedCamera(camera_of(row), state)


def conditions(wanted: CameraFilter) -> Iterator[ColumnElement[bool]]:
    """What a filter asks of a row of `listing`."""
    row = cameras.c
    if wanted.area_code is not None:
        yield within(row.area_code, Scope((wanted.area_code,)))
    for column, value in ((row.owner_class, wanted.owner_class), (row.owner, wanted.owner), (row.is_public, wanted.is_public)):
        if value is not None:
            yield column == value
    if wanted.tag is not None:
        yield row.tags.contains(f"|{wanted.tag}|", autoescape=True)
    if wanted.condition is not None:
        known = camera_states.c.condition == wanted.condition
        yield or_(known, camera_states.c.condition.is_(None)) if wanted.condition == "unknown" else known
    if wanted.text:
        yield row.search.contains(wanted.text.casefold(), autoescape=True)


def edited(camera: RegisteredCamera, change: CameraEdit) -> RegisteredCamera:
    """The camera with a bulk edit applied."""
    names = ("owner_class", "owner", "agreement", "area_code", "warranty_until", "is_public", "public_reason")
    values = {name: getattr(change, name) for name in names if getattr(change, name) is not None}
    tags = (set(camera.tags) | set(change.add_tags)) - set(change.remove_tags)
    return replace(camera, **values, tags=tuple(sorted(tags)))


def change_of(camera_id: str, area_code: str, now_s: float, topic: str = "camera") -> dict[str, Any]:
    """A row of the outbox about a camera."""
    return {"at_s": now_s, "topic": topic, "subject_id": camera_id, "area_code": area_code, "agency": None}


def _alive(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return (and_(within(cameras.c.area_code, scope), cameras.c.deleted_at_s.is_(None)),)


def _unknown(camera_id: str) -> NotFound:
    return NotFound(f"There is no camera {camera_id} in these areas.", "Check the code and the area.")


def _with_user(camera: RegisteredCamera, login: Login | None) -> RegisteredCamera:
    return camera if login is None or not login.user else replace(camera, user=login.user)


async def _before(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, RowMapping]:
    columns = [cameras.c.id, cameras.c.area_code, *(cameras.c[name] for name in AIM)]
    found: dict[str, RowMapping] = {}
    for part in in_batches(ids):
        rows = await connection.execute(select(*columns).where(cameras.c.id.in_(part)))
        found.update({row["id"]: row for row in rows.mappings()})
    return found
