"""Intrusion, loitering and objects left behind, from tracks and from small grey pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from sewu.base.boxes import feet_px
from sewu.base.greys import grey_of
from sewu.base.interfaces import Metric, State
from sewu.base.records import CLASS_IDS, Bools, Frame, Observation, Tracks, among
from sewu.base.settings import Settings, validate
from sewu.base.space import Scene, Zone
from sewu.measure.order.left import People, Rules, Thing, Things
from sewu.measure.order.presence import Presence, Stay

Subject = Literal["person", "bicycle", "motorcycle", "car", "bus", "truck", "object"]
WIDTH_PX = 320
LOOK_EVERY_S = 0.29
"""Pictures nearer than this add cost and no knowledge: nothing is said of a thing before it lay still for seconds."""


class OrderSettings(Settings):
    """What counts as being inside, loitering, and leaving something behind."""

    classes: tuple[Subject, ...] = ("person",)
    """Who can intrude and loiter."""
    min_inside_s: float = Field(default=1.0, ge=0)
    """In a restricted zone: presence shorter than this is jitter. Where looks are rarer, one look is enough."""
    gap_s: float = Field(default=5.0, ge=0)
    """How long somebody may be lost or step out and still be the same visit."""
    min_loiter_s: float = Field(default=10.0, ge=0)
    """In a watch zone: time inside from which it is reported; what is too long is for the rule to say."""
    owner_classes: tuple[Subject, ...] = ("person",)
    """Who can leave something behind. Add "object" where only the motion detector runs."""
    rest_s: float = Field(default=3.0, gt=0)
    """How long a thing must lie still to be taken up."""
    learn_s: float = Field(default=5.0, ge=0)
    """How long the empty scene must have been seen at a place before anything there can be new."""
    away_heights: float = Field(default=1.5, gt=0)
    """The owner has left when farther away than this many person heights (1.5 is about 2.5 m), or out of view."""
    reattend_s: float = Field(default=10.0, gt=0)
    """Company that lasts this long stops the clock of a thing left alone; passers-by do not."""


class Order:
    """Persons where they should not be, persons who stay too long, things whose owner has gone."""

    name: ClassVar[str] = "order"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("intruders", "persons", "Persons now inside a restricted zone"),
        Metric("inside_s", "s", "How long one intruder has been inside"),
        Metric("loiter_s", "s", "How long one person has stayed in a watch zone"),
        Metric("left_s", "s", "How long a thing that was put down has been without its owner"),
    )
    zone_kinds: ClassVar[Mapping[str, str]] = {
        "restricted": "Draw the ground on which nobody may be; the rule says when.",
        "watch": "Draw the ground on which staying long is worth a look.",
        "left": "Draw the ground on which a thing left behind matters; if none is drawn, the whole picture counts.",
    }
    uses_lines: ClassVar[bool] = False
    needs_motion: ClassVar[bool] = False
    Settings: ClassVar[type[Settings]] = OrderSettings

    def __init__(self, camera_id: str, scene: Scene, settings: OrderSettings) -> None:
        self._camera_id, self._settings = camera_id, settings
        self._zone_settings = {zone.id: _override(settings, zone) for zone in scene.zones_of(*self.zone_kinds)}
        self._restricted = [Presence(zone, self._zone_settings[zone.id].gap_s) for zone in scene.zones_of("restricted")]
        self._watch = [Presence(zone, self._zone_settings[zone.id].gap_s) for zone in scene.zones_of("watch")]
        self._left_zones = scene.zones_of("left")
        width, height = scene.size_px
        self._scale = min(width, WIDTH_PX) / width
        self._small_px = (min(width, WIDTH_PX), max(1, round(height * self._scale)))
        rules = Rules(settings.rest_s, settings.learn_s, settings.away_heights, settings.reattend_s)
        self._things = Things(self._small_px, rules)
        self._pictured_s: float | None = None
        self._alone: list[Thing] = []

    def update(self, tracks: Tracks, frame: Frame) -> list[Observation]:
        """Take one look."""
        observed = self._intrusion(tracks)
        observed += self._loitering(tracks)
        if self._pictured_s is None or tracks.at_s - self._pictured_s >= LOOK_EVERY_S:
            self._pictured_s = tracks.at_s
            self._alone = self._things.update(grey_of(frame, WIDTH_PX), self._people(tracks), tracks.at_s)
            observed += self._left(tracks.at_s)
        return observed

    def _intrusion(self, tracks: Tracks) -> list[Observation]:
        observed: list[Observation] = []
        for presence in self._restricted:
            settings = self._zone_settings[presence.zone.id]
            stays = presence.update(tracks.select(_of(tracks, settings.classes)))
            rare = presence.look_s >= settings.min_inside_s
            inside = [stay for stay in stays if rare or stay.inside_s >= settings.min_inside_s]
            count = Observation(self._camera_id, tracks.at_s, self.name, "intruders", float(len(inside)), "persons", presence.zone.id)
            observed += [count, *(self._stay("inside_s", stay, presence.zone, tracks.at_s) for stay in inside)]
        return observed

    def _loitering(self, tracks: Tracks) -> list[Observation]:
        observed: list[Observation] = []
        for presence in self._watch:
            settings = self._zone_settings[presence.zone.id]
            stays = presence.update(tracks.select(_of(tracks, settings.classes)))
            observed += [
                self._stay("loiter_s", stay, presence.zone, tracks.at_s) for stay in stays if stay.inside_s >= settings.min_loiter_s
            ]
        return observed

    def _stay(self, metric: str, stay: Stay, zone: Zone, at_s: float) -> Observation:
        subject = f"person {stay.name}"
        return Observation(self._camera_id, at_s, self.name, metric, stay.inside_s, "s", zone.id, subject, box_px=stay.box_px)

    def _people(self, tracks: Tracks) -> People:
        owners = _of(tracks, self._settings.owner_classes)
        # A track of class "object" may be the bag itself, so it never hides one.
        others = ~owners & (tracks.classes != CLASS_IDS["object"])
        boxes = tracks.boxes_px * np.float32(self._scale)
        return People([int(track_id) for track_id in tracks.ids[owners]], boxes[owners], boxes[others])

    def _left(self, at_s: float) -> list[Observation]:
        observed = []
        for thing in self._alone:
            box = thing.box_px / np.float32(self._scale)
            zone = next((zone for zone in self._left_zones if bool(zone.holds(feet_px(box[None]))[0])), None)
            if thing.left_since_s is None or (self._left_zones and zone is None):
                continue
            x0, y0, x1, y1 = (float(value) for value in box)
            alone_s, subject = at_s - thing.left_since_s, f"object {thing.name}"
            zone_id = zone.id if zone else None
            observed.append(
                Observation(self._camera_id, at_s, self.name, "left_s", alone_s, "s", zone_id, subject, box_px=(x0, y0, x1, y1))
            )
        return observed

    def state(self) -> State:
        """At most about 0.2 MB of text: one grey picture 320 px wide, small patches, numbers."""
        return {
            "presence": {presence.zone.id: presence.state() for presence in (*self._restricted, *self._watch)},
            "things": self._things.state(),
            "pictured_s": self._pictured_s,
        }

    def restore(self, state: State) -> None:
        """Go on where `state` was taken; zones drawn since start empty."""
        for presence in (*self._restricted, *self._watch):
            if presence.zone.id in state["presence"]:
                presence.restore(state["presence"][presence.zone.id])
        self._things.restore(state["things"])
        self._pictured_s = state["pictured_s"]


def _of(tracks: Tracks, classes: tuple[Subject, ...]) -> Bools:
    return among(tracks.classes, classes)


def _override(settings: OrderSettings, zone: Zone) -> OrderSettings:
    """The settings with the zone's own on top. Raises `BadSettings` naming the zone."""
    if not zone.settings:
        return settings
    return validate(OrderSettings, {**settings.model_dump(), **zone.settings}, f"zone {zone.id!r}")
