"""Which agencies are told of an incident: its own, and each that owns its kind, area and hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sewu.base.incidents import Announcement, Incident
from sewu.base.records import SEVERITIES
from sewu.base.rights import is_within
from sewu.base.routing import Channel, Ownership


def owns(row: Ownership, kind: str, area_code: str | None, at_s: float, zone: ZoneInfo) -> bool:
    """Whether this ownership reaches a kind, in an area, at a time. Hours over midnight belong to the day they began on."""
    if row.kinds and kind not in row.kinds:
        return False
    if area_code is None or not is_within(area_code, row.area_code):
        return False
    local = datetime.fromtimestamp(at_s, zone)
    minute, weekday = local.hour * 60 + local.minute, local.weekday()
    if row.from_minute < row.until_minute:
        return weekday in row.weekdays and row.from_minute <= minute < row.until_minute
    if minute >= row.from_minute:
        return weekday in row.weekdays
    return minute < row.until_minute and (weekday - 1) % 7 in row.weekdays


def recipients(incident: Incident, rows: Iterable[Ownership], at_s: float, zone: ZoneInfo) -> tuple[str, ...]:
    """Codes of the agencies to tell: the incident's own first, then the others in order of code."""
    others = {row.agency for row in rows if owns(row, incident.kind, incident.area_code, at_s, zone)}
    return (incident.agency, *sorted(others - {incident.agency}))


def chosen(word: Announcement, incident: Incident, agency: str, ways: Sequence[Channel]) -> tuple[Channel, ...]:
    """The agency's channels that want to hear of this."""
    grave = SEVERITIES.index(incident.severity)
    return tuple(
        way
        for way in ways
        if way.agency == agency and way.is_active and word.occasion in way.occasions and grave >= SEVERITIES.index(way.min_severity)
    )
