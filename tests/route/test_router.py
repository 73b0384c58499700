"""Every word the desk leaves reaches every channel that wants it, at least once, whatever fails in between; on both databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.clock import SystemClock
from sewu.base.errors import BadInput, Conflict, NotFound, Refused, Retry
from sewu.base.incidents import Agency, Incident
from sewu.base.rights import Scope
from sewu.base.routing import CHANNEL_KINDS, Channel, Duty, Message, Ownership
from sewu.route.ownership import owns, recipients
from sewu.route.router import FIRST_WAIT_S, GIVE_UP_AFTER_S, LEASE_S, LONGEST_WAIT_S, wait_s
from sewu.route.senders import senders
from sewu.store.operations.agencies import Agencies
from sewu.store.operations.database import Database
from sewu.store.operations.dispatches import Channels, Dispatches
from tests.respond.desks import CITY, NOW_S, run
from tests.route.outboxes import VAULT, router, told, way

WIB = ZoneInfo("Asia/Jakarta")


class Peer:
    """The other side, that may be down, or refuse."""

    def __init__(self) -> None:
        self.has: list[str] = []
        self.tries = 0
        self.failure: Exception | None = None

    async def send(self, message: Message, channel: Channel, secret: str | None) -> None:
        self.tries += 1
        if self.failure is not None:
            raise self.failure
        self.has.append(message.id)


def test_a_channel_that_is_down_loses_nothing_and_each_message_arrives_once(database_url: str) -> None:
    async def work(database: Database) -> None:
        await told(database, (way("webhook"), "s"), (way("mqtt"), None), (way("apprise", "polisi"), "s"), incidents=5)
        down, up = Peer(), Peer()
        down.failure = Retry("away", "wait")
        post = router(database, {"webhook": down, "mqtt": up, "apprise": up})
        assert await post.route(NOW_S) == 10 and await post.route(NOW_S) == 0
        first = await post.send(NOW_S)
        assert (first.sent, first.postponed, first.given_up) == (5, 5, 0)
        assert down.tries == 1  # the rest of a dead channel's messages does not try its luck
        at_s = NOW_S
        for _ in range(6):
            at_s += LONGEST_WAIT_S
            await router(database, {"webhook": down, "mqtt": up}).send(at_s)
        down.failure = None
        again = router(database, {"webhook": down, "mqtt": up})  # a restarted service
        await again.send(at_s + LONGEST_WAIT_S * 2)
        assert len(down.has) == len(set(down.has)) == 5 and len(up.has) == 5
        page = await Dispatches(database).list(CITY)
        assert {row.state for row in page.rows} == {"sent"} and len(page.rows) == 10

    run(database_url, work)


def test_what_is_refused_or_too_old_becomes_a_dead_letter_that_can_be_sent_again(database_url: str) -> None:
    async def work(database: Database) -> None:
        (incident_id,) = await told(database, (way("webhook"), "s"))
        peer, outbox = Peer(), Dispatches(database)
        peer.failure = Refused("answered 401.", "Mend it.")
        post = router(database, {"webhook": peer})
        await post.route(NOW_S)
        assert (await post.send(NOW_S)).given_up == 1
        (dead,) = (await outbox.list(CITY, "dead")).rows
        assert dead.error == "answered 401. Mend it." and dead.attempts == 1
        with pytest.raises(NotFound):
            await outbox.revive(Scope(("33.75",)), dead.id, NOW_S + 9)
        await outbox.revive(Scope(("33.74",), ("dishub",)), dead.id, NOW_S + 9)
        peer.failure = Retry("away", "wait")
        assert (await post.send(NOW_S + 10)).postponed == 1
        assert (await post.send(NOW_S + 10 + GIVE_UP_AFTER_S)).given_up == 1
        await outbox.revive(CITY, dead.id, NOW_S + 2 * GIVE_UP_AFTER_S)
        peer.failure = None
        assert (await post.send(NOW_S + 2 * GIVE_UP_AFTER_S)).sent == 1
        assert [row.id for row in await outbox.of_incident(CITY, incident_id)] == peer.has

    run(database_url, work)


def test_a_sender_that_dies_between_sending_and_noting_sends_again_under_the_same_id(database_url: str) -> None:
    async def work(database: Database) -> None:
        await told(database, (way("webhook"), "s"))
        peer = Peer()
        await router(database, {"webhook": peer}).route(NOW_S)
        leased = await Dispatches(database).lease(NOW_S, LEASE_S, 10)
        for row, channel in leased:
            await peer.send(row.message, channel, None)  # and then it is killed
        assert (await router(database, {"webhook": peer}).send(NOW_S + 1)).sent == 0  # still leased
        assert (await router(database, {"webhook": peer}).send(NOW_S + LEASE_S)).sent == 1
        assert len(peer.has) == 2 and len(set(peer.has)) == 1

    run(database_url, work)


def test_owners_of_kind_area_and_hour_are_told_besides_the_incidents_own_agency(database_url: str) -> None:
    async def work(database: Database) -> None:
        await told(database, (way("inapp"), None), (way("webhook", "polisi"), "s"), (way("mqtt", "bpbd"), None))
        agencies = Agencies(database)
        await agencies.own(Ownership("own_1", "polisi", "33.74.01", ("illegal_parking",)), NOW_S)
        await agencies.own(Ownership("own_2", "bpbd", "33.74.02", ("illegal_parking",)), NOW_S)
        with pytest.raises(BadInput):
            await agencies.own(Ownership("own_3", "nobody", "33.74"), NOW_S)
        peer = Peer()
        post = router(database, {"inapp": peer, "webhook": peer, "mqtt": peer})
        assert await post.route(NOW_S) == 2
        seen = (await Dispatches(database).list(Scope(("33.74.01",), ("polisi",)))).rows
        assert [row.agency for row in seen] == ["polisi"]
        assert seen[0].message.title == "[sedang] Parkir liar: Simpang 1"
        assert seen[0].message.link == f"https://sewu.example/incidents/{seen[0].incident_id}"
        assert (await Dispatches(database).list(Scope(("33.74.02",), ("polisi",)))).rows == ()
        await agencies.disown(CITY, "own_1", NOW_S)
        assert [row.id for row in await agencies.ownerships(CITY)] == ["own_2"]

    run(database_url, work)


def test_a_channels_secret_is_encrypted_and_only_its_agency_may_change_it(database_url: str) -> None:
    async def work(database: Database) -> None:
        await told(database, (way("webhook"), "whsec_rahasia"))
        channels = Channels(database, VAULT)
        (listed,) = await channels.list(CITY)
        assert "rahasia" not in repr(listed) and await channels.secret(listed.id) == "whsec_rahasia"
        await channels.put(CITY, replace(listed, name="Baru"))
        assert await channels.secret(listed.id) == "whsec_rahasia"
        police = Scope(("33.74",), ("polisi",))
        assert await channels.list(police) == ()
        for wrong in (replace(listed, agency="polisi"), listed):
            with pytest.raises(NotFound):
                await channels.put(police, wrong, "mine")
        with pytest.raises(NotFound):
            await channels.remove(police, listed.id)
        await channels.remove(CITY, listed.id)
        assert await channels.secret(listed.id) is None

    run(database_url, work)


def test_the_roster_refuses_double_duty_and_other_agencies(database_url: str) -> None:
    async def work(database: Database) -> None:
        agencies = Agencies(database)
        assert await agencies.seed() == 7 and await agencies.seed() == 0
        day = Duty("dut_1", "dishub", "usr_1", NOW_S, NOW_S + 100)
        await agencies.plan(CITY, day, NOW_S)
        with pytest.raises(Conflict):
            await agencies.plan(CITY, replace(day, id="dut_2", from_s=NOW_S + 99, until_s=NOW_S + 200), NOW_S)
        await agencies.plan(CITY, replace(day, id="dut_3", from_s=NOW_S + 100, until_s=NOW_S + 200), NOW_S)
        with pytest.raises(NotFound):
            await agencies.plan(Scope(("33.74",), ("polisi",)), replace(day, id="dut_4", user_id="usr_2"), NOW_S)
        assert [row.id for row in await agencies.roster(CITY, NOW_S, NOW_S + 100)] == ["dut_1"]
        assert await agencies.roster(Scope(("33.74",), ("polisi",)), NOW_S, NOW_S + 100) == ()
        await agencies.cancel(CITY, "dut_1")
        assert [row.id for row in await agencies.roster(CITY, NOW_S, NOW_S + 900)] == ["dut_3"]

    run(database_url, work)


@given(st.integers(0, 40), st.text(min_size=1, max_size=9))
def test_waiting_grows_and_is_bounded(attempts: int, id_: str) -> None:
    assert FIRST_WAIT_S <= wait_s(id_, attempts) <= LONGEST_WAIT_S * 1.25
    assert wait_s(id_, attempts + 3) >= wait_s(id_, attempts) * 1.0 or wait_s(id_, attempts) >= LONGEST_WAIT_S


@given(st.integers(0, 7 * 1440 - 1), st.integers(0, 1439), st.integers(1, 1440), st.sets(st.integers(0, 6), min_size=1))
def test_hours_over_midnight_belong_to_the_day_they_began_on(minute: int, begin: int, end: int, days: set[int]) -> None:
    if begin == end:
        return
    row = Ownership("o", "polisi", "33.74", (), tuple(days), begin, end)
    monday_s = 1_699_808_400.0  # Monday 2023-11-13 00:00 in Semarang
    covered = {(day * 1440 + step) % 10080 for day in days for step in range(begin, end if begin < end else end + 1440)}
    assert owns(row, "queue", "33.74.01", monday_s + 60 * minute, WIB) == (minute in covered)


def test_the_incidents_own_agency_is_always_told_first() -> None:
    one = Incident("inc_1", "queue", "low", "open", "t", 0.0, 0.0, area_code="33.74.01", agency="dishub")
    rows = [Ownership("a", "polisi", "33.74"), Ownership("b", "bpbd", "33.74", ("flood",)), Ownership("c", "dishub", "33.74")]
    assert recipients(one, rows, 0.0, WIB) == ("dishub", "polisi")
    assert recipients(replace(one, area_code=None), rows, 0.0, WIB) == ("dishub",)


def test_every_kind_of_channel_has_a_sender() -> None:
    assert set(senders(SystemClock())) == set(CHANNEL_KINDS)


def test_one_channels_library_that_breaks_does_not_keep_the_others_back(database_url: str) -> None:
    async def work(database: Database) -> None:
        await told(database, (way("mqtt"), None), (way("webhook"), "s"), incidents=2)
        broken, well = Peer(), Peer()
        broken.failure = ZeroDivisionError()
        post = router(database, {"mqtt": broken, "webhook": well})
        await post.route(NOW_S)
        done = await post.send(NOW_S)
        assert (done.sent, done.given_up) == (2, 2) and len(well.has) == 2

    run(database_url, work)


@pytest.mark.parametrize(("code", "name"), [("a/b", "x"), ("#", "x"), ("", "x"), ("Dishub", "x"), ("dishub", " "), ("x" * 41, "x")])
def test_an_agencys_code_is_a_plain_word(tmp_path: Path, code: str, name: str) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(BadInput):
            await Agencies(database).put(Agency(code, name), NOW_S)
        await Agencies(database).put(Agency("damkar", "Pemadam"), NOW_S)
        await Agencies(database).put(Agency("damkar", "Damkar"), NOW_S)
        assert await Agencies(database).list() == (Agency("damkar", "Damkar"),)

    run(f"sqlite:///{tmp_path / 'sewu.sqlite'}", work)
