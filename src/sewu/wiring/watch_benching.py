"""`sewu bench watch`: simulated cameras from a process of their own, watched by real shards, with the usual ways in turn."""

from __future__ import annotations

import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from sewu.base.clock import Clock
from sewu.base.errors import SewuError, StreamBroken
from sewu.base.records import Camera
from sewu.bench.usual import WAYS, UsualCost, measure_usual
from sewu.bench.watch import STAGES, WatchCost, WatchRound, kept
from sewu.cameras.register import write_cameras
from sewu.detect.onnx import DetectorSettings
from sewu.detect.shelf import load
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, fault, serve_in_process
from sewu.simulate.server.until import allow_many_connections
from sewu.store.observations import read_observations
from sewu.wiring.analysis import MIN_SCORE
from sewu.wiring.sharding import WatchOptions
from sewu.wiring.watching import CityList, watch
from sewu.workers.status import ShardStatus

BAD_KINDS = ("flapping", "stall", "garbage", "offline", "refuse", "half_open")
"""What the bad cameras do, in turn."""
PHASE_S = 0.37
START_S = 90.0
POLL_S = 0.1
EVERY_LOOK = ("health", "light")
"""The analytic and metric that is emitted at each look, by which the looks of a camera are counted afterwards."""


@dataclass(frozen=True)
class WatchBench:
    """What to measure. `loops`: files that the cameras play in turn. usual_cameras: 0 leaves the usual ways out."""

    loops: tuple[Path, ...]
    cameras: int = 100
    bad: int = 0
    seconds: float = 60.0
    rounds: int = 3
    workers: int = 2
    warm_s: float = 15.0
    usual_cameras: int = 4
    usual_s: float = 10.0
    watch: WatchOptions = field(default_factory=lambda: WatchOptions(Path()))


@dataclass(frozen=True, slots=True)
class _Sample:
    """Counters at one moment: of the shards, and what this process has used itself."""

    at_s: float
    status: ShardStatus
    own_cpu_s: float
    descriptors: int
    threads: int


def measure_watch(bench: WatchBench, clock: Clock, on_round: Callable[[WatchRound], None]) -> WatchCost:
    """Rounds of watching, the usual ways before each.

    Raises:
        StreamBroken: the good cameras did not all play. Unavailable: the server did not start.
    """
    allow_many_connections()
    served = tuple(
        ServedCamera(id=f"c{n:05d}", main=StreamFile(path=bench.loops[n % len(bench.loops)]), phase_s=n * PHASE_S)
        for n in range(bench.cameras)
    )
    good = [camera.id for camera in served[: bench.cameras - bench.bad]]
    rounds: list[WatchRound] = []
    usual: list[UsualCost] = []
    times_s: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="sewu-bench-") as name, serve_in_process(ServerPlan(cameras=served)) as server:
        folder, base = Path(name), f"rtsp://{server.addresses.host}:{server.addresses.rtsp_port}"
        write_cameras([Camera(camera.id, camera.id, f"{base}/{camera.id}/main") for camera in served], folder / "cameras.csv")
        for number, camera in enumerate(served[len(good) :]):
            server.set_fault(camera.id, fault(BAD_KINDS[number % len(BAD_KINDS)]))
        few = [f"{base}/{camera_id}/main" for camera_id in good[: bench.usual_cameras]]
        for number in range(bench.rounds):
            if few:
                usual += [
                    measure_usual(way, few, lambda: load(bench.watch.model, DetectorSettings(min_score=MIN_SCORE)), bench.usual_s, clock)
                    for way in WAYS
                ]
            out = folder / f"round-{number}"
            one, span_s = _round(bench, folder / "cameras.csv", out, len(good), clock)
            rounds.append(one)
            on_round(one)
            for camera_id, seen in _looks(out, set(good), span_s).items():
                # One long time line: the pause between two rounds is no gap of the camera's.
                times_s[f"{camera_id}/{number}"] = seen
    conditions = {
        "model": bench.watch.model,
        "workers": bench.workers,
        "whole_s": bench.watch.whole_s,
        "loops": [p.parent.name for p in bench.loops],
    }
    intervals = kept(times_s, bench.watch.interval_s)
    intervals = replace(intervals, cameras=len(good))
    return WatchCost(bench.cameras, bench.bad, bench.watch.interval_s, tuple(rounds), tuple(usual), intervals, conditions)


