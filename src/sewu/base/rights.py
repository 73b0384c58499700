"""Whose rights reach how far: role x area x purpose, deny by default.

A person acts with grants. Each grant says in which role, for which area (and everything below it), and, for an agency's
officer, for which agency. A `Scope` is what is left of that for one request, and every query that returns something of
an area takes one: there is no way to ask "for everybody".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["operator", "agency_officer", "district_officer", "rt", "engineer", "planner", "auditor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
Purpose = Literal["safety", "traffic", "disaster", "trade", "maintenance", "planning", "audit", "administration"]
"""What a view, search or export is for (UU PDP 27/2022): written to the audit with each of them."""
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def is_within(code: str, area: str) -> bool:
    """Whether an area's code is that area or lies below it: 33.74.01.1001 is within 33.74.01, 33.74.011 is not."""
    return code == area or code.startswith(f"{area}.")


@dataclass(frozen=True, slots=True)
class Grant:
    """One right of one person: a role in an area, until it ends. `agency` only for an agency's officer."""

    role: Role
    area_code: str
    agency: str | None = None
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What one request may reach.

    areas: codes of areas, each with all below it; () reaches nothing. agencies: only incidents of these; None is every agency.
    """

    areas: tuple[str, ...] = ()
    agencies: tuple[str, ...] | None = None

    def reaches(self, area_code: str | None) -> bool:
        """Whether something in this area is within the scope; what has no area is only the whole city's, never a guest's."""
        return area_code is not None and any(is_within(area_code, area) for area in self.areas)
