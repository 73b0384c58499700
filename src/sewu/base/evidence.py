"""The nouns of evidence: what is kept, who asked for it and why, who allowed it, and what was done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EvidenceKind = Literal["clip", "still", "measurements"]
RequestState = Literal["requested", "approved", "refused", "exported"]


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One file, known by its SHA-256. from_s, until_s: the time that it shows, UTC seconds."""

    id: str
    incident_id: str
    kind: EvidenceKind
    sha256: str
    bytes_count: int
    media_type: str
    from_s: float
    until_s: float
    stored_at_s: float
    camera_id: str | None = None
    locked_until_s: float | None = None


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """A wish for some of an incident's evidence. `purpose` is one of `rights.PURPOSES`."""

    id: str
    incident_id: str
    item_ids: tuple[str, ...]
    requester: str
    purpose: str
    reason: str
    requested_at_s: float
    state: RequestState = "requested"
    decided_by: str | None = None
    decided_at_s: float | None = None
    decision: str | None = None
    exported_at_s: float | None = None
    package_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Custody:
    """One line of the chain of custody; never changed. `item_id` None: about the whole request."""

    at_s: float
    actor: str
    action: str
    incident_id: str
    item_id: str | None = None
    request_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
