"""How long each person has been inside a zone, through jitter, short absences and changed track ids."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from sewu.base.boxes import as_tuple, feet_px
from sewu.base.interfaces import State
from sewu.base.records import Tracks
from sewu.base.space import Zone

MAX_STAYS = 256
SUCCESSION_HEIGHTS = 1.0
"""A new id this near (in person heights) to where another was lost is the same person."""


@dataclass(slots=True)
class Stay:
    """One person's time in one zone. `name` never changes; `track_id` is the present id."""

    name: int
    track_id: int
    since_s: float
    last_s: float
    box_px: tuple[float, float, float, float]

    @property
    def inside_s(self) -> float:
        return self.last_s - self.since_s


class Presence:
    """Stays in one zone.

    A person is inside when the feet are. A stay goes on over an absence of at most `gap_s`, or of two and a half
    looks when looks are rarer than that; the time of the absence counts, because a short loss is nearly always
    the tracker's. A stay whose id vanished is taken over by a new id that turns up within one person's height.
    """

    def __init__(self, zone: Zone, gap_s: float) -> None:
        self.zone, self._gap_s = zone, gap_s
        self._stays: dict[int, Stay] = {}
        self._next = 1
        self._last_s: float | None = None
        self.look_s = 0.0

    def update(self, people: Tracks) -> list[Stay]:
        """Take one look at the people in view. Returns who is inside now, seen or only briefly lost."""
        at_s = people.at_s
        self.look_s = 0.0 if self._last_s is None else at_s - self._last_s
        self._last_s = at_s
        gap_s = max(self._gap_s, 2.5 * self.look_s)
        present = {int(track_id) for track_id in people.ids}
        inside = self.zone.holds(feet_px(people.boxes_px)) & people.seen
        for row in np.flatnonzero(inside):
            self._seen(int(people.ids[row]), as_tuple(people.boxes_px[row]), at_s, present)
        self._stays = {name: stay for name, stay in self._stays.items() if at_s - stay.last_s <= gap_s}
        if len(self._stays) > MAX_STAYS:
            newest = sorted(self._stays.values(), key=lambda stay: stay.last_s)[-MAX_STAYS:]
            self._stays = {stay.name: stay for stay in newest}
        return [stay for stay in self._stays.values() if stay.last_s == at_s or stay.track_id not in present]

    def _seen(self, track_id: int, box_px: tuple[float, float, float, float], at_s: float, present: set[int]) -> None:
        stay = next((stay for stay in self._stays.values() if stay.track_id == track_id), None)
        if stay is None:
            stay = self._predecessor(box_px, present)
        if stay is None:
            stay = self._stays[self._next] = Stay(self._next, track_id, at_s, at_s, box_px)
            self._next += 1
        stay.track_id, stay.last_s, stay.box_px = track_id, at_s, box_px

    def _predecessor(self, box_px: tuple[float, float, float, float], present: set[int]) -> Stay | None:
        reach_px = SUCCESSION_HEIGHTS * (box_px[3] - box_px[1])
        lost = [(_apart_px(stay.box_px, box_px), stay) for stay in self._stays.values() if stay.track_id not in present]
        near = [pair for pair in lost if pair[0] <= reach_px]
        return min(near, key=lambda pair: pair[0])[1] if near else None

    def state(self) -> State:
        return {"stays": [asdict(stay) for stay in self._stays.values()], "last_s": self._last_s, "next": self._next}

    def restore(self, state: State) -> None:
        stays = [Stay(**{**row, "box_px": tuple(row["box_px"])}) for row in state["stays"]]
        self._stays, self._last_s, self._next = {stay.name: stay for stay in stays}, state["last_s"], int(state["next"])


def _apart_px(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    return math.dist(((a[0] + a[2]) / 2, a[3]), ((b[0] + b[2]) / 2, b[3]))
