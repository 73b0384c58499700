"""The nouns of the desk: what a person acts on, who must act, and what may be asked of the list of incidents.

An incident is never about a person: it names a kind, a place, a time and cameras. What has no kind of its own here goes to
the city's ICT office, so that no event is without an owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from sewu.base.records import Event, Place, Severity

IncidentState = Literal["open", "acknowledged", "assigned", "in_progress", "resolved", "closed", "false_alarm"]
INCIDENT_STATES: tuple[IncidentState, ...] = get_args(IncidentState)
LIVE_STATES: tuple[IncidentState, ...] = ("open", "acknowledged", "assigned", "in_progress")
"""States in which somebody still has to act; events of the same kind, place and time join an incident in these."""

Word = Literal["police", "transport", "order", "disaster", "trade", "camera-team", "emergency"]
"""What a rule may call its agency: by its task, so that a rule file serves any city."""

AGENCY_OF_WORD: Mapping[str, str] = MappingProxyType(
    {
        "police": "polisi",
        "transport": "dishub",
        "order": "satpolpp",
        "disaster": "bpbd",
        "trade": "disdag",
        "camera-team": "diskominfo",
        "emergency": "112",
    }
)
DEFAULT_AGENCY = "diskominfo"

AGENCY_OF_KIND: Mapping[str, str] = MappingProxyType(
    {
        "gathering": "polisi",
        "over_capacity": "polisi",
        "object_left": "polisi",
        "commotion": "polisi",
        "scatter": "polisi",
        "person_down": "112",
        "call": "112",
        "illegal_parking": "dishub",
        "queue": "dishub",
        "intrusion": "satpolpp",
        "loitering": "satpolpp",
        "street_trading": "satpolpp",
        "rubbish": "satpolpp",
        "stall_closed": "disdag",
        "standing_water": "bpbd",
        "camera_down": "diskominfo",
        "camera_dark": "diskominfo",
        "camera_blurred": "diskominfo",
        "camera_covered": "diskominfo",
        "camera_frozen": "diskominfo",
        "camera_moved": "diskominfo",
        "frame_rate_collapse": "diskominfo",
        "uplink_down": "diskominfo",
        "area_down": "diskominfo",
    }
)
"""Whose a kind of incident is when the city has not said otherwise (`route`'s ownership table)."""

HEALTH_KINDS: tuple[str, ...] = (
    "camera_down",
    "camera_dark",
    "camera_blurred",
    "camera_covered",
    "camera_frozen",
    "camera_moved",
    "frame_rate_collapse",
)
"""Kinds that are about a camera, not about what it sees; many at once point to what they share."""
STORM_KINDS: tuple[str, ...] = ("uplink_down", "area_down")
"""What many faults at once become: one incident for the uplink, or the area, that their cameras share."""


def agency_for(kind: str, word: str | None = None) -> str:
    """The agency that a rule's word or else the kind names."""
    if word is not None and word in AGENCY_OF_WORD:
        return AGENCY_OF_WORD[word]
    return word or AGENCY_OF_KIND.get(kind, DEFAULT_AGENCY)


def common_area(codes: list[str]) -> str | None:
    """The smallest area that holds all of these codes: 33.74.01.1001 and 33.74.02.1003 give 33.74; None when they share none."""
    if not codes:
        return None
    parts = [code.split(".") for code in codes]
    shared = []
    for column in zip(*parts, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    return ".".join(shared) or None


@dataclass(frozen=True, slots=True)
class Incident:
    """What a person acts on: events of one kind, place and time, merged.

    Args:
        opened_at_s: when the desk opened it. began_at_s: when the first of its events began. version: counts every change.
        area_code: smallest area that holds it. place: where to go. zone_id: set while all its events lie in one zone.
        group_key: what its cameras share when that, and not a place, made it one ("uplink:12").
        last_event_at_s: newest message of its events. going_on: how many of them have not ended.
        acknowledge_by_s, resolve_by_s: its service clock. level: how often it was escalated.
        snoozed_until_s: it calls nobody before this. merged_into: it lives on in another incident.
    """

    id: str
    kind: str
    severity: Severity
    state: IncidentState
    title: str
    opened_at_s: float
    updated_at_s: float
    began_at_s: float | None = None
    version: int = 1
    area_code: str | None = None
    place: Place | None = None
    zone_id: str | None = None
    rule_id: str | None = None
    group_key: str | None = None
    agency: str = DEFAULT_AGENCY
    assignee: str | None = None
    last_event_at_s: float | None = None
    event_count: int = 0
    going_on: int = 0
    camera_count: int = 0
    acknowledge_by_s: float | None = None
    resolve_by_s: float | None = None
    acknowledged_at_s: float | None = None
    resolved_at_s: float | None = None
    closed_at_s: float | None = None
    level: int = 0
    snoozed_until_s: float | None = None
    merged_into: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether somebody still has to act."""
        return self.state in LIVE_STATES


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What the desk must know of a camera to place its events.

    area_code: where it is. group_key: what it fails together with ("uplink:12", else "area:33.74.01.1001"); group_name: what
    people call that.
    """

    id: str
    name: str
    area_code: str
    place: Place | None = None
    group_key: str | None = None
    group_name: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of an incident's history: who did what, when and why. Never changed, never removed."""

    incident_id: str
    at_s: float
    actor: str
    action: str
    reason: str | None = None
    from_state: IncidentState | None = None
    to_state: IncidentState | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """What a person wrote under an incident."""

    id: str
    incident_id: str
    at_s: float
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file kept with an incident, by its SHA-256."""

    id: str
    incident_id: str
    at_s: float
    author: str
    name: str
    media_type: str
    bytes_count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """Quiet for a kind at a camera (None: anywhere in the area) until a time: events are kept, nobody is called."""

    id: str
    kind: str
    area_code: str
    until_s: float
    author: str
    reason: str
    camera_id: str | None = None


Occasion = Literal["opened", "raised", "assigned", "overdue", "share", "closed"]


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something about an incident that its agency must be told; written with the change itself, so that none is forgotten."""

    id: str
    incident_id: str
    occasion: Occasion
    at_s: float
    agency: str


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """What to list. Empty means: not asked. `text` is looked for in title and id, letter case aside."""

    states: tuple[IncidentState, ...] = ()
    kinds: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    agencies: tuple[str, ...] = ()
    area_code: str | None = None
    camera_id: str | None = None
    assignee: str | None = None
    opened_from_s: float | None = None
    opened_until_s: float | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to list. Empty means: not asked."""

    kinds: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    camera_id: str | None = None
    area_code: str | None = None
    started_from_s: float | None = None
    started_until_s: float | None = None


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event as it is listed: with the incident that it is in, and where its camera is."""

    event: Event
    incident_id: str
    area_code: str | None
    agency: str


@dataclass(frozen=True, slots=True)
class Agency:
    """A city department that acts. `code` is a word: "dishub"."""

    code: str
    name: str
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Precision:
    """How often a rule was right, by what people said of its incidents: `confirmed` closed as real, `false_alarms` as none."""

    rule_id: str
    confirmed: int
    false_alarms: int

    @property
    def share(self) -> float | None:
        """Confirmed share of the judged ones; None when none was judged."""
        judged = self.confirmed + self.false_alarms
        return self.confirmed / judged if judged else None
