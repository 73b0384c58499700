"""One worker of `sewu watch`: the other end of the fleet's pipes."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import cv2
import psutil

from sewu.base.clock import Clock
from sewu.base.records import Camera, StreamInfo
from sewu.connect.ring import Ring
from sewu.connect.rtsp.auth import Login
from sewu.connect.rtsp.poller import RtspPoller
from sewu.cull.schedule import Schedule
from sewu.decode.decoder import Decoder
from sewu.detect.canvas import CanvasDetector
from sewu.detect.onnx import DetectorSettings
from sewu.detect.shelf import load
from sewu.flow import Ending, Look
from sewu.measure import ANALYTICS
from sewu.store.checkpoints import Checkpoints
from sewu.store.events import EventStore
from sewu.store.observations import ObservationStore
from sewu.wiring.analysis import MIN_SCORE
from sewu.wiring.flows import flow_for, rules_from
from sewu.workers.looking import Eye, Looker
from sewu.workers.shard import Shard, Watched, restore
from sewu.workers.status import ShardStatus

TICK_S = 0.25
CHECKPOINT_EVERY_S = 10.0
"""Each camera's state is saved this often; a worker that is killed loses at most so much of a dwell clock."""
CAPACITY = 0.85
INPUT_PX = (416, 416)


@dataclass(frozen=True)
class WatchOptions:
    """What is watched, how often, and where it is kept."""

    out: Path
    model: str = "yolox-nano"
    interval_s: float = 2.0
    whole_s: float = 20.0
    rules: Path | None = None
    capacity: float = CAPACITY


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


class _Lazy:
    """A keyframe decoder that is made when the first packet tells the codec."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None
        self._stream: StreamInfo | None = None

    def decode(self, packet: Any) -> Any:
        if self._decoder is None or self._stream is not packet.stream:
            self._decoder, self._stream = Decoder(packet.stream, keyframes_only=True, max_width_px=1280), packet.stream
        return self._decoder.decode(packet)

    def flush(self) -> Any:
        return ()


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
        names, options = tuple(ANALYTICS), self.options
        rules = rules_from(options.rules, names)
        detector = load(options.model, DetectorSettings(min_score=MIN_SCORE))
        poller, kept = RtspPoller(self.clock), _Kept(options.out, f"shard-{self.number}")
        checkpoints = Checkpoints(options.out / f"shard-{self.number}.state.sqlite")
        epoch = checkpoints.next_epoch()
        canvas = None if options.model == "motion" else CanvasDetector(detector, INPUT_PX)
        looker, schedule = Looker(detector, canvas, INPUT_PX), Schedule(options.capacity)
        shard = Shard(poller, Ring(max_bytes=256 << 20), looker, schedule, [kept], self.clock)
        threading.Thread(target=self._read, args=(source,), daemon=True).start()

        def build(camera: Camera) -> Watched:
            flow = flow_for(camera.id, None, rules, names)
            return Watched(camera, flow, Eye(options.whole_s), _Lazy(), options.interval_s)

        said_s = saved_s = self.clock.steady_s()
        turn = 0
        while True:
            started_s = self.clock.steady_s()
            if not self._take_tasks(shard, poller, checkpoints, build):
                break
            shard.tick(TICK_S * options.capacity)
            kept.observations.commit()
            now_s = self.clock.steady_s()
            if now_s - saved_s >= CHECKPOINT_EVERY_S / 10:
                saved_s, turn = now_s, turn + 1
                ids = sorted(shard.watched)
                checkpoints.save(epoch, shard.states(ids[turn % 10 :: 10]), self.clock.now_s())
            if now_s - said_s >= 1.0:
                said_s = now_s
                out.write(self._status(shard, schedule, looker, poller, kept).line() + "\n")
                out.flush()
            self.clock.sleep(max(0.0, TICK_S - (self.clock.steady_s() - started_s)))
        checkpoints.save(epoch, shard.states(shard.watched), self.clock.now_s())
        poller.close()
        kept.close()
        checkpoints.close()

    def _read(self, source: IO[str]) -> None:
        for line in source:
            self._tasks.put(json.loads(line))
        self._tasks.put(None)

    def _take_tasks(self, shard: Shard, poller: RtspPoller, checkpoints: Checkpoints, build: Callable[[Camera], Watched]) -> bool:
        """Follow the camera list; False when the parent is gone."""
        while not self._tasks.empty():
            task = self._tasks.get()
            if task is None:
                return False
            wanted = {row["id"]: row for row in task["cameras"]}
            for camera_id in set(shard.watched) - set(wanted):
                shard.remove(camera_id)
                poller.remove(camera_id)
            for camera_id, row in wanted.items():
                known = shard.watched.get(camera_id)
                if known is not None and known.camera.stream_url == row["url"]:
                    continue
                watched = build(Camera(camera_id, camera_id, row["url"]))
                saved = checkpoints.load([camera_id]).get(camera_id)
                if saved is not None:
                    restore(watched, saved)
                shard.add(watched)
                login = Login(row["user"], row["password"]) if row.get("user") else None
                poller.add(camera_id, row["url"], login)
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
            following=sum(w.follow_fps > 0 for w in shard.watched.values()),
            camera_s=sum((w.arrivals.last_at_s or 0.0) - (w.arrivals.first_at_s or 0.0) for w in sending),
            receive_s=shard.costs.receive_s,
            decode_s=shard.costs.decode_s,
            look_s=shard.costs.look_s,
            flow_s=shard.costs.flow_s,
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
