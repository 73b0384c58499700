"""Which incident an event belongs to: of the same kind and agency, at the same place or group, at about the same time.

Pure: it is given the live incidents around a batch and says what becomes of them. The place of an incident is where it began and
does not move, so that a chain of neighbouring cameras cannot pull a whole street into one incident.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sewu.base.incidents import HEALTH_KINDS, STORM_KINDS, CameraFacts, Incident, agency_for
from sewu.base.records import SEVERITIES, Event, Severity
from sewu.base.space import distance_m
from sewu.respond.policy import DAY_S, DeskSettings, graver
from sewu.store.operations.incidents import cells_around
from sewu.store.operations.tables import new_id

CHANCE_LETTERS = 10


@dataclass(slots=True)
class Draft:
    """An incident while a batch is worked in. `told`: it changed in a way that a screen must hear of."""

    incident: Incident
    camera_ids: set[str]
    new_cameras: set[str] = field(default_factory=set)
    is_new: bool = False
    is_told: bool = False
    raised_from: Severity | None = None

    def note(self, event: Event, before: str | None, now_s: float) -> None:
        """Work one message of an event in; `before`: the phase that was stored of it, None for its first."""
        old, is_on = self.incident, event.phase != "end"
        was_on = before is not None and before != "end"
        cameras = old.camera_count
        if event.camera_id not in self.camera_ids:
            self.camera_ids.add(event.camera_id)
            self.new_cameras.add(event.camera_id)
            cameras += 1
        self.is_told |= before is None or is_on != was_on
        self.incident = replace(
            old,
            updated_at_s=max(now_s, old.updated_at_s),
            version=old.version + 1,
            zone_id=old.zone_id if event.zone_id == old.zone_id else None,
            began_at_s=event.started_at_s if old.began_at_s is None else min(old.began_at_s, event.started_at_s),
            last_event_at_s=event.at_s if old.last_event_at_s is None else max(old.last_event_at_s, event.at_s),
            event_count=old.event_count + (before is None),
            going_on=max(0, old.going_on + is_on - was_on),
            camera_count=cameras,
        )

    def weigh(self, severity: Severity, settings: DeskSettings, now_s: float) -> None:
        """Raise it when this event, or the number of cameras, is graver than it is; its clock gets shorter, never longer."""
        old = self.incident
        many = old.camera_count >= settings.raise_at_cameras and old.kind not in (*HEALTH_KINDS, *STORM_KINDS)
        now = graver(severity) if many else severity
        if SEVERITIES.index(now) <= SEVERITIES.index(old.severity) or not old.is_live:
            return
        if not self.is_new:
            self.raised_from = self.raised_from or old.severity
        clock, is_told = settings.clock(old.kind, now), old.acknowledged_at_s is not None
        self.is_told = True
        self.incident = replace(
            old,
            severity=now,
            acknowledge_by_s=old.acknowledge_by_s if is_told else min(old.acknowledge_by_s or now_s + DAY_S, now_s + clock.acknowledge_s),
            resolve_by_s=min(old.resolve_by_s or now_s + clock.resolve_s, now_s + clock.resolve_s),
        )


class Merger:
    """The incidents around one batch.

    Args:
        settings: what belongs together. now_s: time of the batch.
        drafts: live incidents that an event may join, from `intake.candidates`.
    """

    def __init__(self, settings: DeskSettings, now_s: float, drafts: Iterable[Draft] = ()) -> None:
        self.settings, self.now_s = settings, now_s
        self.drafts: dict[str, Draft] = {}
        self._by_camera: dict[tuple[str, str], list[Draft]] = defaultdict(list)
        self._by_cell: dict[tuple[str, str], list[Draft]] = defaultdict(list)
        self._storms: dict[str, Draft] = {}
        for draft in drafts:
            self._enter(draft)

    def _enter(self, draft: Draft) -> None:
        incident = draft.incident
        self.drafts[incident.id] = draft
        if incident.kind in STORM_KINDS and incident.group_key is not None and incident.is_live:
            self._storms[incident.group_key] = draft
        for camera_id in draft.camera_ids:
            self._by_camera[incident.kind, camera_id].append(draft)
        if incident.place is not None:
            self._by_cell[incident.kind, cells_around(incident.place, 0)[0]].append(draft)

    def place(self, event: Event, camera: CameraFacts, title: str) -> Draft:
        """The incident that a new event belongs to: the best that fits, else one that is opened for it."""
        agency = agency_for(event.kind, event.labels.get("agency"))
        storm = self._storms.get(camera.group_key or "") if event.kind in HEALTH_KINDS else None
        draft = storm or self._fitting(event, camera, agency) or self._opened(event, camera, agency, title)
        if event.camera_id not in draft.camera_ids:
            self._by_camera[draft.incident.kind, event.camera_id].append(draft)
        return draft

    def _fitting(self, event: Event, camera: CameraFacts, agency: str) -> Draft | None:
        window_s, radius_m = self.settings.policy(event.kind).window_s, self.settings.policy(event.kind).radius_m
        found = {d.incident.id: d for d in self._by_camera[event.kind, event.camera_id] if _same_zone(d.incident, event)}
        ranked = [(0.0, draft) for draft in found.values()]
        if radius_m > 0 and camera.place is not None:
            for cell in cells_around(camera.place):
                for draft in self._by_cell.get((event.kind, cell), ()):
                    place = draft.incident.place
                    if place is None or draft.incident.id in found or event.camera_id in draft.camera_ids:
                        continue
                    away_m = distance_m(place, camera.place)
                    if away_m <= radius_m:
                        ranked.append((1.0 + away_m, draft))
        fitting = [(_order(far, d.incident, event), d.incident.id) for far, d in ranked if _fits(d.incident, event, agency, window_s)]
        return self.drafts[min(fitting)[1]] if fitting else None

    def _opened(self, event: Event, camera: CameraFacts, agency: str, title: str) -> Draft:
        clock = self.settings.clock(event.kind, event.severity)
        incident = Incident(
            id=incident_id(event, self.now_s),
            kind=event.kind,
            severity=event.severity,
            state="open",
            title=title,
            opened_at_s=self.now_s,
            updated_at_s=self.now_s,
            version=0,
            area_code=camera.area_code,
            place=camera.place,
            zone_id=event.zone_id,
            rule_id=event.rule_id,
            group_key=camera.group_key,
            agency=agency,
            acknowledge_by_s=self.now_s + clock.acknowledge_s,
            resolve_by_s=self.now_s + clock.resolve_s,
        )
        draft = Draft(incident, set(), is_new=True, is_told=True)
        self._enter(draft)
        return draft


def incident_id(event: Event, now_s: float) -> str:
    """The id of the incident that this event opens now: its last letters come from the event, not from chance."""
    letters = base64.b32hexencode(hashlib.sha256(event.id.encode()).digest()).decode().lower()
    return new_id("inc", now_s)[:-CHANCE_LETTERS] + letters[:CHANCE_LETTERS]


def _order(far: float, incident: Incident, event: Event) -> tuple[float, bool, float, str]:
    """Which of the fitting ones is best: the nearest, then its own zone's, then the latest; never by how batches were cut."""
    began_s = incident.opened_at_s if incident.began_at_s is None else incident.began_at_s
    return far, incident.zone_id != event.zone_id, -began_s, incident.id[-CHANCE_LETTERS:]


def _same_zone(incident: Incident, event: Event) -> bool:
    return incident.zone_id is None or event.zone_id is None or incident.zone_id == event.zone_id


def _fits(incident: Incident, event: Event, agency: str, window_s: float) -> bool:
    if not incident.is_live or incident.merged_into is not None or incident.agency != agency:
        return False
    began_s = incident.opened_at_s if incident.began_at_s is None else incident.began_at_s
    last_s = began_s if incident.last_event_at_s is None else incident.last_event_at_s
    reach_s = max(window_s, DAY_S) if incident.going_on else window_s
    return began_s - window_s <= event.started_at_s <= last_s + reach_s
