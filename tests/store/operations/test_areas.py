"""The area tree on both databases: idempotent, within rights, boundaries real before approximate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sewu.base.errors import BadInput
from sewu.base.places import Area, Boundary, real_areas
from sewu.base.records import Place
from sewu.base.rights import Scope
from sewu.store.operations.areas import AreaFilter, Areas
from sewu.store.operations.database import Database
from tests.store.operations.test_database import run

CITY = Scope(("33.74",))
SQUARE = {"type": "Polygon", "coordinates": [[[110.41, -6.99], [110.42, -6.99], [110.42, -6.98], [110.41, -6.98], [110.41, -6.99]]]}


def test_areas_are_stored_once_and_changes_reported(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        areas = Areas(database)
        first = await areas.put(real_areas()[::-1], 1.0)
        at_first = await database.newest_change()
        again = await areas.put(real_areas(), 2.0)
        renamed = await areas.put([replace(real_areas()[2], name="Miroto Baru")], 3.0)
        return first, at_first, again, renamed, await areas.get(CITY, real_areas()[2].code), await areas.every(CITY)

    first, at_first, again, renamed, read, every = run(database_url, work)
    assert len(first) == at_first == len(real_areas()) == len(every)
    assert again == () and renamed == ("33.74.01.1001",) and read.name == "Miroto Baru"
    assert {area.code: area for area in every}["33.74.02"] == {area.code: area for area in real_areas()}["33.74.02"]


def test_a_list_is_paged_filtered_and_within_the_scope(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        areas = Areas(database)
        await areas.put(real_areas(), 1.0)
        codes: list[str] = []
        cursor: str | None = None
        while True:
            page = await areas.list(Scope(("33.74.01", "33.74.02")), AreaFilter("kelurahan"), cursor, limit=7)
            codes += [area.code for area in page.rows]
            if (cursor := page.next_cursor) is None:
                break
        named = await areas.list(CITY, AreaFilter(text="miro"))
        below = await areas.list(CITY, AreaFilter(parent_code="33.74"))
        hidden = await areas.get(Scope(("33.74.02",)), "33.74.01.1001")
        with pytest.raises(BadInput):
            await areas.list(CITY, AreaFilter(), "broken")
        return codes, named.rows, len(below.rows), hidden, await areas.every(Scope())

    codes, named, below, hidden, nothing = run(database_url, work)
    assert codes == [a.code for a in real_areas() if a.level == "kelurahan" and a.code.startswith(("33.74.01.", "33.74.02."))]
    assert [area.name for area in named] == ["Miroto"]
    assert below == 16 and hidden is None and nothing == ()


def test_an_approximate_boundary_never_replaces_a_real_one(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        areas = Areas(database)
        await areas.put(real_areas(), 1.0)
        drawn = Boundary("33.74.01.1001", SQUARE, True)
        counts = [
            await areas.put_boundaries(rows, 2.0)
            for rows in ([drawn, Boundary("33.74.99.1001", SQUARE, False)], [drawn], [replace(drawn, is_approximate=False)], [drawn])
        ]
        return counts, await areas.boundaries(CITY, "kelurahan"), await areas.boundaries(Scope(("33.74.02",)), "kelurahan")

    counts, known, elsewhere = run(database_url, work)
    assert [len(count) for count in counts] == [1, 0, 1, 0]
    assert [(b.area_code, b.is_approximate, dict(b.geometry)) for b in known] == [("33.74.01.1001", False, SQUARE)]
    assert elsewhere == ()


def test_a_place_belongs_to_the_boundary_around_it_else_to_the_nearest_centroid(database_url: str) -> None:
    async def work(database: Database) -> list[Area | None]:
        areas = Areas(database)
        await areas.put(real_areas(), 1.0)
        await areas.put_boundaries([Boundary("33.74.16.1001", SQUARE, False)], 2.0)
        inside, near, far = Place(-6.985, 110.415), Place(-6.98371, 110.42169), Place(-7.5, 110.4)
        return [await areas.at(scope, place) for scope in (CITY, Scope(("33.74.02",))) for place in (inside, near, far)]

    found = [area and area.code for area in run(database_url, work)]
    assert found[0] == "33.74.16.1001" and found[1] is not None and found[1].startswith("33.74.01.") and found[2] is None
    assert found[3:] == [None, None, None]
