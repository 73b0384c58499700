"""What people leave with incidents: comments, ticks, watching; snoozes of a kind; the note of a shift."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from sewu.base.incidents import Comment, Snooze
from sewu.base.words import Language, Words
from sewu.respond.escalation import Overdue
from sewu.respond.handover import HandOver, checklist, hand_over
from sewu.show.service.fields import AreaField, Body, Id, IdField, Moment, Text
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import Problem, not_found
from sewu.store.operations.tables import new_id

router = section("incidents")
desk = section("desk")
LONGEST_SHIFT_S, LONGEST_SNOOZE_S = 7 * 86_400.0, 7 * 86_400.0
At = Annotated[float, Query(ge=0, le=1e11, allow_inf_nan=False, description="UTC seconds since 1970.")]


class NewComment(Body):
    """What to write."""

    text: Annotated[Text, Field(min_length=1, max_length=4000)]


class Line(BaseModel):
    """One line of a checklist, and who ticked it."""

    key: str
    text: str
    done_by: str | None = None
    done_at_s: float | None = None


class NewSnooze(Body):
    """Keep a kind quiet at a camera, or anywhere in an area, until a time."""

    kind: IdField
    area_code: AreaField
    camera_id: IdField | None = None
    until_s: Moment
    reason: Annotated[Text, Field(min_length=1, max_length=2000)]


@router.get("/{incident_id}/comments")
async def comments(request: Request, incident_id: Id, asked: Annotated[Asked, needs("incident.read")]) -> tuple[Comment, ...]:
    """Comments in order."""
    await _visible(request, asked, incident_id)
    return await parts_of(request).notes.comments(asked.scope, incident_id)


@router.post("/{incident_id}/comments", status_code=201)
async def comment(request: Request, incident_id: Id, wanted: NewComment, asked: Annotated[Asked, needs("incident.act")]) -> Comment:
    """Write a comment."""
    parts = parts_of(request)
    return await parts.notes.comment(asked.scope, incident_id, asked.caller.id, wanted.text, parts.clock.now_s())


@router.get("/{incident_id}/checklist")
async def lines(request: Request, incident_id: Id, asked: Annotated[Asked, needs("incident.read")]) -> tuple[Line, ...]:
    """What to do about this kind of incident, in the reader's language, and what is done."""
    parts = parts_of(request)
    kind = await _visible(request, asked, incident_id)
    language: Language = "en" if asked.caller.user and asked.caller.user.language == "en" else "id"
    done = await parts.notes.ticks(asked.scope, incident_id)
    found = []
    for item in checklist(kind, Words(language)):
        who, when_s = done.get(item.key, (None, None))
        found.append(Line(key=item.key, text=item.text, done_by=who, done_at_s=when_s))
    return tuple(found)


@router.put("/{incident_id}/checklist/{key}", status_code=204)
async def tick(request: Request, incident_id: Id, key: Id, asked: Annotated[Asked, needs("incident.act")]) -> Response:
    """Note that an item is done."""
    parts = parts_of(request)
    kind = await _visible(request, asked, incident_id)
    if key not in {item.key for item in checklist(kind, Words("en"))}:
        raise not_found("This item")
    await parts.notes.tick(asked.scope, incident_id, key, asked.caller.id, parts.clock.now_s())
    return Response(status_code=204)


@router.put("/{incident_id}/watching", status_code=204)
async def watch(request: Request, incident_id: Id, asked: Annotated[Asked, needs("incident.act")]) -> Response:
    """Watch it: one's own list."""
    parts = parts_of(request)
    await parts.notes.watch(asked.scope, incident_id, asked.caller.id, parts.clock.now_s())
    return Response(status_code=204)


@router.delete("/{incident_id}/watching", status_code=204)
async def unwatch(request: Request, incident_id: Id, asked: Annotated[Asked, needs("incident.act")]) -> Response:
    """Watch it no more."""
    parts = parts_of(request)
    await parts.notes.watch(asked.scope, incident_id, asked.caller.id, parts.clock.now_s(), wanted=False)
    return Response(status_code=204)


@desk.get("/late")
async def late(request: Request, asked: Annotated[Asked, needs("incident.read")]) -> tuple[Overdue, ...]:
    """What nobody acknowledged or resolved in time."""
    parts = parts_of(request)
    return await parts.escalation.list(asked.scope, parts.clock.now_s())


@desk.get("/shift")
async def shift(request: Request, asked: Annotated[Asked, needs("incident.act")], from_s: At, until_s: At) -> HandOver:
    """The note that a shift leaves to the next, with the alarm load per operator."""
    if not 0 < until_s - from_s <= LONGEST_SHIFT_S:
        raise Problem(400, "bad-span", "A shift ends after it begins, and within a week.")
    return await hand_over(parts_of(request).incidents, asked.scope, from_s, until_s)


@desk.get("/snoozes")
async def snoozes(request: Request, asked: Annotated[Asked, needs("incident.read")]) -> tuple[Snooze, ...]:
    """Kinds that are kept quiet now."""
    parts = parts_of(request)
    return await parts.notes.snoozes(asked.scope, parts.clock.now_s())


@desk.post("/snoozes", status_code=201)
async def snooze(request: Request, wanted: NewSnooze, asked: Annotated[Asked, needs("incident.act")]) -> Snooze:
    """Keep a kind quiet for at most a week: events are kept, nobody is called."""
    parts = parts_of(request)
    now_s = parts.clock.now_s()
    if not now_s < wanted.until_s <= now_s + LONGEST_SNOOZE_S:
        raise Problem(400, "bad-span", "A snooze ends within seven days from now.")
    row = Snooze(new_id("snz", now_s), wanted.kind, wanted.area_code, wanted.until_s, asked.caller.id, wanted.reason, wanted.camera_id)
    asked.about(row.id, wanted.area_code, kind=wanted.kind)
    return await parts.notes.snooze(asked.scope, row)


@desk.delete("/snoozes/{snooze_id}", status_code=204)
async def wake(request: Request, snooze_id: Id, asked: Annotated[Asked, needs("incident.act")]) -> Response:
    """End a snooze now."""
    await parts_of(request).notes.wake(asked.scope, snooze_id)
    return Response(status_code=204)


async def _visible(request: Request, asked: Asked, incident_id: str) -> str:
    """The incident's kind."""
    found = await parts_of(request).incidents.get(asked.scope, incident_id)
    if found is None:
        raise not_found("This incident")
    asked.about(incident_id, found.area_code, kind=found.kind)
    return found.kind
