"""What it costs to receive a camera: Sewu's own RTSP client against FFmpeg's demuxer through PyAV.

Server, Sewu and PyAV each have a process of their own; what is measured is the processor time of the receiving one,
all threads, user and system, once every camera has played for a while. Rounds alternate, so that a machine that grows
busy hurts both.
"""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import av

from sewu.base.clock import SystemClock
from sewu.base.errors import StreamBroken
from sewu.connect.rtsp import RtspPoller
from sewu.connect.rtsp.poller import MAX_WAIT_S
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, serve_in_process
from sewu.simulate.testcard import MAIN_CARD, SUB_CARD, cached_card

POLL_EVERY_S = 0.25
START_S = 30.0
WARM_S = 2.0
ROUNDS = 3
PYAV_CAMERAS = 8
"""PyAV needs a thread for each camera; its cost per camera does not depend on their number."""


@dataclass(frozen=True, slots=True)
class IngestCost:
    """Result of one run. Costs are processor milliseconds per camera and second, user and system, medians of rounds.

    Args:
        ratio: how many times dearer PyAV is. rounds_*: each round's cost.
        sewu_fps, pyav_fps: access units per camera and second that really arrived.
        pyav_cameras: how many PyAV received at a time.
        poll_every_s, max_wait_s: how often all sockets were gone through, and how long one was left alone at most.
    """

    stream: str
    cameras: int
    pyav_cameras: int
    seconds: float
    sewu_ms_per_camera_s: float
    pyav_ms_per_camera_s: float
    ratio: float
    sewu_fps: float
    pyav_fps: float
    megabits_per_s: float
    rounds_sewu_ms: tuple[float, ...]
    rounds_pyav_ms: tuple[float, ...]
    poll_every_s: float = POLL_EVERY_S
    max_wait_s: float = MAX_WAIT_S

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def measure_ingest(stream: Literal["main", "sub"], cameras: int, seconds: float, cache: Path) -> IngestCost:
    """Serve `cameras` test cards, receive them for `seconds` in each round, by Sewu and by PyAV in turn.

    Raises:
        StreamBroken: not every camera played. Unavailable: the server did not start.
    """
    path = cached_card(MAIN_CARD if stream == "main" else SUB_CARD, cache)
    plan = ServerPlan(
        cameras=tuple(ServedCamera(id=f"c{n}", main=StreamFile(path=path), phase_s=n * 0.37) for n in range(max(cameras, PYAV_CAMERAS)))
    )
    with serve_in_process(plan) as server, _own_process() as sewu, _own_process() as pyav:
        base = f"rtsp://{server.addresses.host}:{server.addresses.rtsp_port}"
        urls = [f"{base}/c{n}/main" for n in range(cameras)]
        by_pyav = urls[:PYAV_CAMERAS]
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(sewu.submit(_by_sewu, urls, seconds).result())
            theirs.append(pyav.submit(_by_pyav, by_pyav, seconds).result())
    sewu_ms, pyav_ms = median(cost for cost, _, _ in ours), median(cost for cost, _ in theirs)
    return IngestCost(
        stream,
        cameras,
        len(by_pyav),
        seconds,
        sewu_ms,
        pyav_ms,
        pyav_ms / sewu_ms,
        median(fps for _, fps, _ in ours),
        median(fps for _, fps in theirs),
        median(megabits for _, _, megabits in ours),
        tuple(cost for cost, _, _ in ours),
        tuple(cost for cost, _ in theirs),
    )


def _own_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def _by_sewu(urls: list[str], seconds: float) -> tuple[float, float, float]:
    """Milliseconds, access units and megabits per camera and second."""
    clock = SystemClock()
    poller = RtspPoller(clock)
    try:
        for number, url in enumerate(urls):
            poller.add(f"c{number}", url)
        deadline_s = clock.steady_s() + START_S
        while not all(state.units for state in poller.states().values()):
            if clock.steady_s() > deadline_s:
                raise StreamBroken("Not every camera played.", "Measure fewer cameras.")
            poller.poll()
            clock.sleep(0.05)
        _poll_for(poller, clock, WARM_S)
        started_s, cpu_s = clock.steady_s(), clock.cpu_s()
        units, octets = _poll_for(poller, clock, seconds)
        used_s, elapsed_s = clock.cpu_s() - cpu_s, clock.steady_s() - started_s
    finally:
        poller.close()
    share = 1.0 / (len(urls) * elapsed_s)
    return 1e3 * used_s * share, units * share, 8e-6 * octets * share


def _poll_for(poller: RtspPoller, clock: SystemClock, duration_s: float) -> tuple[int, int]:
    units = octets = 0
    end_s = clock.steady_s() + duration_s
    while (left_s := end_s - clock.steady_s()) > 0:
        for _, packets in poller.poll():
            units += len(packets)
            octets += sum(len(packet.data) for packet in packets)
        clock.sleep(min(POLL_EVERY_S, left_s))
    return units, octets


class _Demuxing(threading.Thread):
    """One camera through FFmpeg's demuxer, as pipelines commonly do it."""

    def __init__(self, url: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._url, self._halt = url, stop
        self.units = 0
        self.is_open = threading.Event()

    def run(self) -> None:
        options = {"rtsp_transport": "tcp", "probesize": "100000", "analyzeduration": "500000"}
        with av.open(self._url, options=options, timeout=10.0) as container:
            for packet in container.demux(container.streams.video[0]):
                self.is_open.set()
                self.units += bool(packet.size)
                if self._halt.is_set():
                    return


def _by_pyav(urls: list[str], seconds: float) -> tuple[float, float]:
    """Milliseconds and access units per camera and second."""
    stop = threading.Event()
    threads = [_Demuxing(url, stop) for url in urls]
    try:
        for thread in threads:
            thread.start()
        if not all(thread.is_open.wait(START_S) for thread in threads):
            raise StreamBroken("Not every camera played through PyAV.", "Measure fewer cameras.")
        clock = SystemClock()
        clock.sleep(WARM_S)
        before = sum(thread.units for thread in threads)
        started_s, cpu_s = clock.steady_s(), clock.cpu_s()
        clock.sleep(seconds)
        used_s, elapsed_s = clock.cpu_s() - cpu_s, clock.steady_s() - started_s
        units = sum(thread.units for thread in threads) - before
    finally:
        stop.set()
        for thread in threads:
            thread.join(15.0)
    share = 1.0 / (len(urls) * elapsed_s)
    return 1e3 * used_s * share, units * share
