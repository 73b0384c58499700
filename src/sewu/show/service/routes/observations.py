"""What the analytics measured: series, what is usual, exports."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query, Request, Response
from pydantic import BaseModel

from sewu.base.clock import iso_utc
from sewu.base.interfaces import Metric
from sewu.show.service.fields import ID_PATTERN
from sewu.show.service.guard import Asked, needs, section
from sewu.show.service.parts import Parts, parts_of
from sewu.show.service.problems import Problem, not_found
from sewu.show.service.typical import HOUR_S, WEEKS, Typical, typical_of
from sewu.store.query import How, Question, Series, series

router = section("observations")
MOST_BUCKETS = 20_000
WEEK_S = 7 * 86_400.0
Word = Annotated[str, Query(pattern=ID_PATTERN)]
Seconds = Annotated[float, Query(ge=0, le=1e11, allow_inf_nan=False, description="UTC seconds since 1970.")]
Bucket = Annotated[float, Query(ge=1, le=366 * 86_400, allow_inf_nan=False, description="Seconds.")]
CSV = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


class Answered(BaseModel):
    """A metric over time. A bucket that is missing was not looked at, which is not zero; `coverage` says how much of it was."""

    camera_id: str
    analytic: str
    metric: str
    unit: str | None
    starts_s: list[float]
    values: list[float]
    coverage: list[float]
    rows: list[int]


class Usual(BaseModel):
    """The newest value of the hour, and what is usual for it. Errors of measurement: see the analytic's page."""

    now: float | None
    now_coverage: float | None
    usual: Typical


@router.get("/metrics")
async def metrics(request: Request, _asked: Annotated[Asked, needs("observation.read", writes="nothing")]) -> dict[str, tuple[Metric, ...]]:
    """What each analytic measures."""
    return {name: tuple(found) for name, found in parts_of(request).metrics.items()}


@router.get("/series")
async def over_time(  # noqa: PLR0913 one parameter per part of the question
    request: Request,
    asked: Annotated[Asked, needs("observation.read")],
    camera_id: Word,
    analytic: Word,
    metric: Word,
    from_s: Seconds,
    to_s: Seconds,
    bucket_s: Bucket = 300.0,
    how: How = "mean",
    zone_id: Word | None = None,
) -> Answered:
    """A metric of one camera over time, in buckets."""
    question = Question(analytic, metric, bucket_s, how, camera_id, zone_id, from_s, to_s)
    found = await _asked(request, asked, question)
    return Answered(
        camera_id=camera_id,
        analytic=analytic,
        metric=metric,
        unit=found.unit,
        starts_s=found.starts_s.tolist(),
        values=found.values.tolist(),
        coverage=found.coverage.tolist(),
        rows=found.rows.tolist(),
    )


@router.get("/usual")
async def usual(  # noqa: PLR0913 one parameter per part of the question
    request: Request,
    asked: Annotated[Asked, needs("observation.read")],
    camera_id: Word,
    analytic: Word,
    metric: Word,
    at_s: Seconds,
    how: How = "mean",
    zone_id: Word | None = None,
) -> Usual:
    """What a metric is in this hour, and what is usual for it: quartiles over eight weeks, workdays and weekends apart."""
    question = Question(analytic, metric, HOUR_S, how, camera_id, zone_id, max(0.0, at_s - WEEKS * WEEK_S), at_s + 1)
    hours = await _asked(request, asked, question)
    zone = ZoneInfo(parts_of(request).home.settings.timezone)
    is_now = len(hours) > 0 and float(hours.starts_s[-1]) + HOUR_S > at_s
    now, coverage = (float(hours.values[-1]), float(hours.coverage[-1])) if is_now else (None, None)
    return Usual(now=now, now_coverage=coverage, usual=typical_of(hours, at_s, zone))


@router.get("/export", response_class=Response, responses=CSV)  # type: ignore[arg-type]
async def export(  # noqa: PLR0913 one parameter per part of the question
    request: Request,
    asked: Annotated[Asked, needs("export", purpose=True, writes="export")],
    camera_id: Word,
    analytic: Word,
    metric: Word,
    from_s: Seconds,
    to_s: Seconds,
    bucket_s: Bucket = 3600.0,
    how: How = "mean",
) -> Response:
    """The series as CSV, times in ISO 8601; what for must be said."""
    found = await _asked(request, asked, Question(analytic, metric, bucket_s, how, camera_id, None, from_s, to_s))
    head = ("camera_id", "start", "analytic", "metric", "value", "unit", "coverage", "rows")
    columns = (found.starts_s.tolist(), found.values.tolist(), found.coverage.tolist(), found.rows.tolist())
    rows = [
        (camera_id, iso_utc(start_s), analytic, metric, value, found.unit or "", coverage, count)
        for start_s, value, coverage, count in zip(*columns, strict=True)
    ]
    return csv_answer(head, rows, "observations.csv")


def csv_answer(head: Sequence[str], rows: Sequence[Sequence[object]], name: str) -> Response:
    """A CSV file to download. Text that a spreadsheet would take for a formula is marked as text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_harmless(value) for value in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


async def _asked(request: Request, asked: Asked, question: Question) -> Series:
    parts: Parts = parts_of(request)
    found = await parts.cameras.get(asked.scope, str(question.camera_id))
    if found is None:
        raise not_found("This camera")
    from_s, to_s = question.from_s or 0.0, question.to_s or 0.0
    if not 0 < (to_s - from_s) / question.bucket_s <= MOST_BUCKETS:
        raise Problem(400, "bad-span", f"The span ends after it begins, and has at most {MOST_BUCKETS} buckets.")
    asked.about(question.camera_id, found.camera.area_code)
    return await asyncio.to_thread(series, parts.home.observations_folder, question)
