"""Events and cameras of an invented street, and a desk over a database of either kind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from sewu.base.incidents import CameraFacts
from sewu.base.records import Event, Place
from sewu.base.rights import Scope
from sewu.base.space import moved
from sewu.base.words import Words
from sewu.respond.desk import Desk
from sewu.respond.policy import DeskSettings
from sewu.store.operations.database import Database

CITY = Scope(("33.74",))
NOW_S = 1_700_000_000.0
CORNER = Place(-6.99, 110.42)


def camera(number: int, east_m: float | None = None, group: str | None = "uplink:7") -> CameraFacts:
    """Camera K<number>, `east_m` from the corner (default: a kilometre each), in kelurahan 1001 to 1003."""
    place = moved(CORNER, 1000.0 * number if east_m is None else east_m, 0.0)
    return CameraFacts(f"K{number}", f"Simpang {number}", f"33.74.01.{1001 + number % 3}", place, group, group and group.title())


def register(*cameras: CameraFacts) -> Callable[[Collection[str]], Awaitable[Mapping[str, CameraFacts]]]:
    """A register that knows these."""
    known = {facts.id: facts for facts in cameras}

    async def locate(ids: Collection[str]) -> Mapping[str, CameraFacts]:
        return {id_: known[id_] for id_ in ids if id_ in known}

    return locate


def event(number: int, camera_id: str = "K1", after_s: float = 0.0, **values: Any) -> Event:
    """Event ev-<number>: a start of illegal parking, `after_s` after NOW_S."""
    at_s = NOW_S + after_s
    base: dict[str, Any] = {"rule_id": "r1", "kind": "illegal_parking", "phase": "start", "severity": "medium", "unit": "s"}
    base |= {"started_at_s": at_s, "at_s": at_s, "value": 200.0, "peak": 200.0, "zone_id": "z1"}
    return Event(id=f"ev-{number}", camera_id=camera_id, **(base | values))


def desk_over(database: Database, *cameras: CameraFacts, **settings: Any) -> Desk:
    """A desk that knows these cameras."""
    return Desk(database, DeskSettings(**settings), register(*cameras), Words("id"))


def run(url: str, work: Callable[[Database], Awaitable[Any]], limit_s: float = 60.0) -> Any:
    """Do this with a fresh database, in bounded time."""

    async def whole() -> Any:
        database = Database(url)
        try:
            await database.create()
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(asyncio.wait_for(whole(), limit_s))
