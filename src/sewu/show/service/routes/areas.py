"""The area tree and its boundaries."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request

from sewu.base.paging import Page
from sewu.base.places import Area, Level
from sewu.show.service.fields import AreaPath, AreaQuery, Cursor, Limit, Search
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import not_found
from sewu.store.operations.areas import AreaFilter

router = section("areas")


@router.get("")
async def areas(  # noqa: PLR0913 one parameter per filter
    request: Request,
    asked: Annotated[Asked, needs("area.read")],
    level: Level | None = None,
    parent_code: AreaQuery = None,
    search: Search = None,
    cursor: Cursor = None,
    limit: Limit = 200,
) -> Page[Area]:
    """Areas by code."""
    return await parts_of(request).areas.list(asked.scope, AreaFilter(level, parent_code, search), cursor, limit)


@router.get("/geojson")
async def geojson(
    request: Request, asked: Annotated[Asked, needs("area.read")], level: Annotated[Level, Query()] = "kelurahan"
) -> dict[str, Any]:
    """Boundaries of a level as a GeoJSON FeatureCollection; `is_approximate` ones were drawn from centroids."""
    parts = parts_of(request)
    names = {area.code: area for area in await parts.areas.every(asked.scope, level)}
    features = [
        {
            "type": "Feature",
            "id": boundary.area_code,
            "properties": {
                "code": boundary.area_code,
                "name": names[boundary.area_code].name,
                "level": level,
                "is_approximate": boundary.is_approximate,
            },
            "geometry": boundary.geometry,
        }
        for boundary in await parts.areas.boundaries(asked.scope, level)
        if boundary.area_code in names
    ]
    return {"type": "FeatureCollection", "features": features}


@router.get("/{code}")
async def one(request: Request, code: AreaPath, asked: Annotated[Asked, needs("area.read")]) -> Area:
    """One area."""
    asked.about(code, code)
    found = await parts_of(request).areas.get(asked.scope, code)
    if found is None:
        raise not_found("This area")
    return found
