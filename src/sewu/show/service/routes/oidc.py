"""Logging in by the city's identity provider: there, back, and a session of our own."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import Query, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import RedirectResponse

from sewu.base.errors import BadInput, BadSettings
from sewu.base.people import User
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.oidc import Known, Provider
from sewu.show.service.parts import Parts, parts_of
from sewu.show.service.problems import Problem
from sewu.show.service.routes.auth import set_cookies
from sewu.store.operations.audit import Deed
from sewu.store.operations.people import NewUser

log = structlog.get_logger()
router = section("auth")
TRIP_COOKIE, TRIP_PATH, TRIP_S = "sewu_oidc", "/api/v1/auth/oidc", 600
"""What binds the answer to the browser that asked: sealed, unreadable to scripts, ten minutes."""
LOCAL_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9._~/?&=%+:,-]{0,500}")
Given = Annotated[str | None, Query(max_length=4000, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Outside(BaseModel):
    """An identity provider to log in with."""

    label: str


class Ways(BaseModel):
    """How people can log in here. oidc: null where no identity provider is set up."""

    password: bool
    oidc: Outside | None


class Trip(BaseModel):
    """What is remembered, in the browser's own cookie, of a log-in that went to the provider."""

    state: str
    nonce: str
    verifier: str
    back: str
    at_s: float


class Answer(BaseModel):
    """What the provider sends the browser back with; what else it sends is ignored (RFC 6749 section 4.1.2)."""

    code: Given = None
    state: Given = None
    error: Given = None
    iss: Given = None


@router.get("/ways")
async def ways(request: Request, _asked: Annotated[Asked, needs("anyone", writes="nothing")]) -> Ways:
    """How people can log in."""
    provider = parts_of(request).oidc
    return Ways(password=True, oidc=None if provider is None else Outside(label=provider.settings.label))


@router.get("/oidc", status_code=303, response_class=RedirectResponse)
async def start(request: Request, _asked: Annotated[Asked, needs("anyone", writes="nothing")], back: Given = None) -> RedirectResponse:
    """Send the browser to the identity provider; `back` is the page of ours to return to."""
    parts, provider = _slowly(request)
    trip = Trip(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        back=local(back),
        at_s=parts.clock.now_s(),
    )
    try:
        response = RedirectResponse(await provider.authorization_url(trip.state, trip.nonce, trip.verifier), 303)
    except Problem as problem:
        return _shown(request, problem)
    sealed = parts.vault.seal(trip.model_dump_json())
    response.set_cookie(TRIP_COOKIE, sealed, TRIP_S, path=TRIP_PATH, httponly=True, secure=parts.has_tls, samesite="lax")
    return response


@router.get("/oidc/callback", status_code=303, response_class=RedirectResponse)
async def callback(
    request: Request, answer: Annotated[Answer, Query()], asked: Annotated[Asked, needs("anyone", writes="nothing")]
) -> RedirectResponse:
    """The browser is back: check, and begin a session; any that it brought along ends."""
    parts, provider = _slowly(request)
    try:
        trip = await _returned(request, parts, provider, answer)
        if answer.error is not None or not answer.code:
            raise Problem(401, "log-in-refused", "The identity provider let nobody in.")
        user = await _admitted(request, parts, await provider.person(answer.code, trip.nonce, trip.verifier))
    except Problem as problem:
        await _denied(request, parts, problem)
        response = _shown(request, problem)
    else:
        now_s = parts.clock.now_s()
        if asked.caller.session is not None:
            await parts.sessions.end(asked.caller.session.id)
        session, secret = await parts.sessions.begin(user.id, now_s)
        await parts.people.succeeded(user.id, now_s)
        detail = {"way": "oidc"}
        await parts.diary.now(Deed(now_s, user.id, "log_in", "done", session.id, request_id=request.state.request_id, detail=detail))
        response = RedirectResponse(trip.back, 303)
        set_cookies(parts, response, session, secret)
    response.delete_cookie(TRIP_COOKIE, path=TRIP_PATH, secure=parts.has_tls, httponly=True, samesite="lax")
    return response


