"""Watch many cameras in one process: one timer, no thread and no wake-up per camera.

Every tick (250 ms) the sockets are drained; the schedule says whose keyframe is taken; those pictures are decoded,
glanced at, looked at where needed, and go through their camera's flow. A camera that a rule wants followed is
decoded in full instead and seen several times a second, out of the same budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

import structlog

from sewu.base.clock import Clock
from sewu.base.errors import SewuError
from sewu.base.interfaces import State
from sewu.base.records import Camera, Detections, Frame, Packet, StreamInfo
from sewu.cull.arrivals import Arrivals
from sewu.cull.following import Following, Load
from sewu.cull.schedule import Ready, Schedule
from sewu.flow import CameraFlow, Ending, FrameDecoder, Look
from sewu.workers.looking import Eye, Looker
from sewu.workers.pursuit import BEHIND_S, Pursuit

T = TypeVar("T")
log = structlog.get_logger()

BALANCE_EVERY_S = 2.0
LEAST_BUSY_S, LEAST_SHARE = 0.05, 0.05
"""A shorter time says nothing about how much of the processor others use; and some of it is always had."""
TRACE_EVERY = 100
LONGEST_PAUSE_S = 10.0
BATCH_PICTURES = 16
"""Pictures decoded before they are looked at together; bounds memory and shares canvases."""


class Poller(Protocol):
    """Receives many cameras' packets; see `sewu.connect.rtsp`."""

    def poll(self) -> Iterable[tuple[str, list[Packet]]]: ...


class PacketRing(Protocol):
    """Keeps the last seconds of packets; see `sewu.connect.ring`."""

    def add(self, packet: Packet) -> None: ...

    def clip(self, camera_id: str, from_s: float, to_s: float) -> list[Packet]: ...

    def forget(self, camera_id: str) -> None: ...


class PacketViewers(Protocol):
    """Wants every packet as it comes: live view."""

    def take(self, camera_id: str, packets: Sequence[Packet]) -> None: ...


class Sink(Protocol):
    """Takes what was measured."""

    def take(self, look: Look) -> None: ...

    def ended(self, camera_id: str, at_s: float, ending: Ending) -> None:
        """A camera is no longer watched."""
        ...


@dataclass
class Watched:
    """One camera under watch.

    `make_decoder` decodes every picture, while it is followed; without it the camera cannot be. `doubts` says whether
    another look is worth while. `pending`: the newest keyframe that was not looked at.
    """

    camera: Camera
    flow: CameraFlow
    eye: Eye
    keyframes: FrameDecoder
    interval_s: float
    make_decoder: Callable[[StreamInfo], FrameDecoder] | None = None
    doubts: Callable[[Detections, tuple[int, int]], bool] | None = None
    pursuit: Pursuit | None = None
    arrivals: Arrivals = field(default_factory=Arrivals)
    pending: Packet | None = None
    looked_at_s: float | None = None
    looks: int = 0
    faults: int = 0


@dataclass(slots=True)
class Costs:
    """Processor seconds by stage since the start. `follow_s`: all stages of followed pictures; the others are of promised looks."""

    receive_s: float = 0.0
    decode_s: float = 0.0
    look_s: float = 0.0
    flow_s: float = 0.0
    follow_s: float = 0.0

    @property
    def total_s(self) -> float:
        return self.receive_s + self.decode_s + self.look_s + self.flow_s + self.follow_s


