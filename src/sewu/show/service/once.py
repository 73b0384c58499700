"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again is answered again, not done again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from sewu.base.errors import SewuError
from sewu.show.service.parts import Parts
from sewu.show.service.problems import Problem

KEY = re.compile(r"[\x21-\x7e]{8,128}")
LARGEST_ANSWER = 1 << 20
Handle = Callable[[Request], Awaitable[Response]]


async def once(request: Request, parts: Parts, who: str, handle: Handle) -> Response:
    """Handle a POST with an Idempotency-Key; with the same key of the same caller and path only the first time.

    Raises:
        Problem: 400 for a malformed key, 409 while the first is not answered, 422 when the key was used for something else.
    """
    given = request.headers.get("idempotency-key", "")
    if not KEY.fullmatch(given):
        raise Problem(400, "bad-key", "An Idempotency-Key has 8 to 128 visible ASCII characters.")
    text = f"{request.url.query}\n".encode() + await request.body()
    asked, key = hashlib.sha256(text).hexdigest(), hashlib.sha256(f"{who}\n{request.scope['path']}\n{given}".encode()).hexdigest()
    earlier = await parts.idempotency.begin(key, asked, parts.clock.now_s())
    if earlier is not None:
        if earlier.request_hash != asked:
            raise Problem(422, "key-used", "This Idempotency-Key was used for another request.")
        if earlier.status is None:
            raise Problem(409, "not-answered", "The first request with this key is not answered yet.", {"Retry-After": "1"})
        body = parts.vault.open(earlier.sealed or "").encode()
        return Response(body, earlier.status, {"idempotency-replayed": "true"}, earlier.media_type)
    return await _first(request, parts, key, handle)


async def _first(request: Request, parts: Parts, key: str, handle: Handle) -> Response:
    try:
        response = await handle(request)
    except BaseException:
        await _quietly(parts.idempotency.give_up(key))
        raise
    body = getattr(response, "body", None)
    if isinstance(body, bytes) and len(body) <= LARGEST_ANSWER and response.status_code < 400:
        await parts.idempotency.finish(key, response.status_code, response.headers.get("content-type"), parts.vault.seal(body.decode()))
    else:
        await _quietly(parts.idempotency.give_up(key))
    return response


async def _quietly(work: Awaitable[None]) -> None:
    """The first error is the one to tell."""
    try:
        await work
    except SewuError:
        return
