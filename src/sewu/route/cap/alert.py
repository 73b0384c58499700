"""An alert as the standard has it (CAP 1.2, section 3.2): every element, in the standard's order, by its own name in Python's spelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "status": ("Actual", "Exercise", "System", "Test", "Draft"),
        "msgType": ("Alert", "Update", "Cancel", "Ack", "Error"),
        "scope": ("Public", "Restricted", "Private"),
        "category": ("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"),
        "responseType": ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"),
        "urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
        "severity": ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
        "certainty": ("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
    }
)
"""Elements whose values the standard lists (sections 3.2.1 and 3.2.2)."""

Pair = tuple[str, str]
"""valueName and value."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something to look at (3.2.3). size_bytes: approximate. digest: SHA-1, hexadecimal."""

    resource_desc: str
    mime_type: str
    size_bytes: int | None = None
    uri: str | None = None
    deref_uri: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class AlertArea:
    """Where (3.2.4). polygons: (lat, lon) degrees, at least four, the last equal to the first. circles: (lat, lon, radius_km).

    altitude_ft, ceiling_ft: feet above mean sea level; a ceiling only with an altitude.
    """

    area_desc: str
    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()
    circles: tuple[tuple[float, float, float], ...] = ()
    geocodes: tuple[Pair, ...] = ()
    altitude_ft: float | None = None
    ceiling_ft: float | None = None


@dataclass(frozen=True, slots=True)
class Info:
    """What, how grave and how sure (3.2.2). Times are UTC seconds."""

    event: str
    categories: tuple[str, ...]
    urgency: str
    severity: str
    certainty: str
    language: str | None = None
    response_types: tuple[str, ...] = ()
    audience: str | None = None
    event_codes: tuple[Pair, ...] = ()
    effective_s: float | None = None
    onset_s: float | None = None
    expires_s: float | None = None
    sender_name: str | None = None
    headline: str | None = None
    description: str | None = None
    instruction: str | None = None
    web: str | None = None
    contact: str | None = None
    parameters: tuple[Pair, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[AlertArea, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """The message (3.2.1). references: (sender, identifier, sent) of earlier ones."""

    identifier: str
    sender: str
    sent_s: float
    status: str
    msg_type: str
    scope: str
    source: str | None = None
    restriction: str | None = None
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str | None = None
    references: tuple[tuple[str, str, float], ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[Info, ...] = ()
