"""Agencies, what each owns, who is on duty, the channels that reach them, and what was sent."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from sewu.base.incidents import Agency, Occasion
from sewu.base.paging import Page
from sewu.base.records import Severity
from sewu.base.routing import Channel, ChannelKind, Dispatch, DispatchState, Duty, Ownership
from sewu.show.service.fields import AreaField, Body, Cursor, Id, IdField, Limit, Moment, Name, Text
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import Problem
from sewu.store.operations.tables import new_id

router = section("agencies")
channels = section("channels")
dispatches = section("dispatches")
Kinds = Annotated[tuple[IdField, ...], Field(max_length=100)]
Minute = Annotated[int, Field(ge=0, le=1440)]
At = Annotated[float, Query(ge=0, le=1e11, allow_inf_nan=False)]


class AgencyBody(Body):
    """Name, and whether it is still told of anything."""

    name: Name
    is_active: bool = True


class OwnershipBody(Body):
    """Kinds (none: all) in an area, on these weekdays (0 is Monday), between two minutes of the local day."""

    area_code: AreaField
    kinds: Kinds = ()
    weekdays: Annotated[tuple[Annotated[int, Field(ge=0, le=6)], ...], Field(max_length=7)] = (0, 1, 2, 3, 4, 5, 6)
    from_minute: Minute = 0
    until_minute: Minute = 1440


class DutyBody(Body):
    """Who, from when until when."""

    user_id: IdField
    from_s: Moment
    until_s: Moment
    note: Text | None = None


class ChannelBody(Body):
    """A way to tell an agency. `secret` is kept encrypted and never shown again; left out, the stored one stays."""

    agency: IdField
    kind: ChannelKind
    name: Name
    settings: Annotated[dict[str, Any], Field(max_length=50, default_factory=dict)]
    min_severity: Severity = "info"
    occasions: Annotated[tuple[Occasion, ...], Field(max_length=10)] = ("opened", "raised", "assigned", "overdue")
    is_active: bool = True
    secret: Annotated[str, Field(max_length=4000)] | None = None


@router.get("")
async def agencies(request: Request, _asked: Annotated[Asked, needs("agency.read")]) -> tuple[Agency, ...]:
    """All agencies, by name."""
    return await parts_of(request).agencies.list()


@router.get("/ownerships")
async def ownerships(request: Request, asked: Annotated[Asked, needs("agency.read")]) -> tuple[Ownership, ...]:
    """What agencies are told of, in the caller's areas."""
    return await parts_of(request).agencies.ownerships(asked.scope)


@router.delete("/ownerships/{ownership_id}", status_code=204)
async def disown(request: Request, ownership_id: Id, asked: Annotated[Asked, needs("agency.write")]) -> Response:
    """Take one back."""
    parts = parts_of(request)
    await parts.agencies.disown(asked.scope, ownership_id, parts.clock.now_s())
    return Response(status_code=204)


@router.get("/duties")
async def roster(request: Request, asked: Annotated[Asked, needs("agency.read")], from_s: At, until_s: At) -> tuple[Duty, ...]:
    """Who is on duty in this time, for the caller's agencies."""
    return await parts_of(request).agencies.roster(asked.scope, from_s, until_s)


@router.delete("/duties/{duty_id}", status_code=204)
async def cancel(request: Request, duty_id: Id, asked: Annotated[Asked, needs("agency.write")]) -> Response:
    """Take a duty off the roster."""
    await parts_of(request).agencies.cancel(asked.scope, duty_id)
    return Response(status_code=204)


@router.put("/{code}")
async def put(request: Request, code: Id, wanted: AgencyBody, asked: Annotated[Asked, needs("agency.write")]) -> Agency:
    """Enter or change an agency."""
    parts = parts_of(request)
    row = Agency(code, wanted.name, wanted.is_active)
    asked.about(code, None, name=wanted.name, is_active=wanted.is_active)
    await parts.agencies.put(row, parts.clock.now_s())
    return row


@router.post("/{code}/ownerships", status_code=201)
async def own(request: Request, code: Id, wanted: OwnershipBody, asked: Annotated[Asked, needs("agency.write")]) -> Ownership:
    """Say what an agency is told of."""
    parts = parts_of(request)
    if not asked.scope.reaches(wanted.area_code):
        raise Problem(403, "not-allowed", "This area is not yours.", right="agency.write")
    now_s = parts.clock.now_s()
    hours = (wanted.from_minute, wanted.until_minute)
    row = Ownership(new_id("own", now_s), code, wanted.area_code, wanted.kinds, tuple(sorted(set(wanted.weekdays))), *hours)
    asked.about(row.id, wanted.area_code, agency=code)
    return await parts.agencies.own(row, now_s)


@router.post("/{code}/duties", status_code=201)
async def plan(request: Request, code: Id, wanted: DutyBody, asked: Annotated[Asked, needs("agency.write")]) -> Duty:
    """Put somebody on duty."""
    parts = parts_of(request)
    now_s = parts.clock.now_s()
    row = Duty(new_id("dut", now_s), code, wanted.user_id, wanted.from_s, wanted.until_s, wanted.note)
    asked.about(row.id, None, agency=code, user=wanted.user_id)
    return await parts.agencies.plan(asked.scope, row, now_s)


@channels.get("")
async def ways(request: Request, asked: Annotated[Asked, needs("agency.write")]) -> tuple[Channel, ...]:
    """The channels of the caller's agencies, without secrets."""
    return await parts_of(request).channels.list(asked.scope)


@channels.put("/{channel_id}")
async def put_channel(request: Request, channel_id: Id, wanted: ChannelBody, asked: Annotated[Asked, needs("agency.write")]) -> Channel:
    """Enter or change a channel."""
    names = (wanted.agency, wanted.kind, wanted.name)
    row = Channel(channel_id, *names, wanted.settings, wanted.min_severity, wanted.occasions, wanted.is_active)
    asked.about(channel_id, None, agency=wanted.agency, kind=wanted.kind, new_secret=wanted.secret is not None)
    await parts_of(request).channels.put(asked.scope, row, wanted.secret)
    return row


@channels.delete("/{channel_id}", status_code=204)
async def remove(request: Request, channel_id: Id, asked: Annotated[Asked, needs("agency.write")]) -> Response:
    """Take a channel out of use and forget its secret."""
    await parts_of(request).channels.remove(asked.scope, channel_id)
    return Response(status_code=204)


@dispatches.get("")
async def messages(
    request: Request,
    asked: Annotated[Asked, needs("incident.act")],
    state: DispatchState | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Dispatch]:
    """What agencies were told, newest first; state "dead" lists what could not be delivered."""
    return await parts_of(request).dispatches.list(asked.scope, state, cursor, limit)


@dispatches.post("/{dispatch_id}/revival", status_code=204)
async def revive(request: Request, dispatch_id: Id, asked: Annotated[Asked, needs("agency.write")]) -> Response:
    """Send a dead letter again."""
    parts = parts_of(request)
    await parts.dispatches.revive(asked.scope, dispatch_id, parts.clock.now_s())
    return Response(status_code=204)
