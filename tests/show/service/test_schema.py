"""Requests made from the OpenAPI description itself: whatever is sent, the service never fails and answers as it says."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.errors import NonInteractiveExampleWarning

from sewu.show.service.limits import Limiter, Rate
from sewu.show.service.routes.system import openapi
from tests.show.service.place import Place, place, stocked

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis

EXAMPLES = 6
SKIPPED = ("/api/v1/changes", "/api/v1/auth/logout", "/api/v1/auth/password")
"""A stream; and what would log the asker out. Both have tests of their own."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Any, asyncio.AbstractEventLoop]]:
    loop = asyncio.new_event_loop()
    holder = place(Path(tmp_path_factory.mktemp("schema")))
    there = loop.run_until_complete(holder.__aenter__())
    try:
        for name in ("known", "unknown", "log_in_by_address", "log_in_by_name"):
            setattr(there.parts.limits, name, Limiter(Rate(1e9, 1e9)))
        loop.run_until_complete(stocked(there))
        admin = loop.run_until_complete(there.of("admin"))
        yield there, admin, loop
    finally:
        loop.run_until_complete(holder.__aexit__(None, None, None))
        loop.close()


@pytest.mark.slow
def test_no_request_makes_the_service_fail(stage: tuple[Place, Any, asyncio.AbstractEventLoop]) -> None:
    there, admin, loop = stage
    schema = schemathesis.openapi.from_dict(openapi(there.app))
    asked = 0
    statuses: set[int] = set()
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # one that cannot be read fails the test
        if operation.path in SKIPPED:
            continue
        strategy = operation.as_strategy() | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

        @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        def ask(case: Any) -> None:
            nonlocal asked
            answer = loop.run_until_complete(send(there, admin, case))
            asked += 1
            statuses.add(answer.status_code)
            assert answer.status_code < 500, f"{case.method} {case.path}: {answer.status_code} {answer.text}"
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["status"] == answer.status_code

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NonInteractiveExampleWarning)
            from hypothesis import given

            given(case=strategy)(ask)()
    assert asked > 300 and {200, 404, 422} <= statuses


async def send(there: Place, admin: Any, case: Any) -> httpx.Response:
    parts = case.as_transport_kwargs(base_url="http://sewu.test")
    headers = {str(name): str(value) for name, value in (parts.get("headers") or {}).items()}
    headers |= {"X-CSRF-Token": admin.http.cookies.get("sewu_csrf") or "", "Sewu-Purpose": "audit"}
    headers.pop("Cookie", None)
    body = {name: parts[name] for name in ("json", "data", "params") if parts.get(name) is not None}
    if isinstance(body.get("data"), bytes | str):
        body["content"] = body.pop("data")
    there.clock.advance(0.5)
    try:
        answer: httpx.Response = await admin.http.request(parts["method"], parts["url"], headers=headers, **body)
    except (httpx.InvalidURL, UnicodeEncodeError, httpx.LocalProtocolError):
        answer = await admin.http.get("/healthz")
    return answer
