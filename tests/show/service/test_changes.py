"""The stream of changes over a real socket: what a browser would hear."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from sewu.show.service.guard import SESSION_COOKIE
from sewu.wiring.serving import Server
from tests.show.service.place import Place, at, stocked


async def over_http(there: Place, work: Callable[[str], Awaitable[Any]]) -> Any:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(there.app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
        server = Server(config, there.parts.feed)
        server.capture_signals = _no_signals  # type: ignore[assignment, method-assign]
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            while not server.started:
                await asyncio.sleep(0.01)
            return await work(f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            there.parts.feed.close()
            server.should_exit = True
            await asyncio.wait_for(running, 10)


class _no_signals:  # noqa: N801 stands in for a context manager function
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


async def session(there: Place, login: str) -> str:
    browser = there.browser()
    return str((await browser.log_in(login)).cookies[SESSION_COOKIE])


async def listen(url: str, cookie: str, last: str | None, until: Callable[[dict[str, Any]], bool]) -> tuple[list[dict[str, Any]], str]:
    """Messages until one satisfies; and the last id."""
    headers = {"Cookie": f"{SESSION_COOKIE}={cookie}"} | ({"Last-Event-ID": last} if last else {})
    got: list[dict[str, Any]] = []
    async with httpx.AsyncClient(timeout=20) as http, http.stream("GET", f"{url}/api/v1/changes", headers=headers) as stream:
        assert stream.status_code == 200 and stream.headers["content-type"].startswith("text/event-stream")
        number = ""
        async for name, value in fields(stream.aiter_lines()):
            if name == "id":
                number = value
            if name == "id" and not got and until({}):
                return got, number
            if name == "data":
                got += json.loads(value)
                if any(until(row) for row in got):
                    return got, number
    raise AssertionError(f"the stream ended after {got}")


async def fields(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, str]]:
    async for line in lines:
        name, found, value = line.partition(": ")
        if found:
            yield name, value


def test_a_browser_hears_of_what_it_may_see_and_of_nothing_else_and_catches_up(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incidents = await stocked(there)

        async def talk(url: str) -> None:
            camat, operator = await session(there, "camat"), await session(there, "operator")
            _, start = await asyncio.wait_for(listen(url, camat, None, lambda row: row == {}), 10)
            desk = await there.of("operator")
            for camera in ("C2", "C1"):
                assert (await desk.post(f"incidents/{incidents[camera]}/steps", {"action": "acknowledge"})).status_code == 200
            heard, last = await asyncio.wait_for(listen(url, camat, start, lambda row: row.get("id") == incidents["C1"]), 15)
            assert {row["id"] for row in heard} == {incidents["C1"]} and int(last) > int(start)
            everything, _ = await asyncio.wait_for(listen(url, operator, start, lambda row: row.get("id") == incidents["C1"]), 15)
            assert {row["id"] for row in everything} == set(incidents.values())
            assert len(there.parts.feed) == 0 or await _left(there)

        await over_http(there, talk)

    at(tmp_path, work)


async def _left(there: Place) -> bool:
    for _ in range(100):
        if len(there.parts.feed) == 0:
            return True
        await asyncio.sleep(0.02)
    return False


def test_nobody_hears_anything_without_logging_in(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        assert (await there.browser().get("changes")).status_code == 401

    at(tmp_path, work)
