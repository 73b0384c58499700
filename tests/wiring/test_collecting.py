"""What the watch photographed becomes evidence of the right incident, once its file is complete."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sewu.base.clock import ManualClock
from sewu.base.incidents import IncidentFilter
from sewu.respond.evidence import Blobs, EvidenceRoom
from sewu.store.events import EventStore
from sewu.store.operations.database import Database
from sewu.store.operations.exhibits import LATER_S, TRIES, ExhibitList
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.positions import Positions
from sewu.store.operations.states import States
from sewu.wiring.collecting import COMPLETE_AFTER_S, Collector, exhibits_of
from sewu.wiring.feeding import WatchFeeder
from tests.show.service.place import event
from tests.store.operations.test_database import run
from tests.wiring.test_feeding import SCOPE, feeder


def collector(database: Database, folder: Path, clock: ManualClock) -> Collector:
    room = EvidenceRoom(database, Blobs(folder), Ed25519PrivateKey.generate(), None)
    return Collector(room, ExhibitList(database), SCOPE, clock)


def test_a_still_is_kept_once_and_a_clip_when_it_is_complete(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        watch, clock = tmp_path / "watch", ManualClock()
        store = EventStore(watch / "shard-0")
        shown = replace(event(1, "C1"), labels={"still": "evidence/a.jpg", "clip": "evidence/a.mp4"})
        store.add([shown])
        (watch / "evidence").mkdir()
        (watch / "evidence" / "a.jpg").write_bytes(b"\xff\xd8\xff still")
        plain = feeder(database, watch, clock)
        one = WatchFeeder(watch, plain._desk, States(database), Positions(database), clock, ExhibitList(database))
        await one.events()
        collecting = collector(database, tmp_path / "kept", clock)
        assert await collecting.collect() == 0, "nothing is complete yet"
        clock.advance(COMPLETE_AFTER_S["still"])
        assert await collecting.collect() == 1 and await collecting.collect() == 0
        (watch / "evidence" / "a.mp4").write_bytes(b"clip")
        await Positions(database).save(str((watch / "shard-0").absolute()), 0, 0.0)
        await one.events()
        clock.advance(COMPLETE_AFTER_S["clip"])
        assert await collector(database, tmp_path / "kept", clock).collect() == 1, "another process goes on"
        incident = (await Incidents(database).list(SCOPE, IncidentFilter())).rows[0]
        items = await collecting._room.kept.items(SCOPE, incident.id)
        assert sorted((item.kind, item.camera_id) for item in items) == [("clip", "C1"), ("still", "C1")]
        store.close()

    run(database_url, work)


def test_a_file_that_never_comes_is_given_up(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        watch, clock = tmp_path / "watch", ManualClock()
        store = EventStore(watch / "shard-0")
        store.add([replace(event(1, "C1"), labels={"still": "evidence/none.jpg"})])
        plain = feeder(database, watch, clock)
        await WatchFeeder(watch, plain._desk, States(database), Positions(database), clock, ExhibitList(database)).events()
        collecting = collector(database, tmp_path / "kept", clock)
        for _ in range(TRIES + 1):
            clock.advance(LATER_S + 1)
            assert await collecting.collect() == 0
        assert await ExhibitList(database).due(SCOPE, clock.now_s() + 1e6) == []
        store.close()

    run(database_url, work)


def test_names_that_lead_out_of_the_folder_are_left_alone(tmp_path: Path) -> None:
    names = ("../../etc/passwd.jpg", "/etc/shadow.jpg", "evidence/x.exe", "", "evidence/ok.jpg")
    events = [replace(event(n, "C1"), labels={"still": name}) for n, name in enumerate(names)]
    assert [Path(found.path).name for found in exhibits_of(events, tmp_path, 0.0)] == ["ok.jpg"]
