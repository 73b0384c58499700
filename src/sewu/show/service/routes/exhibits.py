"""The still and the clip that the watch took of an event, at once: before anything is kept as evidence, and whether or not it is."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Request, Response
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from sewu.base.evidence import EvidenceItem
from sewu.base.records import Event
from sewu.show.mask import burn_masks
from sewu.show.service.fields import Id
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import Parts, parts_of
from sewu.show.service.problems import Problem, not_found
from sewu.workers.exhibits import exhibit_name

router = section("incidents")
JPEG = {200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}}
MP4 = {200: {"content": {"video/mp4": {"schema": {"type": "string", "format": "binary"}}}}}


@router.get("/{incident_id}/events/{event_id}/still", response_class=Response, responses=JPEG)  # type: ignore[arg-type]
async def still(request: Request, incident_id: Id, event_id: Id, asked: Annotated[Asked, needs("camera.still")]) -> Response:
    """What the camera saw as the event began; privacy masks are burnt in."""
    event, path = await _found(request, asked, incident_id, event_id, "still")
    camera = await parts_of(request).cameras.get(asked.scope, event.camera_id)
    if camera is None:
        raise not_found("This camera")
    picture = await asyncio.to_thread(path.read_bytes)
    if camera.camera.masks:
        picture = await asyncio.to_thread(burn_masks, picture, camera.camera.masks)
    return Response(picture, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})


@router.get("/{incident_id}/events/{event_id}/clip", response_class=Response, responses=MP4)  # type: ignore[arg-type]
async def clip(request: Request, incident_id: Id, event_id: Id, asked: Annotated[Asked, needs("camera.still")]) -> Response:
    """The seconds before and after the event was noticed, as far as they are written; privacy masks are burnt in."""
    event, path = await _found(request, asked, incident_id, event_id, "clip")
    parts = parts_of(request)
    camera = await parts.cameras.get(asked.scope, event.camera_id)
    if camera is None:
        raise not_found("This camera")
    headers = {"cache-control": "private, max-age=15"}
    if not camera.camera.masks:
        return FileResponse(path, media_type="video/mp4", headers=headers)
    target = await _masked(parts, incident_id, event, path)
    done = BackgroundTask(target.unlink, missing_ok=True)
    return FileResponse(target, media_type="video/mp4", headers=headers, background=done)


async def _found(request: Request, asked: Asked, incident_id: str, event_id: str, kind: Literal["still", "clip"]) -> tuple[Event, Path]:
    parts = parts_of(request)
    event = await parts.incidents.event(asked.scope, incident_id, event_id)
    if event is None:
        raise not_found("This event")
    asked.about(incident_id, None, event=event_id, kind=kind)
    folder = parts.home.observations_folder.resolve()
    path = (folder / exhibit_name(event, kind)).resolve()
    if not path.is_relative_to(folder) or not await asyncio.to_thread(path.is_file):
        raise Problem(404, "no-picture", f"The watch has no {kind} of this event: it took none, or its time to be kept is over.")
    return event, path


async def _masked(parts: Parts, incident_id: str, event: Event, path: Path) -> Path:
    if parts.room is None:
        raise Problem(501, "unavailable", "This service cannot burn masks into clips; run `sewu init`, or restore its signing key.")
    with tempfile.NamedTemporaryFile(suffix=".mp4", delete=False) as file:
        target = Path(file.name)
    item = EvidenceItem(event.id, incident_id, "clip", "", 0, "video/mp4", event.started_at_s, event.at_s, 0.0, event.camera_id)
    try:
        async with parts.masking:
            return await parts.room.shown(item, path, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
