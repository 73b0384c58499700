"""Rules as data: what, where, for how long, when, how grave."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from sewu.base.errors import BadSettings
from sewu.base.interfaces import Metric
from sewu.base.records import Observation, Severity
from sewu.base.settings import Settings, read_document, validate
from sewu.notice.schedule import Schedule

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(ge=0, le=366 * 86400)]

Metrics = Mapping[str, Iterable[Metric]]
"""What each analytic emits: its registry name -> its declared metrics."""


class Rule(Settings):
    """One condition on one metric that makes an event."""

    id: Slug
    """Name of the rule; unique."""
    kind: Slug
    """Kind of event it makes, for example "illegal_parking"; decides wording and who is told."""
    analytic: Text
    """Analytic whose observations it reads, for example "parking"."""
    metric: Text
    """Metric of that analytic, for example "stationary_s"."""
    zones: tuple[Text, ...] = ()
    """Zone or line ids it watches; empty for any, the whole view included."""
    labels: Mapping[Text, Text] = Field(default_factory=dict)
    """Labels an observation must carry, for example { class = "car" }."""
    above: float | None = None
    """The condition begins when the value is greater than this."""
    below: float | None = None
    """The condition begins when the value is less than this. Give above or below."""
    clear: float | None = None
    """Once begun, the condition holds until the value is back at this or beyond it (hysteresis); the threshold itself when left out."""
    for_s: Seconds = 0.0
    """How long the condition must hold before an event starts."""
    clear_for_s: Seconds = 0.0
    """How long the value must stay cleared before the event ends; a shorter dip is ignored."""
    gap_s: Seconds = 60.0
    """How long observations may be missing before the event ends; longer than the time between two looks."""
    cool_down_s: Seconds = 0.0
    """After an event, no new one of the same camera, zone and subject starts for this long."""
    schedule: Schedule | None = None
    """When the rule is on; always when left out."""
    severity: Severity = "medium"
    """How grave it is."""
    agency: Text | None = None
    """Who is to be told, for example "dishub"."""
    update_every_s: Annotated[float, Field(gt=0, le=366 * 86400)] | None = 60.0
    """How often an open event is reported again while it lasts; never when left as null in JSON."""
    min_coverage: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Observations made with less coverage than this say nothing, neither that it holds nor that it ended."""

    @model_validator(mode="after")
    def _threshold(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("give exactly one of above and below")
        if self.clear is not None and ((self.clear - self.threshold) * self.sign) > 0:
            side = "at or under above" if self.above is not None else "at or over below"
            raise ValueError(f"clear must lie {side} ({self.threshold:g}), is {self.clear:g}")
        return self

    @property
    def sign(self) -> int:
        """1 when large values are the matter, -1 when small ones are."""
        return 1 if self.above is not None else -1

    @property
    def threshold(self) -> float:
        """The value beyond which the condition begins."""
        value = self.above if self.above is not None else self.below
        assert value is not None, "checked when built"
        return value

    @cached_property
    def definition(self) -> str:
        """A fingerprint of all fields: two rules are the same when theirs are."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def begins(self, value: float) -> bool:
        """Whether `value` is beyond the threshold."""
        return (value - self.threshold) * self.sign > 0

    def holds(self, value: float) -> bool:
        """Whether a condition that has begun goes on at `value`."""
        return (value - (self.threshold if self.clear is None else self.clear)) * self.sign > 0

    def worse(self, a: float, b: float) -> float:
        """The more extreme of two values."""
        return max(a, b) if self.sign > 0 else min(a, b)

    def reads(self, observation: Observation) -> bool:
        """Whether this observation is about this rule."""
        return (
            observation.analytic == self.analytic
            and observation.metric == self.metric
            and (not self.zones or observation.zone_id in self.zones)
            and all(observation.labels.get(key) == wanted for key, wanted in self.labels.items())
        )

    def is_on(self, at_s: float) -> bool:
        """Whether the schedule has the rule on at `at_s`."""
        return self.schedule is None or self.schedule.is_on(at_s)


class RuleSet(Settings):
    """The rules of a rules file, in order."""

    rules: Annotated[tuple[Rule, ...], Field(max_length=10_000)] = ()
    """One table per rule."""

    @model_validator(mode="after")
    def _unique(self) -> Self:
        ids = [rule.id for rule in self.rules]
        twice = sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) != len(ids) else []
        if twice:
            raise ValueError(f"rule ids must be unique; used more than once: {', '.join(twice)}")
        return self

    @cached_property
    def by_metric(self) -> Mapping[tuple[str, str], tuple[Rule, ...]]:
        """The rules that read each (analytic, metric)."""
        index: dict[tuple[str, str], tuple[Rule, ...]] = {}
        for rule in self.rules:
            index[rule.analytic, rule.metric] = (*index.get((rule.analytic, rule.metric), ()), rule)
        return index

    def unknown_zones(self, zone_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Zones that rules name and that are not among `zone_ids`: rule id -> zone ids. Empty when all are known."""
        unknown = {rule.id: tuple(name for name in rule.zones if name not in zone_ids) for rule in self.rules}
        return {name: zones for name, zones in unknown.items() if zones}


def load_rules(path: Path, metrics: Metrics) -> RuleSet:
    """Read a rules file (TOML or JSON).

    Args:
        metrics: what the analytics emit; a rule on anything else is refused.

    Raises:
        BadSettings: the file cannot be read or is faulty; every fault is named with its rule.
    """
    return check_rules(validate(RuleSet, read_document(path), str(path)), metrics, str(path))


def default_rules(metrics: Metrics) -> RuleSet:
    """The rules that ship with Sewu, less those on analytics that `metrics` does not know."""
    text = resources.files("sewu.notice").joinpath("default_rules.toml").read_text(encoding="utf-8")
    shipped = validate(RuleSet, tomllib.loads(text), "default_rules.toml")
    known = RuleSet(rules=tuple(rule for rule in shipped.rules if rule.analytic in metrics))
    return check_rules(known, metrics, "default_rules.toml")


def check_rules(rules: RuleSet, metrics: Metrics, where: str) -> RuleSet:
    """Hand back `rules` when every metric they name exists. Raises `BadSettings` naming each that does not."""
    names = {analytic: [metric.name for metric in declared] for analytic, declared in metrics.items()}
    faults = list(_faults(rules.rules, names))
    if faults:
        raise BadSettings(f"{where} is not usable: {'; '.join(faults)}.", "Correct these rules.")
    return rules


def _faults(rules: Sequence[Rule], names: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for rule in rules:
        if rule.analytic not in names:
            yield f"rule {rule.id!r}: unknown analytic {rule.analytic!r}{_hint(rule.analytic, names)}"
        elif rule.metric not in names[rule.analytic]:
            known = names[rule.analytic]
            yield f"rule {rule.id!r}: {rule.analytic!r} has no metric {rule.metric!r}{_hint(rule.metric, known)}"


def _hint(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.5)
    guess = f"; did you mean {near[0]!r}?" if near else "."
    return f"{guess} Known: {', '.join(sorted(known)) or 'none'}"
