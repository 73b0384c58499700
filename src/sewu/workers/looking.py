"""From a batch of keyframes of many cameras to detections, with as few detector passes as honesty allows.

For each picture: nothing changed since the last look -> what was found then still stands; little changed -> only
those parts are looked at, many cameras' parts on one canvas; much changed, or a whole look is due -> the whole picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sewu.base import boxes
from sewu.base.interfaces import Detector, State
from sewu.base.records import Bools, Detections, Floats, Frame
from sewu.cull.change import GRID, Change, Glance, small_grey, tiles_of
from sewu.detect.canvas import SURE_SCORE, CanvasDetector, Found, Part, parts_of

WHOLE_SHARE = 0.5
"""When the changed parts cover more of the picture than this, one whole look is cheaper and surer."""
MARGIN_SHARE = 1 / 40
"""Margin around changed tiles, of the picture's width: what moves reaches over its tiles, but its weak edges were taken in already."""
STILL_SHARE = 0.3
"""A known box stands where it stood when less than this of its tiles changed: somebody passes before a parked car."""
SAME_IOU = 0.5
EXPLAINED_SHARE = 0.6
"""A box cut by a part's edge is half of a known one when so much of it lies inside that."""


@dataclass(slots=True)
class Eye:
    """What one camera's looks remember."""

    whole_interval_s: float
    glance: Glance = field(default_factory=Glance)
    last: Detections | None = None
    whole_at_s: float | None = None

    def whole_look_is_due(self, at_s: float) -> bool:
        """Whether the promise of a whole look falls due, or the camera's clock was set back."""
        return self.whole_at_s is None or not 0 <= at_s - self.whole_at_s < self.whole_interval_s

    def state(self) -> State:
        return {"glance": self.glance.state()}

    def restore(self, state: State) -> None:
        self.glance.restore(state["glance"])


@dataclass(slots=True)
class LookCounts:
    """How pictures were dealt with, since the start."""

    carried: int = 0
    parts: int = 0
    whole: int = 0
    cut: int = 0


class Looker:
    """Detects on pictures of many cameras.

    Args:
        detector: for whole pictures.
        canvas: for parts; None looks at whole pictures whenever anything changed.
        input_px: the detector's input, which sets the scale at which parts are seen.
    """

    def __init__(self, detector: Detector, canvas: CanvasDetector | None, input_px: tuple[int, int]) -> None:
        self._detector, self._canvas, self._input_px = detector, canvas, input_px
        self.counts = LookCounts()

    def look(self, pictures: Sequence[tuple[Eye, Frame]]) -> list[Detections]:
        """Detections for each picture, in order; boxes in the picture's own pixels."""
        greys = [small_grey(frame.image) for _, frame in pictures]
        changes = [eye.glance.compare(grey) for (eye, _), grey in zip(pictures, greys, strict=True)]
        found: dict[int, Detections] = {}
        looked_at: dict[int, Bools] = {}
        whole: list[int] = []
        parts: dict[int, list[Part]] = {}
        for index, ((eye, frame), change) in enumerate(zip(pictures, changes, strict=True)):
            if eye.last is None or change.everywhere or eye.whole_look_is_due(frame.at_s):
                whole.append(index)
            elif not change.tiles.any():
                found[index] = replace(eye.last, at_s=frame.at_s)
                self.counts.carried += 1
            else:
                chosen = self._parts(frame, eye.last, change)
                whole.extend([] if chosen else [index])
                parts.update({index: chosen} if chosen else {})
        whole += self._look_at_parts(pictures, changes, parts, found, looked_at)
        self._look_at_whole(pictures, whole, found, looked_at)
        for index, tiles in looked_at.items():
            eye, frame = pictures[index]
            eye.last = found[index]
            eye.glance.looked(greys[index], tiles, tiles_of(found[index].boxes_px, frame.size_px))
        return [found[index] for index in range(len(pictures))]

    def _parts(self, frame: Frame, last: Detections, change: Change) -> list[Part]:
        """The parts to look at; none when a whole look is the better choice."""
        if self._canvas is None:
            return []
        width, height = frame.size_px
        moved = ~_still(last.boxes_px, change.tiles, frame.size_px)
        parts = parts_of(frame, change.tiles, last.boxes_px[moved & (last.scores >= SURE_SCORE)], round(width * MARGIN_SHARE))
        areas = [(p.box_px[2] - p.box_px[0]) * (p.box_px[3] - p.box_px[1]) for p in parts]
        return parts if sum(areas) <= WHOLE_SHARE * width * height else []

    def _look_at_parts(
        self,
        pictures: Sequence[tuple[Eye, Frame]],
        changes: Sequence[Change],
        parts: dict[int, list[Part]],
        found: dict[int, Detections],
        looked_at: dict[int, Bools],
    ) -> list[int]:
        """Fill in `found` from the parts; returns the pictures that need a whole look after all."""
        if self._canvas is None or not parts:
            return []
        flat = [(index, part) for index, chosen in parts.items() for part in chosen]
        scales = [self._canvas.scale_for(part.frame, self._input_px) for _, part in flat]
        results = self._canvas.detect([part for _, part in flat], scales)
        again: list[int] = []
        for index, chosen in parts.items():
            eye, frame = pictures[index]
            rectangles = np.array([part.box_px for part in chosen], np.float32)
            mine = [result for (owner, _), result in zip(flat, results, strict=True) if owner == index]
            last = eye.last or Detections.none(frame.camera_id, frame.at_s)
            seen = joined(last, mine, rectangles, _still(last.boxes_px, changes[index].tiles, frame.size_px))
            if seen is None:
                again.append(index)
                self.counts.cut += 1
                continue
            found[index] = seen
            looked_at[index] = _covered(rectangles, frame.size_px)
            self.counts.parts += 1
        return again

    def _look_at_whole(
        self, pictures: Sequence[tuple[Eye, Frame]], whole: list[int], found: dict[int, Detections], looked_at: dict[int, Bools]
    ) -> None:
        frames = [pictures[index][1] for index in whole]
        for index, detections in zip(whole, self._detector.detect(frames) if frames else [], strict=True):
            found[index] = detections
            looked_at[index] = np.ones((GRID[1], GRID[0]), np.bool_)
            pictures[index][0].whole_at_s = detections.at_s
            self.counts.whole += 1


