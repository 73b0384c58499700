"""The register of cameras: where they are, how they fare. A stream's address is only for those who maintain cameras."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import BaseModel

from sewu.base.paging import Page
from sewu.base.records import Place
from sewu.base.register import CameraFilter, CameraState, Condition, ListedCamera, OwnerClass, Polygon, RegisteredCamera
from sewu.show.service.fields import AreaQuery, Cursor, Id, Limit, Search
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import not_found
from sewu.show.service.rights import Caller

router = section("cameras")


class CameraView(BaseModel):
    """One camera, and how it fares. The addresses and the account are null for who may not maintain it."""

    id: str
    name: str
    area_code: str
    owner_class: OwnerClass
    owner: str | None
    agreement: str | None
    place: Place | None
    heading_deg: float | None
    field_of_view_deg: float | None
    height_m: float | None
    installed_on: str | None
    warranty_until: str | None
    tags: tuple[str, ...]
    masks: tuple[Polygon, ...]
    is_public: bool
    public_reason: str | None
    version: int
    changed_at_s: float
    condition: Condition
    state: CameraState | None
    stream_url: str | None = None
    sub_stream_url: str | None = None
    user: str | None = None
    has_secret: bool | None = None


SHOWN = tuple(name for name in CameraView.model_fields if name in RegisteredCamera.__dataclass_fields__)
KEPT = ("stream_url", "sub_stream_url", "user", "has_secret")
Wanted = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


def camera_filter(
    area_code: AreaQuery = None,
    owner_class: OwnerClass | None = None,
    tag: Wanted = None,
    condition: Condition | None = None,
    is_public: bool | None = None,
    search: Search = None,
) -> CameraFilter:
    """Which cameras."""
    return CameraFilter(area_code, owner_class, None, tag, condition, is_public, search)


def view(found: ListedCamera, caller: Caller) -> CameraView:
    """What this caller is shown of a camera."""
    maintains = caller.scope("camera.write").reaches(found.camera.area_code)
    names = SHOWN if maintains else tuple(name for name in SHOWN if name not in KEPT)
    values = {name: getattr(found.camera, name) for name in names}
    return CameraView(condition=found.condition, state=found.state, **values)


def _feature(found: ListedCamera) -> dict[str, Any]:
    camera = found.camera
    place = None if camera.place is None else {"type": "Point", "coordinates": [camera.place.lon_deg, camera.place.lat_deg]}
    properties = {
        "id": camera.id,
        "name": camera.name,
        "area_code": camera.area_code,
        "owner_class": camera.owner_class,
        "condition": found.condition,
        "heading_deg": camera.heading_deg,
        "field_of_view_deg": camera.field_of_view_deg,
        "is_public": camera.is_public,
    }
    return {"type": "Feature", "id": camera.id, "geometry": place, "properties": properties}


@router.get("")
async def cameras(
    request: Request,
    asked: Annotated[Asked, needs("camera.read")],
    wanted: Annotated[CameraFilter, Depends(camera_filter)],
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[CameraView]:
    """Cameras by code."""
    page = await parts_of(request).cameras.list(asked.scope, wanted, cursor, limit)
    return Page(tuple(view(found, asked.caller) for found in page.rows), page.next_cursor)


@router.get("/counts")
async def counts(
    request: Request, asked: Annotated[Asked, needs("camera.read")], wanted: Annotated[CameraFilter, Depends(camera_filter)]
) -> dict[Condition, int]:
    """How many cameras are in each condition."""
    found = await parts_of(request).cameras.count(asked.scope, wanted)
    return {condition: found.get(condition, 0) for condition in ("up", "degraded", "down", "unknown")}


@router.get("/geojson")
async def geojson(
    request: Request, asked: Annotated[Asked, needs("camera.read")], wanted: Annotated[CameraFilter, Depends(camera_filter)]
) -> dict[str, Any]:
    """All cameras that have a place, as a GeoJSON FeatureCollection of points."""
    features: list[dict[str, Any]] = []
    cursor, register = None, parts_of(request).cameras
    while True:
        page = await register.list(asked.scope, wanted, cursor, 1000)
        features += [_feature(found) for found in page.rows if found.camera.place is not None]
        cursor = page.next_cursor
        if cursor is None:
            return {"type": "FeatureCollection", "features": features}


@router.get("/{camera_id}")
async def one(request: Request, camera_id: Id, asked: Annotated[Asked, needs("camera.read")]) -> CameraView:
    """One camera."""
    found = await parts_of(request).cameras.get(asked.scope, camera_id)
    if found is None:
        raise not_found("This camera")
    asked.about(camera_id, found.camera.area_code)
    return view(found, asked.caller)
