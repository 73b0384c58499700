"""Parking: vehicles that stand where they may not, and bays: occupied, since when, how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import shapely
from pydantic import Field
from shapely.affinity import translate

from sewu.base.boxes import as_tuple
from sewu.base.interfaces import Metric, State
from sewu.base.records import CLASSES, VEHICLES, Frame, Observation, Tracks, among
from sewu.base.settings import Settings, overridden
from sewu.base.space import Scene, Zone
from sewu.base.standing import Spot, Standing
from sewu.base.watching import DEFAULT_MAX_GAP_S, Tally, WatchedTime, Windows
from sewu.measure.parking.bays import Bay, assigned
from sewu.measure.parking.looks import BayLooks

INSIDE_SHARE = 0.5
"""A vehicle stands in a no-parking zone when this share of the lower half of its box does."""
HOUR_S = 3600.0


class ParkingSettings(Settings):
    """What standing is; the fields on stopping may be overridden in a no-parking zone."""

    window_s: float = Field(900.0, gt=0, le=86_400)
    """Length of the counting window of bays, seconds. Not per zone."""
    tolerance_sizes: float = Field(0.25, gt=0, le=1)
    """How far a standing vehicle's box may shift, in its own size (square root of its area). Not per zone."""
    memory_s: float = Field(120.0, ge=0)
    """How long a vehicle that is hidden, or lost and found under a new id, keeps its clock, seconds. Not per zone."""
    report_after_s: float = Field(10.0, ge=0)
    """Standing is reported from this dwell on, seconds."""
    report_every_s: float = Field(1.0, ge=0)
    """Standing is reported this often, seconds. Not per zone."""
    queue_vehicles: int | None = Field(None, ge=2)
    """With so many standing in the zone at once, those that stopped less than queue_s ago are reported as queueing; null: never."""
    queue_s: float = Field(120.0, ge=0)
    """The longest red light or jam that is excused as queueing, seconds."""
    bay_source: Literal["both", "tracks", "pixels"] = "both"
    """What tells a bay's occupancy: followed vehicles, the picture alone, or the picture where no vehicle was found."""
    bay_every_s: float = Field(1.0, ge=0)
    """Bays are looked at this often, seconds. Not per zone."""
    bay_report_s: float = Field(60.0, gt=0)
    """Occupancy is reported at every change and this often, seconds. Not per zone."""
    bay_confirm_s: float = Field(3.0, ge=0)
    """A change must hold this long to count, seconds; it then counts from its beginning."""
    bay_settle_s: float = Field(5.0, ge=0)
    """A followed vehicle must stand this long to occupy a bay, seconds. Not per zone."""
    max_gap_s: float = Field(DEFAULT_MAX_GAP_S, gt=0)
    """A longer pause between two looks is a gap: not watched, lowers the coverage, lengthens no dwell. Not per zone."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that was reported, as last seen, so that its end can be told."""

    number: int
    zone_id: str
    dwell_s: float
    kind: int
    box: tuple[float, float, float, float]


