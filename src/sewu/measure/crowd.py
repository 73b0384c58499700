"""Crowd: how many people, how dense, how full, and who stands together for how long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from sewu.base.boxes import as_tuple, feet_px, iou
from sewu.base.interfaces import Metric, State
from sewu.base.records import CLASS_IDS, Bools, Floats, Frame, Ints, Observation, Tracks
from sewu.base.settings import Settings, overridden
from sewu.base.space import Scene, Zone, groups_within, joined
from sewu.base.standing import Standing
from sewu.base.watching import DEFAULT_MAX_GAP_S, Tally, WatchedTime, Windows

PERSON = CLASS_IDS["person"]
SCENERY_TOLERANCE = 0.05
"""In body sizes: who breathes, turns or shifts weight moves more than this within minutes; a statue never does."""
MAX_GROUPS = 256
SAME_PLACE_IOU = 0.3
"""Overlap of a group's outline with its last one that keeps its identity when every member got a new id."""
SAME_DEPTH = 1.5
"""Without a calibrated ground: body heights further apart than this ratio mean that one stands far behind the other."""


class CrowdSettings(Settings):
    """What a crowd is; every field may be overridden in a zone."""

    window_s: float = Field(60.0, gt=0, le=86_400)
    """Length of the counting window, seconds."""
    capacity: float | None = Field(None, gt=0)
    """How many persons the place holds; gives the capacity share. Set it in the zone."""
    distance_m: float = Field(1.5, gt=0)
    """Who is within this many metres of each other stands together; used where the ground is calibrated."""
    distance_heights: float = Field(1.0, gt=0)
    """The same in body heights as seen in the picture; used where the ground is not calibrated."""
    gather_s: float = Field(60.0, ge=0)
    """How long they must stand together to be a gathering, seconds."""
    gather_members: int = Field(4, ge=2)
    """The least number of persons in a gathering."""
    part_s: float = Field(10.0, ge=0)
    """How long a gathering may be out of sight, or too small, before it is over, seconds."""
    hold_s: float = Field(1.0, ge=0)
    """A person who was not detected just now counts this long at the place where the tracker expects them, seconds."""
    scenery_after_s: float | None = Field(1800.0, gt=0)
    """A "person" who never moved at all for this long is scenery (a statue, a poster); null counts everybody."""
    max_gap_s: float = Field(DEFAULT_MAX_GAP_S, gt=0)
    """A longer pause between two looks is a gap: not watched, lowers the coverage, lengthens no dwell. Not per zone."""


@dataclass
class Group:
    """People who stand together. Times on the watched axis."""

    number: int
    members: set[int]
    box: list[float]
    since_s: float
    seen_s: float
    reported: bool = False


@dataclass
class Place:
    """One zone, or the whole view, with its windows and groups."""

    zone: Zone | None
    settings: CrowdSettings
    windows: Windows
    area_m2: float | None
    groups: list[Group] = field(default_factory=list)

    @property
    def zone_id(self) -> str | None:
        return self.zone.id if self.zone else None


