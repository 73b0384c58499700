"""Changing the register: one camera, many at once, a whole list; and the register as files."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Depends, Header, Query, Request, Response
from fastapi import Path as FastPath
from pydantic import BaseModel, Field

from sewu.base.errors import Conflict
from sewu.base.records import Place
from sewu.base.register import CameraEdit, CameraFilter, Login, OwnerClass, RegisteredCamera
from sewu.cameras.areafinder import AreaFinder
from sewu.cameras.registerlist import RegisterList, read_register, write_register
from sewu.show.service.answers import wanted_version
from sewu.show.service.fields import AreaField, Body, Id, IdField, Name, Text
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import Parts, parts_of
from sewu.show.service.problems import Problem, not_found
from sewu.show.service.routes.cameras import CameraView, camera_filter, view
from sewu.show.service.routes.observations import csv_answer

router = section("cameras")
CameraCode = Annotated[str, FastPath(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Url = Annotated[str, Field(pattern=r"^(rtsp|rtsps|http|https|file)://[^\s@\x00-\x1f]+$", max_length=1000)]
Degrees = Annotated[float, Field(ge=0, le=360, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Tag = Annotated[str, Field(pattern=r"^[^\s|\x00-\x1f]{1,50}$")]
Tags = Annotated[tuple[Tag, ...], Field(max_length=50)]
CSV = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
MOST_FAULTS = 500


class PlaceBody(Body):
    """WGS84 degrees."""

    lat_deg: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon_deg: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class LoginBody(Body):
    """The camera's account; the password is kept encrypted and never shown again."""

    user: Annotated[str, Field(max_length=200)]
    password: Annotated[str, Field(min_length=1, max_length=500)]


class CameraBody(Body):
    """A camera as the city registers it. `login` left out keeps the one that is stored."""

    name: Name
    stream_url: Url
    area_code: AreaField
    sub_stream_url: Url | None = None
    owner_class: OwnerClass = "rt"
    owner: Text | None = None
    agreement: Text | None = None
    place: PlaceBody | None = None
    heading_deg: Degrees | None = None
    field_of_view_deg: Degrees | None = None
    height_m: Annotated[float, Field(ge=0, le=500, allow_inf_nan=False)] | None = None
    installed_on: Day | None = None
    warranty_until: Day | None = None
    tags: Tags = ()
    masks: Annotated[tuple[Annotated[tuple[tuple[Share, Share], ...], Field(min_length=3, max_length=100)], ...], Field(max_length=50)] = ()
    is_public: bool = False
    public_reason: Text | None = None
    login: LoginBody | None = None


class EditBody(Body):
    """A change to many cameras at once, all or none; what is left out stays."""

    ids: Annotated[list[IdField], Field(min_length=1, max_length=20_000)]
    owner_class: OwnerClass | None = None
    owner: Text | None = None
    agreement: Text | None = None
    area_code: AreaField | None = None
    warranty_until: Day | None = None
    is_public: bool | None = None
    public_reason: Text | None = None
    add_tags: Tags = ()
    remove_tags: Tags = ()


class Edited(BaseModel):
    """Ids that became different."""

    changed: tuple[str, ...]


class RowFault(BaseModel):
    """One row that was not taken."""

    row: int
    camera_id: str | None
    reason: str


class Imported(BaseModel):
    """What an import did, or would do (`applied` false): bad rows are listed, at most 500, and never stop the good ones."""

    applied: bool
    good: int
    changed: tuple[str, ...]
    faults: tuple[RowFault, ...]
    fault_count: int
    ignored_columns: tuple[str, ...]


@router.post("/edits")
async def edit(request: Request, wanted: EditBody, asked: Annotated[Asked, needs("camera.write")]) -> Edited:
    """Change many cameras at once."""
    parts = parts_of(request)
    values = wanted.model_dump(exclude={"ids"})
    asked.detail |= {"cameras": len(wanted.ids)} | {name: str(value) for name, value in values.items() if value}
    return Edited(changed=await parts.cameras.edit(asked.scope, wanted.ids, CameraEdit(**values), parts.clock.now_s()))


@router.post("/import")
async def import_(
    request: Request, asked: Annotated[Asked, needs("camera.write")], format: Literal["csv", "geojson"] = "csv", apply: bool = False
) -> Imported:
    """Read a list (the body: CSV with a header row, or GeoJSON points) and say what would be done; with apply=true do it."""
    parts = parts_of(request)
    finder = AreaFinder(await parts.areas.every(asked.scope), await parts.areas.boundaries(asked.scope, "kelurahan"))
    found = await asyncio.to_thread(_read, await request.body(), format, finder)
    outside = [camera.id for camera in found.cameras if not asked.scope.reaches(camera.area_code)]
    if outside:
        raise Problem(403, "not-allowed", f"Camera {outside[0]} and {len(outside) - 1} more lie outside your areas.", right="camera.write")
    changed: tuple[str, ...] = ()
    if apply:
        changed = await parts.cameras.put(asked.scope, found.cameras, parts.clock.now_s(), found.logins)
    asked.detail |= {"good": len(found.cameras), "changed": len(changed), "faults": len(found.faults), "apply": apply}
    return Imported(
        applied=apply,
        good=len(found.cameras),
        changed=changed,
        faults=tuple(RowFault(row=f.row, camera_id=f.camera_id or None, reason=f.reason) for f in found.faults[:MOST_FAULTS]),
        fault_count=len(found.faults),
        ignored_columns=found.ignored_columns,
    )


