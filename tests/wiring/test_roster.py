"""A worker's list changes under way: what is the same is left alone, what changed keeps its clocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from sewu.base.clock import ManualClock
from sewu.base.records import Detections, Packet
from sewu.connect.ring import Ring
from sewu.connect.rtsp.auth import Login
from sewu.cull.schedule import Schedule
from sewu.measure import ANALYTICS
from sewu.notice import RuleSet
from sewu.simulate.painted.street import Street
from sewu.store.checkpoints import Checkpoints
from sewu.wiring.flows import rules_from
from sewu.wiring.roster import Roster, Row, followed_kinds
from sewu.wiring.zoning import Document, ZonesFolder
from sewu.workers.looking import Looker
from sewu.workers.shard import Shard
from tests.fakes import blank
from tests.test_flow import OneCar


class Connections:
    """Notes who is connected how."""

    def __init__(self) -> None:
        self.added: list[tuple[str, str, Login | None]] = []
        self.removed: list[str] = []

    def add(self, camera_id: str, url: str, login: Login | None = None) -> None:
        self.added.append((camera_id, url, login))

    def remove(self, camera_id: str) -> None:
        self.removed.append(camera_id)

    def poll(self) -> list[tuple[str, list[Packet]]]:
        return []


class World:
    def __init__(self, folder: Path, rules: RuleSet | None = None) -> None:
        self.connections = cast(Any, Connections())
        self.shard = Shard(self.connections, Ring(), Looker(OneCar(), None, (64, 36)), Schedule(0.9), [], ManualClock())
        self.checkpoints = Checkpoints(folder / "states.sqlite")
        self.roster = Roster(self.shard, self.connections, self.checkpoints, rules or RuleSet(), 2.0, 20.0, 5.0)

    def look(self, camera_id: str, at_s: float) -> None:
        flow = self.shard.watched[camera_id].flow
        flow.look(blank(at_s, size_px=(64, 36), camera_id=camera_id), Detections.none(camera_id, at_s))

    def watched_s(self, camera_id: str) -> float:
        """How long the camera was watched, by the state that would be saved."""
        now_s: float = self.shard.states([camera_id])[camera_id]["flow"]["analytics"]["parking"]["time"]["now_s"]
        return now_s


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.checkpoints.close()


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Document:
    folder = tmp_path_factory.mktemp("zones")
    (folder / "K1.toml").write_text(Street().zones_toml())
    zones = ZonesFolder(folder)
    zones.refresh()
    document = zones.document("K1")
    assert document is not None
    return document


def row(camera_id: str = "K1", **values: Any) -> Row:
    made: Row = {"id": camera_id, "url": f"rtsp://h/{camera_id}"}
    made.update(values)  # type: ignore[typeddict-item]  # tests name its keys
    return made


def test_an_unchanged_camera_is_left_alone_and_a_missing_one_is_ended(world: World) -> None:
    world.roster.follow([row("K1"), row("K2")])
    first = world.shard.watched["K1"]
    world.roster.follow([row("K1"), row("K3")])
    assert world.shard.watched["K1"] is first
    assert [added[0] for added in world.connections.added] == ["K1", "K2", "K3"]
    assert world.connections.removed == ["K2"]
    assert set(world.shard.watched) == {"K1", "K3"}


@pytest.mark.parametrize("change", [{"url": "rtsp://h/other"}, {"user": "u", "password": "new"}])
def test_a_changed_address_or_password_connects_anew_and_keeps_the_clocks(world: World, change: dict[str, str]) -> None:
    world.roster.follow([row(user="u", password="old")])
    for at_s in (100.0, 102.0, 104.0):
        world.look("K1", at_s)
    world.roster.follow([row(**{"user": "u", "password": "old", **change})])
    assert len(world.connections.added) == 2
    assert world.connections.added[-1][2] == Login("u", change.get("password", "old"))
    world.look("K1", 106.0)
    assert world.watched_s("K1") == 6.0


def test_redrawn_zones_keep_the_connection_and_the_clocks_and_decide_who_is_followed(world: World, street: Document) -> None:
    world.roster.follow([row()])
    world.look("K1", 100.0)
    world.look("K1", 102.0)
    assert world.shard.following.at(0.0) == []
    world.roster.follow([row(zones=street)])
    assert world.shard.following.at(0.0) == ["K1"], "the street has a counting line"
    world.look("K1", 104.0)
    assert world.watched_s("K1") == 4.0
    world.roster.follow([row(zones={**street, "lines": []})])
    assert world.shard.following.at(0.0) == []
    world.look("K1", 106.0)
    assert world.watched_s("K1") == 6.0
    assert len(world.connections.added) == 1


def test_a_new_worker_goes_on_from_what_was_saved(tmp_path: Path) -> None:
    first = World(tmp_path)
    first.roster.follow([row()])
    first.look("K1", 100.0)
    first.look("K1", 105.0)
    first.checkpoints.save(1, first.shard.states(["K1"]), 105.0)
    first.checkpoints.close()
    second = World(tmp_path)
    second.roster.follow([row()])
    second.look("K1", 107.0)
    assert second.watched_s("K1") == 7.0
    second.checkpoints.close()


def test_the_rules_that_ship_follow_intrusions_and_queues_and_no_parked_cars() -> None:
    kinds = followed_kinds(rules_from(None, tuple(ANALYTICS)))
    assert {"intrusion", "queue"} <= kinds
    assert not {"illegal_parking", "object_left", "camera_moved"} & kinds
