"""The register of cameras: where they are, how they fare. A stream's address is only for those who maintain cameras."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from sewu.base.paging import Page
from sewu.base.records import Place
from sewu.base.register import CameraFilter, CameraState, Condition, ListedCamera, OwnerClass, Polygon, RegisteredCamera
from sewu.show.service.fields import AreaQuery, Cursor, Id, Limit, Search
from sewu.show.service.guard import Asked, narrowed, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import Problem, not_found
from sewu.show.service.rights import Caller
from sewu.store.operations.states import Availability, ConditionSpan

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


class Near(BaseModel):
    """A camera near a place. `bearing_deg`: from the camera to the place. `faces`: null when its heading is not known."""

    camera: CameraView
    distance_m: float
    bearing_deg: float
    faces: bool | None


GEOJSON = {200: {"content": {"application/geo+json": {"schema": {"type": "object"}}}}}
LONGEST_SPAN_S = 400 * 86_400.0
At = Annotated[float, Query(ge=0, le=1e11, allow_inf_nan=False, description="UTC seconds since 1970.")]
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


@router.get("/geojson", response_class=Response, responses=GEOJSON)  # type: ignore[arg-type]
async def geojson(request: Request, asked: Annotated[Asked, needs("camera.read")], area_code: AreaQuery = None) -> Response:
    """All cameras as a GeoJSON FeatureCollection of points; `geometry` is null where the place is not known."""
    found = await parts_of(request).camera_map.geojson(narrowed(asked.scope, area_code))
    return Response(found.body, media_type="application/geo+json")


@router.get("/nearest")
async def nearest(  # noqa: PLR0913 one parameter per filter
    request: Request,
    asked: Annotated[Asked, needs("camera.read")],
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)],
    lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)],
    limit: Annotated[int, Query(ge=1, le=50)] = 8,
    must_face: bool = False,
    within_m: Annotated[float, Query(gt=0, le=20_000, allow_inf_nan=False)] = 2000.0,
) -> tuple[Near, ...]:
    """The nearest cameras to a place: those that show something first, then by distance."""
    found = await parts_of(request).camera_map.nearest(asked.scope, Place(lat, lon), limit, must_face, within_m)
    return tuple(
        Near(
            camera=view(ListedCamera(near.camera, near.state), asked.caller),
            distance_m=near.distance_m,
            bearing_deg=near.bearing_deg,
            faces=near.faces,
        )
        for near in found
    )


@router.get("/availability")
async def availability(
    request: Request, asked: Annotated[Asked, needs("camera.read")], from_s: At, to_s: At, area_code: AreaQuery = None
) -> tuple[Availability, ...]:
    """How long the cameras of each area were up, degraded and down, by the area in which a camera stands."""
    _span(from_s, to_s)
    return await parts_of(request).states.availability(narrowed(asked.scope, area_code), from_s, to_s)


@router.get("/{camera_id}")
async def one(request: Request, camera_id: Id, asked: Annotated[Asked, needs("camera.read")]) -> CameraView:
    """One camera."""
    found = await parts_of(request).cameras.get(asked.scope, camera_id)
    if found is None:
        raise not_found("This camera")
    asked.about(camera_id, found.camera.area_code)
    return view(found, asked.caller)


@router.get("/{camera_id}/conditions")
async def conditions(
    request: Request, camera_id: Id, asked: Annotated[Asked, needs("camera.read")], from_s: At, to_s: At
) -> tuple[ConditionSpan, ...]:
    """When the camera was in which condition, oldest first."""
    _span(from_s, to_s)
    parts = parts_of(request)
    if await parts.cameras.get(asked.scope, camera_id) is None:
        raise not_found("This camera")
    return await parts.states.spans(asked.scope, camera_id, from_s, to_s)


def _span(from_s: float, to_s: float) -> None:
    if not 0 < to_s - from_s <= LONGEST_SPAN_S:
        raise Problem(400, "bad-span", "The span ends after it begins, and within 400 days.")
