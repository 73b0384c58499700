"""Logging in and out, one-time codes, a new password."""

from __future__ import annotations

from typing import Annotated

import pyotp
from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sewu.base.people import Session
from sewu.show.service.guard import CSRF_COOKIE, SESSION_COOKIE, Asked, needs, section
from sewu.show.service.parts import Parts, parts_of
from sewu.show.service.passwords import LONGEST
from sewu.show.service.problems import Problem
from sewu.show.service.routes.me import Me, me_of
from sewu.store.operations.audit import Deed

router = section("auth")
Secret = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Code = Annotated[str, Field(pattern=r"^\s*[0-9]{6}\s*$", max_length=20)]


class LogIn(BaseModel):
    """Who, the password, and the one-time code when one is enrolled."""

    model_config = ConfigDict(extra="forbid")
    login: Annotated[str, Field(min_length=1, max_length=100)]
    password: Secret
    code: Code | None = None


class NewPassword(BaseModel):
    """The password now, and the one from now on."""

    model_config = ConfigDict(extra="forbid")
    current: Secret
    new: Secret


class Password(BaseModel):
    """The password now: asked again before a protection is changed."""

    model_config = ConfigDict(extra="forbid")
    password: Secret


class Enrolment(BaseModel):
    """A new one-time-code secret, shown this once; it counts after the first right code."""

    secret: str
    uri: str
    ticket: str


class Confirmation(BaseModel):
    """The ticket of the enrolment, and the first code."""

    model_config = ConfigDict(extra="forbid")
    ticket: Annotated[str, Field(max_length=1000)]
    code: Code


@router.post("/login")
async def log_in(request: Request, response: Response, wanted: LogIn, asked: Annotated[Asked, needs("anyone", writes="nothing")]) -> Me:
    """Log in; any session that the browser brought along ends, and a new one begins."""
    parts = parts_of(request)
    now_s = parts.clock.now_s()
    _slow_down(request, parts, wanted.login)
    checked = await parts.passwords.check(wanted.login, wanted.password, wanted.code, now_s)
    if checked.user_id is None:
        known = await parts.people.by_login(wanted.login)
        actor = known.id if known else "anonymous"
        request_id = request.state.request_id
        if checked.needs_code:
            raise Problem(401, "code-needed", "Enter the one-time code too.")
        await parts.diary.now(Deed(now_s, actor, "log_in", "denied", request_id=request_id, detail={"locked": checked.locked_s > 0}))
        if checked.locked_s > 0:
            retry = {"Retry-After": str(int(checked.locked_s) + 1)}
            raise Problem(429, "locked-out", "Too many failed attempts; wait, then try again.", retry)
        raise Problem(401, "wrong-log-in", "The log-in, the password or the code is wrong.")
    if asked.caller.session is not None:
        await parts.sessions.end(asked.caller.session.id)
    session, secret = await parts.sessions.begin(checked.user_id, now_s)
    await parts.diary.now(Deed(now_s, checked.user_id, "log_in", "done", session.id, request_id=request.state.request_id))
    set_cookies(parts, response, session, secret)
    user = await parts.people.by_id(checked.user_id)
    if user is None:
        raise Problem(401, "wrong-log-in", "The log-in, the password or the code is wrong.")
    return me_of(parts, user, session, now_s)


@router.post("/logout", status_code=204)
async def log_out(request: Request, asked: Annotated[Asked, needs("self")]) -> Response:
    """End this session."""
    parts = parts_of(request)
    if asked.caller.session is not None:
        await parts.sessions.end(asked.caller.session.id)
    response = Response(status_code=204)
    for name in (SESSION_COOKIE, CSRF_COOKIE):
        response.delete_cookie(name, path="/", secure=parts.has_tls, samesite="lax")
    return response


@router.post("/password", status_code=204)
async def change_password(request: Request, wanted: NewPassword, asked: Annotated[Asked, needs("self")]) -> Response:
    """Choose a new password; every other session of this person ends."""
    parts = parts_of(request)
    user_id, login = _browser(asked)
    await _again(request, parts, login, wanted.current)
    await parts.people.set_password(user_id, await parts.passwords.hash(wanted.new, login))
    await parts.sessions.end_all(user_id, but=asked.caller.session.id if asked.caller.session else None)
    return Response(status_code=204)


@router.post("/totp")
async def enrol(request: Request, wanted: Password, asked: Annotated[Asked, needs("self")]) -> Enrolment:
    """Begin to enrol one-time codes; nothing is kept until the first code is right."""
    parts = parts_of(request)
    user_id, login = _browser(asked)
    await _again(request, parts, login, wanted.password)
    secret = pyotp.random_base32()
    uri = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="Sewu")
    return Enrolment(secret=secret, uri=uri, ticket=parts.vault.seal(f"{user_id} {secret}"))


@router.post("/totp/confirm", status_code=204)
async def confirm(request: Request, wanted: Confirmation, asked: Annotated[Asked, needs("self")]) -> Response:
    """Keep the one-time-code secret, now that a code of it was right."""
    parts = parts_of(request)
    user_id, _ = _browser(asked)
    owner, _, secret = parts.vault.open(wanted.ticket).partition(" ") if wanted.ticket.isascii() else ("", "", "")
    now_s = parts.clock.now_s()
    if owner != user_id or not pyotp.TOTP(secret).verify(wanted.code.strip(), for_time=now_s, valid_window=1):
        raise Problem(400, "wrong-code", "This code is not right; see that the clocks agree.")
    await parts.people.set_totp(user_id, parts.vault.seal(secret))
    return Response(status_code=204)


@router.delete("/totp", status_code=204)
async def forget(request: Request, wanted: Password, asked: Annotated[Asked, needs("self")]) -> Response:
    """Give one-time codes up."""
    parts = parts_of(request)
    user_id, login = _browser(asked)
    await _again(request, parts, login, wanted.password)
    await parts.people.set_totp(user_id, None)
    return Response(status_code=204)


def set_cookies(parts: Parts, response: Response, session: Session, secret: str) -> None:
    """Give the browser its session, which scripts cannot read, and the CSRF token, which ours must."""
    age_s = int(session.expires_at_s - session.created_at_s)
    response.set_cookie(SESSION_COOKIE, secret, max_age=age_s, path="/", httponly=True, secure=parts.has_tls, samesite="lax")
    response.set_cookie(CSRF_COOKIE, session.csrf, max_age=age_s, path="/", httponly=False, secure=parts.has_tls, samesite="lax")


def _slow_down(request: Request, parts: Parts, login: str) -> None:
    address, now_s = request.client.host if request.client else "unknown", parts.clock.steady_s()
    wait_s = max(parts.limits.log_in_by_address.wait_s(address, now_s), parts.limits.log_in_by_name.wait_s(login.lower(), now_s))
    if wait_s > 0:
        raise Problem(429, "too-many-attempts", "Too many attempts; wait, then try again.", {"Retry-After": str(int(wait_s) + 1)})


def _browser(asked: Asked) -> tuple[str, str]:
    """Whose browser this is: a token or a kiosk cannot change a person's protection."""
    if asked.caller.user is None or asked.caller.session is None:
        raise Problem(403, "browser-only", "Log in with a browser to change this.")
    return asked.caller.user.id, asked.caller.user.login


async def _again(request: Request, parts: Parts, login: str, password: str) -> None:
    _slow_down(request, parts, login)
    if not await parts.passwords.is_right(login, password, parts.clock.now_s()):
        raise Problem(403, "wrong-password", "The password is wrong.")