class Crowd:
    """Counts the people in each zone of kind "crowd", or in the whole view where none is drawn.

    Counted is who was detected at this look, and who was detected at most `hold_s` ago and is still followed.
    """

    name: ClassVar[str] = "crowd"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("count", "persons", "Persons there now"),
        Metric("max_count", "persons", "Most persons at once in the window"),
        Metric("mean_count", "persons", "Mean number of persons over the watched time of the window"),
        Metric("density", "persons/m2", "Persons per square metre of the zone's ground, now"),
        Metric("capacity_share", "1", "Persons now, as a share of the zone's capacity"),
        Metric("gatherings", "groups", "Gatherings now"),
        Metric("group_size", "persons", "Members of one gathering, now; 0 once when it is over"),
        Metric("group_dwell", "s", "How long this gathering has been seen together"),
        Metric("scenery", "persons", "Left out of the count because they never moved at all: statues, posters"),
    )
    zone_kinds: ClassVar[Mapping[str, str]] = {
        "crowd": "Draw the ground on which people stand, where their feet are; leave it out to count the whole view."
    }
    uses_lines: ClassVar[bool] = False
    needs_motion: ClassVar[bool] = False
    Settings: ClassVar[type[Settings]] = CrowdSettings

    def __init__(self, camera_id: str, scene: Scene, settings: CrowdSettings) -> None:
        """Raises BadSettings when a zone overrides a field wrongly."""
        self._camera_id = camera_id
        self._ground = scene.ground
        self._settings = settings
        zones = scene.zones_of("crowd")
        self._places = [self._place(zone) for zone in zones] or [self._place(None)]
        self._time = WatchedTime(settings.max_gap_s)
        self._still = Standing(SCENERY_TOLERANCE, memory_s=60.0)
        self._seen_s: dict[int, float] = {}
        self._groups = 0

    def _place(self, zone: Zone | None) -> Place:
        settings = overridden(self._settings, zone.settings, f"zone {zone.id!r}") if zone else self._settings
        area_m2 = self._ground.area_m2(zone.polygon) if zone and self._ground else math.nan
        return Place(zone, settings, Windows(settings.window_s), area_m2 if area_m2 > 0 else None)

    def update(self, tracks: Tracks, frame: Frame) -> list[Observation]:
        """Take one look."""
        step = self._time.advance(frame.at_s)
        persons = tracks.select(tracks.classes == PERSON)
        now_s = self._time.now_s
        spots = self._still.update(persons, persons.boxes_px, now_s)
        self._remember(persons)
        ages_s = now_s - np.array([self._seen_s.get(int(i), -math.inf) for i in persons.ids])
        still_s = np.array([spots[int(i)].dwell_s if int(i) in spots and not spots[int(i)].moves else 0.0 for i in persons.ids])
        found: list[Observation] = []
        for place in self._places:
            for tally in place.windows.advance(step):
                found += self._window(place, tally)
            here = (ages_s <= place.settings.hold_s) & _inside(place, persons.boxes_px)
            scenery = here & (still_s >= (place.settings.scenery_after_s or math.inf))
            found += self._counts(place, int((here & ~scenery).sum()), int(scenery.sum()), frame.at_s)
            found += self._gatherings(place, persons.select(here & ~scenery), frame.at_s)
        return found

    def finish(self) -> list[Observation]:
        """The stream is over: the windows under way, with the coverage they have."""
        return [o for place in self._places if (tally := place.windows.close()) for o in self._window(place, tally)]

    def _remember(self, persons: Tracks) -> None:
        kept = {int(i) for i in persons.ids}
        self._seen_s = {i: seen_s for i, seen_s in self._seen_s.items() if i in kept}
        self._seen_s.update({int(i): self._time.now_s for i in persons.ids[persons.seen]})

    def _observe(self, place: Place, at_s: float, metric: str, value: float, unit: str = "persons") -> Observation:
        return Observation(self._camera_id, at_s, self.name, metric, float(value), unit, zone_id=place.zone_id)

    def _window(self, place: Place, tally: Tally) -> list[Observation]:
        mean = tally.mean("count")
        if mean is None:
            return []
        end_s, coverage = place.windows.end_s(tally), place.windows.coverage(tally)
        both = [self._observe(place, end_s, "max_count", tally.maxima["count"]), self._observe(place, end_s, "mean_count", mean)]
        return [replace(observation, window_s=place.windows.window_s, coverage=coverage) for observation in both]

    def _counts(self, place: Place, count: int, scenery: int, at_s: float) -> list[Observation]:
        place.windows.level("count", count)
        found = [self._observe(place, at_s, "count", count)]
        if place.area_m2:
            found.append(self._observe(place, at_s, "density", count / place.area_m2, "persons/m2"))
        if place.settings.capacity:
            found.append(self._observe(place, at_s, "capacity_share", count / place.settings.capacity, "1"))
        if scenery:
            found.append(self._observe(place, at_s, "scenery", scenery))
        return found

    def _gatherings(self, place: Place, persons: Tracks, at_s: float) -> list[Observation]:
        now_s, settings = self._time.now_s, place.settings
        clusters: list[Ints] = []
        if len(persons) >= settings.gather_members:
            labels = self._together(persons.boxes_px, settings)
            large = np.flatnonzero(np.bincount(labels) >= settings.gather_members)
            clusters = [np.flatnonzero(labels == label) for label in large]
        found: list[Observation] = []
        now = 0
        for rows, group in self._identified(place, persons, clusters):
            group.members = {int(i) for i in persons.ids[rows]}
            group.box, group.seen_s = _outline(persons.boxes_px[rows]), now_s
            if now_s - group.since_s >= settings.gather_s:
                now, group.reported = now + 1, True
                found += self._group(place, group, len(rows), at_s)
        for group in [g for g in place.groups if now_s - g.seen_s > settings.part_s]:
            place.groups.remove(group)
            if group.reported:
                found += self._group(place, group, 0, at_s)
        return [*found, self._observe(place, at_s, "gatherings", now, "groups")]

    def _group(self, place: Place, group: Group, members: int, at_s: float) -> list[Observation]:
        size = self._observe(place, at_s, "group_size", members)
        dwell = self._observe(place, at_s, "group_dwell", group.seen_s - group.since_s, "s")
        box_px = as_tuple(np.asarray(group.box))
        return [replace(o, subject=f"group {group.number}", box_px=box_px) for o in (size, dwell)]

    def _together(self, boxes_px: Floats, settings: CrowdSettings) -> Ints:
        """Label each person with who they stand with. (n, 4) -> (n,)."""
        feet = feet_px(boxes_px)
        if self._ground is not None:
            return groups_within(self._ground.to_ground_m(feet), settings.distance_m)
        if len(feet) == 0:
            return np.empty(0, np.int64)
        heights = np.maximum(1.0, boxes_px[:, 3] - boxes_px[:, 1]).astype(np.float64)
        mean = (heights[:, None] + heights[None, :]) / 2
        level = np.maximum(heights[:, None], heights[None, :]) <= SAME_DEPTH * np.minimum(heights[:, None], heights[None, :])
        offsets = feet[:, None, :] - feet[None, :, :]
        return joined((np.hypot(offsets[..., 0], offsets[..., 1]) <= settings.distance_heights * mean) & level)

    def _identified(self, place: Place, persons: Tracks, clusters: list[Ints]) -> list[tuple[Ints, Group]]:
        """Give each cluster its group: most shared members first, then the same place, then a new one; older first in a tie."""
        pairs: list[tuple[float, int, int]] = []
        for number, rows in enumerate(clusters):
            members = {int(i) for i in persons.ids[rows]}
            outline = np.array([_outline(persons.boxes_px[rows])])
            for index, group in enumerate(place.groups):
                shared = float(len(members & group.members))
                overlap = float(iou(outline, np.array([group.box]))[0, 0])
                if shared or overlap >= SAME_PLACE_IOU:
                    pairs.append((shared + overlap / 2, index, number))
        taken: dict[int, Group] = {}
        used: set[int] = set()
        for _, index, number in sorted(pairs, key=lambda pair: (-pair[0], pair[1])):
            if number not in taken and index not in used:
                taken[number] = place.groups[index]
                used.add(index)
        for number in range(len(clusters)):
            if number not in taken:
                self._groups += 1
                taken[number] = Group(self._groups, set(), [], self._time.now_s, self._time.now_s)
                place.groups.append(taken[number])
        place.groups = place.groups[-MAX_GROUPS:]
        return [(rows, taken[number]) for number, rows in enumerate(clusters)]

    def state(self) -> State:
        return {
            "time": self._time.state(),
            "still": self._still.state(),
            "seen_s": [[track, seen_s] for track, seen_s in self._seen_s.items()],
            "groups": self._groups,
            "places": {
                place.zone_id or "": {
                    "windows": place.windows.state(),
                    "groups": [[g.number, sorted(g.members), list(g.box), g.since_s, g.seen_s, g.reported] for g in place.groups],
                }
                for place in self._places
            },
        }

    def restore(self, state: State) -> None:
        """Zones that were drawn since begin afresh; those that were wiped out are forgotten."""
        self._time.restore(state["time"])
        self._still.restore(state["still"])
        self._seen_s = {int(track): seen_s for track, seen_s in state["seen_s"]}
        self._groups = state["groups"]
        for place in self._places:
            saved = state["places"].get(place.zone_id or "")
            if saved:
                place.windows.restore(saved["windows"])
                place.groups = [Group(row[0], set(row[1]), list(row[2]), *row[3:]) for row in saved["groups"]]


def _inside(place: Place, boxes_px: Floats) -> Bools:
    return place.zone.holds(feet_px(boxes_px)) if place.zone else np.ones(len(boxes_px), np.bool_)


def _outline(boxes_px: Floats) -> list[float]:
    low, high = boxes_px[:, :2].min(axis=0), boxes_px[:, 2:].max(axis=0)
    return [float(low[0]), float(low[1]), float(high[0]), float(high[1])]
