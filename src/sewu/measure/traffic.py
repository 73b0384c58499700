"""Traffic: who crossed which line which way, how fast, and how long the queue is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import shapely
from pydantic import Field
from scipy.spatial.distance import pdist

from sewu.base.boxes import AnyFloats, areas_px2, as_tuple, feet_px, intersections_px2, iou
from sewu.base.interfaces import Metric, State
from sewu.base.paths import Path, robust_velocity, slip_px
from sewu.base.records import CLASS_IDS, CLASSES, VEHICLES, Bools, Doubles, Frame, Observation, Tracks, among
from sewu.base.settings import Settings, overridden
from sewu.base.space import Line, Scene, Zone
from sewu.base.watching import DEFAULT_MAX_GAP_S, Step, Tally, WatchedTime, Windows

KMH = 3.6
PERSON = CLASS_IDS["person"]
TWO_WHEELERS = ("motorcycle", "bicycle")
VEHICLE_IDS = {CLASS_IDS[name] for name in VEHICLES}
RIDER_WIDTH, RIDER_AREA, RIDER_SLIP = 0.5, 0.25, 0.3
"""A rider: this share of the width and of the area within the two-wheeler's, and no more slip than this in body heights."""
SAME_OBJECT_IOU = 0.6
DOUBLE_S = 2.0
"""Two boxes that overlap this much and cross the same way within this time are one object found twice."""
STITCH_SIZES, STITCH_GROWTH = 1.0, 1.6
"""A new id continues an old one if it is this near to where the old one should be, in sizes, and of like size."""
MAX_ENDED = 256


class TrafficSettings(Settings):
    """What a crossing and a queue are; the fields on queues may be overridden in a zone."""

    window_s: float = Field(60.0, gt=0, le=86_400)
    """Length of the counting window, seconds."""
    clear_sizes: float = Field(0.25, ge=0, le=2)
    """How far an object must be from the line to be clear of it, in its own size (square root of the box area)."""
    stitch_s: float = Field(2.0, ge=0)
    """How long after an object was last seen a new id near its expected place is taken for it, seconds."""
    speed_s: float = Field(1.0, gt=0, le=10)
    """Speed is fitted over this long, seconds."""
    queue_speed_m_s: float = Field(1.5, gt=0)
    """A vehicle slower than this stands in the queue, metres per second; used where the ground is calibrated."""
    queue_speed_sizes: float = Field(0.3, gt=0)
    """The same in the vehicle's own sizes per second; used where the ground is not calibrated."""
    queue_s: float = Field(5.0, ge=0)
    """How long a vehicle must be slow to count as queueing, seconds."""
    vehicle_length_m: float = Field(4.5, gt=0)
    """Added to the distance between the first and the last vehicle's position to give the queue's length, metres."""
    free_flow_kmh: float = Field(40.0, gt=0)
    """Speed on the empty road, kilometres per hour; the level of service is relative to it."""
    service_shares: tuple[float, float, float, float, float] = (0.80, 0.67, 0.50, 0.40, 0.30)
    """A mean speed above these shares of the free-flow speed is level A, B, C, D, E; below the last it is F."""
    max_gap_s: float = Field(DEFAULT_MAX_GAP_S, gt=0)
    """A longer pause between two looks is a gap: not watched, lowers the coverage. Not per zone."""


@dataclass
class Queue:
    """One zone of kind "queue". `axis_px`: start and end of its long middle line, (2, 2)."""

    zone: Zone
    settings: TrafficSettings
    windows: Windows
    axis_px: Doubles