def _round(bench: WatchBench, cameras: Path, out: Path, good: int, clock: Clock) -> tuple[WatchRound, tuple[float, float]]:
    """Watch for one span, start-up excluded. Returns it and the span's wall-clock times."""
    with _watching(bench, cameras, out, clock) as latest:
        deadline_s = clock.steady_s() + START_S
        while (status := latest()) is None or status.sending < good:
            if clock.steady_s() > deadline_s:
                raise StreamBroken(f"Only {0 if status is None else status.sending} of {good} cameras played.", "Measure fewer cameras.")
            clock.sleep(POLL_S)
        clock.sleep(bench.warm_s)
        began_s, before = clock.now_s(), _sample(latest, clock)
        clock.sleep(bench.seconds)
        after, ended_s = _sample(latest, clock), clock.now_s()
    return _between(before, after), (began_s, ended_s)


@contextmanager
def _watching(bench: WatchBench, cameras: Path, out: Path, clock: Clock) -> Iterator[Callable[[], ShardStatus | None]]:
    """`sewu watch` in a thread of this process and its shards in theirs, while the block runs."""
    stop, last, failed = threading.Event(), list[ShardStatus](), list[SewuError]()

    def on_status(together: ShardStatus, shards: object, faults: tuple[str, ...]) -> None:
        last[:] = [together]

    def run() -> None:
        try:
            watch(CityList(cameras, None, None, True), bench.workers, replace(bench.watch, out=out), on_status, stop, clock)
        except SewuError as error:
            failed.append(error)

    def latest() -> ShardStatus | None:
        if failed:
            raise failed[0]
        return last[0] if last else None

    thread = threading.Thread(target=run, name="watch", daemon=True)
    thread.start()
    try:
        yield latest
    finally:
        stop.set()
        thread.join(60.0)


def _sample(latest: Callable[[], ShardStatus | None], clock: Clock) -> _Sample:
    status = latest()
    assert status is not None
    descriptors = threads = 0
    for child in psutil.Process().children(recursive=True):
        try:
            if "watch-shard" in child.cmdline():
                descriptors, threads = descriptors + child.num_fds(), threads + child.num_threads()
        except psutil.NoSuchProcess:
            continue
    return _Sample(clock.steady_s(), status, clock.cpu_s(), descriptors, threads)


def _between(before: _Sample, after: _Sample) -> WatchRound:
    """What happened between two samples, per camera and second."""
    camera_s = after.status.camera_s - before.status.camera_s
    if camera_s <= 0:
        raise StreamBroken("A worker was started anew while it was measured.", "See its log; measure fewer cameras.")

    def ms(stage: str) -> float:
        return 1e3 * float(getattr(after.status, f"{stage}_s") - getattr(before.status, f"{stage}_s")) / camera_s

    stages = {stage: ms(stage) for stage in STAGES if stage != "other"}
    whole = ms("process") + 1e3 * (after.own_cpu_s - before.own_cpu_s) / camera_s
    stages["other"] = whole - sum(stages.values())
    return WatchRound(
        seconds=after.at_s - before.at_s,
        ms_per_camera_s=whole,
        stages_ms=stages,
        looks={kind: getattr(after.status, kind) - getattr(before.status, kind) for kind in ("whole", "parts", "carried")},
        stretch=max(before.status.stretch, after.status.stretch),
        memory_bytes=(before.status.memory_bytes, after.status.memory_bytes),
        descriptors=(before.descriptors, after.descriptors),
        threads=(before.threads, after.threads),
    )


def _looks(out: Path, good: set[str], span_s: tuple[float, float]) -> dict[str, list[float]]:
    """Capture times of the looks at the good cameras within the span; a camera without any is there, empty."""
    found: dict[str, list[float]] = {camera_id: [] for camera_id in good}
    for row in read_observations(out):
        if (row.analytic, row.metric) == EVERY_LOOK and row.camera_id in good and span_s[0] <= row.at_s <= span_s[1]:
            found[row.camera_id].append(row.at_s)
    return found
