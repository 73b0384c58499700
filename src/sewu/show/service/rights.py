"""Which role may do what: one table, and what it leaves of a caller's grants for one action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from sewu.base.people import ApiToken, Kiosk, Session, User
from sewu.base.rights import Grant, Purpose, Role, Scope, is_within

Action = Literal[
    "area.read",
    "area.write",
    "camera.read",
    "camera.write",
    "camera.still",
    "zone.read",
    "zone.write",
    "rule.read",
    "rule.write",
    "incident.read",
    "incident.act",
    "agency.read",
    "agency.write",
    "call.read",
    "call.write",
    "evidence.read",
    "evidence.request",
    "evidence.approve",
    "evidence.export",
    "obligation.read",
    "obligation.write",
    "asset.read",
    "asset.write",
    "observation.read",
    "export",
    "kiosk.write",
    "user.read",
    "user.write",
    "audit.read",
    "metrics.read",
    "view_as",
]
ACTIONS: tuple[Action, ...] = get_args(Action)
Open = Literal["anyone", "self"]
"""Needs no right: "anyone" without logging in, "self" for whoever is logged in, about themselves."""


def _of(*actions: Action) -> frozenset[Action]:
    return frozenset(actions)


WATCHING = _of("area.read", "camera.read", "camera.still", "incident.read")
READING = _of("zone.read", "rule.read", "agency.read", "observation.read", "export")
ROLE_ACTIONS: Mapping[Role, frozenset[Action]] = {
    "operator": WATCHING
    | READING
    | _of("incident.act", "call.read", "call.write", "evidence.read", "evidence.request", "evidence.export")
    | _of("asset.read", "obligation.read", "kiosk.write"),
    "agency_officer": WATCHING | READING | _of("incident.act", "evidence.read", "evidence.request", "evidence.export"),
    "district_officer": WATCHING | READING | _of("incident.act", "asset.read", "obligation.read", "kiosk.write"),
    "rt": WATCHING,
    "engineer": WATCHING
    | _of("camera.write", "zone.read", "zone.write", "rule.read", "incident.act", "asset.read", "asset.write", "obligation.read", "export"),
    "planner": READING | _of("area.read", "camera.read", "incident.read", "asset.read", "obligation.read", "obligation.write"),
    "auditor": _of("area.read", "camera.read", "incident.read", "evidence.read", "evidence.approve", "user.read", "audit.read"),
    "admin": _of(*ACTIONS),
}
"""Deny by default: what is not here is refused. An auditor approves evidence but sees no live picture."""

KIOSK_ACTIONS = WATCHING


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, and with which grants, now.

    Args:
        id: of the user, or of the kiosk. grants: those that hold now. token: set for a program; narrows the actions.
        session: set for a browser. kiosk: set for a paired screen.
    """

    id: str
    grants: tuple[Grant, ...]
    user: User | None = None
    session: Session | None = None
    token: ApiToken | None = None
    kiosk: Kiosk | None = None
    purpose: Purpose | None = None
    limit_key: str = field(default="")

    def allows(self, action: Action) -> bool:
        """Whether any grant permits it somewhere."""
        return self.scope(action).areas != ()

    def scope(self, action: Action) -> Scope:
        """What this caller reaches with this action; of no area when it may not.

        Grants without an agency add up. Officers' grants add up only where their areas are the same: otherwise the pairs of
        area and agency would multiply into more than was given, so the first such area set counts.
        """
        if self.token is not None and action not in self.token.actions:
            return Scope()
        chosen = [grant for grant in self.grants if action in self._actions(grant)]
        for_all = _outermost(tuple(grant.area_code for grant in chosen if grant.agency is None))
        if for_all:
            return Scope(self._narrowed(for_all), None)
        areas_of: dict[str, list[str]] = {}
        for grant in chosen:
            areas_of.setdefault(str(grant.agency), []).append(grant.area_code)
        by_areas: dict[tuple[str, ...], list[str]] = {}
        for agency, areas in areas_of.items():
            by_areas.setdefault(_outermost(tuple(areas)), []).append(agency)
        for areas_in, agencies in by_areas.items():
            return Scope(self._narrowed(areas_in), tuple(sorted(agencies)))
        return Scope()

    def _actions(self, grant: Grant) -> frozenset[Action]:
        return KIOSK_ACTIONS if self.kiosk is not None else ROLE_ACTIONS.get(grant.role, frozenset())

    def _narrowed(self, areas: tuple[str, ...]) -> tuple[str, ...]:
        """The part of these areas that the session views as."""
        view = None if self.session is None else self.session.view_as
        if view is None:
            return areas
        if any(is_within(view, area) for area in areas):
            return (view,)
        return tuple(area for area in areas if is_within(area, view))

    def actions(self) -> tuple[Action, ...]:
        """Every action that some grant permits."""
        return tuple(action for action in ACTIONS if self.allows(action))


def _outermost(areas: tuple[str, ...]) -> tuple[str, ...]:
    """Without areas that lie in another of them; sorted."""
    distinct = sorted(set(areas))
    return tuple(a for a in distinct if not any(a != b and is_within(a, b) for b in distinct))
