"""People, log-ins, tokens and kiosks on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sewu.base.errors import BadInput
from sewu.base.rights import Grant, Scope
from sewu.store.operations.database import Database
from sewu.store.operations.people import NewUser, People
from sewu.store.operations.sessions import Kiosks, Lifetimes, Sessions, Tokens, hashed
from tests.store.operations.test_database import run as whole

Work = Callable[[Database], Awaitable[Any]]
CITY = Scope(("33.74",))
NOW_S = 1_700_000_000.0


def test_a_person_has_exactly_the_rights_that_were_given_and_have_not_ended(database_url: str) -> None:
    async def work(database: Database) -> None:
        people = People(database)
        user = await people.add(NewUser("Sari", "Sari W"), NOW_S)
        assert user.login == "sari" and user.active(NOW_S) == ()
        await people.grant(user.id, Grant("rt", "33.74.01.1001", until_s=NOW_S + 10), "system", NOW_S)
        kept = await people.grant(user.id, Grant("agency_officer", "33.74", "dishub"), "system", NOW_S)
        found = await people.by_login("SARI")
        assert found is not None and len(found.active(NOW_S)) == 2
        assert found.active(NOW_S + 10) == (Grant("agency_officer", "33.74", "dishub"),)
        assert await people.revoke(user.id, kept.id) and not await people.revoke(user.id, kept.id)
        disabled = await people.change(user.id, is_disabled=True)
        assert disabled is not None and disabled.active(NOW_S) == ()

    whole(database_url, work)


def test_a_log_in_is_taken_once_and_a_grant_must_make_sense(database_url: str) -> None:
    async def work(database: Database) -> None:
        people = People(database)
        user = await people.add(NewUser("budi", "Budi"), NOW_S)
        with pytest.raises(BadInput):
            await people.add(NewUser("BUDI", "Other"), NOW_S)
        for grant in (Grant("operator", "33.74", "dishub"), Grant("agency_officer", "33.74"), Grant("king", "33.74")):  # type: ignore[arg-type]
            with pytest.raises(BadInput):
                await people.grant(user.id, grant, None, NOW_S)
        with pytest.raises(BadInput):
            await people.grant("usr_nobody", Grant("admin", "33.74"), None, NOW_S)
        with pytest.raises(BadInput):
            await people.change(user.id, password_hash="x")

    whole(database_url, work)


def test_people_are_paged_in_order_and_found_by_part_of_a_name(database_url: str) -> None:
    async def work(database: Database) -> None:
        people = People(database)
        for number in range(7):
            await people.add(NewUser(f"u{number}", f"Name 100%{number}"), NOW_S)
        first = await people.page(None, 4, None, CITY)
        rest = await people.page(first[-1].login, 4, None, CITY)
        assert [u.login for u in first + rest] == [f"u{n}" for n in range(7)]
        assert [u.login for u in await people.page(None, 9, "100%3", CITY)] == ["u3"]
        await people.grant((await people.page(None, 1, None, CITY))[0].id, Grant("rt", "33.74.02.1001"), None, NOW_S)
        assert [u.login for u in await people.page(None, 9, None, Scope(("33.74.02",)))] == ["u0"]
        assert await people.page(None, 9, None, Scope(("33.74.01",))) == [] == await people.page(None, 9, None, Scope())

    whole(database_url, work)


def test_each_failure_beyond_the_free_ones_doubles_the_wait_up_to_a_bound(database_url: str) -> None:
    async def work(database: Database) -> None:
        people = People(database)
        user = await people.add(NewUser("dewi", "Dewi", password_hash="h"), NOW_S)
        waits = [await people.failed(user.id, NOW_S, 3, 10.0, 35.0) for _ in range(6)]
        assert [w - NOW_S if w else 0 for w in waits] == [0, 0, 10, 20, 35, 35]
        await people.succeeded(user.id, NOW_S)
        kept = await people.credentials("dewi")
        assert kept is not None and (kept.failures, kept.locked_until_s, kept.password_hash) == (0, 0.0, "h")

    whole(database_url, work)


def test_a_totp_step_is_used_once(database_url: str) -> None:
    async def work(database: Database) -> None:
        people = People(database)
        user = await people.add(NewUser("tono", "Tono"), NOW_S)
        await people.set_totp(user.id, "sealed")
        used = [await people.use_totp_step(user.id, step) for step in (100, 100, 99, 101)]
        assert used == [True, False, False, True]

    whole(database_url, work)


def test_a_session_ends_by_idleness_by_age_and_by_logging_out(database_url: str) -> None:
    async def work(database: Database) -> None:
        sessions, user = Sessions(database, Lifetimes(100.0, 250.0)), await People(database).add(NewUser("a", "A"), NOW_S)
        begun, secret = await sessions.begin(user.id, NOW_S)
        assert await sessions.find(secret, NOW_S + 99) is not None
        assert await sessions.find(secret, NOW_S + 198) is not None, "use keeps it alive"
        assert await sessions.find(secret, NOW_S + 250) is None, "but not beyond its age"
        assert await sessions.find(begun.id, NOW_S) is None and await sessions.find(hashed(secret), NOW_S) is None
        _second, other = await sessions.begin(user.id, NOW_S)
        assert await sessions.find(other, NOW_S + 100) is None
        third, last = await sessions.begin(user.id, NOW_S)
        await sessions.narrow(third.id, "33.74.01", "traffic")
        found = await sessions.find(last, NOW_S)
        assert found is not None and (found.view_as, found.purpose) == ("33.74.01", "traffic")
        await sessions.end_all(user.id, but=third.id)
        assert await sessions.find(other, NOW_S) is None and await sessions.find(last, NOW_S) is not None
        await sessions.end(third.id)
        assert await sessions.find(last, NOW_S) is None

    whole(database_url, work)


def test_a_token_ends_when_revoked_by_its_owner_or_expired(database_url: str) -> None:
    async def work(database: Database) -> None:
        tokens, user = Tokens(database), await People(database).add(NewUser("a", "A"), NOW_S)
        token, secret = await tokens.create(user.id, "script", ("camera.read",), NOW_S, NOW_S + 50)
        found = await tokens.find(secret, NOW_S)
        assert found is not None and found.actions == ("camera.read",)
        assert await tokens.find(secret, NOW_S + 50) is None
        assert not await tokens.revoke("usr_other", token.id, NOW_S)
        assert await tokens.revoke(user.id, token.id, NOW_S) and await tokens.find(secret, NOW_S) is None
        assert [t.id for t in await tokens.of(user.id)] == [token.id]

    whole(database_url, work)


def test_a_kiosk_code_pairs_one_screen_once_and_goes_stale(database_url: str) -> None:
    async def work(database: Database) -> None:
        kiosks = Kiosks(database)
        _, code, secret = await kiosks.ask(NOW_S)
        waiting = await kiosks.find(secret, NOW_S)
        assert waiting is not None and waiting.area_code is None
        paired = await kiosks.pair(code.lower(), "Pos RT 3", "33.74.01.1001", "usr_1", NOW_S)
        assert paired is not None and paired.area_code == "33.74.01.1001"
        assert await kiosks.pair(code, "again", "33.74", "usr_2", NOW_S) is None
        assert [k.id for k in await kiosks.paired()] == [paired.id]
        _, late, unpaired = await kiosks.ask(NOW_S)
        assert await kiosks.pair(late, "late", "33.74", "usr_1", NOW_S + 601) is None
        assert await kiosks.find(unpaired, NOW_S + 601) is None
        assert await kiosks.end(paired.id, NOW_S) is not None and await kiosks.find(secret, NOW_S) is None

    whole(database_url, work)
