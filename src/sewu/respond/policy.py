"""What the desk goes by: how events of a kind belong together, and how soon somebody must act.

The numbers that ship are starting points for a city to set, not measured optima.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from sewu.base.records import SEVERITIES, Severity
from sewu.base.settings import Settings

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0
Seconds = Annotated[float, Field(gt=0, le=365 * DAY_S)]


class KindPolicy(Settings):
    """How events of one kind belong together."""

    window_s: Seconds = 15 * MINUTE_S
    """An event that begins within this time after the others ended joins their incident."""
    radius_m: Annotated[float, Field(ge=0, le=500)] = 0.0
    """Cameras within this distance of the place where the incident began join it; 0: only the same camera and zone."""


class ServiceTimes(Settings):
    """How soon somebody must act on an incident of one severity."""

    acknowledge_s: Seconds
    """Seconds until it must be acknowledged."""
    resolve_s: Seconds
    """Seconds until it must be resolved."""


KINDS: Mapping[str, KindPolicy] = MappingProxyType(
    {
        "gathering": KindPolicy(radius_m=100),
        "over_capacity": KindPolicy(radius_m=100),
        "commotion": KindPolicy(radius_m=150),
        "scatter": KindPolicy(radius_m=150),
        "standing_water": KindPolicy(window_s=HOUR_S, radius_m=300),
        "queue": KindPolicy(window_s=10 * MINUTE_S, radius_m=60),
        "illegal_parking": KindPolicy(window_s=10 * MINUTE_S),
        "rubbish": KindPolicy(window_s=DAY_S),
        "camera_down": KindPolicy(window_s=DAY_S),
    }
)
TIMES: Mapping[Severity, ServiceTimes] = MappingProxyType(
    {
        "critical": ServiceTimes(acknowledge_s=2 * MINUTE_S, resolve_s=HOUR_S),
        "high": ServiceTimes(acknowledge_s=5 * MINUTE_S, resolve_s=4 * HOUR_S),
        "medium": ServiceTimes(acknowledge_s=15 * MINUTE_S, resolve_s=12 * HOUR_S),
        "low": ServiceTimes(acknowledge_s=HOUR_S, resolve_s=3 * DAY_S),
        "info": ServiceTimes(acknowledge_s=DAY_S, resolve_s=14 * DAY_S),
    }
)


class DeskSettings(Settings):
    """How the desk turns events into incidents, and when it calls again."""

    kinds: dict[str, KindPolicy] = Field(default_factory=lambda: dict(KINDS))
    """Per kind of incident; a kind that is not named here goes by the defaults of `KindPolicy`."""
    times: dict[Severity, ServiceTimes] = Field(default_factory=lambda: dict(TIMES))
    """Service clock per severity."""
    times_of_kind: dict[str, dict[Severity, ServiceTimes]] = Field(default_factory=dict)
    """Service clock of kinds that have another one."""
    raise_at_cameras: Annotated[int, Field(ge=2)] = 3
    """From this many cameras on, an incident is one severity higher than its gravest event."""
    storm_cameras: Annotated[int, Field(ge=2)] = 20
    """This many cameras of one uplink or area failing within `storm_window_s` become one incident."""
    storm_window_s: Seconds = 10 * MINUTE_S
    """See `storm_cameras`."""
    escalate_every_s: Seconds = 15 * MINUTE_S
    """An overdue incident is called out again after this time, one level higher."""
    max_level: Annotated[int, Field(ge=1, le=10)] = 3
    """How often at most."""
    city_area: str = "33.74"
    """Area of events whose camera the register does not know."""

    def policy(self, kind: str) -> KindPolicy:
        """How events of this kind belong together."""
        return self.kinds.get(kind) or KindPolicy()

    def clock(self, kind: str, severity: Severity) -> ServiceTimes:
        """How soon somebody must act on this."""
        return self.times_of_kind.get(kind, {}).get(severity) or self.times.get(severity) or TIMES[severity]


def graver(severity: Severity, steps: int = 1) -> Severity:
    """The severity some steps higher, at most critical."""
    return SEVERITIES[min(SEVERITIES.index(severity) + steps, len(SEVERITIES) - 1)]
