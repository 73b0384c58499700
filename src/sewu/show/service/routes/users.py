"""People and their rights. Who administers an area sees and changes only those whose rights lie in it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request, Response
from pydantic import Field

from sewu.base.paging import Page, cursor_key, cursor_of
from sewu.base.people import GivenGrant, User
from sewu.base.rights import Grant, Role, Scope
from sewu.base.words import Language
from sewu.show.service.fields import AreaField, Body, Cursor, Id, IdField, Limit, Moment, Name, Search
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import Parts, parts_of
from sewu.show.service.problems import Problem, not_found
from sewu.show.service.routes.auth import Secret
from sewu.store.operations.people import NewUser

router = section("users")
Subject = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")]


class NewPerson(Body):
    """A person to add, without any right yet; the password must be changed at the first log-in."""

    login: Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]{2,100}$")]
    name: Name
    language: Language = "id"
    password: Secret | None = None
    oidc_subject: Subject | None = None


class PersonChange(Body):
    """What to change; what is left out stays. oidc_subject: the identity provider's name for them; null: no longer any."""

    name: Name | None = None
    language: Language | None = None
    is_disabled: bool | None = None
    oidc_subject: Subject | None = None


class NewGrant(Body):
    """A right to give: a role in an area, for an agency's officer with the agency, until a time."""

    role: Role
    area_code: AreaField
    agency: IdField | None = None
    until_s: Moment | None = None


class NewSecret(Body):
    """A password that must be changed at the next log-in."""

    password: Secret


@router.get("")
async def people(
    request: Request, asked: Annotated[Asked, needs("user.read")], search: Search = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[User]:
    """People by log-in."""
    after = None if cursor is None else str(cursor_key(cursor, (str,))[0])
    found = await parts_of(request).people.page(after, limit + 1, search, asked.scope)
    more = len(found) > limit
    return Page(tuple(found[:limit]), cursor_of((found[limit - 1].login,)) if more else None)


@router.post("", status_code=201)
async def add(request: Request, wanted: NewPerson, asked: Annotated[Asked, needs("user.write")]) -> User:
    """Add a person."""
    parts = parts_of(request)
    hashed = None if wanted.password is None else await parts.passwords.hash(wanted.password, wanted.login)
    new = NewUser(wanted.login, wanted.name, wanted.language, hashed, hashed is not None, wanted.oidc_subject)
    user = await parts.people.add(new, parts.clock.now_s())
    asked.about(user.id, login=user.login, oidc_subject=wanted.oidc_subject)
    return user


@router.get("/{user_id}")
async def one(request: Request, user_id: Id, asked: Annotated[Asked, needs("user.read")]) -> User:
    """One person."""
    return await _visible(parts_of(request), user_id, asked.scope)


@router.patch("/{user_id}")
async def change(request: Request, user_id: Id, wanted: PersonChange, asked: Annotated[Asked, needs("user.write")]) -> User:
    """Change name, language or oidc_subject, disable or enable; whoever is disabled or called otherwise is logged out at once."""
    parts = parts_of(request)
    before = await _mine(parts, user_id, asked.scope)
    if wanted.is_disabled and before.id == asked.caller.id:
        raise Problem(409, "yourself", "Nobody can disable themselves; ask another administrator.")
    values = wanted.model_dump(exclude_none=True)
    is_relinked = "oidc_subject" in wanted.model_fields_set
    if is_relinked:
        values["oidc_subject"] = wanted.oidc_subject
    asked.about(user_id, **values)
    after = await parts.people.change(user_id, **values)
    if wanted.is_disabled or is_relinked:
        await parts.sessions.end_all(user_id)
    if after is None:
        raise not_found("This person")
    return after


@router.post("/{user_id}/password", status_code=204)
async def reset(request: Request, user_id: Id, wanted: NewSecret, asked: Annotated[Asked, needs("user.write")]) -> Response:
    """Set a password that must be changed at the next log-in; every session ends, one-time codes are given up."""
    parts = parts_of(request)
    user = await _mine(parts, user_id, asked.scope)
    await parts.people.set_password(user_id, await parts.passwords.hash(wanted.password, user.login), must_change=True)
    await parts.people.set_totp(user_id, None)
    await parts.sessions.end_all(user_id)
    return Response(status_code=204)


@router.post("/{user_id}/grants", status_code=201)
async def grant(request: Request, user_id: Id, wanted: NewGrant, asked: Annotated[Asked, needs("user.write")]) -> GivenGrant:
    """Give a right within the area that you administer."""
    parts = parts_of(request)
    user = await _visible(parts, user_id, asked.scope, also_without_rights=True)
    if not asked.scope.reaches(wanted.area_code):
        raise Problem(403, "not-allowed", "You do not administer this area.", right="user.write")
    asked.about(user.id, wanted.area_code, role=wanted.role, agency=wanted.agency, until_s=wanted.until_s)
    given = Grant(wanted.role, wanted.area_code, wanted.agency, wanted.until_s)
    return await parts.people.grant(user.id, given, asked.caller.id, parts.clock.now_s())


@router.delete("/{user_id}/grants/{grant_id}", status_code=204)
async def revoke(request: Request, user_id: Id, grant_id: Id, asked: Annotated[Asked, needs("user.write")]) -> Response:
    """Take a right away."""
    parts = parts_of(request)
    user = await _visible(parts, user_id, asked.scope)
    found = next((given.grant for given in user.grants if given.id == grant_id), None)
    if found is None or not asked.scope.reaches(found.area_code):
        raise not_found("This right")
    asked.about(user.id, found.area_code, role=found.role, agency=found.agency, grant=grant_id)
    await parts.people.revoke(user_id, grant_id)
    return Response(status_code=204)


async def _visible(parts: Parts, user_id: str, scope: Scope, also_without_rights: bool = False) -> User:
    """A person who has some right in the scope; without any, whoever administers the city."""
    user = await parts.people.by_id(user_id)
    if user is None:
        raise not_found("This person")
    seen = any(scope.reaches(given.grant.area_code) for given in user.grants)
    nobody = not user.grants and (also_without_rights or any(area.count(".") <= 1 for area in scope.areas))
    if not (seen or nobody):
        raise not_found("This person")
    return user


async def _mine(parts: Parts, user_id: str, scope: Scope) -> User:
    """A person all of whose rights lie in the scope: otherwise a new password would open more than the administrator has."""
    user = await _visible(parts, user_id, scope, also_without_rights=True)
    if not all(scope.reaches(given.grant.area_code) for given in user.grants):
        raise Problem(403, "not-allowed", "This person also has rights outside the area that you administer.", right="user.write")
    return user
