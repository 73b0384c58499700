"""Every refusal is a Problem Details answer (RFC 9457): what happened, what to do, never an internal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from sewu.base.errors import BadInput, Conflict, NotFound, Refused, Retry, SewuError, StoreFull, Unavailable

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
STATUS_OF: tuple[tuple[type[SewuError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (BadInput, 400),
    (Refused, 403),
    (StoreFull, 507),
    (Retry, 503),
    (Unavailable, 501),
)
"""The first that fits counts."""
TITLES = {
    400: "Bad request",
    401: "Not logged in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not valid",
    428: "Condition needed",
    429: "Too many requests",
    500: "Internal error",
    501: "Not available here",
    502: "Another service answers wrongly",
    503: "Try again",
    507: "Storage full",
}


class Problem(Exception):
    """A refusal with its status. `kind` is a short word that programs may compare; `more` goes into the answer."""

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.headers, self.more = dict(headers or {}), more


def not_found(what: str = "This") -> Problem:
    """Absent, or out of the caller's reach: the two must look the same."""
    return Problem(404, "not-found", f"{what} does not exist, or is not yours to see.")


def problem_response(problem: Problem, request_id: str | None = None) -> Response:
    """The answer of a problem."""
    body = {
        "type": f"urn:sewu:problem:{problem.kind}",
        "title": TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": problem.detail,
    }
    body |= problem.more | ({"request_id": request_id} if request_id else {})
    return Response(json.dumps(body, ensure_ascii=True), problem.status, problem.headers, MEDIA_TYPE)


def as_problem(error: Exception) -> Problem:
    """What is said of any error; of an unknown one only that it happened."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, SewuError):
        status = next((code for kind, code in STATUS_OF if isinstance(error, kind)), 500)
        headers = {"Retry-After": "2"} if status == 503 else {}
        return Problem(status, _word(type(error).__name__), str(error), headers)
    if isinstance(error, RequestValidationError):
        faults = [{"where": "/".join(str(part) for part in fault["loc"]), "why": fault["msg"]} for fault in error.errors()]
        return Problem(422, "not-valid", "Some values are not valid.", errors=faults[:50])
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        return Problem(error.status_code, _word(TITLES.get(error.status_code, "error")), str(error.detail), headers)
    return Problem(500, "internal-error", "Something went wrong on our side; it was written to the log under this request id.")


def explain(app: FastAPI) -> None:
    """Make every error of the app a Problem Details answer."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = as_problem(error)
        if problem.status == 500:
            log.error("a request failed", path=request.url.path, exc_info=error)
        return problem_response(problem, getattr(request.state, "request_id", None))

    for kind in (Problem, SewuError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _word(name: str) -> str:
    letters = "".join(f"-{letter.lower()}" if letter.isupper() and index else letter.lower() for index, letter in enumerate(name))
    return letters.replace(" -", "-").replace(" ", "-")
