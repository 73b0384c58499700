"""A shard with scripted cameras: promises kept, faults contained, followed cameras seen at their rate, restarts exact."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import pytest

from sewu.base.clock import ManualClock
from sewu.base.errors import StreamBroken
from sewu.base.records import Camera, Detections, Frame, Packet, StreamInfo
from sewu.connect.ring import Ring
from sewu.cull.following import Following
from sewu.cull.schedule import Schedule
from sewu.flow import CameraFlow, Ending, Look
from sewu.workers.looking import Eye, Looker
from sewu.workers.shard import Shard, Watched, restore
from tests.fakes import blank
from tests.test_flow import OneCar, build

STREAM = StreamInfo("h264", Fraction(1, 10))
START_S = 1_700_000_000.0


class WorkingClock(ManualClock):
    """Processor time passes only where work says so."""

    def __init__(self, start_s: float) -> None:
        super().__init__(start_s)
        self._cpu_s = 0.0

    def cpu_s(self) -> float:
        return self._cpu_s

    def spend(self, work_s: float) -> None:
        self._cpu_s += work_s


class Cameras:
    """Scripted cameras: ten packets a second, a keyframe every `gop_s`; some of them silent."""

    def __init__(self, names: Sequence[str], clock: WorkingClock, gop_s: float = 1.0) -> None:
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


class CountingRing(Ring):
    def __init__(self) -> None:
        super().__init__()
        self.packets = 0

    def add(self, packet: Packet) -> None:
        super().add(packet)
        self.packets += 1


class Painter:
    """Decodes every packet to a blank picture; `broken` raises, and time passes as if decoding cost something."""

    def __init__(self, clock: WorkingClock, cost_s: float = 0.0, broken: bool = False) -> None:
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
    def __init__(self, names: Sequence[str], gop_s: float = 1.0, detector: OneCar | None = None) -> None:
        self.clock = WorkingClock(START_S)
        self.cameras = Cameras(names, self.clock, gop_s)
        self.ring, self.kept = CountingRing(), Kept()
        looker = Looker(detector or OneCar(), None, (64, 36))
        self.schedule = Schedule(capacity=0.9)
        self.shard = Shard(self.cameras, self.ring, looker, self.schedule, [self.kept], self.clock)

    def watch(self, name: str, interval_s: float = 2.0, **extra: Any) -> Watched:
        painter = Painter(self.clock, broken=extra.pop("broken", False))
        watched = Watched(Camera(name, name, "rtsp://h/x"), CameraFlow(name, build), Eye(1000.0), painter, interval_s, **extra)
        self.shard.add(watched)
        return watched

    def run(self, seconds: float, budget_s: float = 10.0) -> None:
        for _ in range(round(seconds / 0.25)):
            self.clock.advance(0.25)
            self.shard.tick(budget_s)


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


class Squeamish(OneCar):
    """A detector that fails on the pictures of one camera."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        if any(frame.camera_id == "bad" for frame in frames):
            raise ZeroDivisionError
        return super().detect(frames)


def test_a_picture_on_which_the_detector_fails_costs_the_others_nothing() -> None:
    world = World(["a", "bad", "b"], detector=Squeamish())
    for name in ("a", "bad", "b"):
        world.watch(name)
    world.run(20)
    assert len(world.kept.looks["a"]) >= 9
    assert len(world.kept.looks["b"]) >= 9
    assert world.shard.watched["bad"].faults >= 9


def test_a_decoder_that_fails_in_any_way_is_contained() -> None:
    class Crashing(Painter):
        def decode(self, packet: Packet) -> list[Frame]:
            raise ValueError("no such pixel format")

    world = World(["a", "bad"])
    world.watch("a")
    world.watch("bad").keyframes = Crashing(world.clock)
    world.run(20)
    assert len(world.kept.looks["a"]) >= 9
    assert world.shard.faults >= 9


def test_a_fault_in_one_flow_is_contained() -> None:
    def explode(size_px: tuple[int, int]) -> Any:
        raise ZeroDivisionError

    world = World(["a", "b"])
    world.watch("a").flow = CameraFlow("a", explode)
    world.watch("b")
    world.run(10)
    assert "a" not in world.kept.looks
    assert len(world.kept.looks["b"]) >= 4


