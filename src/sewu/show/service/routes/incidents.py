"""Incidents: the list that an operator works from, and everything known about one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from sewu.base.incidents import HistoryEntry, Incident, IncidentFilter, IncidentState
from sewu.base.paging import Page
from sewu.base.records import Event, Severity
from sewu.show.service.answers import version_tag
from sewu.show.service.fields import ID_PATTERN, AreaQuery, Cursor, Id, Limit, Search, Seconds
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import not_found

router = section("incidents")
Word = Annotated[str, Query(pattern=ID_PATTERN)]
Words = Annotated[list[Word], Query(max_length=50)]


class Count(BaseModel):
    """How many incidents are in a state with a severity."""

    state: IncidentState
    severity: Severity
    count: int


class DistrictCount(BaseModel):
    """How many incidents of a kind a kecamatan had. Merged ones count once."""

    area_code: str
    kind: str
    count: int


def incident_filter(  # noqa: PLR0913 one parameter per filter
    state: Annotated[list[IncidentState], Query(max_length=7)] = [],  # noqa: B006 FastAPI copies it
    kind: Words = [],  # noqa: B006
    severity: Annotated[list[Severity], Query(max_length=5)] = [],  # noqa: B006
    agency: Words = [],  # noqa: B006
    area_code: AreaQuery = None,
    camera_id: Word | None = None,
    assignee: Word | None = None,
    opened_from_s: Seconds = None,
    opened_until_s: Seconds = None,
    search: Search = None,
) -> IncidentFilter:
    """Which incidents."""
    chosen = (tuple(state), tuple(kind), tuple(severity), tuple(agency))
    return IncidentFilter(*chosen, area_code, camera_id, assignee, opened_from_s, opened_until_s, search)


Wanted = Annotated[IncidentFilter, Depends(incident_filter)]


@router.get("")
async def incidents(
    request: Request, asked: Annotated[Asked, needs("incident.read")], wanted: Wanted, cursor: Cursor = None, limit: Limit = 50
) -> Page[Incident]:
    """Incidents, newest first."""
    return await parts_of(request).incidents.list(asked.scope, wanted, cursor, limit)


@router.get("/counts")
async def counts(request: Request, asked: Annotated[Asked, needs("incident.read")], wanted: Wanted) -> tuple[Count, ...]:
    """How many of each state and severity."""
    found = await parts_of(request).incidents.counts(asked.scope, wanted)
    return tuple(Count(state=state, severity=severity, count=count) for (state, severity), count in sorted(found.items()))  # type: ignore[arg-type]


@router.get("/by-district")
async def by_district(request: Request, asked: Annotated[Asked, needs("incident.read")], wanted: Wanted) -> tuple[DistrictCount, ...]:
    """How many of each kind in each kecamatan."""
    found = await parts_of(request).incidents.by_district(asked.scope, wanted)
    return tuple(DistrictCount(area_code=area, kind=kind, count=count) for area, kind, count in found)


@router.get("/{incident_id}")
async def one(request: Request, response: Response, incident_id: Id, asked: Annotated[Asked, needs("incident.read")]) -> Incident:
    """One incident; its ETag is what a change is based on."""
    found = await _visible(request, asked, incident_id)
    response.headers["etag"] = version_tag(found.version)
    return found


@router.get("/{incident_id}/history")
async def history(request: Request, incident_id: Id, asked: Annotated[Asked, needs("incident.read")]) -> tuple[HistoryEntry, ...]:
    """All that was done about it, in order."""
    await _visible(request, asked, incident_id)
    return await parts_of(request).incidents.history(asked.scope, incident_id)


@router.get("/{incident_id}/events")
async def events(
    request: Request, incident_id: Id, asked: Annotated[Asked, needs("incident.read")], cursor: Cursor = None, limit: Limit = 100
) -> Page[Event]:
    """Its events by time of start."""
    await _visible(request, asked, incident_id)
    return await parts_of(request).incidents.events(asked.scope, incident_id, cursor, limit)


@router.get("/{incident_id}/cameras")
async def cameras(request: Request, incident_id: Id, asked: Annotated[Asked, needs("incident.read")]) -> tuple[str, ...]:
    """Codes of the cameras that saw it."""
    await _visible(request, asked, incident_id)
    return await parts_of(request).incidents.cameras(asked.scope, incident_id)


async def _visible(request: Request, asked: Asked, incident_id: str) -> Incident:
    found = await parts_of(request).incidents.get(asked.scope, incident_id)
    if found is None:
        raise not_found("This incident")
    asked.about(incident_id, found.area_code, kind=found.kind)
    return found
