"""Screens without a keyboard: one shows a code, somebody who may pairs it with an area, from then on it watches that area."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request, Response
from pydantic import BaseModel, Field

from sewu.base.people import Kiosk
from sewu.show.service.fields import AreaField, Body, Id, Name
from sewu.show.service.guard import KIOSK_COOKIE, Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import Problem, not_found

router = section("kiosks")
YEAR_S = 366 * 86_400


class Shown(BaseModel):
    """The code to show, and until when it counts."""

    code: str
    until_s: float


class Pairing(Body):
    """The code that the screen shows, what to call the screen, and the area that it will watch."""

    code: Annotated[str, Field(pattern=r"^\s*[0-9A-Za-z]{8}\s*$", max_length=20)]
    name: Name
    area_code: AreaField


class Standing(BaseModel):
    """Whether this screen is paired, as what and with which area."""

    is_paired: bool
    name: str | None = None
    area_code: str | None = None


@router.post("/ask", status_code=201)
async def ask(request: Request, response: Response, asked: Annotated[Asked, needs("anyone", writes="nothing")]) -> Shown:
    """Ask to be paired; the screen keeps its secret as a cookie and shows the code."""
    parts = parts_of(request)
    address = request.client.host if request.client else "unknown"
    if parts.limits.log_in_by_address.wait_s(f"kiosk {address}", parts.clock.steady_s()) > 0:
        raise Problem(429, "too-many-requests", "Ask less often.", {"Retry-After": "10"})
    kiosk, code, secret = await parts.kiosks.ask(parts.clock.now_s())
    response.set_cookie(KIOSK_COOKIE, secret, max_age=YEAR_S, path="/", httponly=True, secure=parts.has_tls, samesite="lax")
    return Shown(code=code, until_s=kiosk.code_until_s)


@router.get("/mine")
async def mine(request: Request, asked: Annotated[Asked, needs("anyone", writes="nothing")]) -> Standing:
    """Whether somebody paired this screen by now; 404 when it must ask again."""
    parts = parts_of(request)
    cookie = request.cookies.get(KIOSK_COOKIE)
    kiosk = await parts.kiosks.find(cookie, parts.clock.now_s()) if cookie else None
    if kiosk is None:
        raise not_found("This screen")
    return Standing(is_paired=kiosk.area_code is not None, name=kiosk.name, area_code=kiosk.area_code)


@router.post("/pair", status_code=201)
async def pair(request: Request, wanted: Pairing, asked: Annotated[Asked, needs("kiosk.write")]) -> Kiosk:
    """Pair the screen that shows this code with an area within your own."""
    parts = parts_of(request)
    if not asked.scope.reaches(wanted.area_code):
        raise Problem(403, "not-allowed", "This area is not yours.", right="kiosk.write")
    if parts.limits.log_in_by_name.wait_s(f"pair {asked.caller.id}", parts.clock.steady_s()) > 0:
        raise Problem(429, "too-many-attempts", "Too many codes; wait, then try again.", {"Retry-After": "10"})
    kiosk = await parts.kiosks.pair(wanted.code, wanted.name, wanted.area_code, asked.caller.id, parts.clock.now_s())
    if kiosk is None:
        raise not_found("A screen with this code")
    asked.about(kiosk.id, wanted.area_code, name=wanted.name)
    return kiosk


@router.get("")
async def paired(request: Request, asked: Annotated[Asked, needs("kiosk.write")]) -> tuple[Kiosk, ...]:
    """The paired screens of your areas."""
    return tuple(kiosk for kiosk in await parts_of(request).kiosks.paired() if asked.scope.reaches(kiosk.area_code))


@router.delete("/{kiosk_id}", status_code=204)
async def end(request: Request, kiosk_id: Id, asked: Annotated[Asked, needs("kiosk.write")]) -> Response:
    """Take a screen's right away."""
    parts = parts_of(request)
    mine_ = next((k for k in await parts.kiosks.paired() if k.id == kiosk_id and asked.scope.reaches(k.area_code)), None)
    if mine_ is None or await parts.kiosks.end(kiosk_id, parts.clock.now_s()) is None:
        raise not_found("This screen")
    asked.about(kiosk_id, mine_.area_code)
    return Response(status_code=204)
