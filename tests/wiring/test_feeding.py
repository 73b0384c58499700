"""What a watch writes into its folder becomes incidents and conditions, once, whatever is killed in between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.clock import ManualClock
from sewu.base.errors import SewuError
from sewu.base.incidents import CameraFacts, IncidentFilter
from sewu.base.records import Event
from sewu.base.rights import Scope
from sewu.base.words import Words
from sewu.respond.desk import Desk
from sewu.respond.policy import DeskSettings
from sewu.store.checkpoints import Checkpoints
from sewu.store.events import EventStore
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.positions import Positions
from sewu.store.operations.states import States
from sewu.store.tail import epoch_of, event_of, read_events
from sewu.wiring.feeding import WatchFeeder
from sewu.wiring.reporting import read_report, write_report
from sewu.workers.status import ShardStatus
from tests.show.service.place import CITY, camera, event
from tests.store.operations.test_database import run

SCOPE = Scope((CITY,))


def feeder(database: Database, folder: Path, clock: ManualClock) -> WatchFeeder:
    async def locate(ids: Any) -> dict[str, CameraFacts]:
        return {camera_id: CameraFacts(camera_id, camera_id, "33.74.01") for camera_id in ids}

    desk = Desk(database, DeskSettings(), locate, Words("en"))
    return WatchFeeder(folder, desk, States(database), Positions(database), clock)


async def incidents(database: Database) -> list[tuple[str, int]]:
    page = await Incidents(database).list(SCOPE, IncidentFilter())
    return sorted((row.kind, row.event_count) for row in page.rows)


def test_events_of_all_shards_become_incidents_once(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        folder, clock = tmp_path / "watch", ManualClock()
        stores = [EventStore(folder / f"shard-{n}") for n in range(2)]
        stores[0].add([event(1, "C1"), event(2, "C2", "rubbish")])
        stores[1].add([event(3, "C3", "loitering")])
        assert await feeder(database, folder, clock).events() == 3
        stores[0].add([replace(event(1, "C1"), phase="end", at_s=event(1, "C1").at_s + 60, ended_at_s=event(1, "C1").at_s + 60)])
        assert await feeder(database, folder, clock).events() == 1, "another process goes on where this one was"
        assert await feeder(database, folder, clock).events() == 0
        assert await incidents(database) == [("illegal_parking", 1), ("loitering", 1), ("rubbish", 1)]
        for store in stores:
            store.close()

    run(database_url, work)


def test_a_service_killed_before_it_saved_its_place_takes_nothing_twice(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        folder, clock = tmp_path / "watch", ManualClock()
        store = EventStore(folder / "shard-0")
        store.add([event(n, "C1") for n in range(5)])
        await feeder(database, folder, clock).events()
        before = await incidents(database)
        await Positions(database).save(str((folder / "shard-0").absolute()), 0, 0.0)
        assert await feeder(database, folder, clock).events() == 5
        assert await incidents(database) == before
        store.close()

    run(database_url, work)


def test_conditions_follow_the_report_and_a_stale_one_says_nothing(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        folder, clock = tmp_path / "watch", ManualClock()
        await Cameras(database).put(SCOPE, [camera(f"C{n}", "33.74.01") for n in range(1, 4)], clock.now_s())
        store = EventStore(folder / "shard-0")
        store.add([event(1, "C2", "camera_dark")])
        status = ShardStatus(0, 1, clock.now_s(), down={"C3": "unreachable"})
        write_report(folder, [status], {0: {"cameras": [{"id": "C1"}, {"id": "C2"}, {"id": "C3"}]}})
        one = feeder(database, folder, clock)
        await one.conditions()
        found = {
            row.camera.id: (row.condition, row.state and row.state.reason)
            for row in await Cameras(database).some(SCOPE, ["C1", "C2", "C3"])
        }
        assert found == {"C1": ("up", None), "C2": ("degraded", "dark"), "C3": ("down", "unreachable")}
        ended = replace(event(1, "C2", "camera_dark"), phase="end", at_s=event(1, "C2").at_s + 9, ended_at_s=event(1, "C2").at_s + 9)
        store.add([ended])
        await one.events()
        await one.conditions()
        assert (await Cameras(database).some(SCOPE, ["C2"]))[0].condition == "up"
        clock.advance(60)
        assert await one.conditions() == 0
        store.close()

    run(database_url, work)


def test_a_replaced_worker_is_not_heard_any_more(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        folder, clock = tmp_path / "watch", ManualClock()
        folder.mkdir()
        kept = Checkpoints(folder / "states.sqlite")
        kept.save(kept.next_epoch(), {"C1": {}}, 0.0)
        kept.save(kept.next_epoch(), {"C1": {}}, 0.0)
        kept.close()
        assert epoch_of(folder / "states.sqlite") == 2
        store = EventStore(folder / "shard-0")
        store.add([event(1, "C1")])
        await feeder(database, folder, clock).events()
        (folder / "states.sqlite").unlink()
        store.add([event(2, "C9", "rubbish")])
        await feeder(database, folder, clock).events()
        assert await incidents(database) == [("illegal_parking", 1)]
        store.close()

    run(database_url, work)


def test_half_a_line_waits_for_its_rest(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    store.add([event(1, "C1"), event(2, "C2")])
    store.close()
    whole = (tmp_path / "events.jsonl").read_bytes()
    path = tmp_path / "cut.jsonl"
    for cut in range(0, len(whole), 37):
        path.write_bytes(whole[:cut])
        first = read_events(path, 0)
        path.write_bytes(whole)
        rest = read_events(path, first.position)
        assert [e.id for e in (*first.events, *rest.events)] == [event(1, "C1").id, event(2, "C2").id]
    path.write_bytes(b"garbage\n" + whole)
    found = read_events(path, 0)
    assert (len(found.events), found.faulty) == (2, 1)
    assert read_events(path, 10**9).position == len(whole) + 8, "a file begun anew is read from its start"
    assert read_events(tmp_path / "none", 5).position == 5


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(
        lambda v: repr(v).encode()
    )
)
def test_any_line_is_an_event_or_nothing(line: bytes) -> None:
    found = event_of(line)
    assert found is None or isinstance(found, Event)


@given(
    st.sampled_from(tuple(Event.__dataclass_fields__)), st.none() | st.text(max_size=3) | st.floats() | st.lists(st.integers(), max_size=2)
)
def test_a_line_with_one_wrong_value_is_refused_or_sound(name: str, value: object) -> None:
    import json
    from dataclasses import asdict

    found = event_of(json.dumps(asdict(event(1, "C1")) | {name: value}).encode())
    assert found is None or abs(found.at_s) < 1e15


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"schema": 2, "shards": []}', '{"schema": 1, "shards": [{}]}', '{"schema": 1, "shards": 3}']
)
def test_a_report_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text)
    with pytest.raises(SewuError):
        read_report(tmp_path)
    assert read_report(tmp_path / "none") == ()
