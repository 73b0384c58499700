"""Collect what a report needs while a source is analysed: bounded memory, however long the source is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from sewu.base.boxes import centres_px, feet_px
from sewu.base.records import CLASS_IDS, CLASSES, VEHICLES, Doubles, Event, Image, Packet
from sewu.base.space import Scene
from sewu.flow import Ending, Look
from sewu.show.mask import blur_people
from sewu.show.overlay import draw_alarm, draw_heat, draw_paths, draw_scene, jpeg
from sewu.show.report import EventRow, Figure, Series

HEAT_TILE_PX = 8
MAX_PATHS = 400
MAX_PATH_POINTS = 64
MAX_EVENTS = 500
MAX_POINTS = 240
"""Points per chart; longer sources get longer bins."""
MAX_STEP_S = 30.0
"""A longer pause between two looks counts as this much in the heat map."""
MAX_PAUSE_S = 10.0
"""Looks further apart than this leave a part of the time unwatched."""
GROUPS: dict[str, tuple[str, ...]] = {
    "person": ("person",),
    "two_wheelers": ("bicycle", "motorcycle"),
    "four_wheelers": ("car", "bus", "truck"),
    "object": ("object",),
}
MASKED = [CLASS_IDS[name] for name in ("person", "bicycle", "motorcycle", "object")]
"""Whose head part is hidden. An "object" moved and may be a person: motion alone cannot tell."""


@dataclass
class Bins:
    """Sums per time bin; when there are too many bins, neighbours are joined and bins become twice as long."""

    bin_s: float = 1.0
    sums: dict[str, list[float]] = field(default_factory=dict)
    looks: list[int] = field(default_factory=list)

    def add(self, at_s: float, values: dict[str, float]) -> None:
        """Add one look at `at_s` seconds since the start."""
        index = int(max(0.0, at_s) / self.bin_s)
        while index >= MAX_POINTS:
            self._join()
            index = int(max(0.0, at_s) / self.bin_s)
        self.looks += [0] * (index + 1 - len(self.looks))
        self.looks[index] += 1
        for name, value in values.items():
            row = self.sums.setdefault(name, [])
            row += [0.0] * (index + 1 - len(row))
            row[index] += value

    def means(self, name: str) -> tuple[tuple[float, float], ...]:
        """(middle of the bin, mean per look) of each bin that was looked at."""
        row = self.sums.get(name, [])
        filled = row + [0.0] * (len(self.looks) - len(row))
        return tuple(((i + 0.5) * self.bin_s, filled[i] / n) for i, n in enumerate(self.looks) if n)

    def _join(self) -> None:
        self.bin_s *= 2
        self.looks = [sum(self.looks[i : i + 2]) for i in range(0, len(self.looks), 2)]
        self.sums = {name: [sum(row[i : i + 2]) for i in range(0, len(row), 2)] for name, row in self.sums.items()}


@dataclass
class _Path:
    kind: int
    points: list[tuple[float, float]] = field(default_factory=list)
    stride: int = 1
    seen: int = 0

    def add(self, x: float, y: float) -> None:
        if self.seen % self.stride == 0:
            self.points.append((x, y))
            if len(self.points) > MAX_PATH_POINTS:
                self.points, self.stride = self.points[::2], self.stride * 2
        self.seen += 1


class Gathered:
    """A listener that remembers for the report."""

    def __init__(self, scene: Scene | None, clips: Mapping[str, str] | None = None) -> None:
        """`clips`: event id -> file name of the clips that were really cut; read when the report is made."""
        self._scene, self._clips = scene, clips if clips is not None else {}
        self._bins = Bins()
        self._heat: Doubles | None = None
        self._paths: dict[int, _Path] = {}
        self._live: set[int] = set()
        self._picture: Image | None = None
        self._rows: dict[str, EventRow] = {}
        self._crossings: list[tuple[float, float]] = []
        self._peak = {"people": 0, "vehicles": 0}
        self._at_s: float | None = None
        self.started_at_s: float | None = None
        self.looks = self.suspended = self.tracks = 0
        self._watched_s = 0.0

    def on_packet(self, packet: Packet) -> None:
        """Nothing: the report is made from looks."""

    def on_look(self, look: Look) -> None:
        self.started_at_s = look.frame.at_s if self.started_at_s is None else self.started_at_s
        since_s = look.frame.at_s - self.started_at_s
        step_s = 0.0 if self._at_s is None else min(MAX_STEP_S, max(0.0, look.frame.at_s - self._at_s))
        self._watched_s += step_s if step_s <= MAX_PAUSE_S else 0.0
        self._at_s = look.frame.at_s
        self.looks += 1
        self.suspended += not look.view_ok
        names = [CLASSES[kind] for kind in look.tracks.classes]
        self._bins.add(since_s, {group: float(sum(name in members for name in names)) for group, members in GROUPS.items()})
        self._peak["people"] = max(self._peak["people"], names.count("person"))
        self._peak["vehicles"] = max(self._peak["vehicles"], sum(name in VEHICLES for name in names))
        self._crossings += [(since_s, 1.0)] * sum(o.metric == "crossing" for o in look.observations)
        if self._picture is None or (look.view_ok and not len(look.tracks) and self.looks % 10 == 0):
            self._picture = _masked(look)
        self._move(look, step_s)
        for event in look.events:
            self._event(event, look)

    def on_end(self, at_s: float, ending: Ending) -> None:
        for event in ending.events:
            self._event(event, None)

    @property
    def duration_s(self) -> float:
        return (self._at_s or 0.0) - (self.started_at_s or 0.0)

    @property
    def background(self) -> Image | None:
        """The emptiest picture seen, heads made unrecognisable."""
        return self._picture

    @property
    def picked(self) -> float:
        """Share of the time in which looks followed each other without a pause."""
        return min(1.0, self._watched_s / self.duration_s) if self.duration_s > 0 else float(self.looks > 0)

    def figures(self) -> tuple[Figure, ...]:
        """The numbers of the summary; what was never seen is left out."""
        means = [value for _, value in self._bins.means("person")]
        chosen = [
            ("people_peak", str(self._peak["people"]), self._peak["people"]),
            ("people_mean", f"{np.mean(means):.1f}" if means else "0", self._peak["people"]),
            ("vehicles_peak", str(self._peak["vehicles"]), self._peak["vehicles"]),
            ("crossings", str(len(self._crossings)), len(self._crossings)),
            ("tracks", str(self.tracks), 1),
            ("events", str(len(self._rows)), 1),
        ]
        return tuple(Figure(key, text) for key, text, shown in chosen if shown)

    def series(self) -> tuple[Series, ...]:
        """Mean counts over time by group, and crossings so far."""
        rows = [Series(f"report.series.{group}", "", self._bins.means(group)) for group in GROUPS if any(self._bins.sums.get(group, []))]
        if self._crossings:
            total = np.arange(1, len(self._crossings) + 1)
            points = [(at_s, float(count)) for (at_s, _), count in zip(self._crossings, total, strict=True)]
            step = max(1, len(points) // MAX_POINTS)
            rows.append(Series("report.series.crossings", "", ((0.0, 0.0), *points[::step], (self.duration_s, float(total[-1])))))
        return tuple(rows)

    def events(self) -> tuple[EventRow, ...]:
        """In order of start."""
        rows = [replace(row, clip=self._clips.get(event_id)) for event_id, row in self._rows.items()]
        return tuple(sorted(rows, key=lambda row: row.started_at_s))

    def stills(self) -> dict[str, bytes]:
        """Event id -> JPEG, heads made unrecognisable."""
        return {event_id: row.still_jpeg for event_id, row in self._rows.items() if row.still_jpeg}

    def pictures(self) -> dict[str, bytes]:
        """Zones, heat and paths drawn on the emptiest picture seen."""
        if self._picture is None:
            return {}
        drawn: dict[str, bytes] = {}
        if self._scene is not None and (self._scene.zones or self._scene.lines):
            size = (self._picture.shape[1], self._picture.shape[0])
            drawn["zones"] = jpeg(draw_scene(self._picture, self._scene.scaled_to(size)))
        if self._heat is not None and self._heat.any():
            drawn["heat"] = jpeg(draw_heat(self._picture, self._heat))
            paths = [(path.kind, np.array(path.points)) for path in self._paths.values()]
            drawn["paths"] = jpeg(draw_paths(self._picture, paths))
        return drawn

    def _move(self, look: Look, step_s: float) -> None:
        height, width = look.frame.image.shape[:2]
        shape = (-(-height // HEAT_TILE_PX), -(-width // HEAT_TILE_PX))
        if self._heat is None or self._heat.shape != shape:
            self._heat = np.zeros(shape)
        seen = look.tracks.select(look.tracks.seen)
        present = {int(number) for number in look.tracks.ids}
        self.tracks += len(present - self._live)
        self._live = (self._live | present) - {int(number) for number in look.tracks.ended}
        feet, middles = feet_px(seen.boxes_px), centres_px(seen.boxes_px)
        for kind, number, (x, y), (cx, cy) in zip(seen.classes, seen.ids, feet, middles, strict=True):
            row, column = int(y) // HEAT_TILE_PX, int(x) // HEAT_TILE_PX
            self._heat[min(max(row, 0), shape[0] - 1), min(max(column, 0), shape[1] - 1)] += step_s
            path = self._paths.get(int(number))
            if path is None:
                if len(self._paths) >= MAX_PATHS:
                    self._paths.pop(next(iter(self._paths)))
                path = self._paths[int(number)] = _Path(int(kind))
            path.add(float(cx), float(cy))

    def _event(self, event: Event, look: Look | None) -> None:
        known = self._rows.get(event.id)
        if known is None and len(self._rows) >= MAX_EVENTS:
            return
        still = known.still_jpeg if known else None
        if still is None and look is not None:
            still = jpeg(draw_alarm(_masked(look), event.box_px), max_width_px=640)
        place = self._place(event.zone_id)
        self._rows[event.id] = EventRow(
            kind=event.kind,
            severity=event.severity,
            started_at_s=event.started_at_s,
            ended_at_s=event.ended_at_s,
            zone=place,
            peak=event.peak,
            unit=event.unit,
            still_jpeg=still,
            to_the_end=event.labels.get("reason") == "stream ended",
        )

    def _place(self, zone_id: str | None) -> str | None:
        if zone_id is None or self._scene is None:
            return zone_id
        names = {zone.id: zone.name for zone in self._scene.zones} | {line.id: line.name for line in self._scene.lines}
        return names.get(zone_id) or zone_id


def _masked(look: Look) -> Image:
    """The picture with heads hidden: of what was detected now, and of what is followed but was missed in this look."""
    found, followed = look.detections, look.tracks
    people = [found.boxes_px[np.isin(found.classes, MASKED)], followed.boxes_px[np.isin(followed.classes, MASKED)]]
    return blur_people(look.frame.image, np.concatenate(people))
