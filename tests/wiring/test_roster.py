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


def rule(rule_id: str, **changes: Any) -> dict[str, Any]:
    return {"id": rule_id, "kind": "gathering", "analytic": "crowd", "metric": "count", "above": -1, "update_every_s": 1.0, **changes}


def told(world: World, at_s: float, camera_id: str = "K1") -> set[tuple[str, str, str, str]]:
    """What a look leads to: rule, phase, reason of the end, event id."""
    events = world.shard.watched[camera_id].flow.look(blank(at_s, size_px=(64, 36), camera_id=camera_id), Detections.none(camera_id, at_s))
    return {(event.rule_id, event.phase, event.labels.get("reason", ""), event.id) for event in events.events}


def test_changed_rules_end_what_they_no_longer_say_and_leave_the_rest_open(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.roster.follow([row(rules="a")], {"a": [rule("kept"), rule("gone"), rule("other")]})
    began = {rule_id: event_id for rule_id, phase, _, event_id in told(world, 100.0) if phase == "start"}
    assert set(began) == {"kept", "gone", "other"}
    first = world.shard.watched["K1"]
    world.roster.follow([row(rules="b")], {"b": [rule("kept"), rule("other", above=-2), rule("new")]})
    assert world.shard.watched["K1"] is first and len(world.connections.added) == 1
    now = told(world, 102.0)
    assert {one for one in now if one[1] != "start"} == {
        ("kept", "update", "", began["kept"]),
        ("gone", "end", "rule removed", began["gone"]),
        ("other", "end", "rule changed", began["other"]),
    }
    assert {rule_id for rule_id, phase, *_ in now if phase == "start"} == {"other", "new"}
    assert world.watched_s("K1") == 2.0, "the clocks went on"
    world.checkpoints.close()


def test_rules_changed_before_the_first_picture_or_with_the_zones_hold_from_the_next(tmp_path: Path, street: Document) -> None:
    world = World(tmp_path)
    world.roster.follow([row(rules="a")], {"a": [rule("before")]})
    world.roster.follow([row(rules="b")], {"b": [rule("after")]})
    assert {one[0] for one in told(world, 100.0)} == {"after"}
    world.roster.follow([row(rules="c", zones=street)], {"c": [rule("last")]})
    assert {one[:3] for one in told(world, 102.0)} >= {("after", "end", "rule removed")}
    world.checkpoints.close()


def test_a_camera_that_is_told_no_rules_has_the_rosters_own_again(tmp_path: Path) -> None:
    world = World(tmp_path, RuleSet.model_validate({"rules": [rule("shipped")]}))
    world.roster.follow([row("K1", rules="a"), row("K2")], {"a": [rule("own")]})
    assert {one[0] for one in told(world, 100.0, "K1")} == {"own"}
    assert {one[0] for one in told(world, 100.0, "K2")} == {"shipped"}
    world.roster.follow([row("K1"), row("K2")])
    assert {one[:2] for one in told(world, 102.0, "K1")} == {("own", "end"), ("shipped", "start")}
    world.checkpoints.close()


def test_the_rules_in_use_say_which_events_have_their_camera_followed(tmp_path: Path) -> None:
    world = World(tmp_path)
    strangers = rule("in", kind="intrusion", analytic="order", metric="intruders", above=0)
    world.roster.follow([row(rules="a")], {"a": [strangers]})
    assert world.shard.following.event_kinds == {"intrusion"}
    world.roster.follow([row(rules="b")], {"b": [rule("r")]})
    assert world.shard.following.event_kinds == set()
    world.roster.follow_events = frozenset({"gathering"})
    world.roster.follow([row(rules="a")], {"a": [strangers]})
    assert world.shard.following.event_kinds == {"gathering"}
    world.checkpoints.close()


def test_events_left_open_by_a_worker_end_when_its_successor_is_told_other_rules(tmp_path: Path) -> None:
    first = World(tmp_path)
    first.roster.follow([row(rules="a")], {"a": [rule("kept"), rule("other")]})
    began = {rule_id: event_id for rule_id, _, _, event_id in told(first, 100.0)}
    first.checkpoints.save(1, first.shard.states(["K1"]), 100.0)
    first.checkpoints.close()
    second = World(tmp_path)
    second.roster.follow([row(rules="b")], {"b": [rule("kept"), rule("other", severity="high")]})
    now = told(second, 102.0)
    assert {("kept", "update", "", began["kept"]), ("other", "end", "rule changed", began["other"])} <= now
    second.checkpoints.close()
