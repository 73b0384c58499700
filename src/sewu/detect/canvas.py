"""Look only where something changed, and pack the changed parts of several cameras into one picture.

A detector costs the same for an empty picture as for a full one. When a glance says that a tenth of a picture
changed, that tenth is cut out with a margin, brought to the scale at which the detector would have seen the whole
picture, and laid on a canvas beside the parts of other cameras; one pass then serves them all (the idea of Tetris and
of mosaic inference, here across cameras). A box that touches a cut is not trusted: that camera gets a whole look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sewu.base import boxes
from sewu.base.interfaces import Detector
from sewu.base.records import Bools, Detections, Frame, Image

GAP_PX = 8
"""Grey between neighbours on a canvas, so that no object reaches over."""
GREY = 114
CUT_PX = 2.0
"""A box this near to a cut edge may be half of something."""
SURE_SCORE = 0.3
"""Weaker boxes neither widen a part nor make a cut: most of them are nothing, and a look at it all would find no more."""
STEP_PX = 32
"""Canvases are cut off below what they hold, at a multiple of this: a model of free input size pays for no empty rows."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a frame to look at. `box_px`: int (x0, y0, x1, y1) in the frame."""

    frame: Frame
    box_px: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """What a part held, in the frame's pixels. cut: bool (n,), which boxes reach over an inner edge and may be half of something."""

    detections: Detections
    cut: Bools


def parts_of(frame: Frame, tiles: Bools, known_px: NDArray[np.floating], margin_px: int) -> list[Part]:
    """Rectangles that cover the changed tiles, each grown by a margin and by the known boxes that lie in it by more than half.

    Args:
        tiles: bool (rows, columns), True where the picture changed.
        known_px: (n, 4), what was found before; a box whose middle a rectangle holds is taken in whole, others it may cut.
    """
    width, height = frame.size_px
    rows, columns = tiles.shape
    _, _, stats, _ = cv2.connectedComponentsWithStats(tiles.astype(np.uint8), connectivity=8)
    scale = np.array([width / columns, height / rows])
    corners = [(stats[1:, :2] * scale), ((stats[1:, :2] + stats[1:, 2:4]) * scale)]
    found = np.hstack(corners).astype(np.float32) + np.array([-margin_px, -margin_px, margin_px, margin_px], np.float32)
    middle = boxes.centres_px(known_px)
    for _ in range(3):  # taking one box in may reach the middle of the next; three rounds settle all but contrived chains
        for row in range(len(found)):
            inside = known_px[np.all((middle >= found[row, :2]) & (middle <= found[row, 2:]), axis=1)]
            if len(inside):
                found[row, :2] = np.minimum(found[row, :2], inside[:, :2].min(axis=0) - margin_px / 2)
                found[row, 2:] = np.maximum(found[row, 2:], inside[:, 2:].max(axis=0) + margin_px / 2)
        found = _merged(found)
    whole = boxes.clip(found, width, height)
    return [Part(frame, (int(x0), int(y0), int(np.ceil(x1)), int(np.ceil(y1)))) for x0, y0, x1, y1 in whole]


