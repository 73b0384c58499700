"""`sewu watch`: a fleet of shards over a camera list; and one shard, which is the other end of the fleet's pipes."""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import cv2
import psutil
import structlog

from sewu.base.clock import Clock
from sewu.base.errors import BadSettings, SewuError
from sewu.base.records import Camera, StreamInfo
from sewu.cameras.register import read_cameras
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
from sewu.wiring.reporting import write_report
from sewu.workers.fleet import Fleet, shard_of
from sewu.workers.looking import Eye, Looker
from sewu.workers.shard import Shard, Watched, restore
from sewu.workers.status import ShardStatus, total

TICK_S = 0.25
TELL_EVERY_S = 1.0
CHECKPOINT_EVERY_S = 10.0
"""Each camera's state is saved this often; a worker that is killed loses at most so much of a dwell clock."""
CAPACITY = 0.85
INPUT_PX = (416, 416)

log = structlog.get_logger()


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


def tasks_from(cameras: Path, secrets: Path | None, shards: int, sub_streams: bool) -> tuple[dict[int, object], tuple[str, ...]]:
    """Each shard's cameras, and what was wrong with the list.

    Raises:
        BadSettings: the list or the secrets file cannot be read, or holds no usable camera.
    """
    listed = read_cameras(cameras)
    passwords = _secrets(secrets)
    tasks: dict[int, list[dict[str, str]]] = {shard: [] for shard in range(shards)}
    others: list[str] = []
    for camera in listed.cameras:
        login = listed.credentials.get(camera.id)
        url = camera.sub_stream_url if sub_streams and camera.sub_stream_url else camera.stream_url
        if urlsplit(url).scheme not in {"rtsp", "rtsps"}:
            others.append(f"{camera.id}: only rtsp and rtsps cameras are watched; use `sewu analyze` for others")
            continue
        row = {"id": camera.id, "url": url}
        if login is not None:
            row |= {"user": login.user, "password": login.password or passwords.get(f"camera/{camera.id}", "")}
        tasks[shard_of(camera.id, shards)].append(row)
    faults = (*(f"row {fault.row} ({fault.camera_id or 'no id'}): {fault.reason}" for fault in listed.faults), *others)
    if not any(tasks.values()):
        why = f": {'; '.join(faults[:3])}" if faults else ""
        raise BadSettings(f"{cameras} holds no usable camera{why}.", "Correct these rows." if faults else "Add cameras.")
    return {shard: {"cameras": rows} for shard, rows in tasks.items()}, faults


def _secrets(path: Path | None) -> Mapping[str, str]:
    if path is None:
        return {}
    try:
        secrets: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return secrets
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path} cannot be read as JSON: {type(error).__name__}.", "Give a file of name: password.") from None


def watch(  # noqa: PLR0913 one parameter per decision of the caller
    cameras: Path,
    secrets: Path | None,
    shards: int,
    options: WatchOptions,
    on_status: Callable[[ShardStatus, Sequence[ShardStatus], tuple[str, ...]], None],
    stop: threading.Event,
    clock: Clock,
    sub_streams: bool = True,
) -> None:
    """Run the fleet until `stop`; the camera list is read again when it changes. Raises `BadSettings` at the start only."""
    tasks, faults = tasks_from(cameras, secrets, shards, sub_streams)
    cores = sorted(psutil.Process().cpu_affinity() or [])
    fleet = Fleet(lambda shard: _command(shard, options), shards, options.out / "log", clock, cores if shards <= len(cores) else ())
    fleet.assign(tasks)
    changed, told_s = cameras.stat().st_mtime_ns, clock.steady_s()
    try:
        while not stop.is_set():
            fleet.check()
            statuses = fleet.statuses()
            on_status(total(statuses), statuses, faults)
            if clock.steady_s() - told_s >= TELL_EVERY_S:
                told_s = clock.steady_s()
                _tell(options.out, statuses, tasks)
            clock.sleep(0.25)
            newest = cameras.stat().st_mtime_ns if cameras.exists() else changed
            if newest != changed:
                changed = newest
                try:
                    tasks, faults = tasks_from(cameras, secrets, shards, sub_streams)
                    fleet.assign(tasks)
                except SewuError as error:
                    log.warning("the changed camera list was not taken", reason=error.what)
    finally:
        fleet.stop()


def _tell(out: Path, statuses: Sequence[ShardStatus], tasks: Mapping[int, object]) -> None:
    """Tell the service; a disk that refuses must not stop the watch."""
    try:
        write_report(out, statuses, tasks)
    except SewuError as error:
        log.warning("the watch could not be reported", reason=error.what)


def _command(shard: int, options: WatchOptions) -> list[str]:
    rules = [] if options.rules is None else ["--rules", str(options.rules)]
    numbers = ["--interval", str(options.interval_s), "--whole", str(options.whole_s), "--capacity", str(options.capacity)]
    return [sys.executable, "-m", "sewu", "watch-shard", str(shard), "--out", str(options.out), "--model", options.model, *numbers, *rules]
