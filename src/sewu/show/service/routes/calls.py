"""112: a call's place opens an incident, names the cameras that face it, and can be shared with a responder for a while."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from sewu.base.incidents import Incident
from sewu.base.records import Place, Severity
from sewu.respond.calls import Answer, Caller, Figures, response_figures
from sewu.show.service.fields import AreaField, Body, Id, Moment, Text
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import Problem, not_found
from sewu.store.operations.calls import Call, Share

router = section("calls")
shared = section("shared")
At = Annotated[float, Query(ge=0, le=1e11, allow_inf_nan=False)]
TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")


class NewCall(Body):
    """Where it is (coordinates, or the code of an area whose middle is taken), and what the caller said."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    area_code: AreaField | None = None
    address: Annotated[Text, Field(max_length=300)] | None = None
    note: Annotated[Text, Field(max_length=2000)] | None = None
    severity: Severity = "high"


class NewShare(Body):
    """Which incident, until when."""

    incident_id: Annotated[str, Field(max_length=100)]
    until_s: Moment


class Minted(BaseModel):
    """The link, and its token: shown this once. Open it with GET /api/v1/shared and the token in the header Sewu-Share."""

    share: Share
    token: str


class Shown(BaseModel):
    """What a link shows: the incident, no person and no camera address."""

    incident: Incident
    until_s: float


@router.post("", status_code=201)
async def take(request: Request, wanted: NewCall, asked: Annotated[Asked, needs("call.write")]) -> Answer:
    """Take a call."""
    parts = parts_of(request)
    if wanted.lat is not None and wanted.lon is not None:
        place = Place(wanted.lat, wanted.lon)
    else:
        area = None if wanted.area_code is None else await parts.areas.get(asked.scope, wanted.area_code)
        if area is None:
            raise Problem(400, "no-place", "Give lat and lon, or the code of an area that you may act in.")
        place = area.place
    caller = Caller(place, wanted.address, wanted.note, wanted.area_code, wanted.severity)
    answer = await parts.call_desk.take(asked.scope, asked.caller.id, caller, parts.clock.now_s())
    asked.about(answer.call.id, answer.incident.area_code, incident=answer.incident.id)
    return answer


@router.get("")
async def calls(request: Request, asked: Annotated[Asked, needs("call.read")], from_s: At, until_s: At) -> tuple[Call, ...]:
    """Calls of a time, newest first, at most 200."""
    return await parts_of(request).call_desk.calls.list(asked.scope, from_s, until_s)


@router.get("/figures")
async def figures(request: Request, asked: Annotated[Asked, needs("call.read")], from_s: At, until_s: At) -> dict[str, Figures]:
    """How long it took to acknowledge, set out and resolve."""
    return response_figures(await parts_of(request).call_desk.calls.responses(asked.scope, from_s, until_s))


@router.post("/shares", status_code=201)
async def share(request: Request, wanted: NewShare, asked: Annotated[Asked, needs("call.write")]) -> Minted:
    """A link to an incident that ends by itself, within a week."""
    parts = parts_of(request)
    made, token = await parts.call_desk.share(asked.scope, asked.caller.id, wanted.incident_id, wanted.until_s, parts.clock.now_s())
    asked.about(made.id, None, incident=made.incident_id, until_s=made.until_s)
    return Minted(share=made, token=token)


@router.get("/shares/{incident_id}")
async def shares(request: Request, incident_id: Id, asked: Annotated[Asked, needs("call.read")]) -> tuple[Share, ...]:
    """Links of an incident, without their tokens."""
    parts = parts_of(request)
    if await parts.incidents.get(asked.scope, incident_id) is None:
        raise not_found("This incident")
    return await parts.call_desk.calls.shares(asked.scope, incident_id)


@router.delete("/shares/{share_id}", status_code=204)
async def revoke(request: Request, share_id: Id, asked: Annotated[Asked, needs("call.write")]) -> Response:
    """End a link now."""
    parts = parts_of(request)
    await parts.call_desk.calls.revoke(asked.scope, share_id, parts.clock.now_s())
    return Response(status_code=204)


@shared.get("")
async def opened(request: Request, asked: Annotated[Asked, needs("anyone", writes="export")]) -> Shown:
    """Open a link: its token stands in the header Sewu-Share, so that no log and no history holds it."""
    parts, token = parts_of(request), request.headers.get("sewu-share", "")
    if not TOKEN.fullmatch(token):
        raise not_found("This link")
    found, incident = await parts.call_desk.calls.opened(token, parts.clock.now_s())
    asked.about(found.id, incident.area_code, incident=incident.id)
    return Shown(incident=incident, until_s=found.until_s)
