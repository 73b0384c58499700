"""Who asks, what for, and whether they may: declared once per route, checked before anything is read, audited after.

A route that declares nothing does not start (`undeclared`). A browser brings a session cookie, and with every unsafe
method the session's CSRF token; a program brings a bearer token; a paired screen brings its own cookie and only reads.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.requests import HTTPConnection
from starlette.responses import Response

from sewu.base.rights import PURPOSES, Grant, Purpose, Scope, is_within
from sewu.show.service.answers import conditional
from sewu.show.service.once import once
from sewu.show.service.parts import Parts, parts_of
from sewu.show.service.problems import Problem, as_problem, problem_response
from sewu.show.service.rights import Action, Caller, Open
from sewu.store.operations.audit import Deed

SOCKETS: Mapping[str, Action] = {"/api/v1/cameras/{camera_id}/live": "camera.still"}
"""Every socket, and the right that it asks of `admit`."""
log = structlog.get_logger()
SESSION_COOKIE, KIOSK_COOKIE, CSRF_COOKIE = "sewu_session", "sewu_kiosk", "sewu_csrf"
CSRF_HEADER, PURPOSE_HEADER = "x-csrf-token", "sewu-purpose"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
Writes = Literal["view", "change", "export", "nothing"]
NOBODY = Caller("anonymous", ())


@dataclass(slots=True)
class Asked:
    """One permitted request: who, with which right, within which scope, and what the audit will say of it."""

    caller: Caller
    action: str
    scope: Scope
    writes: Writes
    subject: str | None = None
    area_code: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def about(self, subject: str | None, area_code: str | None = None, **detail: str | int | float | bool | None) -> None:
        """Tell the audit what this was about; never a secret."""
        self.subject, self.area_code = subject, area_code
        self.detail |= detail


class Needs:
    """A route's declaration: the action, and whether the caller must say what for.

    Args:
        action: the right it takes; "self" for anybody logged in, "anyone" without.
        purpose: whether `Sewu-Purpose` (or the session's) must be given.
        writes: how it is audited; by the method when left out.
    """

    def __init__(self, action: Action | Open, purpose: bool = False, writes: Writes | None = None) -> None:
        self.action, self.purpose, self.writes = action, purpose, writes

    async def __call__(self, request: Request) -> Asked:
        parts = parts_of(request)
        caller = await identify(request, parts)
        _limit(request, parts, caller)
        writes: Writes = self.writes or ("view" if request.method in SAFE else "change")
        if self.action == "anyone":
            return self._asked(request, caller or NOBODY, Scope(), writes)
        if caller is None:
            raise Problem(401, "not-logged-in", "Log in first.", {"WWW-Authenticate": 'Bearer realm="sewu"'})
        if self.action == "self":
            return self._asked(request, caller, Scope(), writes)
        request.state.asked = Asked(caller, self.action, Scope(), writes, detail=_query(request))
        if caller.user is not None and caller.user.must_change_password and caller.token is None:
            raise Problem(403, "password-change-needed", "Choose a new password first.")
        scope = caller.scope(self.action)
        if not scope.areas:
            raise Problem(403, "not-allowed", f"This needs the right {self.action}.", right=self.action)
        if self.purpose and caller.purpose is None:
            raise Problem(428, "purpose-needed", f"Say what for in the header Sewu-Purpose: one of {', '.join(PURPOSES)}.")
        return self._asked(request, caller, scope, writes)

    def _asked(self, request: Request, caller: Caller, scope: Scope, writes: Writes) -> Asked:
        request.state.asked = asked = Asked(caller, self.action, scope, writes, detail=_query(request))
        return asked


async def admit(socket: WebSocket, action: Action) -> Asked:
    """Who opens a socket, and what they reach: what `needs` is for a route. The route writes the audit itself.

    A page of another origin is refused: browsers send cookies along with sockets of any page.

    Raises:
        Problem: 401, 403, 429.
    """
    origin, host = socket.headers.get("origin"), socket.headers.get("host", "")
    if origin is not None and origin.partition("://")[2] != host:
        raise Problem(403, "other-origin", "Open this from the service's own page.")
    parts = parts_of(socket)
    caller = await identify(socket, parts)
    _limit(socket, parts, caller)
    if caller is None:
        raise Problem(401, "not-logged-in", "Log in first.")
    scope = caller.scope(action)
    if not scope.areas or (caller.user is not None and caller.user.must_change_password and caller.token is None):
        raise Problem(403, "not-allowed", f"This needs the right {action}.")
    return Asked(caller, action, scope, "view")


def needs(action: Action | Open, purpose: bool = False, writes: Writes | None = None) -> Any:
    """`asked: Annotated[Asked, needs("camera.read")]`."""
    return Depends(Needs(action, purpose, writes))


async def identify(request: HTTPConnection, parts: Parts) -> Caller | None:
    """Who asks; None when nobody says so. Raises `Problem` 401 for a false or ended secret, 403 without the CSRF token."""
    now_s = parts.clock.now_s()
    purpose = _purpose(request)
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme:
        token = await parts.tokens.find(secret.strip(), now_s) if scheme.lower() == "bearer" else None
        owner = await parts.people.by_id(token.user_id) if token else None
        if token is None or owner is None or owner.is_disabled:
            raise Problem(
                401, "token-refused", "This token is unknown, expired or revoked.", {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            )
        return Caller(owner.id, owner.active(now_s), owner, token=token, purpose=purpose, limit_key=token.id)
    cookie = request.cookies.get(SESSION_COOKIE)
    session = await parts.sessions.find(cookie, now_s) if cookie else None
    if session is not None:
        user = await parts.people.by_id(session.user_id)
        if user is not None and not user.is_disabled:
            given = request.headers.get(CSRF_HEADER, "").encode("latin-1", "replace")
            if _method(request) not in SAFE and not hmac.compare_digest(given, session.csrf.encode()):
                raise Problem(403, "csrf", f"Send the cookie {CSRF_COOKIE} back in the header X-CSRF-Token.")
            return Caller(user.id, user.active(now_s), user, session, purpose=purpose or session.purpose, limit_key=session.id)
    return await _kiosk(request, parts, now_s)


async def _kiosk(request: HTTPConnection, parts: Parts, now_s: float) -> Caller | None:
    cookie = request.cookies.get(KIOSK_COOKIE)
    kiosk = await parts.kiosks.find(cookie, now_s) if cookie and _method(request) in SAFE else None
    if kiosk is None or kiosk.area_code is None:
        return None
    return Caller(kiosk.id, (Grant("rt", kiosk.area_code),), kiosk=kiosk, purpose="safety", limit_key=kiosk.id)


def _method(request: HTTPConnection) -> str:
    """A socket is opened by a GET, and can change nothing."""
    return str(request.scope.get("method", "GET"))


def _purpose(request: HTTPConnection) -> Purpose | None:
    given = request.headers.get(PURPOSE_HEADER)
    if given is None:
        return None
    for purpose in PURPOSES:
        if purpose == given.lower():
            return purpose
    raise Problem(400, "unknown-purpose", f"Sewu-Purpose is one of {', '.join(PURPOSES)}.")


def _limit(request: HTTPConnection, parts: Parts, caller: Caller | None) -> None:
    address = request.client.host if request.client else "unknown"
    limiter, key = (parts.limits.unknown, address) if caller is None else (parts.limits.known, caller.limit_key)
    wait_s = limiter.wait_s(key, parts.clock.steady_s())
    if wait_s > 0:
        raise Problem(429, "too-many-requests", "Ask less often.", {"Retry-After": str(int(wait_s) + 1)})


def _query(request: Request) -> dict[str, Any]:
    """The query as the audit keeps it: no more than 20 values of 200 letters."""
    return {
        name[:50]: value[:200] for name, value in list(request.query_params.multi_items())[:20] if name not in {"token", "code", "state"}
    }


def narrowed(scope: Scope, area_code: str | None) -> Scope:
    """The part of a scope that lies in an area."""
    if area_code is None:
        return scope
    if scope.reaches(area_code):
        return Scope((area_code,), scope.agencies)
    return Scope(tuple(area for area in scope.areas if is_within(area, area_code)), scope.agencies)


class GuardedRoute(APIRoute):
    """Audits what was asked, before the answer leaves for changes and exports; answers 304 where nothing changed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await _handled(request, self, handle)
            except Exception as error:  # every error is audited; an unknown one is answered here, inside the security headers
                problem = as_problem(error)
                await _audit(request, "denied" if problem.status in (401, 403) else "failed")
                if problem.status != 500:
                    raise
                log.error("a request failed", id=request.state.request_id, path=self.path, exc_info=error)
                return problem_response(problem, request.state.request_id)
            await _audit(request, "done" if response.status_code < 400 else "failed")
            return conditional(request, response)

        return guarded


async def _handled(request: Request, route: APIRoute, handle: Callable[[Request], Awaitable[Response]]) -> Response:
    """Handle it; under an Idempotency-Key at most once, and an earlier answer only for who still has the right.

    Answers of "self" and "anyone" can hold fresh secrets and are never kept.
    """
    action = declared(route)[0].action
    if request.method != "POST" or "idempotency-key" not in request.headers or action == "self" or action == "anyone":
        return await handle(request)
    parts = parts_of(request)
    caller = await identify(request, parts)
    if caller is None or not caller.scope(action).areas:
        return await handle(request)
    return await once(request, parts, f"{caller.id} {caller.token.id if caller.token else ''}", handle)


async def _audit(request: Request, outcome: str) -> None:
    asked: Asked | None = getattr(request.state, "asked", None)
    if asked is None or asked.writes == "nothing" or (asked.caller is NOBODY and asked.writes == "view"):
        return
    parts = parts_of(request)
    what = asked.action if asked.action not in ("self", "anyone") else f"{request.method.lower()} {request.scope['path'][:100]}"
    deed = Deed(
        at_s=parts.clock.now_s(),
        actor=asked.caller.id if asked.caller.token is None else asked.caller.token.id,
        action=what,
        outcome=outcome,
        subject=asked.subject or _subject(request.path_params),
        purpose=asked.caller.purpose,
        area_code=asked.area_code,
        detail=asked.detail,
        request_id=getattr(request.state, "request_id", None),
    )
    if asked.writes in ("change", "export") and outcome == "done":
        await parts.diary.now(deed)
    else:
        await parts.diary.later(deed)


def _subject(path_params: Mapping[str, Any]) -> str | None:
    return "/".join(str(value)[:100] for value in path_params.values()).replace("\0", "?") or None


def section(name: str) -> APIRouter:
    """The router of one resource: /api/v1/name, every route guarded."""
    return APIRouter(prefix=f"/api/v1/{name}", tags=[name], route_class=GuardedRoute)


def declared(route: APIRoute) -> list[Needs]:
    """What a route declares."""
    return [d.call for d in route.dependant.dependencies if isinstance(d.call, Needs)]


def undeclared(app: FastAPI) -> list[str]:
    """Routes that declare no right, more than one, or would not be audited: the app must not start with any."""
    faulty = []
    for route in app.routes:
        if isinstance(route, APIRoute) and not (isinstance(route, GuardedRoute) and len(declared(route)) == 1):
            faulty.append(f"{','.join(sorted(route.methods or ()))} {route.path}")
        elif isinstance(route, APIWebSocketRoute):
            if route.path not in SOCKETS:
                faulty.append(f"socket {route.path}")
        elif not isinstance(route, APIRoute):
            faulty.append(str(getattr(route, "path", route)))
    return faulty
