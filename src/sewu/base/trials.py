"""What rules would have done with what was observed: the question, its bounds, the answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class TrialSpan:
    """Which observations to try on: of a time (UTC seconds, the end not included) and of some cameras; all when None."""

    from_s: float | None = None
    to_s: float | None = None
    camera_ids: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class TrialBounds:
    """How much a trial may take; it is refused when that is not enough, since part of an answer would mislead."""

    most_rows: int
    longest_s: float


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """What one rule would have done.

    Args:
        events: how often its condition would have begun. incidents: how many incidents these make when those of one camera
            and zone join as at the desk; cameras near each other, which may join too, are counted apart: never too few.
        by_day: incidents begun on each day of the city's calendar ("2026-11-24"); days without any are not in it.
    """

    rule_id: str
    events: int
    incidents: int
    by_day: dict[str, int]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a set of rules would have done with what was observed from `from_s` to `to_s`, by `cameras` cameras."""

    rules: tuple[RuleTrial, ...]
    observations: int
    cameras: int
    from_s: float | None
    to_s: float | None

    def per_day(self, rule: RuleTrial) -> float | None:
        """Incidents a day; None when less than a day was observed, since nights are not days."""
        if self.from_s is None or self.to_s is None or self.to_s - self.from_s < DAY_S:
            return None
        return rule.incidents / ((self.to_s - self.from_s) / DAY_S)
