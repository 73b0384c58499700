"""`sewu analyze`: sources in, a folder with everything that was found out."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import cv2

from sewu import __version__
from sewu.base.clock import Clock, SystemClock
from sewu.base.errors import BadInput, BadSettings
from sewu.base.interfaces import Detector
from sewu.base.records import StreamInfo
from sewu.base.space import Scene
from sewu.connect.ffmpeg import without_login
from sewu.connect.opening import open_source
from sewu.decode.decoder import Decoder
from sewu.detect.onnx import DetectorSettings
from sewu.detect.shelf import default_detector, load
from sewu.measure import ANALYTICS
from sewu.notice import RuleSet
from sewu.show.gather import Gathered
from sewu.show.report import Figure, ReportData, render_report
from sewu.show.video import AnnotatedVideo
from sewu.store.events import EventStore
from sewu.store.files import safe_name, write_whole
from sewu.store.observations import ObservationStore, export_parquet
from sewu.wiring.flows import MIN_SCORE as MIN_SCORE
from sewu.wiring.flows import flow_for, rules_from, scene_from
from sewu.workers.analysis import Job, Listener, Outcome, Progress, analyse
from sewu.workers.evidence import Clips, Recorded

MARKER = "analysis.json"
OURS = ("observations", "stills", "clips", "observations.parquet", "events.sqlite", "events.jsonl", "report.html", "annotated.mp4", MARKER)
DEFAULT_RATE_FPS = 10.0


@dataclass(frozen=True)
class Looking:
    """How often to look. `keyframes`: only at keyframes; `rate_fps` None: at every picture."""

    keyframes: bool = False
    rate_fps: float | None = DEFAULT_RATE_FPS

    @classmethod
    def parse(cls, text: str) -> Looking:
        """Read "5fps", "0.5fps", "key" or "all". Raises `BadSettings`."""
        if text == "key":
            return cls(keyframes=True, rate_fps=None)
        if text == "all":
            return cls(rate_fps=None)
        try:
            rate_fps = float(text.removesuffix("fps"))
        except ValueError:
            rate_fps = 0.0
        if not 0.001 <= rate_fps <= 240:
            raise BadSettings(f"--every {text!r} is not understood.", 'Write for example "5fps", "0.5fps", "key" or "all".')
        return cls(rate_fps=rate_fps)


@dataclass(frozen=True)
class AnalyzeOptions:
    """What the command line asks for."""

    sources: tuple[str, ...]
    out: Path = Path("sewu-out")
    zones: Path | None = None
    rules: Path | None = None
    model: str | None = None
    looking: Looking = field(default_factory=Looking)
    video: bool = False
    at_once: int = field(default_factory=lambda: max(1, os.cpu_count() or 1))


@dataclass(frozen=True)
class Analysed:
    """One source's result."""

    source: str
    camera_id: str
    folder: Path
    report: Path | None
    outcome: Outcome
    figures: tuple[Figure, ...]
    model: str
    duration_s: float
    observations: int


@dataclass
class _Prepared:
    source: str
    camera_id: str
    folder: Path
    gathered: Gathered
    clips: Clips
    scene: Scene | None


