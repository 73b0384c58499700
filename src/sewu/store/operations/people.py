"""People and their grants. Passwords are kept as Argon2 hashes, TOTP secrets as the vault sealed them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, Double, ForeignKey, Integer, Table, Text, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.errors import BadInput
from sewu.base.people import Credentials, GivenGrant, User
from sewu.base.rights import ROLES, Grant, Scope
from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata, new_id, within

users = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("created_at_s", Double, nullable=False),
    Column("is_disabled", Boolean, nullable=False),
    Column("must_change_password", Boolean, nullable=False),
    Column("last_login_at_s", Double),
    Column("password_hash", Text),
    Column("totp_sealed", Text),
    Column("totp_step", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until_s", Double, nullable=False),
    Column("oidc_subject", Text, unique=True),
)
grants = Table(
    "person_grant",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("agency", Text),
    Column("until_s", Double),
    Column("given_by", Text),
    Column("given_at_s", Double, nullable=False),
)


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a new person needs; `password_hash` None means another way in (OIDC, or a password set later)."""

    login: str
    name: str
    language: str = "id"
    password_hash: str | None = None
    must_change_password: bool = False
    oidc_subject: str | None = None


class People:
    """Everybody who may come in, and what they may do."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, new: NewUser, now_s: float) -> User:
        """Add a person without any right. Raises `BadInput` when the log-in is taken."""
        row = {
            "id": new_id("usr", now_s),
            "login": new.login.lower(),
            "name": new.name,
            "language": new.language,
            "created_at_s": now_s,
            "is_disabled": False,
            "must_change_password": new.must_change_password,
            "password_hash": new.password_hash,
            "totp_step": 0,
            "failures": 0,
            "locked_until_s": 0.0,
            "oidc_subject": new.oidc_subject,
        }
        try:
            async with self._db.writing() as connection:
                await connection.execute(insert(users), [row])
        except IntegrityError:
            raise BadInput(f"The log-in {new.login}, or its oidc_subject, is taken.", "Choose another, or change that person.") from None
        found = await self.by_id(str(row["id"]))
        assert found is not None, "just stored"
        return found

    async def by_id(self, user_id: str) -> User | None:
        """The person with this id."""
        return await self._one(users.c.id == user_id)

    async def by_login(self, login: str) -> User | None:
        """The person with this log-in, in whatever case it was typed."""
        return await self._one(users.c.login == login.lower())

    async def by_oidc(self, subject: str) -> User | None:
        """The person whom the identity provider calls so."""
        return await self._one(users.c.oidc_subject == subject)

    async def _one(self, where: Any) -> User | None:
        async with self._db.reading() as connection:
            found = await _with_grants(connection, (await connection.execute(select(users).where(where))).mappings().all())
        return found[0] if found else None

    async def page(self, after: str | None, limit: int, search: str | None, scope: Scope) -> list[User]:
        """People with a right in the scope (without any right: for who reaches a whole city), by log-in, those after `after`.

        `search` is looked for in log-in and name.
        """
        query = select(users).order_by(users.c.login).limit(limit)
        theirs = select(grants.c.id).where(grants.c.user_id == users.c.id)
        seen = theirs.where(within(grants.c.area_code, scope)).exists()
        whole_city = any(area.count(".") <= 1 for area in scope.areas)
        query = query.where(or_(seen, ~theirs.exists()) if whole_city else seen)
        if after is not None:
            query = query.where(users.c.login > after)
        if search:
            query = query.where(
                or_(users.c.login.contains(search.lower(), autoescape=True), users.c.name.icontains(search, autoescape=True))
            )
        async with self._db.reading() as connection:
            return await _with_grants(connection, (await connection.execute(query)).mappings().all())

    async def change(self, user_id: str, **values: str | bool | None) -> User | None:
        """Change name, language, is_disabled, must_change_password or oidc_subject; None when there is no such person.

        Raises:
            BadInput: there is no such value, or another person has this oidc_subject.
        """
        unknown = set(values) - {"name", "language", "is_disabled", "must_change_password", "oidc_subject"}
        if unknown:
            raise BadInput(f"A person has no {', '.join(sorted(unknown))} to change.", "Leave it out.")
        if values:
            try:
                async with self._db.writing() as connection:
                    await connection.execute(update(users).where(users.c.id == user_id).values(**values))
            except IntegrityError:
                raise BadInput("Another person has this oidc_subject.", "Take it from them first.") from None
        return await self.by_id(user_id)

    async def grant(self, user_id: str, grant: Grant, given_by: str | None, now_s: float) -> GivenGrant:
        """Give a right.

        Raises:
            BadInput: unknown role or person, or an agency missing or given where it does not belong.
        """
        if grant.role not in ROLES:
            raise BadInput(f"{grant.role!r} is no role.", f"Choose one of {', '.join(ROLES)}.")
        if (grant.agency is not None) != (grant.role == "agency_officer"):
            raise BadInput("Only, and always, an agency's officer acts for an agency.", "Give the agency with role agency_officer only.")
        given = GivenGrant(new_id("grt", now_s), user_id, grant, given_by, now_s)
        values = {"role": grant.role, "area_code": grant.area_code, "agency": grant.agency, "until_s": grant.until_s}
        row = {"id": given.id, "user_id": user_id, **values, "given_by": given_by, "given_at_s": now_s}
        try:
            async with self._db.writing() as connection:
                await connection.execute(insert(grants), [row])
        except IntegrityError:
            raise BadInput(f"There is no person {user_id}.", "Look the id up with `sewu users list`.") from None
        return given

    async def revoke(self, user_id: str, grant_id: str) -> bool:
        """Take a right away; says whether there was one."""
        async with self._db.writing() as connection:
            done = await connection.execute(delete(grants).where(grants.c.id == grant_id, grants.c.user_id == user_id))
        return bool(done.rowcount)

    async def credentials(self, login: str) -> Credentials | None:
        """What checking this log-in needs."""
        async with self._db.reading() as connection:
            row = (await connection.execute(select(users).where(users.c.login == login.lower()))).mappings().first()
        if row is None:
            return None
        names = ("password_hash", "totp_sealed", "totp_step", "failures", "locked_until_s", "is_disabled")
        return Credentials(row["id"], *(row[name] for name in names))

    async def set_password(self, user_id: str, password_hash: str, must_change: bool = False) -> None:
        """Keep a new password's hash, and forget failed attempts."""
        await self._set(user_id, password_hash=password_hash, must_change_password=must_change, failures=0, locked_until_s=0.0)

    async def set_totp(self, user_id: str, sealed: str | None) -> None:
        """Keep (or with None forget) the sealed TOTP secret."""
        await self._set(user_id, totp_sealed=sealed, totp_step=0)

    async def _set(self, user_id: str, **values: Any) -> None:
        async with self._db.writing() as connection:
            await connection.execute(update(users).where(users.c.id == user_id).values(**values))

    async def use_totp_step(self, user_id: str, step: int) -> bool:
        """Use up a time step; False when it, or a later one, was used before: the code was replayed."""
        async with self._db.writing() as connection:
            done = await connection.execute(update(users).where(users.c.id == user_id, users.c.totp_step < step).values(totp_step=step))
        return bool(done.rowcount)

    async def failed(self, user_id: str, now_s: float, free_attempts: int, wait_s: float, longest_s: float) -> float:
        """Count a failed log-in; returns until when the person is locked out (doubling with each failure), 0 when not."""
        async with self._db.writing() as connection:
            counted = update(users).where(users.c.id == user_id).values(failures=users.c.failures + 1).returning(users.c.failures)
            failures = int((await connection.execute(counted)).scalar_one())
            over = failures - free_attempts
            until_s = now_s + min(longest_s, wait_s * 2 ** min(over, 30)) if over >= 0 else 0.0
            await connection.execute(update(users).where(users.c.id == user_id).values(locked_until_s=until_s))
        return until_s

    async def succeeded(self, user_id: str, now_s: float) -> None:
        """A log-in succeeded: failures are forgotten."""
        await self._set(user_id, failures=0, locked_until_s=0.0, last_login_at_s=now_s)

    async def count(self) -> int:
        """How many people there are; the first one is made on the command line."""
        async with self._db.reading() as connection:
            return len((await connection.execute(select(users.c.id).limit(1000))).all())


async def _with_grants(connection: AsyncConnection, rows: Iterable[Any]) -> list[User]:
    people = list(rows)
    found: dict[str, list[GivenGrant]] = {row["id"]: [] for row in people}
    if people:
        query = select(grants).where(grants.c.user_id.in_(list(found))).order_by(grants.c.id)
        for row in (await connection.execute(query)).mappings():
            grant = Grant(row["role"], row["area_code"], row["agency"], row["until_s"])
            found[row["user_id"]].append(GivenGrant(row["id"], row["user_id"], grant, row["given_by"], row["given_at_s"]))
    return [_user(row, tuple(found[row["id"]])) for row in people]


def _user(row: Any, given: tuple[GivenGrant, ...]) -> User:
    return User(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        language=row["language"],
        created_at_s=row["created_at_s"],
        is_disabled=row["is_disabled"],
        has_totp=row["totp_sealed"] is not None,
        must_change_password=row["must_change_password"],
        last_login_at_s=row["last_login_at_s"],
        grants=given,
        oidc_subject=row["oidc_subject"],
    )
