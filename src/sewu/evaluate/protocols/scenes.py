"""Detectors, trained on photographs, on simulated scenes: how far what is drawn looks like what it stands for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import cv2
import numpy as np

from sewu.base.interfaces import Detector
from sewu.base.records import CLASS_IDS, Detections, Floats, Frame
from sewu.evaluate.detection import Picture, at_score, average_precision
from sewu.evaluate.sections import Section
from sewu.simulate.loops import LoopRecipe, build_world
from sewu.simulate.scenes.actors import in_view, moving
from sewu.simulate.scenes.layout import LAYOUTS
from sewu.simulate.scenes.light import LIGHTING, Light
from sewu.simulate.scenes.mesh import merged
from sewu.simulate.scenes.place import SceneKind
from sewu.simulate.scenes.render import Renderer
from sewu.simulate.scenes.sensor import Sensor
from sewu.simulate.scenes.signals import HEADS, lit, poles
from sewu.simulate.scenes.truth import Observer, Seen

SIZE_PX = (1920, 1080)
EVERY_S = 4.0
STEP_S = 0.1
JPEG_QUALITY = 80
MIN_HEIGHT_PX, MIN_VISIBLE = 25.0, 0.4
"""At the model's input; smaller or more hidden objects count neither way."""
CLASSES: dict[str, tuple[int, ...]] = {"person": (1, 2), "car": (3,), "motorcycle": (5,), "bus": (14,), "truck": (15,), "bicycle": (4,)}
"""Class of the detector and those of the truth. Riders are persons."""
LIGHTS: tuple[Light, ...] = ("day", "night", "rain")
BAR_AP50 = 0.5


@dataclass(frozen=True, slots=True)
class Shot:
    """One simulated picture, BGR, after the camera's encoder, and everything that is in it."""

    light: Light
    frame: Frame
    seen: Sequence[Seen]


def shots(kind: SceneKind, seed: int, count: int, lights: Sequence[Light] = LIGHTS) -> Iterator[Shot]:
    """`count` moments of one place, 4 s apart, each in every light.

    Raises:
        Unavailable: this machine has no EGL.
    """
    layout, world, _ = build_world(LoopRecipe(kind, seed))
    heads = HEADS.get(kind, ())
    observer = Observer(layout.camera, SIZE_PX)
    still = merged([layout.still, *poles(heads)])
    with ExitStack() as opened:
        views = {light: opened.enter_context(Renderer(still, layout.camera, LIGHTING[light], SIZE_PX, layout.lamps)) for light in lights}
        sensors = {light: Sensor(LIGHTING[light], SIZE_PX) for light in lights}
        for index in range(count):
            for _ in range(round(EVERY_S / STEP_S)):
                world.step(STEP_S)
            drawn, placed = moving(in_view(world.actors, layout.camera), layout.camera)
            drawn = lit(drawn, heads, [world.traffic.colour(head.phase, world.t_s) for head in heads])
            for light, view in views.items():
                # Every view has a context of its own, which is current only while it is entered.
                with view.current():
                    seen = observer.see(placed, view.names(drawn))
                    planes = sensors[light].planes(view.draw(drawn), index)
                _, coded = cv2.imencode(".jpg", cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
                image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
                yield Shot(light, Frame(f"{kind}-{seed}-{light}", index * EVERY_S, image), seen)


def picture(name: str, shot: Shot, found: Detections, input_px: tuple[int, int]) -> Picture:
    """Truth and detections of one class; what is too small or hidden is to be ignored."""
    scale = min(input_px[0] / SIZE_PX[0], input_px[1] / SIZE_PX[1])
    rows = [
        (s, (s.box_px[3] - s.box_px[1]) * scale >= MIN_HEIGHT_PX and s.visible >= MIN_VISIBLE) for s in shot.seen if s.cls in CLASSES[name]
    ]
    mine = found.classes == CLASS_IDS[name]
    return Picture(
        _boxes([s for s, counts in rows if counts]),
        found.boxes_px[mine],
        found.scores[mine],
        _boxes([s for s, counts in rows if not counts]),
    )


def _boxes(seen: Sequence[Seen]) -> Floats:
    return np.asarray([s.box_px for s in seen], np.float32).reshape(-1, 4)


def scenes_ap(
    make: Callable[[str, tuple[int, int] | None, bool, float], Detector],
    seeds: Sequence[int] = (211, 212),
    count: int = 3,
    model: tuple[str, tuple[int, int]] = ("yolox-nano-dyn", (640, 384)),
    kinds: Sequence[SceneKind] = tuple(LAYOUTS),
    draw: Callable[[SceneKind, int, int], Iterable[Shot]] = shots,
) -> Section:
    """AP50 of a model on pictures of every place in every light. seeds: places that nobody looked at while drawing them."""
    name, input_px = model
    detector = make(name, input_px, False, 0.01)
    seen: dict[tuple[Light, str], list[Picture]] = defaultdict(list)
    for kind in kinds:
        for seed in seeds:
            for shot in draw(kind, seed, count):
                found = detector.detect([shot.frame])[0]
                for cls in CLASSES:
                    seen[shot.light, cls].append(picture(cls, shot, found, input_px))
    rows, figures = [], {}
    for (light, cls), pictures in sorted(seen.items()):
        ap, at = average_precision(pictures), at_score(pictures, 0.3)
        objects = sum(len(one.truth_px) for one in pictures)
        rows.append((light, cls, str(objects), *(f"{value:.2f}" if value is not None else "-" for value in (ap, at.recall, at.precision))))
        if ap is not None:
            figures[f"{light} {cls} ap50"] = ap
    reached = all(figures.get(f"day {cls} ap50", 0.0) >= BAR_AP50 for cls in ("person", "car"))
    return Section(
        key="scenes",
        title="Detection on simulated scenes",
        truth="simulated",
        data=f"{len(kinds) * len(seeds) * count} moments in every light, {' and '.join(kinds)}, seeds {', '.join(map(str, seeds))}",
        head=("light", "class", "objects", "AP50", "recall at 0.3", "precision at 0.3"),
        rows=tuple(rows),
        bar="AP50 of person and car by day at least 0.5",
        verdict="met" if reached else "not met",
        notes=(
            f"{name} at {input_px[0]} x {input_px[1]}, JPEG quality {JPEG_QUALITY}. Objects at least {MIN_HEIGHT_PX:g} px tall at the "
            f"model's input and {MIN_VISIBLE:.0%} visible; others count neither way.",
        ),
        figures=figures,
    )
