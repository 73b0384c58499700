"""One worker of `sewu watch`: the other end of the fleet's pipes."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import cv2
import psutil

from sewu.base.clock import Clock
from sewu.connect.ring import Ring
from sewu.connect.rtsp.poller import RtspPoller
from sewu.cull.following import Following
from sewu.cull.schedule import Schedule
from sewu.detect.canvas import CanvasDetector
from sewu.detect.onnx import DetectorSettings
from sewu.detect.shelf import load
from sewu.flow import Ending, Look
from sewu.measure import ANALYTICS
from sewu.store.checkpoints import Checkpoints
from sewu.store.events import EventStore
from sewu.store.observations import ObservationStore
from sewu.wiring.flows import MIN_SCORE, rules_from
from sewu.wiring.roster import Roster, followed_kinds
from sewu.workers.fleet import SPARE
from sewu.workers.looking import Looker
from sewu.workers.shard import Shard
from sewu.workers.status import ShardStatus

TICK_S = 0.25
CHECKPOINT_EVERY_S = 10.0
"""Each camera's state is saved this often; a worker that is killed loses at most so much of a dwell clock."""
CAPACITY = 0.85
INPUT_PX = (416, 416)


@dataclass(frozen=True)
class WatchOptions:
    """How cameras are watched, and where it is kept.

    Args:
        follow_fps: pictures a second of a followed camera; 0: none is.
        follow_events: kinds of events that have their camera followed while open; None: those of `followed_kinds`.
    """

    out: Path
    model: str = "yolox-nano"
    interval_s: float = 2.0
    whole_s: float = 20.0
    rules: Path | None = None
    capacity: float = CAPACITY
    follow_fps: float = 5.0
    follow_events: tuple[str, ...] | None = None


class _Kept:
    """A shard's sink: stores what was measured; commits once a tick."""

    def __init__(self, folder: Path, writer: str) -> None:
        self.observations, self.events = ObservationStore(folder, writer), EventStore(folder / writer)
        self.started = 0

    def take(self, look: Look) -> None:
        self.observations.add(look.observations)
        self.events.add(look.events)
        self.started += sum(event.phase == "start" for event in look.events)

    def ended(self, camera_id: str, at_s: float, ending: Ending) -> None:
        self.observations.add(ending.observations)
        self.events.add(ending.events)

    def close(self) -> None:
        self.observations.close()
        self.events.close()


@dataclass
class ShardProcess:
    """One worker: reads its cameras from the parent, watches them, says once a second how it goes."""

    number: int
    options: WatchOptions
    clock: Clock
    _tasks: queue.Queue[dict[str, Any] | None] = field(default_factory=queue.Queue)

    def run(self, source: IO[str], out: IO[str]) -> None:
        """Until the parent closes its end."""
        cv2.setNumThreads(1)
        options, rules = self.options, rules_from(self.options.rules, tuple(ANALYTICS))
        detector = load(options.model, DetectorSettings(min_score=MIN_SCORE))
        if self.number == SPARE and not self._become(source.readline()):
            return
        poller, kept = RtspPoller(self.clock), _Kept(options.out, f"shard-{self.number}")
        checkpoints = Checkpoints(options.out / f"shard-{self.number}.state.sqlite")
        epoch = checkpoints.next_epoch()
        canvas = None if options.model == "motion" else CanvasDetector(detector, INPUT_PX)
        looker, schedule = Looker(detector, canvas, INPUT_PX), Schedule(options.capacity)
        shard = Shard(poller, Ring(max_bytes=256 << 20), looker, schedule, [kept], self.clock)
        kinds = followed_kinds(rules) if options.follow_events is None else frozenset(options.follow_events)
        shard.following = Following(options.follow_fps or 1.0, kinds if options.follow_fps > 0 else frozenset())
        roster = Roster(shard, poller, checkpoints, rules, options.interval_s, options.whole_s, options.follow_fps)
        threading.Thread(target=self._read, args=(source,), daemon=True).start()

        said_s = saved_s = self.clock.steady_s()
        turn, seen = 0, False
        while True:
            started_s = self.clock.steady_s()
            if not self._take_tasks(roster):
                break
            shard.tick(TICK_S * options.capacity)
            kept.observations.commit()
            now_s = self.clock.steady_s()
            if now_s - saved_s >= CHECKPOINT_EVERY_S / 10:
                saved_s, turn = now_s, turn + 1
                ids = sorted(shard.watched)
                checkpoints.save(epoch, shard.states(ids[turn % 10 :: 10]), self.clock.now_s())
            if now_s - said_s >= 1.0 or (looker.counts.whole and not seen):
                seen = looker.counts.whole > 0  # the first picture is told at once: the parent waits to hear that all is well
                said_s = now_s
                out.write(self._status(shard, schedule, looker, poller, kept).line() + "\n")
                out.flush()
            self.clock.sleep(max(0.0, TICK_S - (self.clock.steady_s() - started_s)))
        checkpoints.save(epoch, shard.states(shard.watched), self.clock.now_s())
        poller.close()
        kept.close()
        checkpoints.close()

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
            roster.follow(task["cameras"])
        return True

    def _status(self, shard: Shard, schedule: Schedule, looker: Looker, poller: RtspPoller, kept: _Kept) -> ShardStatus:
        states = poller.states()
        promises = schedule.promises.values()
        sending = [w for w in shard.watched.values() if w.arrivals.last_at_s is not None]
        return ShardStatus(
            shard=self.number,
            pid=psutil.Process().pid,
            at_s=self.clock.now_s(),
            cameras=len(shard.watched),
            sending=sum(state.name == "playing" for state in states.values()),
            following=sum(w.pursuit is not None for w in shard.watched.values()),
            followed_pictures=shard.followed_pictures,
            follow_stretch=shard.following.stretch,
            extra=schedule.extra,
            camera_s=sum((w.arrivals.last_at_s or 0.0) - (w.arrivals.first_at_s or 0.0) for w in sending),
            receive_s=shard.costs.receive_s,
            decode_s=shard.costs.decode_s,
            look_s=shard.costs.look_s,
            flow_s=shard.costs.flow_s,
            follow_s=shard.costs.follow_s,
            process_s=self.clock.cpu_s(),
            pictures=sum(p.taken for p in promises),
            late=sum(p.late for p in promises),
            worst_ratio=max((p.worst_s / p.interval_s for p in promises), default=0.0),
            carried=looker.counts.carried,
            parts=looker.counts.parts,
            whole=looker.counts.whole,
            events=kept.started,
            faults=sum(w.faults for w in shard.watched.values()),
            stretch=schedule.stretch,
            memory_bytes=psutil.Process().memory_info().rss,
            down={name: state.reason or state.name for name, state in states.items() if state.name != "playing"},
        )
