"""Around every request: its id, limits on its size, security headers, one access-log line, counters.

The log holds neither query strings nor bodies nor headers: what was searched for is the audit's business.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sewu.base.clock import Clock
from sewu.show.service.problems import Problem, problem_response

log = structlog.get_logger()
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
LARGEST_BODY, LARGEST_IMPORT = 2 << 20, 64 << 20
IMPORTS = ("/import", "/attachments", "/evidence")
"""Paths that end so may carry files."""
LONGEST_QUERY = 8000

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; "
    "style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(self), payment=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Meters:
    """What `/metrics` tells of the web service itself."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("sewu_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry)
        self.seconds = Histogram(
            "sewu_http_seconds",
            "Time until the answer began.",
            ("route",),
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
        )


class Outer:
    """ASGI middleware.

    Args:
        has_tls: whether to tell browsers to come by https only from now on (HSTS).
    """

    def __init__(self, app: ASGIApp, clock: Clock, meters: Meters, has_tls: bool) -> None:
        self._app, self._clock, self._meters = app, clock, meters
        headers = dict(HEADERS) | ({"strict-transport-security": "max-age=31536000; includeSubDomains"} if has_tls else {})
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s, status = self._clock.steady_s(), 500
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                self._meters.seconds.labels(_route(scope)).observe(self._clock.steady_s() - started_s)
                present = {name for name, _ in message.get("headers", [])}
                extra = [pair for pair in self._headers if pair[0] not in present]
                cache = [] if b"cache-control" in present else [(b"cache-control", b"no-store")]
                message["headers"] = [*message.get("headers", []), *extra, *cache, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            problem = _refused(scope)
            if problem is not None:
                await problem_response(problem, request_id)(scope, receive, sending)
            else:
                await self._app(scope, _bounded(scope, receive), sending)
        finally:
            self._meters.requests.labels(str(scope["method"])[:10], _route(scope), str(status)).inc()
            took_ms = round(1000 * (self._clock.steady_s() - started_s), 1)
            asked = scope["state"].get("asked")
            actor = None if asked is None else asked.caller.id
            log.info("request", id=request_id, method=scope["method"], path=_shown(scope), status=status, ms=took_ms, actor=actor)


def _request_id(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _shown(scope: Scope) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in str(scope["path"])[:200])


def _route(scope: Scope) -> str:
    route: Any = scope.get("route")
    return str(getattr(route, "path", "none"))


def _limit(scope: Scope) -> int:
    return LARGEST_IMPORT if str(scope["path"]).rstrip("/").endswith(IMPORTS) else LARGEST_BODY


def _refused(scope: Scope) -> Problem | None:
    """What can be said before the app sees the request."""
    if "\0" in scope["path"] or b"%00" in scope["query_string"] or len(scope["query_string"]) > LONGEST_QUERY:
        return Problem(400, "bad-request", "The path or query holds a zero byte or is too long.")
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not length.isdigit() or int(length) > _limit(scope):
        return Problem(413, "too-large", f"A body here has at most {_limit(scope)} bytes.")
    return None


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Receives no more than the limit, also where no length was announced."""
    left = _limit(scope)

    async def receiving() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, "The body is too large.")
        return message

    return receiving
