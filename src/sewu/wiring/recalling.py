"""`sewu bench recall`: the exhaustive and the watch pipeline over the same packets of rendered loops."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import cv2

from sewu.base.clock import SystemClock
from sewu.base.errors import BadSettings
from sewu.base.interfaces import Detector
from sewu.base.records import Event, Packet
from sewu.base.space import Scene
from sewu.bench.faulty import FAULTS, Fault, faulty_loop, frozen, recoded, span_s
from sewu.bench.recall import EXHAUSTIVE, Pass, RecallCurve, Tally
from sewu.connect.file import FileSource
from sewu.cull.arrivals import Arrivals
from sewu.cull.schedule import Ready, Schedule
from sewu.decode.decoder import Decoder
from sewu.detect.canvas import CanvasDetector
from sewu.evaluate.happenings import Happening, match_happenings, reported_happenings
from sewu.flow import CameraFlow, looks
from sewu.measure import ANALYTICS
from sewu.notice import RuleSet
from sewu.simulate.loops import LoopRecipe, render_loop
from sewu.wiring.flows import flow_for, rules_from, scene_from
from sewu.workers.looking import Eye, Looker

EXHAUSTIVE_FPS = 5.0
START_S = 1_700_000_000.0
"""Capture time of each loop's first picture."""
TICK_S = 0.25
BATCH_PICTURES = 16
WHOLE_S = 20.0
LEAST_TOLERANCE_S = 5.0
"""How far a report may lie from its truth on top of the interval: the rules' own time to clear."""
SETTINGS = {"health": {"frozen_after_s": 15.0}}
"""A frozen picture is reported after a minute; a loop has no more than that."""
KINDS = {"abandoned_bag": "object_left"}
"""What the simulator calls differently."""

BAG_CLIP, BAG_FPS = "aboda_video4_abandoned_bag.avi", 29.97
ZOOM_CLIP, ZOOM_FPS = "cilacap_etle_motorcycles.mp4", 30.0

_SEEDS = (
    ("street", 11, ("illegal_parking", "gathering", "abandoned_bag"), "day"),
    ("market", 13, ("illegal_parking", "abandoned_bag"), "day"),
    ("street", 12, ("loitering", "intrusion"), "day"),
    ("junction", 14, ("queue", "loitering", "abandoned_bag"), "day"),
    ("carpark", 15, ("intrusion", "illegal_parking", "loitering"), "day"),
    ("street", 16, ("illegal_parking", "intrusion"), "night"),
    ("junction", 17, ("illegal_parking", "gathering", "intrusion"), "day"),
    ("carpark", 18, ("abandoned_bag", "gathering"), "day"),
)
CITY: tuple[LoopRecipe, ...] = tuple(
    LoopRecipe(kind, seed, 60.0, happenings, light, (640, 360))  # type: ignore[arg-type]
    for kind, seed, happenings, light in _SEEDS
)
"""What is rendered: every kind of event at least twice but the queue, which only a junction has."""


@dataclass(frozen=True)
class TruthLoop:
    """One camera's packets and what truly happens on them, in seconds of capture time."""

    name: str
    path: Path
    scene: Path | None
    duration_s: float
    truth: tuple[Happening, ...]
    freezes: bool = False

    def packets(self) -> list[Packet]:
        source = FileSource(self.path, self.name, START_S)
        try:
            packets = list(source)
        finally:
            source.close()
        start_s, end_s = span_s(self.duration_s)
        return frozen(packets, START_S + start_s, START_S + end_s) if self.freezes else packets


def city_loops(cache: Path, scenes: int, faults: bool, on_done: Callable[[str], None]) -> list[TruthLoop]:
    """The first `scenes` loops of the city, rendered at 640 x 360 where the cache lacks them, and faults on the first one.

    Raises: BadSource, StoreFull, Unavailable, as `render_loop`.
    """
    found: list[TruthLoop] = []
    for recipe in CITY[:scenes]:
        loop = render_loop(recipe, cache)
        rows = (json.loads(line) for line in (loop.truth / "events.jsonl").read_text(encoding="utf-8").splitlines())
        truth = [
            Happening(KINDS.get(r["kind"], r["kind"]), START_S + r["start_s"], START_S + r["end_s"], r["zone"], recipe.name) for r in rows
        ]
        found.append(TruthLoop(recipe.name, loop.streams["sub"], loop.folder / "scene.toml", loop.duration_s, tuple(truth)))
        on_done(recipe.name)
    return found + ([*(_faulty(found[0], fault, cache) for fault in FAULTS), _frozen(found[0])] if faults else [])