def analyze(
    options: AnalyzeOptions, on_progress: Callable[[Progress], None], stop: threading.Event, clock: Clock | None = None
) -> list[Analysed]:
    """Analyse all sources and write a folder for each.

    Raises:
        BadInput: options, zones, rules or model cannot be used; nothing was started then. A source that fails does not
            raise: see its outcome.
    """
    cv2.setNumThreads(1)
    clock = clock or SystemClock()
    names = tuple(ANALYTICS)
    scene, rules = scene_from(options.zones), rules_from(options.rules, names)
    threads = max(1, (os.cpu_count() or 1) // max(1, min(options.at_once, len(options.sources))))
    make_detector, model = _detector(options.model, threads)
    prepared = [_prepare(source, camera_id, options, scene) for source, camera_id in named(options.sources)]
    jobs = [_job(one, options, rules, make_detector, clock) for one in prepared]
    outcomes = analyse(jobs, on_progress, stop, options.at_once)
    return [_finish(one, outcome, model) for one, outcome in zip(prepared, outcomes, strict=True)]


def named(sources: Sequence[str]) -> list[tuple[str, str]]:
    """Each source with a camera id made of its name; ids are unique."""
    pairs: list[tuple[str, str]] = []
    for source in sources:
        parts = urlsplit(source) if "://" in source else None
        stem = Path(source).stem if parts is None else f"{parts.hostname or 'stream'}{parts.path.replace('/', '-')}"
        name, number = safe_name(stem), 2
        while name in {known for _, known in pairs}:
            name, number = f"{safe_name(stem)}-{number}", number + 1
        pairs.append((source, name))
    return pairs


def _detector(model: str | None, threads: int) -> tuple[Callable[[], Detector], str]:
    """How to make a detector (one per source: they keep buffers), and its name. Raises `BadModel`."""
    settings = DetectorSettings(min_score=MIN_SCORE, threads=threads)
    if model is not None:
        return lambda: load(model, settings), load(model, settings).name
    first, _ = default_detector(settings)
    return lambda: default_detector(settings)[0], first.name


def model_in_use(model: str | None) -> tuple[str, bool]:
    """The name of the detector that would run, and whether it is motion alone. Raises `BadModel`."""
    name = _detector(model, 1)[1]
    return name, name == "motion"


def _prepare(source: str, camera_id: str, options: AnalyzeOptions, scene: Scene | None) -> _Prepared:
    folder = options.out if len(options.sources) == 1 else options.out / camera_id
    _make_room(folder)
    clips = Clips(folder / "clips")
    return _Prepared(source, camera_id, folder, Gathered(scene, clips.written), clips, scene)


def _make_room(folder: Path) -> None:
    """Empty a folder of an earlier analysis; refuse one that holds anything else. Raises `BadInput`."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file.", "Name another folder with --out.")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MARKER).is_file():
            raise BadInput(f"{folder} holds files that are not an analysis of ours.", "Name another folder with --out.")
        for name in OURS:
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for path in folder.glob("events.sqlite-*"):
            path.unlink()
    write_whole(folder / MARKER, json.dumps({"sewu": __version__, "state": "running"}).encode())


def _job(one: _Prepared, options: AnalyzeOptions, rules: RuleSet, make_detector: Callable[[], Detector], clock: Clock) -> Job:
    looking = options.looking

    def decoder(stream: StreamInfo) -> Decoder:
        return Decoder(stream, keyframes_only=looking.keyframes, max_rate_fps=looking.rate_fps)

    def listeners() -> list[Listener]:
        chosen: list[Listener] = [one.gathered, one.clips]
        if options.video:
            chosen.append(AnnotatedVideo(one.folder / "annotated.mp4", one.scene, looking.rate_fps or 25.0))
        return [*chosen, Recorded(ObservationStore(one.folder), EventStore(one.folder))]

    return Job(
        camera_id=one.camera_id,
        open_source=lambda: open_source(one.source, one.camera_id, clock),
        make_decoder=decoder,
        make_detector=make_detector,
        flow=flow_for(one.camera_id, one.scene, rules),
        make_listeners=listeners,
    )


def _finish(one: _Prepared, outcome: Outcome, model: str) -> Analysed:
    gathered = one.gathered
    report: Path | None = None
    rows = 0
    name = one.source if "://" not in one.source else without_login(one.source)
    if outcome.looks:
        rows = export_parquet(one.folder, one.folder / "observations.parquet")
        for event_id, still in gathered.stills().items():
            write_whole(one.folder / "stills" / f"{event_id}.jpg", still)
        report = one.folder / "report.html"
        write_whole(report, render_report(_report(one, outcome, model, name)).encode())
    state = {"sewu": __version__, "source": name, "model": model, "looks": outcome.looks, "packets": outcome.packets}
    about = state | {"state": "failed" if outcome.error else "stopped" if outcome.stopped else "complete", "faults": list(outcome.faults)}
    about["figures"] = [asdict(figure) for figure in gathered.figures()]
    write_whole(one.folder / MARKER, json.dumps(about, indent=1).encode())
    return Analysed(name, one.camera_id, one.folder, report, outcome, gathered.figures(), model, gathered.duration_s, rows)


def _report(one: _Prepared, outcome: Outcome, model: str, source: str) -> ReportData:
    gathered = one.gathered
    faults = [*outcome.faults]
    if outcome.error is not None:
        faults.append(outcome.error.what)
    return ReportData(
        source=Path(source).name if "://" not in source else source,
        camera_id=one.camera_id,
        started_at_s=gathered.started_at_s or 0.0,
        duration_s=gathered.duration_s,
        looks=gathered.looks,
        model=model,
        model_is_motion=model == "motion",
        picked=gathered.picked,
        figures=gathered.figures(),
        series=gathered.series(),
        events=gathered.events(),
        analytics=tuple(ANALYTICS),
        pictures=gathered.pictures(),
        suspended_share=gathered.suspended / max(1, gathered.looks),
        faults=tuple(faults),
        stopped=outcome.stopped,
    )
