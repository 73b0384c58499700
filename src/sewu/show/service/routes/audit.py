"""Who looked at, searched, exported or changed what."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

from fastapi import Query, Request, Response
from starlette.responses import StreamingResponse

from sewu.base.paging import Page, cursor_key, cursor_of
from sewu.show.service.fields import ID_PATTERN, Cursor, Limit, Seconds
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import parts_of
from sewu.show.service.problems import Problem
from sewu.store.operations.audit import Audit, AuditFilter, AuditRow, Verdict

router = section("audit")
Word = Annotated[str | None, Query(pattern=ID_PATTERN)]
LINES = {200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}}


@router.get("")
async def rows(  # noqa: PLR0913 one parameter per filter
    request: Request,
    asked: Annotated[Asked, needs("audit.read")],
    actor: Word = None,
    action: Word = None,
    subject: Word = None,
    from_s: Seconds = None,
    to_s: Seconds = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[AuditRow]:
    """The audit, newest first, within the auditor's area."""
    before = None if cursor is None else int(float(cursor_key(cursor, (float,))[0]))
    chosen = AuditFilter(actor, action, subject, from_s, to_s)
    found = await parts_of(request).diary.audit.page(chosen, asked.scope, before, limit + 1)
    more = len(found) > limit
    return Page(tuple(found[:limit]), cursor_of((float(found[limit - 1].sequence),)) if more else None)


@router.get("/verification")
async def verify(request: Request, asked: Annotated[Asked, needs("audit.read")]) -> Verdict:
    """Recompute the whole chain; says where it is broken, and its head, which is worth keeping elsewhere."""
    _whole_city(asked)
    diary = parts_of(request).diary
    await diary.flush()
    return await diary.audit.verify()


@router.get("/export", response_class=Response, responses=LINES)  # type: ignore[arg-type]
async def export(request: Request, asked: Annotated[Asked, needs("audit.read", purpose=True, writes="export")]) -> Response:
    """Every row with its hash, as JSON Lines, oldest first; can be verified without the service."""
    _whole_city(asked)
    diary = parts_of(request).diary
    await diary.flush()
    return StreamingResponse(_lines(diary.audit), media_type="application/x-ndjson")


async def _lines(audit: Audit) -> AsyncIterator[bytes]:
    last = 0
    while found := await audit.after(last):
        for row, _ in found:
            last = row["sequence"]
        yield "".join(json.dumps(row | {"hash": hash_}, sort_keys=True) + "\n" for row, hash_ in found).encode()


def _whole_city(asked: Asked) -> None:
    if not any(area.count(".") <= 1 for area in asked.scope.areas):
        raise Problem(403, "not-allowed", "This takes an auditor of the whole city.", right="audit.read", scope=asdict(asked.scope))
