"""Watch many cameras in one process: one timer, no thread and no wake-up per camera.

Every tick (250 ms) the sockets are drained; the schedule says whose keyframe is taken; those pictures are decoded,
glanced at, looked at where needed, and go through their camera's flow. A camera that a rule wants followed is
decoded in full instead and seen several times a second, out of the same budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from sewu.base.clock import Clock
from sewu.base.errors import SewuError
from sewu.base.interfaces import State
from sewu.base.records import Camera, Detections, Frame, Packet
from sewu.cull.arrivals import Arrivals
from sewu.cull.schedule import Ready, Schedule
from sewu.flow import CameraFlow, Ending, FrameDecoder, Look
from sewu.workers.looking import Eye, Looker

log = structlog.get_logger()

BALANCE_EVERY_S = 2.0
BATCH_PICTURES = 16
"""Pictures decoded before they are looked at together; bounds memory and shares canvases."""


class Poller(Protocol):
    """Receives many cameras' packets; see `sewu.connect.rtsp`."""

    def poll(self) -> Iterable[tuple[str, list[Packet]]]: ...


class PacketRing(Protocol):
    """Keeps the last seconds of packets."""

    def add(self, packet: Packet) -> None: ...


class Sink(Protocol):
    """Takes what was measured."""

    def take(self, look: Look) -> None: ...

    def ended(self, camera_id: str, at_s: float, ending: Ending) -> None:
        """A camera is no longer watched."""
        ...


@dataclass
class Watched:
    """One camera under watch. `follow_fps` > 0 decodes everything and looks that often."""

    camera: Camera
    flow: CameraFlow
    eye: Eye
    keyframes: FrameDecoder
    interval_s: float
    follow_fps: float = 0.0
    every_frame: FrameDecoder | None = None
    arrivals: Arrivals = field(default_factory=Arrivals)
    pending: Packet | None = None
    unseen: list[Packet] = field(default_factory=list)
    followed_at_s: float | None = None
    looks: int = 0
    faults: int = 0


@dataclass(slots=True)
class Costs:
    """Processor seconds by stage since the start."""

    receive_s: float = 0.0
    decode_s: float = 0.0
    look_s: float = 0.0
    flow_s: float = 0.0

    @property
    def total_s(self) -> float:
        return self.receive_s + self.decode_s + self.look_s + self.flow_s


