"""A call opens its incident with the cameras around it, and its link opens for whoever has the token, until its time; on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from sewu.base.errors import BadInput, NotFound
from sewu.base.records import Place
from sewu.base.rights import Scope
from sewu.base.words import Words
from sewu.respond.calls import MAX_SHARE_S, CallDesk, Caller, Near, figures, response_figures
from sewu.respond.handling import Handling
from sewu.respond.lifecycle import Step
from sewu.respond.policy import DeskSettings
from sewu.store.operations.calls import shares
from sewu.store.operations.database import Database
from sewu.store.operations.incidents import Incidents
from tests.respond.desks import CITY, CORNER, NOW_S, run

CAMERAS = (
    Near("K1", "Simpang 1", "33.74.01.1001", 40.0, 90.0, True, "up"),
    Near("K2", "Simpang 2", "33.74.01.1002", 90.0, 10.0, None, "down"),
)


def call_desk(database: Database) -> CallDesk:
    async def nearest(place: Place, scope: Scope, limit: int) -> Sequence[Near]:
        return [camera for camera in CAMERAS if scope.reaches(camera.area_code)][:limit]

    return CallDesk(database, DeskSettings(), nearest, Words("id"))


def test_a_call_opens_an_incident_with_its_nearest_cameras(database_url: str) -> None:
    async def work(database: Database) -> None:
        desk = call_desk(database)
        answer = await desk.take(CITY, "usr_1", Caller(CORNER, "Jl. Pemuda 1", "asap"), NOW_S)
        assert answer.cameras == CAMERAS and answer.incident.title == "Panggilan 112: Jl. Pemuda 1"
        assert answer.incident.area_code == "33.74.01.1001" and answer.incident.agency == "112"
        assert await Incidents(database).cameras(CITY, answer.incident.id) == ("K1", "K2")
        assert await desk.calls.list(CITY, NOW_S, NOW_S + 1) == (answer.call,)
        assert await desk.calls.list(Scope(("33.75",)), NOW_S, NOW_S + 1) == ()
        for wrong in (Caller(CORNER, area_code="33.75.01"), Caller(CORNER, "x" * 301)):
            with pytest.raises(BadInput):
                await desk.take(CITY, "usr_1", wrong, NOW_S)

    run(database_url, work)


def test_a_link_opens_its_incident_until_it_ends_and_its_token_is_not_kept(database_url: str) -> None:
    async def work(database: Database) -> None:
        desk = call_desk(database)
        answer = await desk.take(CITY, "usr_1", Caller(CORNER), NOW_S)
        share, token = await desk.share(CITY, "usr_1", answer.incident.id, NOW_S + 600, NOW_S)
        async with database.reading() as connection:
            (row,) = (await connection.execute(select(shares))).all()
        assert not any(token in str(value) for value in row)
        opened, incident = await desk.calls.opened(token, NOW_S + 10)
        assert opened.id == share.id and incident.id == answer.incident.id
        assert (await desk.calls.shares(CITY, incident.id))[0].opened_count == 1
        for wrong, at_s in ((token, NOW_S + 600), (token[:-1], NOW_S + 10), ("", NOW_S + 10)):
            with pytest.raises(NotFound):
                await desk.calls.opened(wrong, at_s)
        with pytest.raises(NotFound):
            await desk.calls.revoke(Scope(("33.75",)), share.id, NOW_S + 20)
        await desk.calls.revoke(CITY, share.id, NOW_S + 20)
        with pytest.raises(NotFound):
            await desk.calls.opened(token, NOW_S + 21)
        for until_s in (NOW_S, NOW_S + MAX_SHARE_S + 1):
            with pytest.raises(BadInput):
                await desk.share(CITY, "usr_1", answer.incident.id, until_s, NOW_S)
        with pytest.raises(NotFound):
            await desk.share(Scope(("33.75",)), "usr_1", answer.incident.id, NOW_S + 600, NOW_S)

    run(database_url, work)


def test_response_times_are_counted_from_the_call(database_url: str) -> None:
    async def work(database: Database) -> None:
        desk, handling = call_desk(database), Handling(database, DeskSettings())
        first = (await desk.take(CITY, "usr_1", Caller(CORNER), NOW_S)).incident.id
        await desk.take(CITY, "usr_1", Caller(CORNER), NOW_S + 5)
        for action, after_s in (("acknowledge", 30.0), ("start", 90.0), ("resolve", 700.0)):
            await handling.step(CITY, first, Step(action, "usr_1", NOW_S + after_s))  # type: ignore[arg-type]
        found = response_figures(await desk.calls.responses(CITY, NOW_S, NOW_S + 60))
        assert {name: row.median_s for name, row in found.items()} == {"acknowledged": 30.0, "started": 90.0, "resolved": 700.0}
        assert {row.count for row in found.values()} == {1}

    run(database_url, work)


@given(st.lists(st.none() | st.floats(0, 1e6), max_size=30))
def test_figures_lie_among_the_times_that_are_known(times_s: list[float | None]) -> None:
    found, known = figures(times_s), [time_s for time_s in times_s if time_s is not None]
    assert found.count == len(known) and len(fields(found)) == 3
    if known:
        assert found.median_s is not None and found.p90_s in known
        assert min(known) <= found.median_s <= max(known) and found.p90_s >= found.median_s - 1e-6
