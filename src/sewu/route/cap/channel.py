"""The CAP channel: a message as a valid alert, posted to an agency's alert gateway."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from sewu.base.records import Severity
from sewu.base.routing import Channel, Message
from sewu.base.settings import Settings, validate
from sewu.route.cap.alert import Alert, AlertArea, Info
from sewu.route.cap.xml import write
from sewu.route.webhook import post

SEVERITY: Mapping[Severity, str] = MappingProxyType(
    {"critical": "Extreme", "high": "Severe", "medium": "Moderate", "low": "Minor", "info": "Minor"}
)
CATEGORY: Mapping[str, str] = MappingProxyType(
    {
        "standing_water": "Met",
        "illegal_parking": "Transport",
        "queue": "Transport",
        "person_down": "Health",
        "call": "Rescue",
        "rubbish": "Env",
        "gathering": "Safety",
        "over_capacity": "Safety",
        "scatter": "Safety",
        "intrusion": "Security",
        "loitering": "Security",
        "commotion": "Security",
        "object_left": "Security",
    }
)
"""CAP's category of a kind; cameras and networks are "Infra", anything else "Other"."""


class CapSettings(Settings):
    """Where alerts go and how they are marked. The channel's secret, if any, is sent as a bearer token."""

    url: Annotated[str, Field(min_length=8, max_length=500)]
    """Address of the agency's gateway."""
    sender: Annotated[str, Field(pattern=r"^[^\s,<&]+$", max_length=100)] = "sewu@localhost"
    """Who sends, globally unique: an e-mail address or domain."""
    sender_name: str = "Sewu"
    """Name of the city's service."""
    status: Literal["Actual", "Exercise", "Test"] = "Actual"
    """Alerts marked "Exercise" or "Test" are acted on by nobody."""
    scope: Literal["Public", "Restricted"] = "Restricted"
    """Incidents of cameras are for agencies; "Public" only where the city decides so."""
    restriction: Annotated[str, Field(min_length=1)] = "City agencies only"
    """For whom a restricted alert is."""
    language: str = "id"
    """Language of the texts."""
    radius_km: Annotated[float, Field(gt=0, le=20)] = 0.2
    """Radius around the incident's place that the alert is for."""


def alert_of(message: Message, settings: CapSettings) -> Alert:
    """The alert that says what a message says. A camera's finding is "Likely" until a person acted on it, then "Observed"."""
    is_over = message.state in ("resolved", "closed", "false_alarm")
    infra = message.kind.startswith("camera_") or message.kind in ("uplink_down", "area_down", "frame_rate_collapse")
    is_grave = message.severity in ("high", "critical")
    circles = () if message.lat_deg is None or message.lon_deg is None else ((message.lat_deg, message.lon_deg, settings.radius_km),)
    geocodes = () if message.area_code is None else (("Kemendagri", message.area_code),)
    info = Info(
        event=message.kind.replace("_", " "),
        categories=("Infra",) if infra else (CATEGORY.get(message.kind, "Other"),),
        urgency="Past" if is_over else "Immediate" if is_grave else "Expected",
        severity=SEVERITY[message.severity],
        certainty="Likely" if message.state == "open" else "Unlikely" if message.state == "false_alarm" else "Observed",
        language=settings.language,
        response_types=("AllClear",) if is_over else ("Assess",),
        sender_name=settings.sender_name,
        headline=message.title[:160],
        description=message.body,
        web=message.link,
        parameters=(("occasion", message.occasion),),
        areas=(AlertArea(message.area_code or "-", circles=circles, geocodes=geocodes),),
    )
    restriction = settings.restriction if settings.scope == "Restricted" else None
    return Alert(
        identifier=message.id,
        sender=settings.sender,
        sent_s=message.at_s,
        status=settings.status,
        msg_type="Alert",
        scope=settings.scope,
        restriction=restriction,
        incidents=(message.incident_id,),
        infos=(info,),
    )


class Cap:
    """Posts alerts. `allow_private` as of `route.webhook.Webhook`."""

    def __init__(self, allow_private: bool = False) -> None:
        self._allow_private = allow_private

    async def send(self, message: Message, channel: Channel, secret: str | None) -> None:
        """Raises `Retry`, `Refused` or `BadSettings`, as a webhook does."""
        settings = validate(CapSettings, dict(channel.settings), f"channel {channel.id}")
        headers = {"content-type": "application/cap+xml; charset=utf-8"}
        if secret:
            headers["authorization"] = f"Bearer {secret}"
        await post(settings.url, write(alert_of(message, settings)), headers, self._allow_private)
