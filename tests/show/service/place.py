"""A service in a temporary folder with one person of each role, and browsers that talk to it without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from fastapi import FastAPI

from sewu.base.clock import ManualClock
from sewu.base.places import real_areas
from sewu.base.records import Event
from sewu.base.records import Place as GeoPlace
from sewu.base.register import Login, RegisteredCamera
from sewu.base.rights import Grant, Role, Scope
from sewu.base.service import Home, ServiceSettings
from sewu.show.service.app import create_app
from sewu.show.service.guard import CSRF_COOKIE
from sewu.show.service.parts import Parts
from sewu.store.operations.people import NewUser
from sewu.store.operations.vault import Vault
from sewu.wiring.serving import build_desk, build_parts, evidence_room

CITY, DISTRICT, OTHER = "33.74", "33.74.01", "33.74.02"
PASSWORD = "Lawang1000pintu"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
GRANTS: dict[str, tuple[Role, str, str | None]] = {
    "operator": ("operator", CITY, None),
    "dishub": ("agency_officer", CITY, "dishub"),
    "camat": ("district_officer", DISTRICT, None),
    "rt": ("rt", f"{DISTRICT}.1001", None),
    "engineer": ("engineer", CITY, None),
    "planner": ("planner", CITY, None),
    "auditor": ("auditor", CITY, None),
    "admin": ("admin", CITY, None),
}


class Browser:
    """Keeps cookies, sends the CSRF token back, as our pages do."""

    def __init__(self, app: FastAPI) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://sewu.test")

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"X-CSRF-Token": self.http.cookies.get(CSRF_COOKIE) or ""} | more.pop("headers", {})
        return await self.http.request(method, path if path.startswith("/") else f"/api/v1/{path}", headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.ask("POST", path, json=body if body is not None else {}, **more)

    async def log_in(self, login: str, password: str = PASSWORD, code: str | None = None) -> httpx.Response:
        return await self.post("auth/login", {"login": login, "password": password} | ({"code": code} if code else {}))


class Place:
    """The service under test."""

    def __init__(self, parts: Parts, clock: ManualClock) -> None:
        self.parts, self.clock, self.app = parts, clock, create_app(parts)
        self.ids: dict[str, str] = {}
        self._browsers: list[Browser] = []

    async def staff(self) -> None:
        """One person for each role; all have the same password."""
        hashed = await self.parts.passwords.hash(PASSWORD)
        for login, (role, area, agency) in GRANTS.items():
            user = await self.parts.people.add(NewUser(login, login.title(), "en", hashed), self.clock.now_s())
            await self.parts.people.grant(user.id, Grant(role, area, agency), None, self.clock.now_s())
            self.ids[login] = user.id

    def browser(self) -> Browser:
        browser = Browser(self.app)
        self._browsers.append(browser)
        return browser

    async def of(self, login: str) -> Browser:
        """A browser in which this person is logged in."""
        browser = self.browser()
        answer = await browser.log_in(login)
        assert answer.status_code == 200, answer.text
        return browser

    async def close(self) -> None:
        for browser in self._browsers:
            await browser.http.aclose()
        await self.parts.diary.flush()
        await self.parts.database.close()


@asynccontextmanager
async def place(folder: Path, url: str | None = None) -> AsyncIterator[Place]:
    clock = ManualClock()
    settings = ServiceSettings(database_url=url)
    parts = build_parts(Home(folder, settings), clock, Vault((Fernet.generate_key().decode(),)), QUICK)
    await parts.database.create()
    parts.room = evidence_room(parts)
    there = Place(parts, clock)
    try:
        await there.staff()
        yield there
    finally:
        await there.close()


def at(folder: Path, work: Callable[[Place], Awaitable[Any]], url: str | None = None, within_s: float = 60.0) -> Any:
    """Do the work in a fresh place."""

    async def whole() -> Any:
        async with place(folder, url) as there:
            return await work(there)

    return asyncio.run(asyncio.wait_for(whole(), within_s))


def camera(camera_id: str, area_code: str, place: GeoPlace | None = None) -> RegisteredCamera:
    return RegisteredCamera(camera_id, f"Kamera {camera_id}", "rtsp://10.0.0.9/main", area_code, place=place or GeoPlace(-6.98, 110.41))


def event(number: int, camera_id: str, kind: str = "illegal_parking") -> Event:
    at_s = 1_700_000_000.0 - 600 + number
    return Event(f"evt_{number:019d}", camera_id, "rule-1", kind, "start", "medium", at_s, at_s, 1.0, 1.0, "1")


async def stocked(there: Place) -> dict[str, str]:
    """Areas, two cameras and an incident on each: returns incident ids by camera. C1 lies in the district, C2 in another."""
    await there.parts.areas.put(real_areas(), there.clock.now_s())
    rows = [camera("C1", f"{DISTRICT}.1001"), camera("C2", f"{OTHER}.1001")]
    await there.parts.cameras.put(Scope((CITY,)), rows, there.clock.now_s(), {"C1": Login("root", "s3cr3t-pw")})
    desk = build_desk(there.parts)
    found = {}
    for number, row in enumerate(rows):
        taken = await desk.take("shard-0", 1, [event(number, row.id)], there.clock.now_s())
        found[row.id] = taken.opened[0]
    return found
