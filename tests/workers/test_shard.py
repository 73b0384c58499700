"""A shard with scripted cameras: promises kept, faults contained, followed cameras seen at their rate, restarts exact."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import pytest

from sewu.base.clock import ManualClock
from sewu.base.errors import StreamBroken
from sewu.base.records import Camera, Frame, Packet, StreamInfo
from sewu.cull.schedule import Schedule
from sewu.flow import CameraFlow, Ending, Look
from sewu.workers.looking import Eye, Looker
from sewu.workers.shard import Shard, Watched, restore
from tests.fakes import blank
from tests.test_flow import OneCar, build

STREAM = StreamInfo("h264", Fraction(1, 10))
START_S = 1_700_000_000.0


class Cameras:
    """Scripted cameras: ten packets a second, a keyframe every `gop_s`; some of them silent."""

    def __init__(self, names: Sequence[str], clock: ManualClock, gop_s: float = 1.0) -> None:
        self.names, self.clock, self.gop_s = names, clock, gop_s
        self.sent = 0
        self.silent: set[str] = set()

    def poll(self) -> Iterable[tuple[str, list[Packet]]]:
        until = round((self.clock.now_s() - START_S) * 10)
        numbers, self.sent = range(self.sent, until), until
        per_gop = round(self.gop_s * 10)
        for name in self.names:
            if name not in self.silent:
                yield name, [Packet(name, STREAM, b"x", n, n, START_S + n / 10, n % per_gop == 0) for n in numbers]


class Ring:
    def __init__(self) -> None:
        self.packets = 0

    def add(self, packet: Packet) -> None:
        self.packets += 1


class Painter:
    """Decodes every packet to a blank picture; `broken` raises, and time passes as if decoding cost something."""

    def __init__(self, clock: ManualClock, cost_s: float = 0.0, broken: bool = False) -> None:
        self.clock, self.cost_s, self.broken = clock, cost_s, broken

    def decode(self, packet: Packet) -> list[Frame]:
        if self.broken:
            raise StreamBroken("Not a picture.", "Look at the camera.")
        return [blank(packet.at_s, size_px=(64, 36), camera_id=packet.camera_id)]

    def flush(self) -> list[Frame]:
        return []


class Kept:
    def __init__(self) -> None:
        self.looks: dict[str, list[float]] = {}
        self.ends: list[str] = []

    def take(self, look: Look) -> None:
        self.looks.setdefault(look.frame.camera_id, []).append(look.frame.at_s - START_S)

    def ended(self, camera_id: str, at_s: float, ending: Ending) -> None:
        self.ends.append(camera_id)


class World:
    def __init__(self, names: Sequence[str], gop_s: float = 1.0) -> None:
        self.clock = ManualClock(START_S)
        self.cameras = Cameras(names, self.clock, gop_s)
        self.ring, self.kept = Ring(), Kept()
        looker = Looker(OneCar(), None, (64, 36))
        self.shard = Shard(self.cameras, self.ring, looker, Schedule(capacity=0.9), [self.kept], self.clock)

    def watch(self, name: str, interval_s: float = 2.0, **extra: Any) -> Watched:
        painter = Painter(self.clock, broken=extra.pop("broken", False))
        watched = Watched(Camera(name, name, "rtsp://h/x"), CameraFlow(name, build), Eye(1000.0), painter, interval_s, **extra)
        self.shard.add(watched)
        return watched

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            self.clock.advance(0.25)
            self.shard.tick(budget_s=10.0)


def test_every_camera_is_seen_within_its_interval() -> None:
    world = World([f"c{i}" for i in range(30)])
    for name in world.cameras.names:
        world.watch(name)
    world.run(40)
    for name in world.cameras.names:
        times = world.kept.looks[name]
        assert max(b - a for a, b in itertools.pairwise(times)) <= 2.1
    assert world.ring.packets == 30 * 400


def test_a_camera_that_cannot_be_decoded_and_a_silent_one_disturb_nobody() -> None:
    world = World(["good", "bad", "silent"])
    world.cameras.silent = {"silent"}
    world.watch("good")
    bad = world.watch("bad", broken=True)
    world.watch("silent")
    world.run(20)
    assert len(world.kept.looks["good"]) >= 9
    assert "bad" not in world.kept.looks
    assert bad.faults >= 9


def test_a_fault_in_one_flow_is_contained() -> None:
    def explode(size_px: tuple[int, int]) -> Any:
        raise ZeroDivisionError

    world = World(["a", "b"])
    world.watch("a").flow = CameraFlow("a", explode)
    world.watch("b")
    world.run(10)
    assert "a" not in world.kept.looks
    assert len(world.kept.looks["b"]) >= 4


@pytest.mark.parametrize("follow_fps", [5.0, 2.0])
def test_a_followed_camera_is_seen_at_its_rate(follow_fps: float) -> None:
    world = World(["a", "b"])
    world.watch("a", follow_fps=follow_fps, every_frame=Painter(world.clock))
    world.watch("b")
    world.run(10)
    assert len(world.kept.looks["a"]) == pytest.approx(10 * follow_fps, abs=2)
    assert world.kept.looks["a"] == sorted(world.kept.looks["a"])
    assert len(world.kept.looks["b"]) <= 6


def test_a_removed_camera_ends_properly_and_is_left_alone() -> None:
    world = World(["a"])
    world.watch("a")
    world.run(5)
    world.shard.remove("a")
    before = len(world.kept.looks["a"])
    world.run(5)
    assert world.kept.ends == ["a"]
    assert len(world.kept.looks["a"]) == before


def test_a_restarted_shard_goes_on_from_the_saved_state() -> None:
    first, second = World(["a"]), World(["a"])
    first.watch("a")
    first.run(10)
    saved = first.shard.states(["a", "unknown"])
    restore(second.watch("a"), saved["a"])
    assert second.shard.states(["a"]) == saved
    second.run(3)
    total = second.shard.states(["a"])["a"]["flow"]["analytics"]["counting"]["total"]
    assert total > saved["a"]["flow"]["analytics"]["counting"]["total"]