def joined(last: Detections, parts: Sequence[Found], rectangles_px: Floats, still: Bools) -> Detections | None:
    """What was known outside the rectangles stays; inside, only what was found now counts. None: a whole look is needed.

    A cut box is half of something. Near the edges nothing changed, so mostly it is half of what was known there: then that
    stays in its place. A weak one is dropped. Only a sure one that nothing explains needs a look at it all.

    Args:
        rectangles_px: (m, 4), what the parts covered. still: bool (n,), which of the known boxes nothing changed on.
    """
    middle = boxes.centres_px(last.boxes_px)
    low, high = rectangles_px[None, :, :2], rectangles_px[None, :, 2:]
    held = np.any(np.all((middle[:, None] >= low) & (middle[:, None] <= high), axis=2), axis=1)
    wholly = np.any(np.all((last.boxes_px[:, None, :2] >= low) & (last.boxes_px[:, None, 2:] <= high), axis=2), axis=1)
    stays: Bools = np.asarray(~held | (still & ~wholly), np.bool_)
    for part in parts:
        halves = part.detections.select(part.cut)
        shared = boxes.intersections_px2(halves.boxes_px, last.boxes_px) / np.maximum(boxes.areas_px2(halves.boxes_px), 1e-6)[:, None]
        explains = shared >= EXPLAINED_SHARE
        if (~explains.any(axis=1) & (halves.scores >= SURE_SCORE)).any():
            return None
        stays |= explains.any(axis=0)
    fresh = [part.detections.select(~part.cut) for part in parts]
    for newer in fresh:  # seen whole after all: the newer box counts
        stays &= ~(boxes.iou(last.boxes_px, newer.boxes_px) >= SAME_IOU).any(axis=1)
    kept = [last.select(stays), *fresh]
    return Detections(
        parts[0].detections.camera_id,
        parts[0].detections.at_s,
        np.concatenate([part.boxes_px for part in kept]),
        np.concatenate([part.scores for part in kept]),
        np.concatenate([part.classes for part in kept]),
    )


def _still(boxes_px: Floats, tiles: Bools, size_px: tuple[int, int]) -> Bools:
    """Which boxes lie mostly on tiles that did not change. (n, 4) -> (n,)."""
    sums = np.zeros((GRID[1] + 1, GRID[0] + 1), np.int64)
    sums[1:, 1:] = tiles.cumsum(axis=0).cumsum(axis=1)
    scaled = boxes_px * np.array([GRID[0] / size_px[0], GRID[1] / size_px[1]] * 2)
    x0, y0 = np.clip(scaled[:, 0], 0, GRID[0] - 1).astype(int), np.clip(scaled[:, 1], 0, GRID[1] - 1).astype(int)
    x1, y1 = np.clip(np.ceil(scaled[:, 2]).astype(int), x0 + 1, GRID[0]), np.clip(np.ceil(scaled[:, 3]).astype(int), y0 + 1, GRID[1])
    changed = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    return np.asarray(changed < STILL_SHARE * (x1 - x0) * (y1 - y0), np.bool_)


def _covered(rectangles_px: Floats, size_px: tuple[int, int]) -> Bools:
    """Tiles that lie wholly inside a rectangle: only those count as looked at."""
    tiles = np.zeros((GRID[1], GRID[0]), np.bool_)
    scale = np.array([GRID[0] / size_px[0], GRID[1] / size_px[1]] * 2)
    for x0, y0, x1, y1 in rectangles_px * scale:
        tiles[int(np.ceil(y0 - 0.01)) : int(y1 + 0.01), int(np.ceil(x0 - 0.01)) : int(x1 + 0.01)] = True
    return tiles