class Shard:
    """The cameras of one process. `following`: who is followed; nobody until its settings say so."""

    def __init__(self, poller: Poller, ring: PacketRing, looker: Looker, schedule: Schedule, sinks: Sequence[Sink], clock: Clock) -> None:
        self._poller, self._ring, self._looker, self._schedule = poller, ring, looker, schedule
        self._sinks, self._clock = sinks, clock
        self.watched: dict[str, Watched] = {}
        self.following = Following()
        self.viewers: PacketViewers | None = None
        self.costs = Costs()
        self.followed_pictures = self.faults = 0
        self.camera_s = 0.0
        """Camera-seconds received since the start."""
        self._balanced_at_s = clock.steady_s()
        self._balanced_receive_s = 0.0
        self._decode_share_s = self._look_share_s = self._busy_s = self._busy_cpu_s = 0.0

    def add(self, watched: Watched) -> None:
        """Begin to watch a camera, or go on with changed settings."""
        self.watched[watched.camera.id] = watched
        self._schedule.add(watched.camera.id, watched.interval_s, self._clock.now_s())

    def remove(self, camera_id: str) -> None:
        """Stop watching; open events end."""
        watched = self.watched.pop(camera_id, None)
        self._schedule.remove(camera_id)
        self.following.forget(camera_id)
        if watched is not None:
            at_s = watched.arrivals.last_at_s or self._clock.now_s()
            ending = watched.flow.finish(at_s)
            for sink in self._sinks:
                sink.ended(camera_id, at_s, ending)
        self._ring.forget(camera_id)

    def tick(self, budget_s: float) -> int:
        """Drain the sockets, take the keyframes that are due within `budget_s` processor seconds, follow with what is left.

        Returns:
            How many pictures were looked at.
        """
        started_s, began_s = self._clock.cpu_s(), self._clock.steady_s()
        self._receive()
        self.costs.receive_s += self._clock.cpu_s() - started_s
        self._choose_followed()
        # A followed camera is taken by the schedule only when following it fell behind its promise: nothing is lost by waiting.
        ready = {
            camera_id: Ready(watched.pending.at_s, watched.arrivals.gop_s if watched.pursuit is None else 0.0)
            for camera_id, watched in self.watched.items()
            if watched.pending is not None
        }
        chosen = self._schedule.choose(ready, budget_s - (self._clock.cpu_s() - started_s))
        taken = 0
        for first in range(0, len(chosen), BATCH_PICTURES):
            taken += self._take(chosen[first : first + BATCH_PICTURES])
        taken += self._follow(budget_s - (self._clock.cpu_s() - started_s))
        self._busy_cpu_s += self._clock.cpu_s() - started_s
        self._busy_s += self._clock.steady_s() - began_s
        self._balance()
        return taken

    def _receive(self) -> None:
        for camera_id, packets in self._poller.poll():
            watched = self.watched.get(camera_id)
            if watched is None or not packets:
                continue
            for packet in packets:
                self._ring.add(packet)
            if self.viewers is not None:
                self.viewers.take(camera_id, packets)
            before_s = watched.arrivals.last_at_s
            keyframe = watched.arrivals.add(packets)
            self.camera_s += _received_s(before_s, watched.arrivals.last_at_s)
            watched.pending = keyframe or watched.pending
            if watched.pursuit is not None:
                watched.pursuit.add(packets)

    def _take(self, camera_ids: Sequence[str]) -> int:
        """Decode, look at and measure the waiting keyframes of these cameras, and charge each its share."""
        started_s = self._clock.cpu_s()
        pictures: list[tuple[Watched, Frame]] = []
        for camera_id in camera_ids:
            watched = self.watched[camera_id]
            packet, watched.pending = watched.pending, None
            if packet is None:
                continue
            if watched.pursuit is not None:
                watched.pursuit.resume_at(packet)
            frames = self._decoded(watched, watched.keyframes, packet)
            if frames:
                pictures.append((watched, frames[-1]))
            else:
                self._schedule.took(camera_id, packet.at_s, 0.001)
        self.costs.decode_s += self._clock.cpu_s() - started_s
        look_s, flow_s = self._see(pictures)
        self.costs.look_s += look_s
        self.costs.flow_s += flow_s
        each_s = (self._clock.cpu_s() - started_s) / max(1, len(pictures))
        for watched, frame in pictures:
            self._schedule.took(watched.camera.id, frame.at_s, each_s)
        return len(pictures)

    def _choose_followed(self) -> None:
        """Begin and end to follow. Following begins at the last keyframe, out of the ring, so that it can be decoded."""
        wanted = set(self.following.at(self._clock.steady_s()))
        for camera_id, watched in self.watched.items():
            if watched.pursuit is not None and camera_id not in wanted:
                watched.pursuit = None
            elif watched.pursuit is None and camera_id in wanted and watched.make_decoder is not None:
                newest_s = watched.arrivals.last_at_s
                packets = [] if newest_s is None else self._ring.clip(camera_id, newest_s, newest_s)
                watched.pursuit = Pursuit(watched.make_decoder, packets, watched.looked_at_s)

    def _follow(self, budget_s: float) -> int:
        """Decode followed cameras in full and look at what is due, those that waited longest first, as long as the budget lasts."""
        pursued = [watched for watched in self.watched.values() if watched.pursuit is not None]
        pursued.sort(key=lambda watched: watched.looked_at_s or 0.0)
        taken = 0
        for watched in pursued:
            if budget_s <= 0:
                break
            started_s = self._clock.cpu_s()
            frames = self._pursued(watched)
            decoded_s = self._clock.cpu_s()
            for frame in frames:
                self._see([(watched, frame)])
                self._schedule.saw(watched.camera.id, frame.at_s)
            ended_s = self._clock.cpu_s()
            self._decode_share_s += decoded_s - started_s
            self._look_share_s += ended_s - decoded_s
            self.costs.follow_s += ended_s - started_s
            budget_s -= ended_s - started_s
            taken += len(frames)
        self.followed_pictures += taken
        return taken

    def _pursued(self, watched: Watched) -> list[Frame]:
        pursuit, step_s = watched.pursuit, self.following.step_s
        return [] if pursuit is None else self._guarded(watched, "decoded", lambda: pursuit.frames(step_s), [])

    def _decoded(self, watched: Watched, decoder: FrameDecoder, packet: Packet) -> list[Frame]:
        return self._guarded(watched, "decoded", lambda: list(decoder.decode(packet)), [])

    def _guarded(self, watched: Watched, what: str, work: Callable[[], T], otherwise: T) -> T:
        """Do one camera's work; a fault is counted and logged, and must not stop the others."""
        try:
            return work()
        except SewuError as error:
            log.warning(f"a picture could not be {what}", camera=watched.camera.id, reason=error.what)
        except Exception:  # a supervisor: whatever a camera sends, the others go on
            if watched.faults % TRACE_EVERY == 0:  # writing down where costs more than a picture, and it is the same place each time
                log.exception(f"a picture could not be {what}", camera=watched.camera.id, times=watched.faults + 1)
        watched.faults += 1
        self.faults += 1
        return otherwise

    def _see(self, pictures: Sequence[tuple[Watched, Frame]]) -> tuple[float, float]:
        """Look at pictures (at most one per camera) and send each through its camera's flow; processor seconds of the two."""
        started_s = self._clock.cpu_s()
        found = self._looked(pictures)
        looked_s = self._clock.cpu_s()
        for (watched, frame), detections in zip(pictures, found, strict=True):
            if detections is not None:
                self._flow(watched, frame, detections)
        return looked_s - started_s, self._clock.cpu_s() - looked_s

    def _looked(self, pictures: Sequence[tuple[Watched, Frame]]) -> list[Detections | None]:
        """Detections of each picture, in one go; one by one when that fails, to find the picture at fault. None for that one."""
        try:
            return list(self._looker.look([(watched.eye, frame) for watched, frame in pictures]))
        except Exception as error:  # noqa: BLE001 a supervisor: the camera at fault is found, and logged, below
            log.debug("a batch of pictures could not be looked at", reason=type(error).__name__)
        found: list[Detections | None] = []
        for watched, frame in pictures:
            alone = [(watched.eye, frame)]
            one: list[Detections] = self._guarded(watched, "looked at", partial(self._looker.look, alone), list[Detections]())
            found.append(one[0] if one else None)
        return found

    def _flow(self, watched: Watched, frame: Frame, detections: Detections) -> None:
        watched.looked_at_s = frame.at_s
        look = self._guarded(watched, "measured", lambda: watched.flow.look(frame, detections), None)
        if look is None:
            return
        watched.looks += 1
        self.following.take(look.events, self._clock.steady_s())
        if watched.doubts is not None and watched.doubts(detections, frame.size_px):
            self._schedule.ask(watched.camera.id)
            watched.eye.whole_at_s = None
        for sink in self._sinks:
            sink.take(look)

    def _balance(self) -> None:
        now_s = self._clock.steady_s()
        elapsed_s = now_s - self._balanced_at_s
        if elapsed_s < BALANCE_EVERY_S:
            return
        if self._busy_s > LEAST_BUSY_S:
            got = min(1.0, max(LEAST_SHARE, self._busy_cpu_s / self._busy_s))
            self._schedule.share += (got - self._schedule.share) * 0.5
        receive = (self.costs.receive_s - self._balanced_receive_s) / elapsed_s
        sending = [name for name, watched in self.watched.items() if watched.arrivals.last_at_s is not None and watched.pursuit is None]
        self._schedule.balance(now_s, receive, sending)
        pursuits = [watched.pursuit for watched in self.watched.values() if watched.pursuit is not None]
        behind = any(pursuit.waiting_s > BEHIND_S for pursuit in pursuits)
        load = Load(self._decode_share_s / elapsed_s, self._look_share_s / elapsed_s)
        room = self._schedule.capacity * self._schedule.share - receive - self._schedule.demand
        self.following.balance(now_s, room, load, len(pursuits), behind)
        self._balanced_at_s, self._balanced_receive_s = now_s, self.costs.receive_s
        self._decode_share_s = self._look_share_s = self._busy_s = self._busy_cpu_s = 0.0

    def states(self, camera_ids: Iterable[str]) -> dict[str, State]:
        """What must outlive a restart, of these cameras."""
        chosen = ((camera_id, self.watched[camera_id]) for camera_id in camera_ids if camera_id in self.watched)
        return {camera_id: {"flow": watched.flow.state(), "eye": watched.eye.state()} for camera_id, watched in chosen}


def restore(watched: Watched, state: State) -> None:
    """Go on from a saved state: dwell clocks, tracks, open events, what glances learned."""
    watched.flow.restore(state["flow"])
    watched.eye.restore(state["eye"])


def _received_s(before_s: float | None, now_s: float | None) -> float:
    """Stream time that these packets brought; a longer pause was an outage, and a clock set back brought nothing."""
    if before_s is None or now_s is None:
        return 0.0
    return now_s - before_s if 0 < now_s - before_s < LONGEST_PAUSE_S else 0.0
