"""The list of events is what a loop over them finds, page by page, within a scope; on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sewu.base.errors import BadInput
from sewu.base.incidents import EventFilter
from sewu.base.rights import Scope
from sewu.store.operations.database import Database
from sewu.store.operations.event_list import Events
from tests.respond.desks import CITY, NOW_S, camera, desk_over, event, run


def test_events_are_listed_newest_first_within_rights(database_url: str) -> None:
    sent = [event(n, f"K{n % 3}", after_s=float(n // 2), kind=("queue", "gathering")[n % 2], zone_id=None) for n in range(24)]

    codes = ("33.74.01.1001.01", "33.74.01.1001.01.003", "33.74.01.1001.012")
    small = [replace(camera(70 + number), area_code=code) for number, code in enumerate(codes)]

    async def work(database: Database) -> None:
        await desk_over(database, *(camera(number) for number in range(3))).take("s1", 1, sent, NOW_S + 60)
        kept = Events(database)
        newest = sorted(sent, key=lambda one: (one.started_at_s, one.id), reverse=True)

        async def pages(scope: Scope, wanted: EventFilter) -> list[str]:
            found: list[str] = []
            cursor = None
            while True:
                page = await kept.list(scope, wanted, cursor, 5)
                assert all(row.incident_id for row in page.rows)
                found += [row.event.id for row in page.rows]
                cursor = page.next_cursor
                if cursor is None:
                    return found

        assert await pages(CITY, EventFilter()) == [one.id for one in newest]
        police = Scope(("33.74.01.1001",), ("polisi",))
        assert await pages(police, EventFilter()) == [one.id for one in newest if one.kind == "gathering" and one.camera_id == "K0"]
        wanted = EventFilter(kinds=("queue",), camera_id="K1", started_from_s=NOW_S + 2, started_until_s=NOW_S + 9)
        expected = [o.id for o in newest if o.kind == "queue" and o.camera_id == "K1" and 2 <= o.started_at_s - NOW_S < 9]
        assert expected and await pages(CITY, wanted) == expected
        assert await pages(Scope(()), EventFilter()) == []
        await desk_over(database, *small).take("s1", 1, [event(90 + n, facts.id) for n, facts in enumerate(small)], NOW_S + 60)
        assert await pages(Scope(("33.74.01.1001.01",)), EventFilter()) == ["ev-91", "ev-90"]
        assert await pages(Scope(("33.74.01.1001.01", "33.74.01.1001.012")), EventFilter()) == ["ev-92", "ev-91", "ev-90"]
        with pytest.raises(BadInput):
            await kept.list(CITY, EventFilter(), "x")

    run(database_url, work)
