"""Who must show a camera to the city (Mayor's Regulation 5/2019), and what the cameras hang on."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Query, Request, Response
from pydantic import Field

from sewu.base.assets import AssetKind, Letter, NetworkAsset, Obligation, ObligationStatus, Subject
from sewu.base.paging import Page
from sewu.base.records import Place
from sewu.show.service.answers import version_tag, wanted_version
from sewu.show.service.fields import AreaField, Body, Cursor, Id, IdField, Limit, Moment, Name, Search, Text
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import not_found
from sewu.show.service.routes.register import Day, PlaceBody

router = section("obligations")
network = section("network")
IfMatch = Annotated[str | None, Header(max_length=100, description="ETag as it was read.")]


class LetterBody(Body):
    """A letter to the owner."""

    kind: Name
    due_on: Day
    sent_on: Day | None = None
    note: Text | None = None


class ObligationBody(Body):
    """A building or tower whose owner must show a risk."""

    subject: Subject
    name: Name
    owner: Name
    area_code: AreaField
    risk: Name
    status: ObligationStatus = "open"
    address: Text | None = None
    place: PlaceBody | None = None
    camera_id: IdField | None = None
    view_approved_by: IdField | None = None
    view_approved_at_s: Moment | None = None
    letters: Annotated[tuple[LetterBody, ...], Field(max_length=100)] = ()
    note: Text | None = None


class AssetBody(Body):
    """A part of the network that cameras depend on."""

    kind: AssetKind
    name: Name
    area_code: AreaField
    parent_id: IdField | None = None
    provider: Text | None = None
    place: PlaceBody | None = None


class Plugged(Body):
    """Cameras that hang on it."""

    camera_ids: Annotated[list[IdField], Field(min_length=1, max_length=20_000)]


@router.get("")
async def obligations(
    request: Request,
    asked: Annotated[Asked, needs("obligation.read")],
    status: ObligationStatus | None = None,
    search: Search = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Obligation]:
    """The obligation register."""
    return await parts_of(request).obligations.list(asked.scope, cursor, limit, status=status, text=search)


@router.get("/due")
async def due(
    request: Request,
    asked: Annotated[Asked, needs("obligation.read")],
    on: Annotated[str, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")],
) -> tuple[Obligation, ...]:
    """Those with a letter due on or before a date."""
    return await parts_of(request).obligations.due(asked.scope, on)


@router.get("/unproven")
async def unproven(request: Request, asked: Annotated[Asked, needs("obligation.read")]) -> tuple[Obligation, ...]:
    """Approved ones whose camera is not in use any more."""
    return await parts_of(request).obligations.unproven(asked.scope)


@router.post("", status_code=201)
async def add(
    request: Request, response: Response, wanted: ObligationBody, asked: Annotated[Asked, needs("obligation.write")]
) -> Obligation:
    """Enter one."""
    parts = parts_of(request)
    return _told(asked, response, await parts.obligations.add(asked.scope, _obligation("", wanted), parts.clock.now_s()))


@router.get("/{obligation_id}")
async def one(request: Request, response: Response, obligation_id: Id, asked: Annotated[Asked, needs("obligation.read")]) -> Obligation:
    """One obligation."""
    found = await parts_of(request).obligations.get(asked.scope, obligation_id)
    if found is None:
        raise not_found("This obligation")
    return _told(asked, response, found)


@router.put("/{obligation_id}")
async def change(
    request: Request,
    response: Response,
    obligation_id: Id,
    wanted: ObligationBody,
    asked: Annotated[Asked, needs("obligation.write")],
    if_match: IfMatch = None,
) -> Obligation:
    """Change one; If-Match is needed."""
    parts = parts_of(request)
    if await parts.obligations.get(asked.scope, obligation_id) is None:
        raise not_found("This obligation")
    version, now_s = wanted_version(if_match), parts.clock.now_s()
    return _told(asked, response, await parts.obligations.change(asked.scope, _obligation(obligation_id, wanted), version, now_s))


@network.get("")
async def assets(request: Request, asked: Annotated[Asked, needs("asset.read")]) -> tuple[NetworkAsset, ...]:
    """The parts of the network."""
    return await parts_of(request).network.list(asked.scope)


@network.post("", status_code=201)
async def add_asset(request: Request, wanted: AssetBody, asked: Annotated[Asked, needs("asset.write")]) -> NetworkAsset:
    """Enter a part."""
    parts = parts_of(request)
    fresh = await parts.network.add(asked.scope, _asset("", wanted), parts.clock.now_s())
    asked.about(fresh.id, fresh.area_code, name=fresh.name)
    return fresh


@network.put("/{asset_id}")
async def change_asset(
    request: Request, asset_id: Id, wanted: AssetBody, asked: Annotated[Asked, needs("asset.write")], if_match: IfMatch = None
) -> NetworkAsset:
    """Change a part; If-Match "v" and its version is needed."""
    parts = parts_of(request)
    if await parts.network.get(asked.scope, asset_id) is None:
        raise not_found("This part")
    version = wanted_version(if_match)
    asked.about(asset_id, wanted.area_code, name=wanted.name)
    return await parts.network.change(asked.scope, _asset(asset_id, wanted), version, parts.clock.now_s())


@network.delete("/{asset_id}", status_code=204)
async def delete_asset(request: Request, asset_id: Id, asked: Annotated[Asked, needs("asset.write")]) -> Response:
    """Take a part away."""
    parts = parts_of(request)
    await parts.network.delete(asked.scope, asset_id, parts.clock.now_s())
    return Response(status_code=204)


@network.get("/{asset_id}/cameras")
async def hanging(request: Request, asset_id: Id, asked: Annotated[Asked, needs("asset.read")]) -> tuple[str, ...]:
    """Cameras that fail when this part does."""
    parts = parts_of(request)
    if await parts.network.get(asked.scope, asset_id) is None:
        raise not_found("This part")
    return await parts.network.cameras(asked.scope, asset_id)


@network.put("/{asset_id}/cameras", status_code=204)
async def plug(request: Request, asset_id: Id, wanted: Plugged, asked: Annotated[Asked, needs("asset.write")]) -> Response:
    """Say that cameras hang on this part."""
    parts = parts_of(request)
    asked.detail["cameras"] = len(wanted.camera_ids)
    await parts.network.plug(asked.scope, asset_id, wanted.camera_ids, parts.clock.now_s())
    return Response(status_code=204)


def _place(wanted: PlaceBody | None) -> Place | None:
    return None if wanted is None else Place(wanted.lat_deg, wanted.lon_deg)


def _obligation(obligation_id: str, wanted: ObligationBody) -> Obligation:
    values = wanted.model_dump(exclude={"place", "letters"})
    letters = tuple(Letter(letter.kind, letter.due_on, letter.sent_on, letter.note) for letter in wanted.letters)
    return Obligation(id=obligation_id, place=_place(wanted.place), letters=letters, **values)


def _asset(asset_id: str, wanted: AssetBody) -> NetworkAsset:
    return NetworkAsset(id=asset_id, place=_place(wanted.place), **wanted.model_dump(exclude={"place"}))


def _told(asked: Asked, response: Response, found: Obligation) -> Obligation:
    asked.about(found.id, found.area_code, name=found.name)
    response.headers["etag"] = version_tag(found.version)
    return found
