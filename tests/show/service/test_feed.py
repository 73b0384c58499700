"""Changes reach every screen within its rights, and none is lost on the way."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sewu.base.rights import Scope
from sewu.show.service.feed import QUEUED, Feed, Index, Listener, Rights, message
from sewu.store.operations.database import Database
from sewu.store.operations.outbox import Change, Outbox
from tests.store.operations.test_database import run

CODES = ("33.74", "33.74.01", "33.74.01.1001", "33.74.011", "33.74.02", "33.74.02.1002")
AGENCIES = ("dishub", "polisi")
CITY: Rights = (("incident", Scope(("33.74",))), ("camera", Scope(("33.74",))))
VILLAGE: Rights = (("incident", Scope(("33.74.01",), ("dishub",))),)


def change(sequence: int, topic: str = "incident", area: str | None = "33.74.01", agency: str | None = "dishub") -> Change:
    return Change(sequence, float(sequence), topic, f"s{sequence}", area, agency)


def row(number: int, area: str | None = "33.74.01", agency: str | None = "dishub", topic: str = "incident") -> dict[str, Any]:
    return {"at_s": float(number), "topic": topic, "subject_id": f"s{number}", "area_code": area, "agency": agency}


def read(text: bytes) -> tuple[int, list[str]]:
    fields = dict(line.split(": ", 1) for line in text.decode().strip().splitlines())
    return int(fields["id"]), [entry["id"] for entry in json.loads(fields.get("data", "[]"))]


scopes = st.builds(
    Scope,
    st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True).map(tuple),
    st.none() | st.lists(st.sampled_from(AGENCIES), min_size=1, max_size=2, unique=True).map(tuple),
)


@given(st.lists(scopes, max_size=5), st.sampled_from(CODES), st.sampled_from(AGENCIES), st.sampled_from(["incident", "camera"]))
def test_the_index_finds_exactly_who_may_hear(some: list[Scope], area: str, agency: str, topic: str) -> None:
    groups: list[Rights] = [(("incident", scope), ("camera", scope)) for scope in some]
    found = Index(groups).of(change(1, topic, area, None if topic == "camera" else agency))
    for rights in groups:
        scope = rights[0][1]
        wanted = scope.reaches(area) and (topic == "camera" or scope.agencies is None or agency in scope.agencies)
        assert (rights in found) == wanted


def test_what_has_no_area_is_only_for_who_reaches_the_city() -> None:
    assert Index([CITY, VILLAGE]).of(change(1, "incident", None)) == {CITY}


def test_a_topic_without_a_right_is_told_to_nobody() -> None:
    assert Index([CITY, VILLAGE]).of(change(1, "secret-topic")) == set()


def test_of_each_thing_only_its_newest_change_is_told() -> None:
    twice = [change(1), Change(2, 9.0, "incident", "s1", "33.74.01", "dishub")]
    text = message(twice, 2).decode()
    assert text.count('"id"') == 1 and '"at_s":9.0' in text and text.startswith("id: 2\n")
    assert message([], 7) == b"id: 7\n\n"


def test_a_listener_that_comes_and_goes_loses_nothing(database_url: str) -> None:
    async def work(database: Database) -> tuple[set[str], int]:
        feed = Feed(Outbox(database))
        heard: set[str] = set()

        async def write() -> None:
            for number in range(0, 120, 3):
                async with database.writing() as connection:
                    await database.record(connection, [row(number + i) for i in range(3)])
                await asyncio.sleep(0)

        async def step() -> None:
            while True:
                await feed.step()
                await asyncio.sleep(0.002)

        async def listen() -> None:
            seen = 0
            while len(heard) < 120:
                listener = feed.listen(VILLAGE)
                try:
                    texts, complete = await feed.past(VILLAGE, seen, listener.position)
                    assert complete
                    for _ in range(2):
                        for text in texts:
                            seen, ids = read(text)
                            heard.update(ids)
                        try:
                            fresh: bytes | None = await asyncio.wait_for(listener.next(), 0.05)
                            texts = [fresh] if fresh else []
                        except TimeoutError:
                            texts = []
                finally:
                    feed.leave(listener)

        stepping = asyncio.create_task(step())
        await asyncio.wait_for(asyncio.gather(write(), listen()), 50)
        stepping.cancel()
        return heard, len(feed)

    heard, left = run(database_url, work)
    assert heard == {f"s{n}" for n in range(120)} and left == 0


def test_a_slow_listener_is_let_go_and_told_the_rest_when_it_comes_back(database_url: str) -> None:
    async def work(database: Database) -> None:
        feed = Feed(Outbox(database))
        slow, fine = feed.listen(CITY), feed.listen(VILLAGE)
        heard: list[str] = []
        for number in range(QUEUED + 5):
            async with database.writing() as connection:
                await database.record(connection, [row(number)])
            await feed.step()
            heard += read(await fine.next() or b"")[1]
        assert len(heard) == QUEUED + 5 and slow.gone and not fine.gone and feed.let_go == 1
        last, got = 0, []
        while (text := await slow.next()) is not None:
            last, ids = read(text)
            got += ids
        assert got == heard[:QUEUED]
        texts, complete = await feed.past(CITY, last, feed.position)
        assert complete and [i for text in texts for i in read(text)[1]] == heard[QUEUED:]

    run(database_url, work)


def test_who_comes_back_after_the_outbox_was_emptied_is_told_so() -> None:
    class Emptied:
        async def ends(self) -> tuple[int, int]:
            return 50, 60

        async def after(self, sequence: int, limit: int, up_to: int | None = None) -> list[Change]:
            return [change(n) for n in range(max(50, sequence + 1), (up_to or 60) + 1)][:limit]

    async def work() -> list[bool]:
        feed = Feed(Emptied())  # type: ignore[arg-type]
        return [(await feed.past(CITY, after, 60))[1] for after in (10, 48, 49, 60)]

    assert asyncio.run(work()) == [False, False, True, True]


def test_a_listener_ends_after_what_is_queued() -> None:
    async def work() -> list[bytes | None]:
        listener = Listener(CITY, 0)
        listener.offer(b"a")
        listener.let_go()
        listener.let_go()
        return [await listener.next(), await listener.next()]

    assert asyncio.run(work()) == [b"a", None]
