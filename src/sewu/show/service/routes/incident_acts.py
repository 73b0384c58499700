"""What people do with incidents."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Request, Response
from pydantic import Field

from sewu.base.incidents import Incident
from sewu.respond.handling import Person
from sewu.respond.lifecycle import Action, Step, allowed
from sewu.show.service.answers import version_tag, wanted_version
from sewu.show.service.fields import Body, Id, IdField, Moment, Text
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import not_found

router = section("incidents")
Ids = Annotated[list[IdField], Field(min_length=1, max_length=200)]
Reason = Annotated[Text, Field(min_length=1, max_length=2000)]
IfMatch = Annotated[str | None, Header(max_length=100, description="ETag of the incident as it was read; 409 when it changed since.")]


class WantedStep(Body):
    """A step in an incident's life. `assignee` (a user's id) with assign only; a reason for false_alarm and reopen."""

    action: Action
    reason: Text | None = None
    assignee: IdField | None = None


class HandTo(Body):
    """Which agency it is for from now on, and why."""

    agency: IdField
    reason: Reason


class Quiet(Body):
    """Until when it calls nobody, and why."""

    until_s: Moment
    reason: Reason


class Merge(Body):
    """Which other incidents live on in this one, and why."""

    incident_ids: Ids
    reason: Reason


class Split(Body):
    """Which of its events become an incident of their own, and why."""

    event_ids: Ids
    reason: Reason


@router.get("/{incident_id}/steps")
async def possible(request: Request, incident_id: Id, asked: Annotated[Asked, needs("incident.act")]) -> tuple[Action, ...]:
    """What may be done with it now."""
    found = await parts_of(request).incidents.get(asked.scope, incident_id)
    if found is None:
        raise not_found("This incident")
    return allowed(found)


@router.post("/{incident_id}/steps")
async def step(
    request: Request,
    response: Response,
    incident_id: Id,
    wanted: WantedStep,
    asked: Annotated[Asked, needs("incident.act")],
    if_match: IfMatch = None,
) -> Incident:
    """Acknowledge, assign, start, resolve, close, call it a false alarm, reopen."""
    parts = parts_of(request)
    taken = Step(wanted.action, asked.caller.id, parts.clock.now_s(), wanted.reason, wanted.assignee)
    version = None if if_match is None else wanted_version(if_match)
    asked.detail["action"] = wanted.action
    return _told(asked, response, await parts.handling.step(asked.scope, incident_id, taken, version))


@router.post("/{incident_id}/agency")
async def hand_to(
    request: Request, response: Response, incident_id: Id, wanted: HandTo, asked: Annotated[Asked, needs("incident.act")]
) -> Incident:
    """Hand it to another agency."""
    parts = parts_of(request)
    asked.detail["agency"] = wanted.agency
    after = await parts.handling.hand_to(_person(asked), incident_id, wanted.agency, wanted.reason, parts.clock.now_s())
    return _told(asked, response, after)


@router.post("/{incident_id}/snooze")
async def snooze(
    request: Request, response: Response, incident_id: Id, wanted: Quiet, asked: Annotated[Asked, needs("incident.act")]
) -> Incident:
    """Keep it quiet for at most a week; its service clock goes on."""
    parts = parts_of(request)
    after = await parts.handling.snooze(_person(asked), incident_id, wanted.until_s, wanted.reason, parts.clock.now_s())
    return _told(asked, response, after, until_s=wanted.until_s)


@router.post("/{incident_id}/merge")
async def merge(
    request: Request, response: Response, incident_id: Id, wanted: Merge, asked: Annotated[Asked, needs("incident.act")]
) -> Incident:
    """Let others live on in this one."""
    parts = parts_of(request)
    after = await parts.handling.merge(_person(asked), incident_id, wanted.incident_ids, wanted.reason, parts.clock.now_s())
    return _told(asked, response, after, merged=",".join(wanted.incident_ids)[:500])


@router.post("/{incident_id}/split", status_code=201)
async def split(
    request: Request, response: Response, incident_id: Id, wanted: Split, asked: Annotated[Asked, needs("incident.act")]
) -> Incident:
    """Take some of its events out into an incident of their own, which is answered."""
    parts = parts_of(request)
    fresh = await parts.handling.split(_person(asked), incident_id, wanted.event_ids, wanted.reason, parts.clock.now_s())
    return _told(asked, response, fresh, split_from=incident_id)


def _person(asked: Asked) -> Person:
    return Person(asked.caller.id, asked.scope)


def _told(asked: Asked, response: Response, incident: Incident, **detail: str | float) -> Incident:
    asked.about(incident.id, incident.area_code, kind=incident.kind, **detail)
    response.headers["etag"] = version_tag(incident.version)
    return incident