def local(back: str | None) -> str:
    """A page of ours, else the first: never another's address, however it is written."""
    return back if back is not None and LOCAL_PATH.fullmatch(back) and "/api/" not in back else "/"


def _slowly(request: Request) -> tuple[Parts, Provider]:
    """The parts and the provider. Raises `Problem` 404 where none is set up, 429 for who tries too often."""
    parts = parts_of(request)
    if parts.oidc is None:
        raise Problem(404, "not-set-up", "No identity provider is set up here; log in with a password.")
    address = request.client.host if request.client else "unknown"
    wait_s = parts.limits.log_in_by_address.wait_s(address, parts.clock.steady_s())
    if wait_s > 0:
        raise Problem(429, "too-many-attempts", "Too many attempts; wait, then try again.", {"Retry-After": str(int(wait_s) + 1)})
    return parts, parts.oidc


async def _returned(request: Request, parts: Parts, provider: Provider, answer: Answer) -> Trip:
    """The trip that this answer ends: the same browser, its own state, in time, once."""
    stale = Problem(400, "log-in-stale", "This log-in was not begun in this browser, took too long, or was used; begin again.")
    try:
        trip = Trip.model_validate_json(parts.vault.open(request.cookies.get(TRIP_COOKIE, "").encode("ascii", "replace").decode()))
    except (BadSettings, ValidationError):
        raise stale from None
    is_mine = hmac.compare_digest(trip.state.encode(), (answer.state or "").encode())
    in_time = 0 <= parts.clock.now_s() - trip.at_s <= TRIP_S
    if not (is_mine and in_time and await provider.came_from(answer.iss) and provider.use(trip.state, TRIP_S)):
        raise stale
    return trip


async def _admitted(request: Request, parts: Parts, known: Known) -> User:
    """The person of ours whom the provider means. Raises `Problem` 403 for who is unknown here, or disabled."""
    user = await parts.people.by_oidc(known.subject)
    if user is None and parts.oidc is not None and parts.oidc.settings.creates_people:
        user = await _added(request, parts, known)
    if user is None or user.is_disabled:
        why = "unknown" if user is None else "disabled"
        raise Problem(
            403, "not-admitted", "You are not known here, or were locked out; ask who administers.", subject=known.subject, why=why
        )
    return user


async def _added(request: Request, parts: Parts, known: Known) -> User:
    """Add somebody without any right."""
    now_s, language = parts.clock.now_s(), parts.home.settings.language
    login = f"oidc-{secrets.token_hex(6)}"
    try:
        user = await parts.people.add(NewUser(login, known.name or login, language, oidc_subject=known.subject), now_s)
    except BadInput:  # the same person came twice at once: the other request added them
        found = await parts.people.by_oidc(known.subject)
        if found is None:
            raise
        return found
    deed = Deed(now_s, user.id, "user.write", "done", user.id, request_id=request.state.request_id, detail={"way": "oidc", "login": login})
    await parts.diary.now(deed)
    return user


async def _denied(request: Request, parts: Parts, problem: Problem) -> None:
    """Tell the audit; with the provider's name for who is unknown, so that an administrator can let them in."""
    subject = problem.more.pop("subject", None)
    detail = {"way": "oidc", "why": problem.more.pop("why", problem.kind)} | ({"oidc_subject": subject} if subject else {})
    deed = Deed(parts.clock.now_s(), "anonymous", "log_in", "denied", request_id=request.state.request_id, detail=detail)
    await parts.diary.now(deed)


def _shown(request: Request, problem: Problem) -> RedirectResponse:
    """People see why on the log-in page; programs get the problem itself."""
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"/?refused={quote(problem.kind)}", 303)
    raise problem
