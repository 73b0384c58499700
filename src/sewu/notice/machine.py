"""One condition on one subject: waiting, open, cooling down. Pure state, no rules about who calls it when."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sewu.base.records import Event, Observation, Severity
from sewu.notice.rules import Rule

Reason = Literal["cleared", "not seen any more", "outside the schedule", "stream ended", "clock went back", "rule removed", "rule changed"]


@dataclass(frozen=True, slots=True)
class Key:
    """Whose condition it is. `labels` tells apart the series of a zone when there is no subject to do so."""

    camera_id: str
    rule_id: str
    zone_id: str | None
    subject: str | None
    labels: tuple[tuple[str, str], ...]


def key_of(rule: Rule, observation: Observation) -> Key:
    """The state machine that this observation belongs to.

    With a subject the labels do not count: a track whose class flickers between car and truck stays one condition.
    """
    labels = () if observation.subject is not None else tuple(sorted(observation.labels.items()))
    return Key(observation.camera_id, rule.id, observation.zone_id, observation.subject, labels)


def event_id(key: Key, started_at_s: float) -> str:
    """The same condition gets the same id on every run: nothing is told twice after a restart."""
    text = json.dumps([key.camera_id, key.rule_id, key.zone_id, key.subject, key.labels, started_at_s], ensure_ascii=True)
    return f"ev-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


@dataclass(slots=True)
class Machine:
    """State of one condition.

    Args:
        last_at_s: newest observation taken. step_s: time between it and the one before. held_at_s: newest one in which the condition held.
        began_at_s: since when it is seen to hold; None when it does not. since_s: the same as the event tells it, which
            reaches further back where the metric is a time since something began. open: whether its event was started.
        cleared_at_s: since when it is cleared, while that is still too short to count.
        sent_at_s: newest message of the open event. quiet_until_s: end of the cool-down. ended_at_s: end of the event before.
        kind, severity, agency, unit: copied from the rule and the observation when it began, so that the event can be ended without them.
        definition: `Rule.definition` of the rule that made it; empty in states saved before there was any.
    """

    last_at_s: float
    kind: str
    severity: Severity
    unit: str
    metric: str
    agency: str | None = None
    step_s: float = 0.0
    open: bool = False
    began_at_s: float | None = None
    since_s: float | None = None
    held_at_s: float | None = None
    cleared_at_s: float | None = None
    sent_at_s: float | None = None
    quiet_until_s: float | None = None
    ended_at_s: float | None = None
    value: float = 0.0
    peak: float = 0.0
    labels: dict[str, str] = field(default_factory=dict)
    box_px: tuple[float, float, float, float] | None = None
    definition: str = ""

    @classmethod
    def fresh(cls, rule: Rule, observation: Observation) -> Machine:
        """Nothing known yet."""
        metric = f"{rule.analytic}.{rule.metric}"
        return cls(observation.at_s, rule.kind, rule.severity, observation.unit, metric, rule.agency, definition=rule.definition)

    def is_of(self, rule: Rule | None) -> bool:
        """Whether the rule is still the one that made it."""
        return rule is not None and self.definition in ("", rule.definition)

    def state(self) -> dict[str, Any]:
        """JSON-safe copy."""
        return asdict(self)

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Machine:
        """The machine that `state` was taken from."""
        values = dict(state)
        box = values.get("box_px")
        values["box_px"] = None if box is None else (box[0], box[1], box[2], box[3])
        values["labels"] = dict(values["labels"])
        return cls(**values)

    def message(self, key: Key, phase: Literal["start", "update", "end"], at_s: float, ended: tuple[float, Reason] | None = None) -> Event:
        """What to tell now; `ended` is when and why."""
        assert self.began_at_s is not None and self.since_s is not None, "only a condition that began is told"
        labels = {**self.labels, "metric": self.metric}
        if self.agency is not None:
            labels["agency"] = self.agency
        if ended is not None:
            labels["reason"] = ended[1]
        self.sent_at_s = at_s
        return Event(
            id=event_id(key, self.began_at_s),
            camera_id=key.camera_id,
            rule_id=key.rule_id,
            kind=self.kind,
            phase=phase,
            severity=self.severity,
            started_at_s=self.since_s,
            at_s=at_s,
            value=self.value,
            peak=self.peak,
            unit=self.unit,
            ended_at_s=None if ended is None else max(ended[0], self.began_at_s),
            zone_id=key.zone_id,
            subject=key.subject,
            labels=labels,
            box_px=self.box_px,
        )

    def take(self, rule: Rule, observation: Observation) -> None:
        """Remember what was seen of a condition that holds."""
        self.value = observation.value
        self.peak = observation.value if self.began_at_s is None else rule.worse(self.peak, observation.value)
        self.unit = observation.unit
        self.labels = dict(observation.labels)
        self.box_px = observation.box_px or self.box_px
        if self.began_at_s is None:
            floor_s = -math.inf if self.ended_at_s is None else self.ended_at_s
            self.began_at_s = min(observation.at_s, max(observation.at_s - observation.window_s, floor_s))
            # A metric in seconds is the time since something began: a car that has stood for 181 s parked 181 s ago.
            elapsed_s = observation.value if observation.unit == "s" and rule.sign > 0 else 0.0
            self.since_s = min(self.began_at_s, max(observation.at_s - elapsed_s, floor_s))
        self.held_at_s = observation.at_s
        self.cleared_at_s = None

    def finish(self, ended_at_s: float, cool_down_s: float) -> None:
        """Back to nothing, but quiet for a while."""
        self.quiet_until_s = ended_at_s + cool_down_s
        self.ended_at_s = ended_at_s
        self.forget_condition()

    def forget_condition(self) -> None:
        """It never became, or no longer is, an event."""
        self.open = False
        self.began_at_s = self.since_s = self.held_at_s = self.cleared_at_s = self.sent_at_s = None
        self.box_px = None
        self.labels = {}
