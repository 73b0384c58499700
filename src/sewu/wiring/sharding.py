"""One worker of `sewu watch`: the other end of the fleet's pipes."""

from __future__ import annotations

import json
import math
import os
import queue
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import cv2
import psutil

from sewu.base.clock import Clock
from sewu.base.errors import BadSettings, SewuError, StoreFull
from sewu.base.interfaces import Detector
from sewu.base.records import Packet
from sewu.connect.fragments import FragmentedMp4
from sewu.connect.ring import Ring
from sewu.connect.rtsp.poller import RtspPoller
from sewu.cull.following import Following
from sewu.cull.schedule import Schedule
from sewu.decode.decoder import Decoder
from sewu.detect.canvas import CanvasDetector
from sewu.detect.economy import thrifty
from sewu.notice import RuleSet
from sewu.store.checkpoints import STATES, Checkpoints
from sewu.store.events import EventStore
from sewu.store.observations import ObservationStore
from sewu.wiring.flows import MIN_SCORE
from sewu.wiring.roster import Roster
from sewu.wiring.ruling import shipped_rules
from sewu.workers.exhibits import Exhibits
from sewu.workers.fleet import SPARE
from sewu.workers.keeping import Keeper
from sewu.workers.looking import Looker
from sewu.workers.shard import Shard
from sewu.workers.status import ShardStatus
from sewu.workers.window import Window, window_path

TICK_S = 0.25
CHECKPOINT_EVERY_S = 10.0
"""Each camera's state is saved this often; a worker that is killed loses at most so much of a dwell clock."""
SAVE_TURNS = 10
"""Cameras are saved in so many turns, so that no tick saves them all."""
RING_S = 14.0
"""Long enough for a clip's seconds before an event, a group of pictures before these, and the time until it is noticed."""
CAPACITY = 0.85
INPUT_PX = (416, 416)
STILL_WIDTH_PX, STILL_QUALITY = 1280, 80


