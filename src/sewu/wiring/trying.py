"""`sewu rules dry-run`: what a rule would have opened, had it been there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from sewu.base.errors import BadInput
from sewu.base.records import Event, Observation
from sewu.notice import Notice, RuleSet
from sewu.respond.policy import DAY_S, DeskSettings
from sewu.store.replay import replay


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


@dataclass(frozen=True, slots=True)
class TrialSpan:
    """Which observations to try on: of a time (UTC seconds, the end not included) and of some cameras; all when None."""

    from_s: float | None = None
    to_s: float | None = None
    camera_ids: Collection[str] | None = None


def dry_run(folder: Path, rules: RuleSet, timezone: str, span: TrialSpan | None = None, desk: DeskSettings | None = None) -> Trial:
    """Run rules over the observations stored in `folder`.

    Raises:
        BadInput: there is no store, or a file of it is damaged.
    """
    if not (folder / "observations").is_dir():
        raise BadInput(f"{folder} holds no observations.", "Name the folder that the watch engine writes to.")
    wanted = span or TrialSpan()
    desk = desk or DeskSettings()
    seen = replay(folder, rules.by_metric, wanted.from_s, wanted.to_s, wanted.camera_ids)
    begun: dict[str, list[Event]] = {rule.id: [] for rule in rules.rules}
    incidents: dict[str, list[float]] = {rule.id: [] for rule in rules.rules}
    count, cameras, first_s, last_s = 0, 0, None, None
    for _, rows in groupby(seen, key=lambda observation: observation.camera_id):
        cameras += 1
        whole = list(rows)
        count += len(whole)
        first_s = whole[0].at_s if first_s is None else min(first_s, whole[0].at_s)
        last_s = whole[-1].at_s if last_s is None else max(last_s, whole[-1].at_s)
        events = list(_events(rules, whole))
        for rule in rules.rules:
            own = [event for event in events if event.rule_id == rule.id]
            begun[rule.id] += [event for event in own if event.phase == "start"]
            incidents[rule.id] += _joined(own, desk.policy(rule.kind).window_s)
    zone = ZoneInfo(timezone)
    found = tuple(
        RuleTrial(rule.id, len(begun[rule.id]), len(incidents[rule.id]), _by_day(incidents[rule.id], zone)) for rule in rules.rules
    )
    return Trial(found, count, cameras, first_s, last_s)


def _events(rules: RuleSet, rows: list[Observation]) -> Iterator[Event]:
    """The events of one camera, as the watch engine would have made them."""
    notice = Notice(rules)
    for at_s, some in groupby(rows, key=lambda observation: observation.at_s):
        yield from notice.update(some, at_s)
    yield from notice.flush(rows[-1].at_s)


def _joined(events: Iterable[Event], window_s: float) -> list[float]:
    """When the incidents of one camera and rule begin: an event joins those of its zone that ended less than `window_s` ago."""
    last_s: dict[str | None, float] = {}
    begins: list[float] = []
    for event in sorted(events, key=lambda one: one.at_s):
        if event.phase == "start" and (event.zone_id not in last_s or event.started_at_s - last_s[event.zone_id] > window_s):
            begins.append(event.started_at_s)
        last_s[event.zone_id] = max(event.ended_at_s or event.at_s, last_s.get(event.zone_id, event.at_s))
    return begins


def _by_day(times_s: Iterable[float], zone: ZoneInfo) -> dict[str, int]:
    days: dict[str, int] = {}
    for at_s in sorted(times_s):
        day = datetime.fromtimestamp(at_s, zone).date().isoformat()
        days[day] = days.get(day, 0) + 1
    return days
