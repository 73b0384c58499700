"""The nouns of telling agencies: who owns what, by which channel they are told, and what became of each message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sewu.base.incidents import Occasion
from sewu.base.records import Severity

ChannelKind = Literal["inapp", "apprise", "mqtt", "webhook", "cap"]
CHANNEL_KINDS: tuple[ChannelKind, ...] = get_args(ChannelKind)
DispatchState = Literal["waiting", "sent", "dead"]


@dataclass(frozen=True, slots=True)
class Ownership:
    """What an agency is told of: kinds (none: all) in an area, in some hours of local time.

    weekdays: 0 is Monday. from_minute, until_minute: of the local day; until before from runs over midnight.
    """

    id: str
    agency: str
    area_code: str
    kinds: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    from_minute: int = 0
    until_minute: int = 1440


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on duty for an agency, from when until when."""

    id: str
    agency: str
    user_id: str
    from_s: float
    until_s: float
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell an agency. `settings` hold no secret; the secret part is kept encrypted and never returned."""

    id: str
    agency: str
    kind: ChannelKind
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    min_severity: Severity = "info"
    occasions: tuple[Occasion, ...] = ("opened", "raised", "assigned", "overdue")
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """What is told: texts in the city's language, and the same as data. `id` is the same however often it is sent.

    at_s: when what it tells happened. link: where to see it; None when the service has no public address.
    """

    id: str
    title: str
    body: str
    occasion: Occasion
    at_s: float
    incident_id: str
    agency: str
    severity: Severity
    kind: str
    state: str
    area_code: str | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One message to one agency over one channel, until it is sent or given up. `error`: why the last attempt failed."""

    id: str
    incident_id: str
    announcement_id: str
    agency: str
    channel_id: str
    state: DispatchState
    made_at_s: float
    attempts: int
    next_at_s: float
    message: Message
    sent_at_s: float | None = None
    error: str | None = None
