"""`sewu evaluate`: the protocols on the labelled data, run through the same pipeline as everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import cv2

from sewu.base.errors import BadInput, SewuError
from sewu.base.interfaces import Detector
from sewu.base.settings import validate
from sewu.bench.sort import PlainSort
from sewu.connect.file import FileSource
from sewu.decode.decoder import Decoder
from sewu.detect.onnx import DetectorSettings
from sewu.detect.shelf import load
from sewu.detect.tiles import Tiling
from sewu.evaluate.protocols import clips, detection, people, scenes
from sewu.evaluate.sections import Run, Section
from sewu.evaluate.tracker_alone import MakeTracker, tracker_alone
from sewu.flow import Look, looks
from sewu.follow import ByteOcTracker
from sewu.notice import RuleSet
from sewu.wiring.analysis import MIN_SCORE
from sewu.wiring.flows import flow_for

Protocol = Callable[[Path], Section]


def run_clip(what: Run) -> Iterator[Look]:
    """Run a clip through the pipeline; the last look carries the ends of what was still open."""
    source = FileSource(what.clip, "evaluate")
    rules = validate(RuleSet, {"rules": [dict(rule) for rule in what.rules]}, "the protocol's rules")
    flow = flow_for("evaluate", what.scene, rules, what.analytics, what.settings)
    detector = load(what.model, DetectorSettings(min_score=MIN_SCORE, input_px=what.input_px)) if what.model != "motion" else load("motion")
    decoder = Decoder(source.stream, max_rate_fps=what.rate_fps)
    last: Look | None = None
    try:
        for look in looks(source, decoder, detector, flow):
            if last is not None:
                yield last
            last = look
        if last is not None:
            ending = flow.finish(last.frame.at_s)
            yield replace(last, observations=(*last.observations, *ending.observations), events=(*last.events, *ending.events))
    finally:
        source.close()


def make_detector(model: str, input_px: tuple[int, int] | None, tiled: bool, min_score: float) -> Detector:
    """A detector for the detection protocols."""
    tiles = Tiling(columns=2, rows=1) if tiled else None
    return load(model, DetectorSettings(min_score=min_score, input_px=input_px, tiles=tiles))


def _tracker_alone(data: Path) -> Section:
    trackers: dict[str, MakeTracker] = {"sewu": lambda sequence: ByteOcTracker(size_px=sequence.size_px), "sort": lambda _: PlainSort()}
    return detection.tracker_table(tracker_alone(data, trackers))


PROTOCOLS: Mapping[str, Protocol] = {
    "tracker": _tracker_alone,
    "person-ap": lambda data: detection.person_ap(data, make_detector),
    "vehicles": lambda data: detection.vehicles(data, make_detector),
    "people": lambda data: people.people_end_to_end(data, run_clip),
    "crowd": lambda data: people.crowd_count(data, run_clip),
    "lines": lambda data: clips.line_counts(data, run_clip),
    "visits": lambda data: clips.visits(data, run_clip),
    "bag": lambda data: clips.bag_left(data, run_clip),
    "views": lambda data: clips.view_changes(data, run_clip),
    "quiet": lambda data: clips.quiet_roads(data, run_clip),
    "scenes": lambda _: scenes.scenes_ap(make_detector),
    "bays": lambda data: clips.parking_bays(data, run_clip),
}


def evaluate(data: Path, names: tuple[str, ...], on_section: Callable[[str, Section | SewuError], None]) -> list[Section]:
    """Run protocols by name (all when none is named); one that cannot run is told and left out.

    Raises:
        BadInput: the folder is not the labelled data, or a name is unknown.
    """
    cv2.setNumThreads(1)
    if not (data / "clips" / "events.json").is_file():
        raise BadInput(f"{data} does not hold the labelled data.", "Name its folder with --data or SEWU_DATA.")
    unknown = [name for name in names if name not in PROTOCOLS]
    if unknown:
        raise BadInput(f"There is no protocol {', '.join(unknown)}.", f"Known: {', '.join(PROTOCOLS)}.")
    sections = []
    for name in names or tuple(PROTOCOLS):
        try:
            section = PROTOCOLS[name](data)
        except SewuError as error:
            on_section(name, error)
            continue
        on_section(name, section)
        sections.append(section)
    return sections
