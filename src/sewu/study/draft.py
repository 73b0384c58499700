"""Propose zones for a camera from what was seen on it: where things move, where vehicles stop, where people are.

A proposal saves a person the drawing, not the judging: nothing here knows where parking is forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from sewu.base.boxes import feet_px
from sewu.base.records import CLASS_IDS, CLASSES, VEHICLES, Bools, Doubles
from sewu.base.space import Line, Scene, Zone
from sewu.flow import Look

GRID = (48, 27)
"""Cells across and down."""
STILL_SIZES_PER_S = 0.05
"""A vehicle that moves less than this share of its height a second stands."""
MIN_STOP_S = 4.0
MIN_FLOW_TRACKS = 3
MAX_LINES = 3
MAX_STOPS = 4
MAX_STEP_S = 5.0
PEOPLE_SHARE = 0.85
"""The crowd zone covers the ground on which people spent this share of their time."""


@dataclass
class _Seen:
    kind: int
    first: tuple[float, float]
    last: tuple[float, float]
    at_s: float


@dataclass
class ZoneDraft:
    """Collects looks, then proposes. Memory is a few grids, whatever the clip's length."""

    size_px: tuple[int, int]
    people_s: Doubles = field(default_factory=lambda: np.zeros(GRID[::-1]))
    stopped_s: Doubles = field(default_factory=lambda: np.zeros(GRID[::-1]))
    motion: Doubles = field(default_factory=lambda: np.zeros((*GRID[::-1], 2)))
    passes: Doubles = field(default_factory=lambda: np.zeros(GRID[::-1]))
    _seen: dict[int, _Seen] = field(default_factory=dict)
    _at_s: float | None = None

    def add(self, look: Look) -> None:
        """Take in one look."""
        step_s = 0.0 if self._at_s is None else float(np.clip(look.frame.at_s - self._at_s, 0.0, MAX_STEP_S))
        self._at_s = look.frame.at_s
        for number in look.tracks.ended:
            self._seen.pop(int(number), None)
        tracks = look.tracks.select(look.tracks.seen)
        for kind, number, (x, y), box in zip(tracks.classes, tracks.ids, feet_px(tracks.boxes_px), tracks.boxes_px, strict=True):
            self._track(int(kind), int(number), (float(x), float(y)), float(box[3] - box[1]), step_s)

    def scene(self) -> Scene:
        """The proposal."""
        zones = [*self._crowd(), *self._stops()]
        return Scene(self.size_px, tuple(zones), tuple(self._lines()))

    def _track(self, kind: int, number: int, feet: tuple[float, float], height_px: float, step_s: float) -> None:
        row, column = self._cell(feet)
        known = self._seen.get(number)
        vehicle = CLASSES[kind] in VEHICLES
        if kind == CLASS_IDS["person"]:
            self.people_s[row, column] += step_s
        if known is not None and step_s > 0:
            dx, dy = feet[0] - known.last[0], feet[1] - known.last[1]
            if vehicle and np.hypot(dx, dy) < STILL_SIZES_PER_S * max(height_px, 8.0) * max(step_s, 0.2):
                self.stopped_s[row, column] += step_s
            elif self._cell(known.last) != (row, column):
                self.motion[row, column] += (dx, dy)
                self.passes[row, column] += 1
        self._seen[number] = _Seen(kind, known.first if known else feet, feet, self._at_s or 0.0)

    def _cell(self, point: tuple[float, float]) -> tuple[int, int]:
        column = int(np.clip(point[0] / self.size_px[0] * GRID[0], 0, GRID[0] - 1))
        return int(np.clip(point[1] / self.size_px[1] * GRID[1], 0, GRID[1] - 1)), column

    def _crowd(self) -> list[Zone]:
        total = self.people_s.sum()
        if total <= 0:
            return []
        order = np.sort(self.people_s.ravel())[::-1]
        level = order[int(np.searchsorted(np.cumsum(order), PEOPLE_SHARE * total))]
        polygons = self._outlines(self.people_s >= max(level, 1e-9), 1)
        return [Zone(f"people-{index + 1}", "crowd", points, "People") for index, points in enumerate(polygons)]

    def _stops(self) -> list[Zone]:
        polygons = self._outlines(self.stopped_s >= MIN_STOP_S, MAX_STOPS)
        return [Zone(f"stops-{index + 1}", "no_parking", points, "Vehicles stop here") for index, points in enumerate(polygons)]

    def _outlines(self, cells: Bools, most: int) -> list[tuple[tuple[float, float], ...]]:
        """Convex outlines of the largest groups of cells, in pixels."""
        grown = cv2.dilate(cells.astype(np.uint8), np.ones((2, 2), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
        largest = sorted(range(1, count), key=lambda label: -int(stats[label, cv2.CC_STAT_AREA]))[:most]
        scale = np.array([self.size_px[0] / GRID[0], self.size_px[1] / GRID[1]])
        outlines = []
        for label in largest:
            rows, columns = np.nonzero(labels == label)
            corners = np.concatenate([np.column_stack([columns + dx, rows + dy]) for dx in (0, 1) for dy in (0, 1)])
            hull = cv2.convexHull(corners.astype(np.float32))[:, 0] * scale
            points = np.clip(hull, 0, np.array(self.size_px) - 1.0).round(0)
            outlines.append(tuple((float(x), float(y)) for x, y in points))
        return outlines

    def _lines(self) -> list[Line]:
        """A line across each strong flow, where most objects pass, as wide as the flow is there."""
        strength = np.hypot(self.motion[..., 0], self.motion[..., 1])
        axis = np.stack([self.motion[..., 0] ** 2 - self.motion[..., 1] ** 2, 2 * self.motion[..., 0] * self.motion[..., 1]], axis=-1)
        left, lines = np.where(self.passes >= MIN_FLOW_TRACKS, self.passes, 0.0), list[Line]()
        while left.max() >= MIN_FLOW_TRACKS and len(lines) < MAX_LINES:
            row, column = np.unravel_index(int(left.argmax()), left.shape)
            angle = 0.5 * float(np.arctan2(axis[row, column, 1], axis[row, column, 0]))
            across = np.array([-np.sin(angle), np.cos(angle)])
            start, end = self._reach(row, column, across, strength), self._reach(row, column, -across, strength)
            if np.hypot(*(end - start)) >= self.size_px[1] / 20:
                name = f"flow-{len(lines) + 1}"
                lines.append(Line(name, (float(start[0]), float(start[1])), (float(end[0]), float(end[1])), f"Flow {len(lines) + 1}"))
            rows, columns = np.indices(left.shape)
            left[np.hypot(rows - row, columns - column) < GRID[1] / 3] = 0.0
        return lines

    def _reach(self, row: np.intp, column: np.intp, way: Doubles, strength: Doubles) -> Doubles:
        """How far the flow goes on from a cell in one direction, in pixels."""
        scale = np.array([self.size_px[0] / GRID[0], self.size_px[1] / GRID[1]])
        middle = np.array([column + 0.5, row + 0.5]) * scale
        step = way * float(scale.min())
        point, quiet = middle, 0
        limit = np.array(self.size_px) - 1.0
        while quiet < 2 and np.all((point + step >= 0) & (point + step <= limit)):
            point = point + step
            cell = self._cell((float(point[0]), float(point[1])))
            quiet = 0 if strength[cell] > 0 else quiet + 1
        return np.asarray(np.round(point, 0), np.float64)
