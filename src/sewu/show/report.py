"""One self-contained page about one source: what was counted, what happened, how far it can be trusted.

No script is needed to read it, nothing is fetched; both languages are inside and a radio button chooses. Stills
come in with heads made unrecognisable.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sewu import __version__
from sewu.base.records import Severity
from sewu.base.words import LANGUAGES, Words
from sewu.show.chart import Chart, chart_of

WIB = timezone(timedelta(hours=7), "WIB")
"""Western Indonesian time has no summer time."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the summary: a key of the texts ("report.figure.<key>"), its value as text."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Series:
    """A quantity over time. `label_key` is a key of the texts; points: (seconds since the start, value)."""

    label_key: str
    unit: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event as it is shown."""

    kind: str
    severity: Severity
    started_at_s: float
    ended_at_s: float | None
    zone: str | None
    peak: float
    unit: str
    still_jpeg: bytes | None = None
    clip: str | None = None
    to_the_end: bool = False
    """It was still going on when the source ended."""


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything the page says.

    `picked` is the share of the source's time in which it was looked at. `analytics` are those that ran: each has a
    title and an error statement in the texts. `faults` are what was wrong with the source.
    """

    source: str
    camera_id: str
    started_at_s: float
    duration_s: float
    looks: int
    model: str
    model_is_motion: bool
    picked: float
    figures: tuple[Figure, ...]
    series: tuple[Series, ...]
    events: tuple[EventRow, ...]
    analytics: tuple[str, ...]
    pictures: Mapping[str, bytes]
    suspended_share: float = 0.0
    faults: tuple[str, ...] = ()
    stopped: bool = False


def render_report(data: ReportData) -> str:
    """The page as HTML."""
    words = {language: Words(language) for language in LANGUAGES}
    charts: list[tuple[Series, Chart]] = [(series, chart_of(series.points, data.duration_s)) for series in data.series]
    page: str = _template().render(
        data=data,
        charts=charts,
        words=words,
        languages=LANGUAGES,
        version=__version__,
        kinds=sorted({event.kind for event in data.events}),
        started=_clock(data.started_at_s),
        ended=_until(data.started_at_s + data.duration_s, data.started_at_s),
    )
    return page


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("sewu.show"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"clock": _clock, "until": _until, "span": _span, "jpeg": _data_uri}
    environment.filters |= {"number": _number, "kind": _kind, "amount": _amount}
    return environment.get_template("report.html.j2")


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, WIB).strftime("%d/%m/%Y %H:%M:%S")


def _until(ended_at_s: float, started_at_s: float) -> str:
    """The end of a span; its date only when it is another day."""
    started, ended = _clock(started_at_s), _clock(ended_at_s)
    return ended.partition(" ")[2] if ended[:10] == started[:10] else ended


def _span(duration_s: float) -> str:
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _data_uri(picture: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode("ascii")


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.2g}"


def _amount(event: EventRow, words: Words) -> str | None:
    """The peak of an event with its unit as people say it; None for a flag, whose peak says nothing."""
    if event.unit == "1":
        return None if event.kind.startswith(("camera_", "frame_rate")) else f"{100 * event.peak:.0f} %"
    if event.unit == "s":
        return _span(event.peak)
    key = f"unit.{event.unit}"
    number = _number(event.peak).replace(".", "," if words.language == "id" else ".")
    return f"{number} {words(key) if words.has(key) else event.unit}"


def _kind(kind: str, words: Words) -> str:
    key = f"event.{kind}"
    return words(key) if words.has(key) else kind.replace("_", " ")
