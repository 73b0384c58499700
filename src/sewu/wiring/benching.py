"""`sewu bench`: builds what is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2

from sewu.base.interfaces import Detector
from sewu.base.records import Packet
from sewu.bench.analysis import AnalysisCost, MemoryGrowth, Repeated, measure_analysis, resident_mib
from sewu.bench.sort import PlainSort
from sewu.bench.tracker import AssociationCost, TimedTracker, time_association
from sewu.connect.file import FileSource
from sewu.decode.decoder import Decoder
from sewu.detect.onnx import DetectorSettings
from sewu.detect.shelf import load
from sewu.evaluate.tracker_alone import tracker_alone
from sewu.flow import looks
from sewu.follow import ByteOcTracker
from sewu.measure import ANALYTICS
from sewu.show.gather import Gathered
from sewu.store.events import EventStore
from sewu.store.observations import ObservationStore
from sewu.wiring.analysis import MIN_SCORE
from sewu.wiring.flows import flow_for, rules_from
from sewu.workers.analysis import Listener
from sewu.workers.evidence import Clips, Recorded


@dataclass(frozen=True, slots=True)
class TrackerSpeed:
    """Looks a second of one core on the public detections of one sequence."""

    sequence: str
    sewu_looks_per_s: float
    sort_looks_per_s: float


def bench_analysis(clip: Path, model: str, rate_fps: float, rounds: int) -> AnalysisCost:
    """Everything `sewu analyze` does for a clip, beside decoding and inference alone."""
    cv2.setNumThreads(1)
    detector = load(model, DetectorSettings(min_score=MIN_SCORE))

    def bare(path: Path) -> int:
        source = FileSource(path, "bench")
        decoder = Decoder(source.stream, max_rate_fps=rate_fps)
        count = 0
        for packet in source:
            for frame in decoder.decode(packet):
                detector.detect([frame])
                count += 1
        count += sum(len(detector.detect([frame])) for frame in decoder.flush())
        source.close()
        return count

    def full(path: Path) -> int:
        with tempfile.TemporaryDirectory() as folder:
            source = FileSource(path, "bench")
            count = sum(_all_of_it(source, Path(folder), Decoder(source.stream, max_rate_fps=rate_fps), detector))
            source.close()
            return count

    return measure_analysis(clip, full, bare, rounds)


def bench_memory(clip: Path, model: str, rate_fps: float, minutes: float) -> MemoryGrowth:
    """Resident memory over a clip repeated until `minutes` of it were analysed."""
    cv2.setNumThreads(1)
    detector = load(model, DetectorSettings(min_score=MIN_SCORE))
    source = Repeated(lambda: FileSource(clip, "bench"), minutes * 60)
    expected = minutes * 60 * rate_fps
    quarter_mib = peak_mib = 0.0
    with tempfile.TemporaryDirectory() as folder:
        done = 0
        for count in _all_of_it(source, Path(folder), Decoder(source.stream, max_rate_fps=rate_fps), detector):
            done += count
            if done % 100 == 0:
                peak_mib = max(peak_mib, resident_mib())
            if quarter_mib == 0.0 and done >= expected / 4:
                quarter_mib = resident_mib()
        return MemoryGrowth(minutes, quarter_mib, resident_mib(), peak_mib)


def bench_tracker(data: Path) -> tuple[list[TrackerSpeed], AssociationCost]:
    """Tracker speed on the public detections, and one thousand tracks against one thousand detections."""
    ours: dict[str, TimedTracker] = {}
    plain: dict[str, TimedTracker] = {}
    tracker_alone(
        data,
        {
            "sewu": lambda s: ours.setdefault(s.name, TimedTracker(ByteOcTracker(size_px=s.size_px))),
            "sort": lambda s: plain.setdefault(s.name, TimedTracker(PlainSort())),
        },
    )
    rows = [TrackerSpeed(name, timed.rate_fps or 0.0, plain[name].rate_fps or 0.0) for name, timed in ours.items()]
    return rows, time_association()


def _all_of_it(source: FileSource | Repeated, folder: Path, decoder: Decoder, detector: Detector) -> Iterator[int]:
    """What `sewu analyze` does to one source: 1 for every look."""
    names = tuple(ANALYTICS)
    flow = flow_for("bench", None, rules_from(None, names), names)
    clips = Clips(folder / "clips")
    listeners: list[Listener] = [Gathered(None, clips.written), clips, Recorded(ObservationStore(folder), EventStore(folder))]

    def packets() -> Iterator[Packet]:
        for packet in source:
            for listener in listeners:
                listener.on_packet(packet)
            yield packet

    at_s = 0.0
    for look in looks(packets(), decoder, detector, flow):
        at_s = look.frame.at_s
        for listener in listeners:
            listener.on_look(look)
        yield 1
    ending = flow.finish(at_s)
    for listener in listeners:
        listener.on_end(at_s, ending)