class Traffic:
    """Counts crossings of every line by class and direction, and queues in zones of kind "queue".

    An object is counted when it has been detected clear of the line on one side and then clear of it on the
    other; predicted boxes decide nothing.
    """

    name: ClassVar[str] = "traffic"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("crossing", "objects", "1 at each crossing; labels class and direction"),
        Metric("count", "objects", "Crossings in the window, by class and direction; only those that are not 0"),
        Metric("total", "objects", "Crossings in the window of all classes, by direction; also when 0"),
        Metric("speed", "m/s", "Speed of a crossing object over the ground"),
        Metric("speed_kmh", "km/h", "The same in kilometres per hour"),
        Metric("speed_error", "m/s", "One standard error of that speed's fit, without the error of the calibration"),
        Metric("mean_speed", "km/h", "Mean over the window: of crossing objects at a line, of vehicles in a queue zone"),
        Metric("queue_count", "vehicles", "Vehicles in the zone that have been slow for queue_s, now"),
        Metric("queue_length", "m", "From the first to the last of them, and one vehicle more"),
        Metric("queue_share", "1", "Share of the zone's length from the first to the last of them, in the picture"),
        Metric("service_level", "1", "Level of service over the window, 1 (A) to 6 (F), from the mean speed; label grade"),
    )
    zone_kinds: ClassVar[Mapping[str, str]] = {"queue": "Draw the lanes before the stop line, as far back as vehicles can be told apart."}
    uses_lines: ClassVar[bool] = True
    needs_motion: ClassVar[bool] = True
    Settings: ClassVar[type[Settings]] = TrafficSettings

    def __init__(self, camera_id: str, scene: Scene, settings: TrafficSettings) -> None:
        """Raises BadSettings when a zone overrides a field wrongly."""
        self._camera_id = camera_id
        self._settings = settings
        self._lines = scene.lines
        self._ground = scene.ground
        self._queues = [self._queue(zone) for zone in scene.zones_of("queue")]
        self._time = WatchedTime(settings.max_gap_s)
        self._windows = Windows(settings.window_s)
        self._paths: dict[int, Path] = {}
        self._ended: list[Path] = []
        self._crossed: list[tuple[str, float, int, int]] = []

    def _queue(self, zone: Zone) -> Queue:
        settings = overridden(self._settings, zone.settings, f"zone {zone.id!r}")
        corners = np.asarray(shapely.oriented_envelope(zone.polygon).exterior.coords)[:4]
        if math.dist(corners[0], corners[1]) < math.dist(corners[1], corners[2]):
            corners = np.roll(corners, -1, axis=0)
        axis = np.array([(corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2])
        return Queue(zone, settings, Windows(settings.window_s), axis)

    def update(self, tracks: Tracks, frame: Frame) -> list[Observation]:
        """Take one look."""
        step = self._time.advance(frame.at_s)
        found = [o for tally in self._windows.advance(step) for o in self._line_window(tally)]
        self._follow(tracks)
        seen = [self._paths[int(i)] for i in tracks.ids[tracks.seen]]
        feet = feet_px(tracks.boxes_px[tracks.seen])
        for line in self._lines:
            for path, distance, along in zip(seen, line.sides_px(feet).tolist(), line.along(feet).tolist(), strict=True):
                direction = self._crossing(line, path, distance, along)
                if direction is not None and not path.is_rider and not self._is_double(line, direction, path):
                    found += self._count(line, direction, path, frame.at_s)
        for queue in self._queues:
            found += self._queueing(queue, tracks, step)
        return found

    def finish(self) -> list[Observation]:
        """The stream is over: the windows under way, with the coverage they have."""
        tally = self._windows.close()
        found = self._line_window(tally) if tally else []
        return found + [o for queue in self._queues if (tally := queue.windows.close()) for o in self._queue_window(queue, tally)]

    # --- who is who ---

    def _follow(self, tracks: Tracks) -> None:
        """Add what was detected now to the paths; a new id may go on where an old one was lost."""
        now_s, settings = self._time.now_s, self._settings
        present = {int(i) for i in tracks.ids}
        seen = {int(i) for i in tracks.ids[tracks.seen]}
        self._ended += [path for track, path in self._paths.items() if track not in present]
        self._ended = [path for path in self._ended if now_s - path.seen_s <= settings.stitch_s][-MAX_ENDED:]
        self._paths = {track: path for track, path in self._paths.items() if track in present}
        keep_s = max(1.0, settings.speed_s)
        for row in np.flatnonzero(tracks.seen):
            track, box, kind = int(tracks.ids[row]), tracks.boxes_px[row], int(tracks.classes[row])
            path = self._paths.get(track)
            if path is None:
                path = self._stitched(box, kind, seen) or Path(track)
                path.id = track
                self._paths[track] = path
            path.see(now_s, as_tuple(box), kind, float(tracks.scores[row]), keep_s)
        for row in np.flatnonzero(self._riders(tracks)):
            self._paths[int(tracks.ids[row])].ridden += 1

    def _stitched(self, box: AnyFloats, kind: int, seen: set[int]) -> Path | None:
        """The path that a new object continues: lost just now, expected here, of the same sort and like size."""
        now_s = self._time.now_s
        size = math.sqrt(max(1.0, float((box[2] - box[0]) * (box[3] - box[1]))))
        feet = (float(box[0] + box[2]) / 2, float(box[3]))
        best: tuple[float, Path] | None = None
        for path in [*self._ended, *(path for track, path in self._paths.items() if track not in seen)]:
            if now_s - path.seen_s > self._settings.stitch_s or (path.kind == PERSON) != (kind == PERSON):
                continue
            if max(size, path.size_px) > STITCH_GROWTH * min(size, path.size_px):
                continue
            off = math.dist(path.expected_px(now_s), feet) / path.size_px
            if off <= STITCH_SIZES and (best is None or off < best[0]):
                best = off, path
        if best is None:
            return None
        path = best[1]
        self._ended = [other for other in self._ended if other is not path]
        self._paths = {track: other for track, other in self._paths.items() if other is not path}
        return path

    def _riders(self, tracks: Tracks) -> Bools:
        """Which tracks are persons inside a two-wheeler's box that move with it. (n,)."""
        riders = np.zeros(len(tracks), np.bool_)
        persons = np.flatnonzero(tracks.seen & (tracks.classes == PERSON))
        wheels = np.flatnonzero(tracks.seen & among(tracks.classes, TWO_WHEELERS))
        if len(persons) == 0 or len(wheels) == 0:
            return riders
        a, b = tracks.boxes_px[persons], tracks.boxes_px[wheels]
        width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
        high = (a[:, 3] - a[:, 1])[:, None]
        on = width >= RIDER_WIDTH * (a[:, 2] - a[:, 0])[:, None]
        on &= intersections_px2(a, b) >= RIDER_AREA * areas_px2(a)[:, None]
        on &= (a[:, None, 3] >= b[None, :, 1]) & (a[:, None, 3] <= b[None, :, 3] + 0.1 * high)
        for i, j in zip(*np.nonzero(on), strict=True):
            person, wheel = self._paths[int(tracks.ids[persons[i]])], self._paths[int(tracks.ids[wheels[j]])]
            riders[persons[i]] |= slip_px(person, wheel) <= RIDER_SLIP * float(high[i, 0])
        return riders

    # --- lines ---

    def _crossing(self, line: Line, path: Path, distance: float, along: float) -> str | None:
        """The direction in which the path, seen now at this place, has just got clear across the line, if it has."""
        side, at, before, along_before = path.sides.get(line.id, (None, None, None, None))
        if before is not None and along_before is not None and (before < 0) != (distance < 0):
            at = along_before + before / (before - distance) * (along - along_before)
        direction = None
        if abs(distance) >= max(1.0, self._settings.clear_sizes * path.size_px):
            clear = math.copysign(1.0, distance)
            if side is not None and clear != side and at is not None and 0.0 <= at <= 1.0:
                direction = line.forward if clear > 0 else line.backward
            side = clear
        path.sides[line.id] = [side, at, distance, along]
        return direction

    def _is_double(self, line: Line, direction: str, path: Path) -> bool:
        """Whether the same object, found as two, has just been counted under its other id."""
        now_s, way = self._time.now_s, int(direction == line.forward)
        self._crossed = [row for row in self._crossed if now_s - row[1] <= DOUBLE_S][-MAX_ENDED:]
        box = np.array([path.points[-1][1:]])
        for line_id, _, way_then, track in self._crossed:
            other = self._paths.get(track)
            if (line_id, way_then) != (line.id, way) or other is None or other is path or now_s - other.seen_s > DOUBLE_S / 4:
                continue
            if float(iou(box, np.array([other.points[-1][1:]]))[0, 0]) >= SAME_OBJECT_IOU:
                return True
        self._crossed.append((line.id, now_s, way, path.id))
        return False

    def _count(self, line: Line, direction: str, path: Path, at_s: float) -> list[Observation]:
        if self._windows.current is None:
            raise ValueError("the windows must be advanced before counting")
        tally, kind = self._windows.current, CLASSES[path.kind]
        tally.add(_key(line.id, direction, kind))
        crossing = Observation(
            self._camera_id,
            at_s,
            self.name,
            "crossing",
            1.0,
            "objects",
            zone_id=line.id,
            subject=f"track {path.id}",
            labels={"class": kind, "direction": direction},
            box_px=as_tuple(np.asarray(path.points[-1][1:])),
        )
        speed_m_s, error_m_s = self._speed_m_s(path)
        if not math.isfinite(speed_m_s):
            return [crossing]
        tally.add(_key(line.id, direction, "speed"), speed_m_s * KMH)
        tally.add(_key(line.id, direction, "speeds"))
        found = [crossing, replace(crossing, metric="speed", value=speed_m_s, unit="m/s")]
        found.append(replace(crossing, metric="speed_kmh", value=speed_m_s * KMH, unit="km/h"))
        if math.isfinite(error_m_s):
            found.append(replace(crossing, metric="speed_error", value=error_m_s, unit="m/s"))
        return found

    def _speed_m_s(self, path: Path) -> tuple[float, float]:
        """Speed over the ground and its standard error; NaN where the ground is not calibrated or the path too short."""
        if self._ground is None:
            return math.nan, math.nan
        feet = path.recent_px(self._settings.speed_s)
        velocity, error = robust_velocity(np.column_stack([feet[:, 0], self._ground.to_ground_m(feet[:, 1:])]))
        return math.hypot(velocity[0], velocity[1]), error

    def _line_window(self, tally: Tally) -> list[Observation]:
        found: list[Observation] = []
        base = self._window_base(self._windows, tally)
        for line in self._lines:
            for direction in dict.fromkeys((line.forward, line.backward)):
                counts = {kind: tally.sums.get(_key(line.id, direction, kind), 0.0) for kind in CLASSES}
                at = replace(base, zone_id=line.id, labels={"direction": direction})
                found.append(replace(at, metric="total", value=sum(counts.values())))
                for kind, count in counts.items():
                    if count:
                        found.append(replace(at, value=count, labels={"class": kind, "direction": direction}))
                if speeds := tally.sums.get(_key(line.id, direction, "speeds"), 0.0):
                    mean_kmh = tally.sums[_key(line.id, direction, "speed")] / speeds
                    found.append(replace(at, metric="mean_speed", value=mean_kmh, unit="km/h"))
        return found

    def _window_base(self, windows: Windows, tally: Tally) -> Observation:
        return Observation(
            self._camera_id,
            windows.end_s(tally),
            self.name,
            "count",
            0.0,
            "objects",
            window_s=windows.window_s,
            coverage=windows.coverage(tally),
        )

    # --- queues ---

    def _queueing(self, queue: Queue, tracks: Tracks, step: Step) -> list[Observation]:
        found = [o for tally in queue.windows.advance(step) for o in self._queue_window(queue, tally)]
        now_s, settings = self._time.now_s, queue.settings
        inside = queue.zone.holds(feet_px(tracks.boxes_px))
        for track in tracks.ids[~inside].tolist():
            if track in self._paths:
                self._paths[track].slow_s.pop(queue.zone.id, None)
        paths = [self._paths[track] for track in tracks.ids[inside].tolist() if track in self._paths]
        paths = [path for path in paths if path.kind in VEHICLE_IDS]
        waiting: list[Path] = []
        speeds_kmh: list[float] = []
        for path, (speed_m_s, speed_sizes) in zip(paths, self._pace(paths), strict=True):
            if math.isfinite(speed_m_s):
                speeds_kmh.append(speed_m_s * KMH)
                slow = speed_m_s < settings.queue_speed_m_s
            else:
                slow = speed_sizes < settings.queue_speed_sizes
            if not slow:
                path.slow_s.pop(queue.zone.id, None)
            elif now_s - path.slow_s.setdefault(queue.zone.id, now_s) >= settings.queue_s:
                waiting.append(path)
        if speeds_kmh and queue.windows.current:
            queue.windows.current.add("speed", sum(speeds_kmh) / len(speeds_kmh))
            queue.windows.current.add("speeds")
        return found + self._queue_now(queue, waiting, step.to_s)

    def _pace(self, paths: list[Path]) -> list[tuple[float, float]]:
        """How fast each goes now: metres and own sizes per second, NaN where it is not known. Rougher and cheaper than a fit."""
        if not paths:
            return []
        legs = np.array([path.leg_px(self._settings.speed_s) for path in paths])
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = np.hypot(*(legs[:, 4:] - legs[:, 1:3]).T) / (legs[:, 3] - legs[:, 0]) / [path.size_px for path in paths]
            metres = np.full(len(paths), np.nan)
            if self._ground is not None:
                way_m = self._ground.to_ground_m(legs[:, 4:]) - self._ground.to_ground_m(legs[:, 1:3])
                metres = np.hypot(*way_m.T) / (legs[:, 3] - legs[:, 0])
        return list(zip(metres.tolist(), sizes.tolist(), strict=True))

    def _queue_now(self, queue: Queue, waiting: list[Path], at_s: float) -> list[Observation]:
        count = Observation(self._camera_id, at_s, self.name, "queue_count", float(len(waiting)), "vehicles", zone_id=queue.zone.id)
        share = length_m = 0.0
        if waiting:
            boxes = np.array([path.points[-1][1:] for path in waiting])
            corners = np.concatenate([boxes[:, [0, 1]], boxes[:, [2, 1]], boxes[:, [0, 3]], boxes[:, [2, 3]]])
            axis = queue.axis_px[1] - queue.axis_px[0]
            along = np.clip((corners - queue.axis_px[0]) @ axis / float(axis @ axis), 0.0, 1.0)
            share = float(along.max() - along.min())
        found = [count, replace(count, metric="queue_share", value=share, unit="1")]
        if self._ground is not None:
            if waiting:
                places_m = self._ground.to_ground_m(np.array([path.feet_px()[-1, 1:] for path in waiting]))
                length_m = float(pdist(places_m).max(initial=0.0)) + queue.settings.vehicle_length_m
            if math.isfinite(length_m):
                found.append(replace(count, metric="queue_length", value=length_m, unit="m"))
        return found

    def _queue_window(self, queue: Queue, tally: Tally) -> list[Observation]:
        if not tally.sums.get("speeds"):
            return []
        mean_kmh = tally.sums["speed"] / tally.sums["speeds"]
        base = replace(self._window_base(queue.windows, tally), zone_id=queue.zone.id)
        level = sum(mean_kmh <= share * queue.settings.free_flow_kmh for share in queue.settings.service_shares)
        grade = replace(base, metric="service_level", value=level + 1.0, unit="1", labels={"grade": "ABCDEF"[level]})
        return [replace(base, metric="mean_speed", value=mean_kmh, unit="km/h"), grade]

    # --- state ---

    def state(self) -> State:
        return {
            "time": self._time.state(),
            "windows": self._windows.state(),
            "paths": [path.row() for path in self._paths.values()],
            "ended": [path.row() for path in self._ended],
            "crossed": [list(row) for row in self._crossed],
            "queues": {queue.zone.id: queue.windows.state() for queue in self._queues},
        }

    def restore(self, state: State) -> None:
        """Zones that were drawn since begin afresh; those that were wiped out are forgotten."""
        self._time.restore(state["time"])
        self._windows.restore(state["windows"])
        self._paths = {row["id"]: Path.of(row) for row in state["paths"]}
        self._ended = [Path.of(row) for row in state["ended"]]
        self._crossed = [(line_id, at_s, way, track) for line_id, at_s, way, track in state["crossed"]]
        for queue in self._queues:
            if queue.zone.id in state["queues"]:
                queue.windows.restore(state["queues"][queue.zone.id])


def _key(line_id: str, direction: str, what: str) -> str:
    return "\t".join((line_id, direction, what))
