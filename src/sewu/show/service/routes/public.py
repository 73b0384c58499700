"""The public page: HTML made here, without a script and without logging in. Outside the API: it is for people."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import resources
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from sewu.base.words import Language, Words
from sewu.show.service.fields import Id
from sewu.show.service.guard import Asked, GuardedRoute, needs
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import not_found
from sewu.show.service.public import FRESH_S

router = APIRouter(prefix="/public", route_class=GuardedRoute, include_in_schema=False)
PER_PAGE = 24
KEPT = {"cache-control": f"public, max-age={FRESH_S:.0f}"}
CSP = "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'none'"
Anyone = Annotated[Asked, needs("anyone", writes="nothing")]


@router.get("", response_class=Response)
async def page(request: Request, _asked: Anyone, lang: Language = "id", page: Annotated[int, Query(ge=1, le=10_000)] = 1) -> Response:
    """The public cameras, how the traffic is, and how much of the city that is."""
    parts = parts_of(request)
    facts = await parts.public.facts(parts)
    settings = parts.home.settings
    pages = max(1, -(-len(facts.cameras) // PER_PAGE))
    page = min(page, pages)
    text = _template().render(
        t=Words(lang),
        language=lang,
        other="en" if lang == "id" else "id",
        city=settings.city_name,
        facts=facts,
        shown=facts.cameras[(page - 1) * PER_PAGE : page * PER_PAGE],
        page=page,
        pages=pages,
        measured=sum(camera.traffic is not None for camera in facts.cameras),
        public=sum(facts.counts.values()),
        at=datetime.fromtimestamp(facts.at_s, ZoneInfo(settings.timezone)).strftime("%d/%m/%Y %H:%M:%S"),
        amount=lambda count: f"{count:,}".replace(",", "." if lang == "id" else ","),
        turn=int(facts.at_s // FRESH_S),
    )
    return Response(text, media_type="text/html; charset=utf-8", headers=KEPT | {"content-security-policy": CSP})


@router.get("/style.css", response_class=Response)
async def style(_asked: Anyone) -> Response:
    """How the page looks."""
    return Response(_style(), media_type="text/css; charset=utf-8", headers={"cache-control": "public, max-age=3600"})


@router.get("/stills/{camera_id}.jpg", response_class=Response)
async def still(request: Request, camera_id: Id, _asked: Anyone) -> Response:
    """A small still of a public camera, its masks burnt in."""
    parts = parts_of(request)
    picture = await parts.public.still(parts, camera_id)
    if picture is None:
        raise not_found("This picture")
    return Response(picture, media_type="image/jpeg", headers=KEPT)


@cache
def _style() -> str:
    return resources.files("sewu.show").joinpath("templates", "public.css").read_text(encoding="utf-8")


@cache
def _template() -> Any:
    loader = PackageLoader("sewu.show")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).get_template(
        "public.html.j2"
    )
