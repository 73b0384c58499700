"""What a camera shows now: a still with its masks burnt in, and live video out of the worker's ring, not encoded again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import Request, Response, WebSocket, WebSocketDisconnect

from sewu.base.register import ListedCamera
from sewu.show.mask import burn_masks
from sewu.show.service.fields import Id
from sewu.show.service.guard import SOCKETS, Asked, admit, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import Problem, not_found
from sewu.store.operations.audit import Deed
from sewu.workers.viewing import Viewer

router = section("cameras")
JPEG = {200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}}
CLOSED_BY_POLICY, CLOSED_AGAIN_LATER = 1008, 1013
WHY = {
    "unwatched": "No worker watches this camera yet.",
    "down": "The camera is down.",
    "no-picture": "No worker has a picture of this camera now.",
}
ALIVE_S = 10.0
"""A viewer is told that the line is alive at least so often: no picture for longer means a dead line."""


@router.get("/{camera_id}/still", response_class=Response, responses=JPEG)  # type: ignore[arg-type]
async def still(request: Request, camera_id: Id, asked: Annotated[Asked, needs("camera.still")]) -> Response:
    """The newest picture; privacy masks are burnt in."""
    parts = parts_of(request)
    found = await parts.cameras.get(asked.scope, camera_id)
    if found is None:
        raise not_found("This camera")
    asked.about(camera_id, found.camera.area_code)
    picture = await parts.viewing.still(camera_id)
    if picture is None:
        raise Problem(404, "no-picture", WHY[_why(found)])
    if found.camera.masks:
        picture = await asyncio.to_thread(burn_masks, picture, found.camera.masks)
    return Response(picture, media_type="image/jpeg", headers={"cache-control": "private, no-store"})


@router.websocket("/{camera_id}/live")
async def live(socket: WebSocket, camera_id: str) -> None:
    """Live video as fragmented MP4. Text messages: {"mime": ...} before each opening segment, {"end": why}; binary: segments.

    A paired screen gets no live video of a camera that has masks, because they cannot be burnt in without encoding again; a person
    in front of the screen sees them drawn over it, by a script that a resident could take away.
    """
    parts = parts_of(socket)
    try:
        asked = await admit(socket, SOCKETS[f"{router.prefix}/{{camera_id}}/live"])
        found = await parts.cameras.get(asked.scope, camera_id)
        if found is None:
            raise not_found("This camera")
        if found.camera.masks and asked.caller.kiosk is not None:
            raise Problem(403, "masked", "This camera has masks: only stills are shown here.")
    except Problem as problem:
        await socket.close(CLOSED_BY_POLICY, problem.detail[:100])
        return
    area = found.camera.area_code
    deed = Deed(parts.clock.now_s(), asked.caller.id, "camera.live", "done", camera_id, asked.caller.purpose, area)
    await parts.diary.now(deed)
    await socket.accept()
    async with parts.viewing.watch(camera_id) as viewer:
        sending = asyncio.create_task(_send(socket, viewer, _why(found)))
        leaving = asyncio.create_task(_left(socket))
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


async def _send(socket: WebSocket, viewer: Viewer, why: str) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            try:
                message = await asyncio.wait_for(viewer.queue.get(), ALIVE_S)
            except TimeoutError:
                await socket.send_json({"alive": True})
                continue
            if message is None or message[0] == b"e":
                await socket.send_json({"end": WHY[why], "kind": why})
                await socket.close(CLOSED_AGAIN_LATER)
                return
            kind, body = message
            if kind == b"m":
                await socket.send_json({"mime": body.decode()})
            else:
                await socket.send_bytes(body)


async def _left(socket: WebSocket) -> None:
    """Until the viewer goes; whatever it says is not listened to."""
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()


def _why(found: ListedCamera) -> str:
    """Why there is no picture, as far as it is known: a word that screens put into the reader's language."""
    if found.state is None:
        return "unwatched"
    return "down" if found.condition == "down" else "no-picture"
