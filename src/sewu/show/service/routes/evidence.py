"""Evidence: what is kept of an incident, who asked for it, who allowed it, the signed package."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Query, Request, Response
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from sewu.base.evidence import Custody, EvidenceItem, EvidenceKind, EvidenceRequest, RequestState
from sewu.base.rights import Purpose
from sewu.respond.evidence import EvidenceRoom, Found
from sewu.show.service.fields import ID_PATTERN, Body, Id, IdField, Moment, Text
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import Problem, not_found
from sewu.store.operations.audit import Deed
from sewu.store.operations.tables import new_id

router = section("evidence")
incidents = section("incidents")
Reason = Annotated[Text, Field(min_length=1, max_length=2000)]
Media = Literal["video/mp4", "image/jpeg", "image/png", "text/csv", "application/json"]
FILES = {200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
At = Annotated[float, Query(ge=0, le=1e11, allow_inf_nan=False)]
STARTS: dict[str, tuple[bytes, ...]] = {"image/jpeg": (b"\xff\xd8\xff",), "image/png": (b"\x89PNG\r\n\x1a\n",)}


class NewRequest(Body):
    """Which items, what for, and why."""

    incident_id: IdField
    item_ids: Annotated[list[IdField], Field(min_length=1, max_length=200)]
    purpose: Purpose
    reason: Reason


class Decision(Body):
    """Yes or no; a no needs a reason."""

    approve: bool
    reason: Text | None = None


class Lock(Body):
    """Until when it may not be deleted (null: no longer), and why."""

    until_s: Moment | None
    reason: Reason


@incidents.get("/{incident_id}/evidence")
async def items(request: Request, incident_id: Id, asked: Annotated[Asked, needs("evidence.read")]) -> tuple[EvidenceItem, ...]:
    """What is kept of an incident."""
    await _visible(request, asked, incident_id)
    return await _room(request).kept.items(asked.scope, incident_id)


@incidents.get("/{incident_id}/custody")
async def chain(request: Request, incident_id: Id, asked: Annotated[Asked, needs("evidence.read")]) -> tuple[Custody, ...]:
    """All that was done with it, in order."""
    await _visible(request, asked, incident_id)
    return await _room(request).kept.chain(asked.scope, incident_id)


@incidents.post("/{incident_id}/evidence", status_code=201)
async def keep(  # noqa: PLR0913 one parameter per part of the request
    request: Request,
    incident_id: Id,
    asked: Annotated[Asked, needs("evidence.request")],
    kind: EvidenceKind,
    media_type: Media,
    from_s: At,
    until_s: At,
    camera_id: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
) -> EvidenceItem:
    """Keep a file (the body, at most 64 MiB)."""
    parts, body = parts_of(request), await request.body()
    if not body or not from_s <= until_s or not any(body.startswith(start) for start in STARTS.get(media_type, (b"",))):
        raise Problem(400, "no-evidence", "The body is empty or no such file, or the times are the wrong way round.")
    found = Found(incident_id, kind, media_type, from_s, until_s, camera_id)
    with tempfile.TemporaryDirectory(prefix="sewu-evidence-") as folder:
        source = Path(folder) / "file"
        await asyncio.to_thread(source.write_bytes, body)
        return await _room(request).keep(asked.scope, found, source, asked.caller.id, parts.clock.now_s())


@incidents.put("/{incident_id}/evidence/{item_id}/lock", status_code=204)
async def lock(
    request: Request, incident_id: Id, item_id: Id, wanted: Lock, asked: Annotated[Asked, needs("evidence.request")]
) -> Response:
    """Keep it from deletion until a time."""
    room, now_s = _room(request), parts_of(request).clock.now_s()
    item = next((row for row in await room.kept.items(asked.scope, incident_id) if row.id == item_id), None)
    if item is None:
        raise not_found("This evidence")
    await room.lock(asked.scope, item, wanted.until_s, Custody(now_s, asked.caller.id, "", incident_id, details={"reason": wanted.reason}))
    return Response(status_code=204)


@router.get("/requests")
async def requests(
    request: Request,
    asked: Annotated[Asked, needs("evidence.read")],
    state: Annotated[list[RequestState], Query(max_length=4)] = [],  # noqa: B006
) -> tuple[EvidenceRequest, ...]:
    """Requests, newest first, at most 200."""
    return await _room(request).kept.requests(asked.scope, state)


@router.post("/requests", status_code=201)
async def ask(request: Request, wanted: NewRequest, asked: Annotated[Asked, needs("evidence.request")]) -> EvidenceRequest:
    """Ask for evidence."""
    now_s = parts_of(request).clock.now_s()
    names = (wanted.incident_id, tuple(dict.fromkeys(wanted.item_ids)), asked.caller.id, wanted.purpose, wanted.reason)
    made = EvidenceRequest(new_id("req", now_s), *names, now_s)
    asked.about(made.id, None, incident=wanted.incident_id, purpose=wanted.purpose)
    return await _room(request).request(asked.scope, made)


@router.post("/requests/{request_id}/decision")
async def decide(request: Request, request_id: Id, wanted: Decision, asked: Annotated[Asked, needs("evidence.approve")]) -> EvidenceRequest:
    """Approve or refuse; never one's own."""
    note = Custody(parts_of(request).clock.now_s(), asked.caller.id, "", "", details={"reason": wanted.reason or ""})
    asked.detail["approve"] = wanted.approve
    return await _room(request).decide(asked.scope, request_id, note, wanted.approve)


@router.post("/requests/{request_id}/package", response_class=Response, responses=FILES)  # type: ignore[arg-type]
async def package(
    request: Request, request_id: Id, asked: Annotated[Asked, needs("evidence.export", purpose=True, writes="export")]
) -> Response:
    """The signed package of an approved request, masks burnt in; check it offline with `sewu evidence verify`."""
    parts = parts_of(request)
    now_s = parts.clock.now_s()
    deed = Deed(now_s, asked.caller.id, "evidence.export", "asked", request_id, asked.caller.purpose, request_id=request.state.request_id)
    head = await parts.diary.audit.write([deed])
    note = Custody(now_s, asked.caller.id, "", "", details={"audit": [head.sequence] if head else []})
    target = parts.home.evidence_folder / "packages" / f"{new_id('pkg', now_s)}.zip"
    await _room(request).export(asked.scope, request_id, note, target)
    return FileResponse(
        target, media_type="application/zip", filename=f"{request_id}.zip", background=BackgroundTask(target.unlink, missing_ok=True)
    )


def _room(request: Request) -> EvidenceRoom:
    room = parts_of(request).room
    if room is None:
        raise Problem(501, "unavailable", "This service has no signing key for evidence; run `sewu init`, or restore it.")
    return room


async def _visible(request: Request, asked: Asked, incident_id: str) -> None:
    found = await parts_of(request).incidents.get(asked.scope, incident_id)
    if found is None:
        raise not_found("This incident")
    asked.about(incident_id, found.area_code)
