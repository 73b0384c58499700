"""Answers to conditional requests (RFC 9110 section 13): 304 where nothing changed, 412 where something did."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from sewu.show.service.problems import Problem


def conditional(request: Request, response: Response) -> Response:
    """Give a GET's answer an ETag (of its bytes, unless it has one), and answer 304 when the asker has it already."""
    body = getattr(response, "body", b"")
    if request.method not in ("GET", "HEAD") or response.status_code != 200 or not isinstance(body, bytes) or not body:
        return response
    if "etag" not in response.headers:
        response.headers["etag"] = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    response.headers.setdefault("cache-control", "private, no-cache")
    etag = response.headers["etag"]
    if matches(request.headers.get("if-none-match"), etag):
        kept = {name: response.headers[name] for name in ("etag", "cache-control")}
        return Response(None, 304, kept)
    return response


def matches(condition: str | None, etag: str) -> bool:
    """Whether an If-None-Match or If-Match header names this tag; weak comparison."""
    if condition is None:
        return False
    strong = etag.removeprefix("W/")
    return condition.strip() == "*" or any(part.strip().removeprefix("W/") == strong for part in condition.split(","))


def version_tag(version: int) -> str:
    """The ETag of a thing that counts its versions."""
    return f'"v{version}"'


def wanted_version(if_match: str | None) -> int:
    """The version that an update was based on, from If-Match. Raises `Problem` 428 without one, 412 when it is no version."""
    if if_match is None:
        raise Problem(428, "condition-needed", "Send the ETag that you read in If-Match, so that nobody's change is lost.")
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.startswith("v") or not text[1:].isascii() or not text[1:].isdigit() or len(text) > 12:
        raise Problem(412, "changed-meanwhile", "This is no current ETag; read it again.")
    return int(text[1:])