class CanvasDetector:
    """Looks at parts of many frames in few passes of any detector.

    Args:
        detector: looks at the canvases; sees them at scale 1 when its input has the canvas's size.
        size_px: width and height of a canvas.
    """

    def __init__(self, detector: Detector, size_px: tuple[int, int] = (416, 416)) -> None:
        self._detector = detector
        self._size_px = size_px
        self.passes = 0

    def scale_for(self, frame: Frame, input_px: tuple[int, int]) -> float:
        """The scale at which a detector with this input size sees the whole frame."""
        width, height = frame.size_px
        return min(input_px[0] / width, input_px[1] / height)

    def detect(self, parts: Sequence[Part], scales: Sequence[float]) -> list[Found]:
        """Look at every part, at its scale. Returns one `Found` per part, in order."""
        sizes = [
            (max(1, round((p.box_px[2] - p.box_px[0]) * s)), max(1, round((p.box_px[3] - p.box_px[1]) * s)))
            for p, s in zip(parts, scales, strict=True)
        ]
        places = pack(sizes, self._size_px)
        count = 1 + max((canvas for canvas, _, _ in places), default=-1)
        canvases: list[Image] = [np.full((height, self._size_px[0], 3), GREY, np.uint8) for height in self._heights(sizes, places, count)]
        for part, (width, height), (canvas, x, y) in zip(parts, sizes, places, strict=True):
            x0, y0, x1, y1 = part.box_px
            width, height = min(width, self._size_px[0]), min(height, self._size_px[1])
            crop = part.frame.image[y0:y1, x0:x1]
            cv2.resize(crop, (width, height), dst=canvases[canvas][y : y + height, x : x + width], interpolation=cv2.INTER_LINEAR)
        frames = [Frame(f"canvas {index}", parts[0].frame.at_s, image) for index, image in enumerate(canvases)]
        self.passes += len(frames)
        looked = self._detector.detect(frames) if frames else []
        return [_taken_from(looked[canvas], part, size, (x, y)) for part, size, (canvas, x, y) in zip(parts, sizes, places, strict=True)]

    def _heights(self, sizes: Sequence[tuple[int, int]], places: Sequence[tuple[int, int, int]], count: int) -> list[int]:
        """Rows that each canvas needs."""
        used = [0] * count
        for (_, height), (canvas, _, y) in zip(sizes, places, strict=True):
            used[canvas] = max(used[canvas], min(self._size_px[1], y + height))
        return [min(self._size_px[1], -(-rows // STEP_PX) * STEP_PX) for rows in used]


def pack(sizes_px: Sequence[tuple[int, int]], canvas_px: tuple[int, int]) -> list[tuple[int, int, int]]:
    """Place rectangles on canvases, shelf by shelf, tallest first. Returns (canvas, x, y) of each, in input order.

    A rectangle larger than the canvas gets one of its own.
    """
    width, height = canvas_px
    places: list[tuple[int, int, int]] = [(0, 0, 0)] * len(sizes_px)
    shelves: list[tuple[int, int, int, int]] = []  # canvas, y, height, next x
    filled: list[int] = []  # per canvas: y of the next shelf
    for index in sorted(range(len(sizes_px)), key=lambda i: (-sizes_px[i][1], -sizes_px[i][0], i)):
        w, h = min(sizes_px[index][0], width), min(sizes_px[index][1], height)
        for number, (canvas, y, shelf_height, x) in enumerate(shelves):
            if h <= shelf_height and x + w <= width:
                places[index] = (canvas, x, y)
                shelves[number] = (canvas, y, shelf_height, x + w + GAP_PX)
                break
        else:
            canvas = next((c for c, y in enumerate(filled) if y + h <= height), len(filled))
            if canvas == len(filled):
                filled.append(0)
            places[index] = (canvas, 0, filled[canvas])
            shelves.append((canvas, filled[canvas], h, w + GAP_PX))
            filled[canvas] += h + GAP_PX
    return places


def _taken_from(looked: Detections, part: Part, size_px: tuple[int, int], origin_px: tuple[int, int]) -> Found:
    x, y = origin_px
    width, height = size_px
    middle = boxes.centres_px(looked.boxes_px)
    mine = (middle[:, 0] >= x) & (middle[:, 0] < x + width) & (middle[:, 1] >= y) & (middle[:, 1] < y + height)
    own = looked.select(mine)
    x0, y0, x1, y1 = part.box_px
    shrink = np.array([(x1 - x0) / width, (y1 - y0) / height] * 2, np.float32)
    box_px = (own.boxes_px - np.array([x, y, x, y], np.float32)) * shrink
    box_px = boxes.clip(box_px, x1 - x0, y1 - y0) + np.array([x0, y0, x0, y0], np.float32)
    frame_width, frame_height = part.frame.size_px
    edges = [(0, x0, x0 > 0), (1, y0, y0 > 0), (2, x1, x1 < frame_width), (3, y1, y1 < frame_height)]
    cut: Bools = np.zeros(len(own), np.bool_)
    for column, edge, inner in edges:
        if inner:
            cut |= np.abs(box_px[:, column] - edge) < CUT_PX
    return Found(Detections(part.frame.camera_id, part.frame.at_s, box_px, own.scores, own.classes), cut)


def _merged(found: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rectangles that overlap become one."""
    while len(found) > 1:
        overlap = boxes.intersections_px2(found, found) > 0
        np.fill_diagonal(overlap, False)
        if not overlap.any():
            break
        a, b = (int(index) for index in np.argwhere(overlap)[0])
        joined = np.concatenate([np.minimum(found[a, :2], found[b, :2]), np.maximum(found[a, 2:], found[b, 2:])])
        found = np.vstack([np.delete(found, [a, b], axis=0), joined[None]]).astype(np.float32)
    return found