class Shard:
    """The cameras of one process."""

    def __init__(self, poller: Poller, ring: PacketRing, looker: Looker, schedule: Schedule, sinks: Sequence[Sink], clock: Clock) -> None:
        self._poller, self._ring, self._looker, self._schedule = poller, ring, looker, schedule
        self._sinks, self._clock = sinks, clock
        self.watched: dict[str, Watched] = {}
        self.costs = Costs()
        self._balanced_at_s = clock.steady_s()
        self._balanced_receive_s = 0.0
        self._follow_cost_s = 0.0

    def add(self, watched: Watched) -> None:
        """Begin to watch a camera, or go on with changed settings."""
        self.watched[watched.camera.id] = watched
        self._schedule.add(watched.camera.id, watched.interval_s, self._clock.now_s())

    def remove(self, camera_id: str) -> None:
        """Stop watching; open events end."""
        watched = self.watched.pop(camera_id, None)
        self._schedule.remove(camera_id)
        if watched is not None:
            at_s = watched.arrivals.last_at_s or self._clock.now_s()
            ending = watched.flow.finish(at_s)
            for sink in self._sinks:
                sink.ended(camera_id, at_s, ending)

    def tick(self, budget_s: float) -> int:
        """Drain the sockets, take the keyframes that are due within `budget_s` processor seconds; returns pictures taken."""
        started_s = self._clock.cpu_s()
        self._receive()
        self.costs.receive_s += self._clock.cpu_s() - started_s
        before_follow_s = self._clock.cpu_s()
        taken = self._follow()
        self._follow_cost_s += self._clock.cpu_s() - before_follow_s
        left_s = budget_s - (self._clock.cpu_s() - started_s)
        ready = {
            camera_id: Ready(watched.pending.at_s, watched.arrivals.gop_s)
            for camera_id, watched in self.watched.items()
            if watched.pending is not None and watched.follow_fps == 0
        }
        chosen = self._schedule.choose(ready, left_s)
        for first in range(0, len(chosen), BATCH_PICTURES):
            taken += self._take(chosen[first : first + BATCH_PICTURES])
        self._balance()
        return taken

    def _receive(self) -> None:
        for camera_id, packets in self._poller.poll():
            watched = self.watched.get(camera_id)
            if watched is None or not packets:
                continue
            for packet in packets:
                self._ring.add(packet)
            keyframe = watched.arrivals.add(packets)
            watched.pending = keyframe or watched.pending
            if watched.follow_fps > 0:
                watched.unseen.extend(packets)

    def _take(self, camera_ids: Sequence[str]) -> int:
        """Decode, look at and measure the waiting keyframes of these cameras, and charge each its share."""
        started_s = self._clock.cpu_s()
        pictures: list[tuple[Watched, Frame]] = []
        for camera_id in camera_ids:
            watched = self.watched[camera_id]
            packet, watched.pending = watched.pending, None
            frames = self._decoded(watched, watched.keyframes, [packet] if packet else [])
            if frames:
                pictures.append((watched, frames[-1]))
            elif packet:
                self._schedule.took(camera_id, packet.at_s, 0.001)
        self.costs.decode_s += self._clock.cpu_s() - started_s
        self._see(pictures)
        each_s = (self._clock.cpu_s() - started_s) / max(1, len(pictures))
        for watched, frame in pictures:
            self._schedule.took(watched.camera.id, frame.at_s, each_s)
        return len(pictures)

    def _follow(self) -> int:
        """Decode followed cameras in full, keep their rate (stretched when overloaded), look at what is due."""
        pictures: list[tuple[Watched, Frame]] = []
        started_s = self._clock.cpu_s()
        for watched in self.watched.values():
            if watched.follow_fps > 0 and watched.unseen and watched.every_frame is not None:
                packets, watched.unseen = watched.unseen, []
                for frame in self._decoded(watched, watched.every_frame, packets):
                    step_s = self._schedule.stretch / watched.follow_fps
                    if watched.followed_at_s is None or not 0 <= frame.at_s - watched.followed_at_s < step_s * 0.95:
                        watched.followed_at_s = frame.at_s
                        pictures.append((watched, frame))
        self.costs.decode_s += self._clock.cpu_s() - started_s
        for batch in _one_per_camera(pictures):
            self._see(batch)
        return len(pictures)

    def _decoded(self, watched: Watched, decoder: FrameDecoder, packets: Sequence[Packet]) -> list[Frame]:
        try:
            return [frame for packet in packets for frame in decoder.decode(packet)]
        except SewuError as error:
            watched.faults += 1
            log.warning("a picture could not be decoded", camera=watched.camera.id, reason=error.what)
            return []

    def _see(self, pictures: Sequence[tuple[Watched, Frame]]) -> None:
        """Look at pictures (at most one per camera) and send each through its camera's flow."""
        started_s = self._clock.cpu_s()
        found = self._looker.look([(watched.eye, frame) for watched, frame in pictures])
        looked_s = self._clock.cpu_s()
        for (watched, frame), detections in zip(pictures, found, strict=True):
            self._flow(watched, frame, detections)
        self.costs.look_s += looked_s - started_s
        self.costs.flow_s += self._clock.cpu_s() - looked_s

    def _flow(self, watched: Watched, frame: Frame, detections: Detections) -> None:
        try:
            look = watched.flow.look(frame, detections)
        except Exception:  # a supervisor: one camera's fault must not stop the others
            watched.faults += 1
            log.exception("a look failed", camera=watched.camera.id)
            return
        watched.looks += 1
        for sink in self._sinks:
            sink.take(look)

    def _balance(self) -> None:
        now_s = self._clock.steady_s()
        elapsed_s = now_s - self._balanced_at_s
        if elapsed_s >= BALANCE_EVERY_S:
            unscheduled_s = self.costs.receive_s - self._balanced_receive_s + self._follow_cost_s
            sending = [name for name, watched in self.watched.items() if watched.arrivals.last_at_s is not None and watched.follow_fps == 0]
            self._schedule.balance(now_s, unscheduled_s / elapsed_s, sending)
            self._balanced_at_s, self._balanced_receive_s, self._follow_cost_s = now_s, self.costs.receive_s, 0.0

    def states(self, camera_ids: Iterable[str]) -> dict[str, State]:
        """What must outlive a restart, of these cameras."""
        chosen = ((camera_id, self.watched[camera_id]) for camera_id in camera_ids if camera_id in self.watched)
        return {camera_id: {"flow": watched.flow.state(), "eye": watched.eye.state()} for camera_id, watched in chosen}


def restore(watched: Watched, state: State) -> None:
    """Go on from a saved state: dwell clocks, tracks, open events, what glances learned."""
    watched.flow.restore(state["flow"])
    watched.eye.restore(state["eye"])


def _one_per_camera(pictures: Sequence[tuple[Watched, Frame]]) -> Iterable[list[tuple[Watched, Frame]]]:
    """Split into batches in which each camera comes once, in time order: a camera's looks build on one another."""
    rounds: list[list[tuple[Watched, Frame]]] = []
    turn: dict[str, int] = {}
    for watched, frame in pictures:
        number = turn.get(watched.camera.id, 0)
        turn[watched.camera.id] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append((watched, frame))
    return rounds
