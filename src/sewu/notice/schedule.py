"""When a rule is on: weekdays and hours on the wall clock of the place."""

from __future__ import annotations

import difflib
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, StringConstraints, field_validator

from sewu.base.settings import Settings

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Span = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
DAY_MINUTES = 24 * 60


class Schedule(Settings):
    """The hours in which a rule is on.

    A span that ends before it begins goes over midnight, and belongs to the day on which it begins: "22:00-05:00" on
    "fri" is on until Saturday, 05:00.
    """

    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS
    """Days on which a span may begin."""
    hours: Annotated[tuple[Span, ...], Field(min_length=1, max_length=24)] = ("00:00-24:00",)
    """Spans "HH:MM-HH:MM", the end not included."""
    tz: str = "Asia/Jakarta"
    """Time zone of the hours (IANA name)."""

    @field_validator("tz")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            near = difflib.get_close_matches(name, available_timezones(), 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"unknown time zone {name!r}{hint}") from None
        return name

    @field_validator("hours")
    @classmethod
    def _not_empty(cls, hours: tuple[str, ...]) -> tuple[str, ...]:
        for span in hours:
            start, end = span.split("-")
            if start == end:
                raise ValueError(f"the span {span!r} is empty; for the whole day write '00:00-24:00'")
        return hours

    def is_on(self, at_s: float) -> bool:
        """Whether the rule is on at `at_s` (UTC seconds)."""
        local = datetime.fromtimestamp(at_s, _zone(self.tz))
        minute = local.hour * 60 + local.minute
        today, yesterday = WEEKDAYS[local.weekday()], WEEKDAYS[local.weekday() - 1]
        for span in self.hours:
            start, end = (_minutes(text) for text in span.split("-"))
            if start < end:
                if today in self.weekdays and start <= minute < end:
                    return True
            elif (today in self.weekdays and minute >= start) or (yesterday in self.weekdays and minute < end):
                return True
        return False


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