class Parking:
    """Clocks vehicles that stand in zones of kind "no_parking" and keeps the book of zones of kind "bay"."""

    name: ClassVar[str] = "parking"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("stationary_s", "s", "How long this vehicle has stood here; 0 once when it has left"),
        Metric("queued_s", "s", "The same for a vehicle that is excused as queueing"),
        Metric("stop_s", "s", "How long it stood in all, when it has left"),
        Metric("occupied", "1", "1 when the bay is occupied, 0 when it is empty"),
        Metric("bays_occupied", "bays", "Occupied bays in the view, now"),
        Metric("visit_s", "s", "How long a visit to the bay lasted, when it is over"),
        Metric("occupied_share", "1", "Share of the watched time of the window in which the bay was occupied"),
        Metric("turnover", "visits/h", "Arrivals at the bay per hour watched, over the window"),
    )
    zone_kinds: ClassVar[Mapping[str, str]] = {
        "no_parking": "Draw the strip of road on which nobody may park, where the wheels would stand.",
        "bay": "Draw one parking bay, corner to corner, on the ground.",
    }
    uses_lines: ClassVar[bool] = False
    needs_motion: ClassVar[bool] = False
    Settings: ClassVar[type[Settings]] = ParkingSettings

    def __init__(self, camera_id: str, scene: Scene, settings: ParkingSettings) -> None:
        """Raises BadSettings when a zone overrides a field wrongly."""
        self._camera_id = camera_id
        self._settings = settings
        self._forbidden = scene.zones_of("no_parking")
        self._bays = [Bay(zone) for zone in scene.zones_of("bay")]
        self._zone_settings = {
            zone.id: overridden(settings, zone.settings, f"zone {zone.id!r}") for zone in (*self._forbidden, *scene.zones_of("bay"))
        }
        self._time = WatchedTime(settings.max_gap_s)
        self._standing = Standing(settings.tolerance_sizes, settings.memory_s)
        self._windows = Windows(settings.window_s)
        self._looks: BayLooks | None = None
        if self._bays and any(self._zone_settings[bay.zone.id].bay_source != "tracks" for bay in self._bays):
            self._looks = BayLooks([np.asarray(bay.zone.points_px) for bay in self._bays], scene.size_px)
        self._stops: dict[int, Stop] = {}
        self._due_s: dict[str, float] = {}

    def update(self, tracks: Tracks, frame: Frame) -> list[Observation]:
        """Take one look."""
        step = self._time.advance(frame.at_s)
        found = [o for tally in self._windows.advance(step) for o in self._bay_window(tally)]
        vehicles = tracks.select(among(tracks.classes, VEHICLES))
        self._standing.update(vehicles, vehicles.boxes_px, self._time.now_s)
        if self._forbidden:
            found += self._stopping(frame.at_s)
        if self._bays and (self._is_due("look", self._settings.bay_every_s) or self._bays[0].occupied is None):
            found += self._look_at_bays(frame)
        return found

    def finish(self) -> list[Observation]:
        """The stream is over: the window under way, with the coverage it has."""
        tally = self._windows.close()
        return self._bay_window(tally) if tally else []

    def _is_due(self, what: str, every_s: float) -> bool:
        """Whether it is time again for `what`; if so the next time is set."""
        if self._time.now_s < self._due_s.get(what, 0.0) - 1e-6:
            return False
        self._due_s[what] = self._time.now_s + every_s
        return True

    def _observe(self, at_s: float, metric: str, value: float, unit: str, zone_id: str | None) -> Observation:
        return Observation(self._camera_id, at_s, self.name, metric, float(value), unit, zone_id=zone_id)

    # --- no parking ---

    def _stopping(self, at_s: float) -> list[Observation]:
        found: list[Observation] = []
        spots = self._standing.spots
        for number in [n for n in self._stops if n not in spots]:
            stop = self._stops.pop(number)
            found.append(self._about(stop, at_s, "stationary_s", 0.0))
            found.append(self._about(stop, at_s, "stop_s", stop.dwell_s))
        due = self._is_due("report", self._settings.report_every_s)
        shortest_s = min(self._zone_settings[zone.id].report_after_s for zone in self._forbidden)
        standing = [spot for spot in spots.values() if spot.dwell_s >= shortest_s]
        for zone in self._forbidden:
            found += self._in_zone(zone, [spot for spot in standing if _stands_in(spot, zone)], due, at_s)
        return found

    def _in_zone(self, zone: Zone, spots: list[Spot], due: bool, at_s: float) -> list[Observation]:
        settings = self._zone_settings[zone.id]
        many = settings.queue_vehicles is not None and len(spots) >= settings.queue_vehicles
        found: list[Observation] = []
        for spot in spots:
            if spot.dwell_s < settings.report_after_s:
                continue
            new = spot.number not in self._stops
            stop = Stop(spot.number, zone.id, spot.dwell_s, spot.kind, as_tuple(np.asarray(spot.box)))
            if not new and self._stops[spot.number].zone_id != zone.id:
                continue  # zones overlap: the one that saw it first keeps it
            self._stops[spot.number] = stop
            if due or new:
                queueing = many and spot.dwell_s < settings.queue_s
                labels = {"track": str(spot.track), "seen": "yes" if spot.seen_s >= self._time.now_s else "no"}
                report = self._about(stop, at_s, "queued_s" if queueing else "stationary_s", spot.dwell_s)
                found.append(replace(report, labels={**report.labels, **labels}))
        return found

    def _about(self, stop: Stop, at_s: float, metric: str, value: float) -> Observation:
        base = self._observe(at_s, metric, value, "s", stop.zone_id)
        return replace(base, subject=f"vehicle {stop.number}", labels={"class": CLASSES[stop.kind]}, box_px=stop.box)

    # --- bays ---

    def _look_at_bays(self, frame: Frame) -> list[Observation]:
        now_s = self._time.now_s
        due = self._is_due("bays", self._settings.bay_report_s)
        found: list[Observation] = []
        changed_any = False
        for bay, verdict in zip(self._bays, self._verdicts(frame), strict=True):
            if verdict is None:
                continue
            before = bay.occupied
            changed, visit_s = bay.see(verdict, now_s, self._zone_settings[bay.zone.id].bay_confirm_s)
            if changed and bay.occupied and before is False and self._windows.current:
                self._windows.current.add(_arrivals(bay))
            if changed or due:
                found.append(self._observe(frame.at_s, "occupied", bool(bay.occupied), "1", bay.zone.id))
            if visit_s is not None:
                start = {"start": "seen" if bay.arrival_seen else "before"}
                found.append(replace(self._observe(frame.at_s, "visit_s", visit_s, "s", bay.zone.id), labels=start))
            if changed:
                bay.arrival_seen = before is not None
            changed_any |= changed
        for bay in self._bays:
            if bay.occupied is not None:
                self._windows.level(bay.zone.id, float(bay.occupied))
        if changed_any or due:
            found.append(self._observe(frame.at_s, "bays_occupied", sum(bay.occupied is True for bay in self._bays), "bays", None))
        return found

    def _verdicts(self, frame: Frame) -> list[bool | None]:
        """Per bay: occupied, empty, or None where it cannot be told now."""
        settled = [spot for spot in self._standing.spots.values() if spot.dwell_s >= self._settings.bay_settle_s]
        boxes = [as_tuple(np.asarray(spot.box)) for spot in settled]
        shift = self._looks.shift_px if self._looks else np.zeros(2)
        polygons = [translate(bay.zone.polygon, *shift) for bay in self._bays]
        taken = assigned(boxes, polygons)
        bounds = [polygon.bounds for polygon in polygons]
        near = [[box for i, box in enumerate(boxes) if i != taken.get(bay) and _touch(box, bounds[bay])] for bay in range(len(bounds))]
        seen: list[bool | None] = [None] * len(self._bays)
        if self._looks:
            seen = self._looks.read(frame.image, near)
        verdicts: list[bool | None] = []
        for index, bay in enumerate(self._bays):
            source = self._zone_settings[bay.zone.id].bay_source
            if source == "tracks":
                verdicts.append(index in taken)
            else:
                verdicts.append(True if source == "both" and index in taken else seen[index])
        return verdicts

    def _bay_window(self, tally: Tally) -> list[Observation]:
        found: list[Observation] = []
        end_s, window_s, coverage = self._windows.end_s(tally), self._windows.window_s, self._windows.coverage(tally)
        for bay in self._bays:
            share = tally.mean(bay.zone.id)
            if share is None:
                continue
            found.append(self._observe(end_s, "occupied_share", share, "1", bay.zone.id))
            if tally.watched_s > 0:
                per_h = tally.sums.get(_arrivals(bay), 0.0) * HOUR_S / tally.watched_s
                found.append(self._observe(end_s, "turnover", per_h, "visits/h", bay.zone.id))
        return [replace(observation, window_s=window_s, coverage=coverage) for observation in found]

    # --- state ---

    def _drawn(self) -> list[list[object]]:
        """The bays and their corners: what was learned of a bay's look is of no use for another."""
        return [[bay.zone.id, [list(corner) for corner in bay.zone.points_px]] for bay in self._bays]

    def state(self) -> State:
        return {
            "time": self._time.state(),
            "standing": self._standing.state(),
            "windows": self._windows.state(),
            "looks": self._looks.state() if self._looks else None,
            "stops": [[stop.number, stop.zone_id, stop.dwell_s, stop.kind, list(stop.box)] for stop in self._stops.values()],
            "due_s": dict(self._due_s),
            "drawn": self._drawn(),
            "bays": {bay.zone.id: [bay.occupied, bay.since_s, bay.pending_s, bay.arrival_seen] for bay in self._bays},
        }

    def restore(self, state: State) -> None:
        """Zones that were drawn since begin afresh, but for the clocks of who stands there; those that were wiped out are forgotten."""
        self._time.restore(state["time"])
        self._standing.restore(state["standing"])
        self._windows.restore(state["windows"])
        if self._looks and state["looks"] and state.get("drawn") == self._drawn():
            self._looks.restore(state["looks"])
        known = {zone.id for zone in self._forbidden}  # a stop of a zone that is gone may belong to another one now
        rows = [row for row in state["stops"] if row[1] in known]
        self._stops = {row[0]: Stop(row[0], row[1], row[2], row[3], as_tuple(np.asarray(row[4]))) for row in rows}
        self._due_s = dict(state["due_s"])
        for bay in self._bays:
            if bay.zone.id in state["bays"]:
                bay.occupied, bay.since_s, bay.pending_s, bay.arrival_seen = state["bays"][bay.zone.id]


def _arrivals(bay: Bay) -> str:
    return f"{bay.zone.id}\tarrivals"


def _stands_in(spot: Spot, zone: Zone) -> bool:
    x0, y0, x1, y1 = spot.box
    lower = shapely.box(x0, (y0 + y1) / 2, x1, y1)
    return bool(shapely.area(shapely.intersection(lower, zone.polygon)) >= INSIDE_SHARE * shapely.area(lower) > 0)


def _touch(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]