@dataclass(frozen=True)
class WatchOptions:
    """How cameras are watched, and where it is kept.

    Args:
        follow_fps: pictures a second of a followed camera; 0: none is.
        follow_events: kinds of events that have their camera followed while open; None: those of `followed_kinds`.
        evidence: keep a still and a clip of every event. ring_bytes: bound for the packets a worker remembers.
    """

    out: Path
    model: str = "yolox-nano"
    interval_s: float = 2.0
    whole_s: float = 20.0
    capacity: float = CAPACITY
    follow_fps: float = 5.0
    follow_events: tuple[str, ...] | None = None
    evidence: bool = True
    ring_bytes: int = 256 << 20

    def text(self) -> str:
        """As JSON, to be told to another process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def of(cls, text: str) -> WatchOptions:
        """The options that `text` was made of. Raises `BadSettings` when it is none."""
        try:
            values = json.loads(text)
            events = values.pop("follow_events")
            return cls(Path(values.pop("out")), follow_events=None if events is None else tuple(events), **values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadSettings("A worker was started with options that are none.", "Start `sewu watch`; it starts its workers.") from error


@dataclass
class Parts:
    """What one worker consists of."""

    poller: RtspPoller
    ring: Ring
    looker: Looker
    schedule: Schedule
    keeper: Keeper
    checkpoints: Checkpoints
    shard: Shard
    roster: Roster
    window: Window


@dataclass
class ShardProcess:
    """One worker: reads its cameras from the parent, watches them, says once a second how it goes."""

    number: int
    options: WatchOptions
    clock: Clock
    _tasks: queue.Queue[dict[str, Any] | None] = field(default_factory=queue.Queue)
    _epoch: int = 0
    _turn: int = 0
    _refused: str | None = None

    def run(self, source: IO[str], out: IO[str]) -> None:
        """Until the parent closes its end."""
        cv2.setNumThreads(1)
        rules = shipped_rules()
        detector = thrifty(self.options.model, max(INPUT_PX), MIN_SCORE)
        if self.number == SPARE and not self._become(source.readline()):
            return
        parts = self._assembled(rules, detector)
        threading.Thread(target=self._read, args=(source,), daemon=True).start()
        said_s = saved_s = self.clock.steady_s()
        seen = False
        while self._take_tasks(parts.roster):
            started_s = self.clock.steady_s()
            parts.shard.tick(TICK_S * self.options.capacity)
            parts.keeper.flush()
            parts.window.turn()
            parts.poller.prompt = parts.window.watched_live
            now_s = self.clock.steady_s()
            if now_s - saved_s >= CHECKPOINT_EVERY_S / SAVE_TURNS:
                saved_s, self._turn = now_s, self._turn + 1
                self._save(parts, sorted(parts.shard.watched)[self._turn % SAVE_TURNS :: SAVE_TURNS])
            if now_s - said_s >= 1.0 or (parts.looker.counts.whole and not seen):
                seen = parts.looker.counts.whole > 0  # the first picture is told at once: the parent waits to hear that all is well
                said_s = now_s
                out.write(self.status(parts).line() + "\n")
                out.flush()
            self.clock.sleep(max(0.0, TICK_S - (self.clock.steady_s() - started_s)))
        self._save(parts, sorted(parts.shard.watched))
        parts.window.close()
        parts.poller.close()
        parts.keeper.close()
        parts.checkpoints.close()

    def _assembled(self, rules: RuleSet, detector: Detector) -> Parts:
        options, writer = self.options, f"shard-{self.number}"
        poller, ring, schedule = RtspPoller(self.clock), Ring(RING_S, options.ring_bytes), Schedule(options.capacity)
        exhibits = Exhibits(options.out, ring, self.clock) if options.evidence else None
        keeper = Keeper(ObservationStore(options.out, writer), EventStore(options.out / writer), exhibits)
        checkpoints = Checkpoints(options.out / STATES)
        self._epoch = checkpoints.next_epoch()
        canvas = None if options.model == "motion" else CanvasDetector(detector, INPUT_PX)
        looker = Looker(detector, canvas, INPUT_PX)
        shard = Shard(poller, ring, looker, schedule, [keeper], self.clock)
        kinds = None if options.follow_events is None else frozenset(options.follow_events)
        shard.following = Following(options.follow_fps or 1.0)
        roster = Roster(shard, poller, checkpoints, rules, options.interval_s, options.whole_s, options.follow_fps, kinds)
        shard.viewers = window = window_of(ring, window_path(options.out, self.number))
        return Parts(poller, ring, looker, schedule, keeper, checkpoints, shard, roster, window)

    def _save(self, parts: Parts, camera_ids: list[str]) -> None:
        """Save these cameras' states; a disk that refuses is told in the status, and the next save tries again."""
        try:
            parts.checkpoints.save(self._epoch, parts.shard.states(camera_ids), self.clock.now_s())
            self._refused = None
        except StoreFull as error:
            self._refused = error.what

    def _become(self, line: str) -> bool:
        """The spare learns which shard it is; False when the parent ended without needing it."""
        if not line.strip():
            return False
        self.number = int(line)
        with (self.options.out / "log" / f"shard-{self.number}.log").open("ab") as log:
            os.dup2(log.fileno(), sys.stderr.fileno())
        return True

    def _read(self, source: IO[str]) -> None:
        for line in source:
            self._tasks.put(json.loads(line))
        self._tasks.put(None)

    def _take_tasks(self, roster: Roster) -> bool:
        """Follow the camera list; False when the parent is gone."""
        while not self._tasks.empty():
            task = self._tasks.get()
            if task is None:
                return False
            roster.follow(task["cameras"], task.get("rules"))
        return True

    def status(self, parts: Parts) -> ShardStatus:
        """How it goes, now and since the start."""
        shard, schedule, counts, keeper = parts.shard, parts.schedule, parts.looker.counts, parts.keeper
        states, costs, exhibits = parts.poller.states(), parts.shard.costs, parts.keeper.exhibits
        worst = max((promise.worst_s / promise.interval_s for promise in schedule.promises.values()), default=0.0)
        fault = keeper.fault or (exhibits.fault if exhibits else None)
        return ShardStatus(
            shard=self.number,
            pid=os.getpid(),
            at_s=self.clock.now_s(),
            cameras=len(shard.watched),
            sending=sum(state.name == "playing" for state in states.values()),
            following=sum(watched.pursuit is not None for watched in shard.watched.values()),
            followed_pictures=shard.followed_pictures,
            follow_stretch=shard.following.stretch,
            extra=schedule.extra,
            camera_s=shard.camera_s,
            receive_s=costs.receive_s,
            decode_s=costs.decode_s,
            look_s=costs.look_s,
            flow_s=costs.flow_s,
            follow_s=costs.follow_s,
            process_s=self.clock.cpu_s() + sum(state.aside_cpu_s for state in states.values()),
            pictures=schedule.taken,
            late=schedule.late,
            worst_ratio=worst,
            carried=counts.carried,
            parts=counts.parts,
            whole=counts.whole,
            events=keeper.started,
            faults=shard.faults,
            stretch=schedule.stretch,
            share=schedule.share,
            memory_bytes=psutil.Process().memory_info().rss,
            ring_bytes=parts.ring.size_bytes,
            evicted=parts.ring.evicted,
            clips=exhibits.clips if exhibits else 0,
            clips_missed=exhibits.missed if exhibits else 0,
            lost=keeper.lost,
            refused=fault.what if fault else (self._refused or ""),
            down={name: state.reason or state.name for name, state in states.items() if state.name != "playing"},
        )


def window_of(ring: Ring, path: Path) -> Window:
    """Stills and live video out of a ring; a still is the newest keyframe, decoded when somebody asks."""

    def recent(camera_id: str) -> list[Packet]:
        return ring.clip(camera_id, math.inf, math.inf)

    def still(camera_id: str) -> bytes | None:
        packets = recent(camera_id)
        if not packets:
            return None
        decoder = Decoder(packets[0].stream, keyframes_only=True, max_width_px=STILL_WIDTH_PX)
        try:
            frames = [*decoder.decode(packets[0]), *decoder.flush()]
        except SewuError:
            return None
        if not frames:
            return None
        done, data = cv2.imencode(".jpg", frames[0].image, [cv2.IMWRITE_JPEG_QUALITY, STILL_QUALITY])
        return data.tobytes() if done else None

    return Window(path, FragmentedMp4, still, recent)
