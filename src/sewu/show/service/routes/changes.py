"""Server-sent events: what changed, within the listener's rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header, Request, Response
from starlette.responses import StreamingResponse

from sewu.base.errors import SewuError
from sewu.show.service.feed import Rights, rights_of
from sewu.show.service.guard import Asked, identify, needs, section
from sewu.show.service.parts import Parts, parts_of
from sewu.show.service.problems import Problem

router = section("changes")
HEARTBEAT_S = 15.0
MOST_LISTENERS = 2000
DESCRIBED = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}


@router.get("", response_class=Response, responses=DESCRIBED)  # type: ignore[arg-type]
async def changes(
    request: Request,
    asked: Annotated[Asked, needs("self", writes="view")],
    last_event_id: Annotated[str | None, Header(description="Number of the last change that was seen; all since are told.")] = None,
) -> Response:
    """Listen. Event "changes": a list of {topic, id, area_code, at_s}, of each thing once; event "reset": read everything again."""
    parts = parts_of(request)
    rights = rights_of(asked.caller)
    if not rights:
        raise Problem(403, "not-allowed", "None of your rights lets you hear of changes.")
    if len(parts.feed) >= MOST_LISTENERS:
        raise Problem(503, "too-many-listeners", "Too many screens listen; try again later.", {"Retry-After": "10"})
    after = (
        int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 18 else None
    )
    stream = _stream(request, parts, rights, after)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"})


async def _stream(request: Request, parts: Parts, rights: Rights, after: int | None) -> AsyncIterator[bytes]:
    listener = parts.feed.listen(rights)
    try:
        yield b"retry: 2000\n\n"
        if after is None or after > listener.position:
            yield f"id: {listener.position}\n\n".encode()
        else:
            texts, complete = await parts.feed.past(rights, after, listener.position)
            if not complete:
                yield b"event: reset\ndata: []\n\n"
            for text in texts:
                yield text
        checked_s = parts.clock.steady_s()
        while True:
            try:
                text_or_end = await asyncio.wait_for(listener.next(), HEARTBEAT_S)
            except TimeoutError:
                text_or_end = b": alive\n\n"
            if text_or_end is None:
                return
            if parts.clock.steady_s() - checked_s >= HEARTBEAT_S:
                checked_s = parts.clock.steady_s()
                if not await _still(request, parts, rights):
                    return
            yield text_or_end
    finally:
        parts.feed.leave(listener)


async def _still(request: Request, parts: Parts, rights: Rights) -> bool:
    """Whether the listener may still hear the same; otherwise it must ask again."""
    try:
        caller = await identify(request, parts)
    except (Problem, SewuError):
        return False
    return caller is not None and rights_of(caller) == rights
