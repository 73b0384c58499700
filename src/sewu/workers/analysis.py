"""Analyse sources side by side: one thread each, so that one bad source disturbs no other.

Decoding, inference and picture arithmetic release Python's lock, so threads use the cores; each job has its
own detector, because detectors keep buffers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import structlog

from sewu.base.errors import SewuError
from sewu.base.interfaces import Detector, Source
from sewu.base.records import Packet, StreamInfo
from sewu.flow import CameraFlow, Ending, FrameDecoder, Look, looks

log = structlog.get_logger()


class Listener(Protocol):
    """Wants to know what happens to one camera: a store, a recorder, a report."""

    def on_packet(self, packet: Packet) -> None: ...

    def on_look(self, look: Look) -> None: ...

    def on_end(self, at_s: float, ending: Ending) -> None:
        """The stream is over. Called once, also after a fault."""
        ...


@dataclass(frozen=True)
class Job:
    """One source to analyse and what to do with it. Everything is built by the wiring."""

    camera_id: str
    open_source: Callable[[], Source]
    make_decoder: Callable[[StreamInfo], FrameDecoder]
    make_detector: Callable[[], Detector]
    flow: CameraFlow
    make_listeners: Callable[[], Sequence[Listener]]
    batch_frames: int = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one job is."""

    camera_id: str
    done_s: float
    duration_s: float | None
    looks: int


@dataclass
class Outcome:
    """How one job ended. `error` is set when it did not get through its source."""

    camera_id: str
    looks: int = 0
    first_at_s: float | None = None
    last_at_s: float | None = None
    packets: int = 0
    events_started: int = 0
    stopped: bool = False
    faults: tuple[str, ...] = ()
    error: SewuError | None = None


def analyse(jobs: Sequence[Job], on_progress: Callable[[Progress], None], stop: threading.Event, at_once: int) -> list[Outcome]:
    """Run all jobs, `at_once` at a time. Never raises for a bad source: see each outcome's `error`."""
    with ThreadPoolExecutor(max_workers=max(1, min(at_once, len(jobs))), thread_name_prefix="sewu-analyse") as pool:
        return list(pool.map(lambda job: _supervised(job, on_progress, stop), jobs))


def _supervised(job: Job, on_progress: Callable[[Progress], None], stop: threading.Event) -> Outcome:
    outcome = Outcome(job.camera_id)
    try:
        _run(job, outcome, on_progress, stop)
    except SewuError as error:
        outcome.error = error
    except Exception as error:  # a supervisor: the other sources go on
        log.exception("analysis failed", camera=job.camera_id)
        outcome.error = SewuError(
            f"The analysis of {job.camera_id} stopped on an internal error: {type(error).__name__}: {error}.",
            "What was stored before is safe; report this with the log above.",
        )
    return outcome


def _run(job: Job, outcome: Outcome, on_progress: Callable[[Progress], None], stop: threading.Event) -> None:
    source = job.open_source()
    listeners: list[Listener] = []
    try:
        detector = job.make_detector()
        listeners = list(job.make_listeners())
        packets = _watched(source, listeners, outcome, stop)
        for look in looks(packets, job.make_decoder(source.stream), detector, job.flow, job.batch_frames):
            outcome.looks += 1
            outcome.first_at_s = look.frame.at_s if outcome.first_at_s is None else outcome.first_at_s
            outcome.last_at_s = look.frame.at_s
            outcome.events_started += sum(event.phase == "start" for event in look.events)
            for listener in listeners:
                listener.on_look(look)
            on_progress(Progress(job.camera_id, look.frame.at_s - outcome.first_at_s, source.duration_s, outcome.looks))
    finally:
        source.close()
        outcome.faults = tuple(getattr(source, "faults", ()))
        at_s = outcome.last_at_s or 0.0
        _end_all(listeners, at_s, job.flow.finish(at_s))


def _watched(source: Source, listeners: Sequence[Listener], outcome: Outcome, stop: threading.Event) -> Iterator[Packet]:
    for packet in source:
        if stop.is_set():
            outcome.stopped = True
            return
        outcome.packets += 1
        for listener in listeners:
            listener.on_packet(packet)
        yield packet


def _end_all(listeners: Sequence[Listener], at_s: float, ending: Ending) -> None:
    """Tell every listener, also when one of them fails: the store must be closed though the video could not be."""
    with ExitStack() as stack:
        for listener in reversed(listeners):
            stack.callback(listener.on_end, at_s, ending)