def real_loops(data: Path, cache: Path) -> list[TruthLoop]:
    """The two labelled real clips on which something happens that Sewu raises, encoded again as a sub-stream sends them.

    A bag that is left (ABODA sequence 4: from its owner stepping away), and a camera turned away by hand (Cilacap).

    Raises: BadSource, BadSettings (the truth is not there).
    """
    try:
        truth = json.loads((data / "clips" / "events.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSettings(f"{data} is not the labelled data.", "Give its folder with --data.") from error
    bag, zoomed = truth[BAG_CLIP]["owner_steps_away"] / BAG_FPS, truth[ZOOM_CLIP]["zoomed_view_frames"][1]
    rows = [
        (BAG_CLIP, Happening("object_left", START_S + bag, None, None, BAG_CLIP)),
        (ZOOM_CLIP, Happening("camera_moved", START_S + zoomed[0] / ZOOM_FPS, START_S + zoomed[1] / ZOOM_FPS, None, ZOOM_CLIP)),
    ]
    cache.mkdir(parents=True, exist_ok=True)
    loops = [TruthLoop(name, recoded(data / "clips" / name, cache / f"{name}.mp4"), None, 0.0, (event,)) for name, event in rows]
    return [replace(loop, duration_s=loop.packets()[-1].at_s - START_S) for loop in loops]


def _faulty(good: TruthLoop, fault: Fault, cache: Path) -> TruthLoop:
    name = f"{good.name}-{fault}"
    path = faulty_loop(good.path, fault, good.duration_s, cache / f"{name}.mp4")
    return replace(good, name=name, path=path, truth=(_fault_truth(name, fault, good.duration_s),))


def _frozen(good: TruthLoop) -> TruthLoop:
    name = f"{good.name}-frozen"
    return replace(good, name=name, truth=(_fault_truth(name, "frozen", good.duration_s),), freezes=True)


def _fault_truth(camera_id: str, fault: str, duration_s: float) -> Happening:
    start_s, end_s = span_s(duration_s)
    return Happening(f"camera_{fault}", START_S + start_s, START_S + end_s, None, camera_id)


class RecallBench:
    """Runs the pipelines over loops.

    Args:
        make: a new detector, the same for all pipelines.
        long_side_px: of its input, so that parts are seen at the scale of whole looks.
    """

    def __init__(self, loops: Sequence[TruthLoop], make: Callable[[], Detector], long_side_px: int = 416) -> None:
        cv2.setNumThreads(1)
        self._loops, self._make, self._clock = loops, make, SystemClock()
        self._canvas_px = (long_side_px, long_side_px)
        with resources.as_file(resources.files("sewu.bench") / "recall_rules.toml") as path:
            self._rules: RuleSet = rules_from(path, tuple(ANALYTICS))
        self._scenes: dict[str, Scene | None] = {loop.name: scene_from(loop.scene) for loop in loops}

    def curve(self, intervals_s: Sequence[float], on_pass: Callable[[Pass], None]) -> RecallCurve:
        """The exhaustive pipeline, then the watch pipeline at each interval."""
        passes: list[Pass] = []
        for interval_s in (None, *intervals_s):
            passes.append(self.exhaustive() if interval_s is None else self.watch(interval_s))
            on_pass(passes[-1])
        seconds = sum(loop.duration_s for loop in self._loops)
        conditions = {
            "model": self._make().name,
            "exhaustive_fps": EXHAUSTIVE_FPS,
            "whole_s": WHOLE_S,
            "stream": "10 pictures a second, 400 kbit/s",
        }
        return RecallCurve(tuple(passes), len(self._loops), seconds, conditions)

    def exhaustive(self) -> Pass:
        """Every picture at 5 a second, whole looks."""
        detector, events, pictures, cpu_s = self._make(), list[Event](), 0, 0.0
        for loop in self._loops:
            packets, flow = loop.packets(), self._flow(loop)
            started_s = self._clock.cpu_s()
            for look in looks(packets, Decoder(packets[0].stream, max_rate_fps=EXHAUSTIVE_FPS), detector, flow):
                events += look.events
                pictures += 1
            events += flow.finish(packets[-1].at_s).events
            cpu_s += self._clock.cpu_s() - started_s
        tallies = self._tallies(events, 1 / EXHAUSTIVE_FPS)
        return Pass(EXHAUSTIVE, None, cpu_s, self._camera_s, pictures, pictures, 0, 0, tallies)

    def watch(self, interval_s: float) -> Pass:
        """The shard's own schedule, glances and looks, all loops at once, in data time and without sockets."""
        detector = self._make()
        looker, schedule = Looker(detector, CanvasDetector(detector, self._canvas_px), self._canvas_px), Schedule(1.0)
        cameras = {loop.name: _Camera(loop.packets(), self._flow(loop)) for loop in self._loops}
        for name in cameras:
            schedule.add(name, interval_s, START_S)
        events: list[Event] = []
        pictures = 0
        started_s = self._clock.cpu_s()
        for now_s in _ticks(START_S, max(camera.packets[-1].at_s for camera in cameras.values())):
            due = [camera for name, camera in cameras.items() if camera.keyframe_due(name, now_s, schedule)]
            pictures += len(due)
            for first in range(0, len(due), BATCH_PICTURES):
                events += _seen(looker, due[first : first + BATCH_PICTURES])
        for camera in cameras.values():
            events += camera.flow.finish(camera.packets[-1].at_s).events
        cpu_s = self._clock.cpu_s() - started_s
        counts = looker.counts
        tallies = self._tallies(events, interval_s)
        return Pass("watch", interval_s, cpu_s, self._camera_s, pictures, counts.whole, counts.parts, counts.carried, tallies)

    @property
    def _camera_s(self) -> float:
        return sum(loop.duration_s for loop in self._loops)

    def _flow(self, loop: TruthLoop) -> CameraFlow:
        return flow_for(loop.name, self._scenes[loop.name], self._rules, settings=SETTINGS)

    def _tallies(self, events: Sequence[Event], interval_s: float) -> dict[str, Tally]:
        truth = [happening for loop in self._loops for happening in loop.truth]
        said = reported_happenings(events)
        tolerance_s = interval_s + LEAST_TOLERANCE_S
        tallies: dict[str, Tally] = {}
        for kind in sorted({one.kind for one in (*truth, *said)}):
            true, mine = [t for t in truth if t.kind == kind], [s for s in said if s.kind == kind]
            found = match_happenings(true, mine, self._camera_s, tolerance_s).found
            alone = [s for s in mine if not match_happenings(true, [s], 0.0, tolerance_s).found]
            tallies[kind] = Tally(len(true), found, len(alone))
        return tallies


class _Camera:
    """One loop being watched."""

    def __init__(self, packets: list[Packet], flow: CameraFlow) -> None:
        self.packets, self.flow, self.eye = packets, flow, Eye(WHOLE_S)
        self.decoder, self.arrivals = Decoder(packets[0].stream, keyframes_only=True), Arrivals()
        self.pending: Packet | None = None
        self._next = 0

    def keyframe_due(self, name: str, now_s: float, schedule: Schedule) -> bool:
        """Take in what has arrived by now; whether the waiting keyframe must be looked at."""
        first = self._next
        while self._next < len(self.packets) and self.packets[self._next].at_s <= now_s:
            self._next += 1
        self.pending = self.arrivals.add(self.packets[first : self._next]) or self.pending
        if self.pending is None or not schedule.is_due(name, Ready(self.pending.at_s, self.arrivals.gop_s)):
            return False
        schedule.took(name, self.pending.at_s, 0.01)
        return True


def _seen(looker: Looker, cameras: Sequence[_Camera]) -> list[Event]:
    """Look at the waiting keyframes of these cameras together."""
    pictures = []
    for camera in cameras:
        assert camera.pending is not None
        pictures += [(camera, frame) for frame in camera.decoder.decode(camera.pending)]
        camera.pending = None
    found = looker.look([(camera.eye, frame) for camera, frame in pictures])
    return [event for (camera, frame), seen in zip(pictures, found, strict=True) for event in camera.flow.look(frame, seen).events]


def _ticks(start_s: float, end_s: float) -> Iterator[float]:
    for number in range(int((end_s - start_s) / TICK_S) + 2):
        yield start_s + number * TICK_S
