"""What the web service is made of; the wiring builds it, the routes find it on the app."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from sewu.base.clock import Clock
from sewu.base.interfaces import Metric
from sewu.base.service import Home
from sewu.base.trials import Trial, TrialSpan
from sewu.notice import RuleSet
from sewu.respond.calls import CallDesk
from sewu.respond.escalation import Escalation
from sewu.respond.evidence import EvidenceRoom
from sewu.respond.handling import Handling
from sewu.show.service.diary import Diary
from sewu.show.service.feed import Feed
from sewu.show.service.limits import Limiter, Rate
from sewu.show.service.oidc import Provider
from sewu.show.service.passwords import Passwords
from sewu.show.service.public import PublicView
from sewu.store.operations.agencies import Agencies
from sewu.store.operations.areas import Areas
from sewu.store.operations.camera_map import CameraMap
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.dispatches import Channels, Dispatches
from sewu.store.operations.idempotency import Idempotency
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.network import Network
from sewu.store.operations.notes import Notes
from sewu.store.operations.obligations import Obligations
from sewu.store.operations.people import People
from sewu.store.operations.rules import Rules
from sewu.store.operations.sessions import Kiosks, Sessions, Tokens
from sewu.store.operations.states import States
from sewu.store.operations.vault import Vault
from sewu.store.operations.zones import Zones
from sewu.workers.viewing import Viewing


@dataclass(slots=True)
class Limits:
    """How often callers may ask: whoever is logged in, whoever is not, and attempts to log in."""

    known: Limiter = field(default_factory=lambda: Limiter(Rate(200, 50)))
    unknown: Limiter = field(default_factory=lambda: Limiter(Rate(60, 10)))
    log_in_by_address: Limiter = field(default_factory=lambda: Limiter(Rate(20, 0.2)))
    log_in_by_name: Limiter = field(default_factory=lambda: Limiter(Rate(8, 0.1)))


@dataclass(slots=True)
class Parts:
    """Everything the routes use.

    home: settings and folders. vault: seals secrets. diary: the audit, written through it. zone_kinds, metrics: what the
    analytics declare, by name. try_rules: what rules would have done with what was observed.
    """

    home: Home
    clock: Clock
    database: Database
    vault: Vault
    people: People
    sessions: Sessions
    tokens: Tokens
    kiosks: Kiosks
    passwords: Passwords
    diary: Diary
    feed: Feed
    areas: Areas
    cameras: Cameras
    camera_map: CameraMap
    states: States
    zones: Zones
    rules: Rules
    incidents: Incidents
    notes: Notes
    handling: Handling
    escalation: Escalation
    agencies: Agencies
    channels: Channels
    dispatches: Dispatches
    obligations: Obligations
    network: Network
    idempotency: Idempotency
    zone_kinds: Mapping[str, str]
    metrics: Mapping[str, tuple[Metric, ...]]
    call_desk: CallDesk
    viewing: Viewing
    try_rules: Callable[[RuleSet, TrialSpan], Awaitable[Trial]]
    room: EvidenceRoom | None = None
    oidc: Provider | None = None
    limits: Limits = field(default_factory=Limits)
    public: PublicView = field(default_factory=PublicView)
    masking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Burning masks into a clip writes it again; one at a time leaves the machine to the watch."""

    @property
    def has_tls(self) -> bool:
        """Whether browsers reach the service by https: cookies are then for https only."""
        return (self.home.settings.public_url or "").startswith("https://")


def parts_of(request: HTTPConnection) -> Parts:
    """The parts of the app that serves this request."""
    parts: Parts = request.app.state.parts
    return parts
