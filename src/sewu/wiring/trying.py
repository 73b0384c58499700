"""`sewu rules dry-run` and the service's trials: what a rule would have opened, had it been there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from sewu.base.clock import Clock
from sewu.base.errors import BadInput, Conflict
from sewu.base.records import Event, Observation
from sewu.base.trials import RuleTrial, Trial, TrialBounds, TrialSpan
from sewu.notice import Notice, RuleSet
from sewu.respond.policy import DeskSettings
from sewu.store.replay import replay

NARROWER = "Name one camera, a smaller area or fewer days."


class Trials:
    """Dry runs for the service, one at a time, in a thread and within bounds.

    Args:
        folder: what the watch engine writes to.
    """

    def __init__(self, folder: Path, timezone: str, clock: Clock, bounds: TrialBounds) -> None:
        self._folder, self._timezone, self._clock, self._bounds = folder, timezone, clock, bounds
        self._busy = asyncio.Lock()

    async def __call__(self, rules: RuleSet, span: TrialSpan) -> Trial:
        """Try rules on what was observed; nothing was when there is no store yet.

        Raises:
            Conflict: another trial is under way. BadInput: the bounds are not enough, or a file is damaged.
        """
        if self._busy.locked():
            raise Conflict("Another rule is being tried.", "Try again in some seconds.")
        async with self._busy:
            if not (self._folder / "observations").is_dir():
                return Trial(tuple(RuleTrial(rule.id, 0, 0, {}) for rule in rules.rules), 0, 0, None, None)
            return await asyncio.to_thread(self._try, rules, span)

    def _try(self, rules: RuleSet, span: TrialSpan) -> Trial:
        until_s = self._clock.steady_s() + self._bounds.longest_s
        seen = replay(self._folder, rules.by_metric, span.from_s, span.to_s, span.camera_ids, self._bounds.longest_s)
        return trial_on(self._bounded(seen, until_s), rules, self._timezone, DeskSettings())

    def _bounded(self, seen: Iterable[Observation], until_s: float) -> Iterator[Observation]:
        for number, observation in enumerate(seen):
            if number >= self._bounds.most_rows:
                raise BadInput(f"There are more than {self._bounds.most_rows:,} observations to try on.", NARROWER)
            if number % 1000 == 0 and self._clock.steady_s() > until_s:
                raise BadInput(f"Trying this took longer than {self._bounds.longest_s:g} s.", NARROWER)
            yield observation


def dry_run(folder: Path, rules: RuleSet, timezone: str, span: TrialSpan | None = None, desk: DeskSettings | None = None) -> Trial:
    """Run rules over the observations stored in `folder`.

    Raises:
        BadInput: there is no store, or a file of it is damaged.
    """
    if not (folder / "observations").is_dir():
        raise BadInput(f"{folder} holds no observations.", "Name the folder that the watch engine writes to.")
    wanted = span or TrialSpan()
    seen = replay(folder, rules.by_metric, wanted.from_s, wanted.to_s, wanted.camera_ids)
    return trial_on(seen, rules, timezone, desk or DeskSettings())


def trial_on(seen: Iterable[Observation], rules: RuleSet, timezone: str, desk: DeskSettings) -> Trial:
    """Run rules over observations, which come camera by camera, each in order of time."""
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
