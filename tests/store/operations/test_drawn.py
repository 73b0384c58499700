"""Zones and rules on both databases: every version kept, nobody overwrites another, a moved camera is noticed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from sewu.base.drawn import RuleDraft, RuleVersion
from sewu.base.errors import Conflict, NotFound
from sewu.base.records import Place
from sewu.base.register import RegisteredCamera
from sewu.base.rights import Scope
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.rules import Rules, rules_of
from sewu.store.operations.zones import Zones
from tests.store.operations.test_database import run

CITY, CENTRE, NORTH = Scope(("33.74",)), Scope(("33.74.01",)), Scope(("33.74.02",))
CAMERA = RegisteredCamera("K1", "Satu", "rtsp://h/x", "33.74.01.1001", place=Place(-7, 110.4), heading_deg=90.0)
DRAWN = {"size_px": [640, 360], "zones": [{"id": "z", "kind": "crowd", "points_px": [[0, 0], [9, 0], [0, 9]]}]}


def test_every_version_of_the_zones_is_kept_and_the_newest_in_force(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        await Cameras(database).put(CITY, [CAMERA], 1.0)
        zones = Zones(database)
        none = await zones.get(CITY, "K1")
        first = await zones.put(CITY, "K1", DRAWN, "ani", 2.0, expected=0)
        await zones.put(CENTRE, "K1", {"size_px": [1, 1]}, "budi", 3.0, expected=1)
        with pytest.raises(Conflict, match="version 2"):
            await zones.put(CITY, "K1", DRAWN, "cici", 4.0, expected=1)
        for scope, camera in ((NORTH, "K1"), (CITY, "K404")):
            with pytest.raises(NotFound):
                await zones.put(scope, camera, DRAWN, "dedi", 4.0)
        return (
            none,
            first,
            await zones.get(CITY, "K1"),
            await zones.get(CITY, "K1", 1),
            await zones.versions(CITY, "K1"),
            await zones.get(NORTH, "K1"),
        )

    none, first, newest, old, versions, hidden = run(database_url, work)
    assert none is None and hidden is None
    assert (newest.version, newest.author, newest.document) == (2, "budi", {"size_px": [1, 1]})
    assert old == first and old.document == DRAWN and [v.version for v in versions] == [2, 1]


def test_of_two_who_draw_at_once_one_is_told(database_url: str) -> None:
    async def work(database: Database) -> list[Any]:
        await Cameras(database).put(CITY, [CAMERA], 1.0)
        zones = Zones(database)
        tries = (zones.put(CITY, "K1", DRAWN, name, 2.0, expected=0) for name in ("ani", "budi", "cici"))
        return list(await asyncio.gather(*tries, return_exceptions=True))

    outcomes = run(database_url, work)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Conflict", "ZoneVersion"]


def test_a_moved_camera_marks_its_zones_to_be_checked_until_somebody_did(database_url: str) -> None:
    async def work(database: Database) -> list[Any]:
        cameras, zones = Cameras(database), Zones(database)
        await cameras.put(CITY, [CAMERA, replace(CAMERA, id="K2")], 1.0)
        await zones.put(CITY, "K1", DRAWN, "ani", 2.0)
        seen: list[Any] = []

        async def see() -> None:
            page = await zones.to_check(CITY)
            seen.append([(row.camera_id, row.to_check_since_s) for row in page.rows])

        await cameras.put(CITY, [replace(CAMERA, name="Nama baru")], 3.0)
        await see()
        await cameras.put(CITY, [replace(CAMERA, heading_deg=180.0)], 4.0)
        await cameras.put(CITY, [replace(CAMERA, heading_deg=190.0)], 5.0)
        await see()
        await zones.checked(CITY, "K1", 6.0)
        await see()
        await cameras.put(CITY, [replace(CAMERA, place=None)], 7.0)
        await zones.put(CITY, "K1", DRAWN, "ani", 8.0)
        await see()
        return [*seen, await zones.to_check(NORTH)]

    first, moved, checked, redrawn, hidden = run(database_url, work)
    assert first == [] and moved == [("K1", 4.0)] and checked == [] and redrawn == [] and hidden.rows == ()


def draft(area: str, camera: str | None = None, is_on: bool = True) -> RuleDraft:
    return RuleDraft(area, {"kind": "gathering", "analytic": "crowd", "metric": "count", "above": 20}, camera, is_on)


def test_every_version_of_a_rule_is_kept(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        rules = Rules(database)
        first = await rules.add(CITY, draft("33.74.01"), "ani", 1.0)
        second = await rules.change(CENTRE, first.id, draft("33.74.01.1001"), "budi", 2.0, expected=1)
        with pytest.raises(Conflict):
            await rules.change(CITY, first.id, draft("33.74"), "cici", 3.0, expected=1)
        with pytest.raises(NotFound):
            await rules.change(CENTRE, first.id, draft("33.74.02"), "cici", 3.0)
        with pytest.raises(NotFound):
            await rules.delete(NORTH, first.id, "cici", 3.0)
        with pytest.raises(NotFound):
            await rules.add(CENTRE, draft("33.74"), "cici", 3.0)
        in_force = await rules.get(CITY, first.id)
        await rules.delete(CITY, first.id, "cici", 4.0)
        return first, second, in_force, await rules.get(CITY, first.id), await rules.list(CITY), await rules.versions(CITY, first.id)

    first, second, in_force, gone, page, versions = run(database_url, work)
    assert first.document["id"] == first.id and in_force == second and gone is None and page.rows == ()
    assert [(v.version, v.author, v.deleted) for v in versions] == [(3, "cici", True), (2, "budi", False), (1, "ani", False)]
    assert versions[2] == first


def test_a_camera_is_watched_by_its_own_rules_and_those_above_it(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        rules = Rules(database)
        wanted = (
            draft("33.74"),
            draft("33.74.01.1001", "K1"),
            draft("33.74.01.1001", "K2"),
            draft("33.74.02"),
            draft("33.74.01", None, False),
        )
        added = [await rules.add(CITY, one, "ani", float(number)) for number, one in enumerate(wanted)]
        first = await rules.list(CITY, limit=2)
        rest = await rules.list(CITY, first.next_cursor)
        own = await rules.list(CITY, camera_id="K2")
        assert await rules.for_camera(NORTH, "K1", "33.74.01.1001") == ()
        return (
            added,
            await rules.for_camera(CENTRE, "K1", "33.74.01.1001"),
            await rules.in_force(CENTRE),
            [*first.rows, *rest.rows],
            own.rows,
        )

    added, watching, centre, listed, own = run(database_url, work)
    assert watching == (added[0], added[1]) and centre == (added[1], added[2])
    assert listed == added and own == (added[2],)


def test_an_area_whose_code_only_begins_alike_is_another() -> None:
    rule = RuleVersion("r", 1, "33.74.01", None, {}, "ani", 0.0)
    assert rules_of([rule], "K", "33.74.01.1001") == (rule,) and rules_of([rule], "K", "33.74.011") == ()