@router.get("/export", response_class=Response, responses=CSV)  # type: ignore[arg-type]
async def export(
    request: Request,
    asked: Annotated[Asked, needs("camera.write", purpose=True, writes="export")],
    wanted: Annotated[CameraFilter, Depends(camera_filter)],
    format: Literal["csv", "geojson"] = "csv",
) -> Response:
    """The register as a file that `import` reads back: with stream addresses, without passwords."""
    rows = await parts_of(request).cameras.every(asked.scope, wanted)
    asked.detail["cameras"] = len(rows)
    body = await asyncio.to_thread(_written, rows, format)
    media = "application/geo+json" if format == "geojson" else "text/csv; charset=utf-8"
    return Response(body, media_type=media, headers={"Content-Disposition": f'attachment; filename="cameras.{format}"'})


@router.get("/satu-data", response_class=Response, responses=CSV)  # type: ignore[arg-type]
async def satu_data(
    request: Request,
    asked: Annotated[Asked, needs("export", purpose=True, writes="export")],
    level: Annotated[Literal["kecamatan", "kelurahan"], Query()] = "kelurahan",
) -> Response:
    """Cameras per area as an open-data table (Satu Data Indonesia: reference codes of areas, one observation a row)."""
    parts = parts_of(request)
    rows = await parts.cameras.every(asked.scope)
    counted: dict[tuple[str, str], int] = {}
    depth = 3 if level == "kecamatan" else 4
    for camera in rows:
        key = (".".join(camera.area_code.split(".")[:depth]), camera.owner_class)
        counted[key] = counted.get(key, 0) + 1
    names = {area.code: area.name for area in await parts.areas.every(asked.scope, level)}
    head = ("kode_wilayah", "nama_wilayah", "tingkat", "jenis_pemilik", "jumlah_kamera", "satuan")
    table = [(code, names.get(code, ""), level, owner, count, "unit") for (code, owner), count in sorted(counted.items())]
    return csv_answer(head, table, f"kamera-{level}.csv")


@router.put("/{camera_id}")
async def put(
    request: Request,
    response: Response,
    camera_id: CameraCode,
    wanted: CameraBody,
    asked: Annotated[Asked, needs("camera.write")],
    if_match: Annotated[str | None, Header(max_length=100, description='"v" and `version`; not needed for a new one.')] = None,
) -> CameraView:
    """Register a camera, or replace what is registered (If-Match with the version that was read)."""
    parts = parts_of(request)
    if not asked.scope.reaches(wanted.area_code):
        raise Problem(403, "not-allowed", "This area is not yours.", right="camera.write")
    camera = _camera(camera_id, wanted)
    login = None if wanted.login is None else Login(wanted.login.user, wanted.login.password)
    before = await parts.cameras.get(asked.scope, camera_id)
    now_s = parts.clock.now_s()
    if before is None:
        await _put_new(parts, asked, camera, login, now_s)
        response.status_code = 201
    else:
        await parts.cameras.put_at(asked.scope, camera, wanted_version(if_match), now_s, login)
    asked.about(camera_id, wanted.area_code, new_login=login is not None)
    found = await parts.cameras.get(asked.scope, camera_id)
    if found is None:
        raise not_found("This camera")
    response.headers["etag"] = f'"v{found.camera.version}"'
    return view(found, asked.caller)


@router.delete("/{camera_id}", status_code=204)
async def delete(request: Request, camera_id: Id, asked: Annotated[Asked, needs("camera.write")]) -> Response:
    """Take a camera out of use; what it saw stays."""
    parts = parts_of(request)
    if not await parts.cameras.delete(asked.scope, [camera_id], parts.clock.now_s()):
        raise not_found("This camera")
    return Response(status_code=204)


async def _put_new(parts: Parts, asked: Asked, camera: RegisteredCamera, login: Login | None, now_s: float) -> None:
    if await parts.areas.get(asked.scope, camera.area_code) is None:
        raise Problem(400, "unknown-area", f"There is no area {camera.area_code}.")
    try:
        await parts.cameras.put(asked.scope, [camera], now_s, {} if login is None else {camera.id: login})
    except Conflict as error:
        raise Problem(409, "conflict", str(error)) from error


def _camera(camera_id: str, wanted: CameraBody) -> RegisteredCamera:
    if wanted.is_public and not (wanted.public_reason or "").strip():
        raise Problem(400, "no-reason", "A camera that the public may see needs a public_reason.")
    values = wanted.model_dump(exclude={"login", "place"})
    place = None if wanted.place is None else Place(wanted.place.lat_deg, wanted.place.lon_deg)
    return RegisteredCamera(id=camera_id, place=place, user=wanted.login.user if wanted.login else None, **values)


def _read(body: bytes, suffix: str, finder: AreaFinder) -> RegisterList:
    with tempfile.TemporaryDirectory(prefix="sewu-import-") as folder:
        path = Path(folder) / f"list.{suffix}"
        path.write_bytes(body)
        return read_register(path, finder)


def _written(rows: tuple[RegisteredCamera, ...], suffix: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="sewu-export-") as folder:
        path = Path(folder) / f"cameras.{suffix}"
        write_register(rows, path)
        return path.read_bytes()
