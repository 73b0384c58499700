"""What is drawn on each camera's picture; every version is kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Request, Response

from sewu.base.drawn import ZoneVersion
from sewu.base.paging import Page
from sewu.cameras.zonefile import ZoneFile, scene_of
from sewu.show.service.answers import version_tag, wanted_version
from sewu.show.service.fields import Cursor, Id, Limit
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import Problem, not_found

router = section("zones")
cameras = section("cameras")


@router.get("/kinds")
async def kinds(request: Request, _asked: Annotated[Asked, needs("zone.read", writes="nothing")]) -> dict[str, str]:
    """What a zone may be for, and how to draw it."""
    return dict(parts_of(request).zone_kinds)


@router.get("/to-check")
async def to_check(
    request: Request, asked: Annotated[Asked, needs("zone.read")], cursor: Cursor = None, limit: Limit = 100
) -> Page[ZoneVersion]:
    """Zones of cameras that moved since they were drawn."""
    return await parts_of(request).zones.to_check(asked.scope, cursor, limit)


@cameras.get("/{camera_id}/zones")
async def zones(request: Request, response: Response, camera_id: Id, asked: Annotated[Asked, needs("zone.read")]) -> ZoneVersion:
    """The zones in force; 404 when none were drawn."""
    found = await parts_of(request).zones.get(asked.scope, camera_id)
    if found is None:
        raise not_found("This drawing")
    response.headers["etag"] = version_tag(found.version)
    return found


@cameras.get("/{camera_id}/zones/versions")
async def versions(request: Request, camera_id: Id, asked: Annotated[Asked, needs("zone.read")]) -> tuple[ZoneVersion, ...]:
    """All versions, newest first."""
    parts = parts_of(request)
    if await parts.cameras.get(asked.scope, camera_id) is None:
        raise not_found("This camera")
    return await parts.zones.versions(asked.scope, camera_id)


@cameras.put("/{camera_id}/zones")
async def draw(
    request: Request,
    response: Response,
    camera_id: Id,
    wanted: ZoneFile,
    asked: Annotated[Asked, needs("zone.write")],
    if_match: Annotated[str | None, Header(max_length=100, description='ETag of the version read; "v0" for the first drawing.')] = None,
) -> ZoneVersion:
    """Draw a new version and put it in force."""
    parts = parts_of(request)
    if await parts.cameras.get(asked.scope, camera_id) is None:
        raise not_found("This camera")
    expected = wanted_version(if_match)
    scene_of(wanted, parts.zone_kinds, "this drawing")
    document = wanted.model_dump(mode="json", exclude_none=True)
    drawn = await parts.zones.put(asked.scope, camera_id, document, asked.caller.id, parts.clock.now_s(), expected)
    asked.detail["version"] = drawn.version
    response.headers["etag"] = version_tag(drawn.version)
    return drawn


@cameras.post("/{camera_id}/zones/checked", status_code=204)
async def checked(request: Request, camera_id: Id, asked: Annotated[Asked, needs("zone.write")]) -> Response:
    """Somebody looked: the zones still fit."""
    parts = parts_of(request)
    if await parts.zones.get(asked.scope, camera_id) is None:
        raise Problem(404, "not-found", "Nothing is drawn on this camera, or it is not yours.")
    await parts.zones.checked(asked.scope, camera_id, parts.clock.now_s())
    return Response(status_code=204)
