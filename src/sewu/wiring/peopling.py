"""People and the audit at the command line: works on the home's database, whether the service runs or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sewu.base.clock import SystemClock
from sewu.base.errors import BadInput, StoreFull
from sewu.base.people import User
from sewu.base.rights import Grant, Scope
from sewu.base.service import open_home
from sewu.show.service.parts import Parts
from sewu.store.operations.audit import Deed, Head, Verdict
from sewu.store.operations.people import NewUser
from sewu.store.operations.vault import open_vault
from sewu.wiring.serving import build_parts

T = TypeVar("T")
ACTOR = "command-line"


def at_home(home: Path | None, work: Callable[[Parts], Awaitable[T]]) -> T:
    """Do some work on a home's parts. Raises `BadSettings` when there is no home; what the work raises."""

    async def whole() -> T:
        there = open_home(home)
        parts = build_parts(there, SystemClock(), open_vault(there.key_file))
        try:
            await parts.database.upgrade()
            return await work(parts)
        finally:
            await parts.database.close()

    return asyncio.run(whole())


async def add_user(parts: Parts, new: NewUser, password: str, grant: Grant | None) -> User:
    """Add a person, with a first right; written to the audit."""
    now_s = parts.clock.now_s()
    hashed = await parts.passwords.hash(password, new.login)
    kept = NewUser(new.login, new.name, new.language, hashed, new.must_change_password)
    user = await parts.people.add(kept, now_s)
    await _written(parts, "user.write", user.id, login=user.login)
    if grant is not None:
        await give(parts, user.login, grant)
    return await named(parts, new.login)


async def give(parts: Parts, login: str, grant: Grant) -> None:
    """Give a right; written to the audit."""
    user = await named(parts, login)
    await parts.people.grant(user.id, grant, None, parts.clock.now_s())
    await _written(parts, "user.write", user.id, grant.area_code, role=grant.role, agency=grant.agency)


async def set_password(parts: Parts, login: str, password: str) -> None:
    """A new password; every session ends, one-time codes are given up. Written to the audit."""
    user = await named(parts, login)
    await parts.people.set_password(user.id, await parts.passwords.hash(password, login), must_change=True)
    await parts.people.set_totp(user.id, None)
    await parts.sessions.end_all(user.id)
    await _written(parts, "user.write", user.id, password="changed")  # noqa: S106 says that, not which


async def disable(parts: Parts, login: str, is_disabled: bool) -> None:
    """Lock a person out, or let them in again; written to the audit."""
    user = await named(parts, login)
    await parts.people.change(user.id, is_disabled=is_disabled)
    await parts.sessions.end_all(user.id)
    await _written(parts, "user.write", user.id, is_disabled=is_disabled)


async def everybody(parts: Parts) -> list[User]:
    """Everybody, by log-in."""
    found: list[User] = []
    while page := await parts.people.page(found[-1].login if found else None, 500, None, Scope((parts.home.settings.city_code,))):
        found += page
    return found


async def named(parts: Parts, login: str) -> User:
    """The person with this log-in. Raises `BadInput`."""
    user = await parts.people.by_login(login)
    if user is None:
        raise BadInput(f"Nobody has the log-in {login}.", "See `sewu users list`.")
    return user


async def verify(parts: Parts, known: str | None) -> Verdict:
    """Verify the audit, against a head "SEQUENCE:HASH" that was kept elsewhere. Raises `BadInput` for a malformed one."""
    head = None
    if known is not None:
        sequence, _, hash_ = known.partition(":")
        if not sequence.isdigit() or len(hash_) != 64:
            raise BadInput("This is no head of an audit.", "Give what `sewu audit verify` printed: SEQUENCE:HASH.")
        head = Head(int(sequence), hash_)
    return await parts.diary.audit.verify(head)


async def export(parts: Parts, path: Path) -> int:
    """Write the audit as JSON Lines; that it was exported is written to it first. Raises `StoreFull`."""
    await _written(parts, "audit.export", str(path.name))
    count = last = 0
    try:
        with path.open("w", encoding="utf-8") as file:
            while rows := await parts.diary.audit.after(last):
                for row, hash_ in rows:
                    file.write(json.dumps(row | {"hash": hash_}, sort_keys=True) + "\n")
                    last, count = row["sequence"], count + 1
    except OSError as error:
        raise StoreFull(f"{path} cannot be written: {error.strerror}.", "Choose another file.") from error
    return count


async def _written(parts: Parts, action: str, subject: str, area_code: str | None = None, **detail: str | bool | None) -> None:
    await parts.diary.now(Deed(parts.clock.now_s(), ACTOR, action, subject=subject, area_code=area_code, detail=detail))