class Group:
    """A decoder that, like a real one, gives nothing until it is given a keyframe. Counts what it decodes."""

    def __init__(self, clock: WorkingClock, cost_s: float = 0.0) -> None:
        self.clock, self.cost_s, self.begun, self.decoded = clock, cost_s, False, 0

    def decode(self, packet: Packet) -> list[Frame]:
        assert self.begun or packet.is_keyframe, "a decoder was begun in the middle of a group of pictures"
        self.begun = True
        self.decoded += 1
        self.clock.spend(self.cost_s)
        return [blank(packet.at_s, size_px=(64, 36), camera_id=packet.camera_id)]

    def flush(self) -> list[Frame]:
        return []


@pytest.mark.parametrize("fps", [5.0, 2.0])
def test_a_followed_camera_is_seen_at_its_rate(fps: float) -> None:
    world = World(["a", "b"])
    world.shard.following = Following(fps=fps)
    world.shard.following.always("a", True)
    world.watch("a", make_decoder=lambda stream: Group(world.clock))
    world.watch("b")
    world.run(10)
    assert len(world.kept.looks["a"]) == pytest.approx(10 * fps, abs=2)
    assert world.kept.looks["a"] == sorted(world.kept.looks["a"])
    assert len(world.kept.looks["b"]) <= 6


def test_following_begins_at_the_keyframe_in_the_ring_and_ends_without_a_gap() -> None:
    world = World(["a"], gop_s=4.0)
    world.shard.following = Following(fps=5.0)
    world.watch("a", interval_s=4.0, make_decoder=lambda stream: Group(world.clock))
    world.run(6.0)
    world.shard.following.always("a", True)
    world.run(4.0)
    followed = [at_s for at_s in world.kept.looks["a"] if at_s > 4.0]
    assert min(followed) <= 4.3, "what the ring holds since the keyframe at 4 s is seen too"
    assert max(b - a for a, b in itertools.pairwise(followed)) <= 0.31
    world.shard.following.always("a", False)
    world.run(10.0)
    times = world.kept.looks["a"]
    assert times == sorted(set(times))
    assert max(b - a for a, b in itertools.pairwise(times)) <= 4.1


def test_overload_stretches_what_is_followed_and_never_a_promise() -> None:
    names = [f"c{i}" for i in range(8)]
    world = World(names)
    world.shard.following = Following(fps=5.0)
    for name in names[:4]:
        world.shard.following.always(name, True)
        world.watch(name, make_decoder=lambda stream: Group(world.clock, cost_s=0.03))
    for name in names[4:]:
        world.watch(name)
    world.run(60, budget_s=0.2)
    for name in names:
        times = world.kept.looks[name]
        assert max(b - a for a, b in itertools.pairwise(times)) <= 3.0, f"{name} was not seen in its interval"
    assert world.schedule.stretch == 1.0
    assert world.shard.following.allowed < 4


def test_a_core_that_others_use_stretches_the_intervals_until_it_is_free_again() -> None:
    class Shared(Painter):
        """Forty milliseconds of work that take `slow` times as long."""

        slow = 5.0

        def decode(self, packet: Packet) -> list[Frame]:
            world.clock.spend(0.04)
            world.clock.advance(0.04 * self.slow)
            return super().decode(packet)

    world = World([f"c{i}" for i in range(10)])
    for name in world.cameras.names:
        world.watch(name, interval_s=2.0).keyframes = Shared(world.clock)
    world.run(30)
    assert 0.15 < world.schedule.share < 0.3
    assert world.schedule.stretch == pytest.approx(0.2 / (0.9 * 0.2), rel=0.3)
    Shared.slow = 1.0
    world.run(60)
    assert world.schedule.share > 0.95
    assert world.schedule.stretch == 1.0


def test_a_doubtful_look_gets_another_one_before_its_time() -> None:
    world = World(["a"])
    once = iter([False, True])
    world.watch("a", interval_s=8.0, doubts=lambda found, size_px: next(once, False))
    world.run(24)
    assert sorted(round(b - a) for a, b in itertools.pairwise(world.kept.looks["a"])) == [1, 8, 8]
    assert world.schedule.extra == 1


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
