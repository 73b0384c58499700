"""Observations in, events out: one small state machine per (camera, rule, zone, subject)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sewu.base.errors import BadInput
from sewu.base.interfaces import State
from sewu.base.records import Event, Observation
from sewu.notice.machine import Key, Machine, Reason, key_of
from sewu.notice.rules import Rule, RuleSet

CLOCK_BACK_S = 5.0
"""Time that goes back by more than this was set back; less is the order of arrival."""

MAX_MACHINES = 20_000
"""Conditions followed at once; a rule that opens one per insect in the lamp light cannot eat the memory."""

LAST_LOOK_S = 2.0
"""At the end of a stream, what was last observed longer ago than this and two of its usual steps was gone already."""

SLACK_S = 1e-6
"""0.1 + 0.2 is 0.3 here."""

STATE_VERSION = 1


@dataclass(slots=True)
class Losses:
    """What was not used, counted since the start.

    late: older than what was already taken. unusable: value or time not a number.
    uncovered: coverage under the rule's minimum. crowded_out: no room for another condition.
    """

    late: int = 0
    unusable: int = 0
    uncovered: int = 0
    crowded_out: int = 0


class Notice:
    """Turns observations into events by rules.

    Time is `at_s` of `update`, which only the stream moves. Cameras whose streams run on different clocks (files
    analysed side by side) get an instance each; live cameras may share one.
    """

    def __init__(self, rules: RuleSet, max_machines: int = MAX_MACHINES) -> None:
        self._rules = {rule.id: rule for rule in rules.rules}
        self._by_metric = rules.by_metric
        self._machines: dict[Key, Machine] = {}
        self._at_s: float | None = None
        self._max_machines = max_machines
        self._restored = False
        self.losses = Losses()

    def __len__(self) -> int:
        """Conditions remembered now: waiting, open or cooling down."""
        return len(self._machines)

    @property
    def open_events(self) -> int:
        """Events started and not ended."""
        return sum(machine.open for machine in self._machines.values())

    def update(self, observations: Iterable[Observation], at_s: float) -> list[Event]:
        """Take what was observed up to `at_s`; call it without observations too, so that time passes.

        Returns:
            Starts, updates and ends, in order of time for each event.

        Raises:
            ValueError: `at_s` is not a finite number.
        """
        if not math.isfinite(at_s):
            raise ValueError(f"the time {at_s} is not a finite number")
        events = self._end_outdated(at_s)
        if self._at_s is not None and at_s < self._at_s:
            if self._at_s - at_s > CLOCK_BACK_S:
                events += self._end_all(self._at_s, "clock went back")
            else:
                at_s = self._at_s
        self._at_s = at_s
        for observation in observations:
            if not (math.isfinite(observation.value) and math.isfinite(observation.at_s) and math.isfinite(observation.window_s)):
                self.losses.unusable += 1
                continue
            if observation.at_s > at_s:
                observation = replace(observation, at_s=at_s)
            for rule in self._by_metric.get((observation.analytic, observation.metric), ()):
                if rule.reads(observation):
                    events += self._take(rule, observation)
        return events + self._pass_time(at_s)

    def flush(self, at_s: float) -> list[Event]:
        """The stream ended at `at_s`: end what is open and forget everything."""
        events = [*self._end_outdated(at_s), *self._end_all(max(at_s, self._at_s or at_s), "stream ended")]
        self._at_s = None
        return events

    def _take(self, rule: Rule, observation: Observation) -> list[Event]:
        if observation.coverage < rule.min_coverage:
            self.losses.uncovered += 1
            return []
        key, at_s = key_of(rule, observation), observation.at_s
        machine = self._machines.get(key)
        if machine is None:
            return self._begin(rule, key, observation)
        if at_s <= machine.last_at_s:
            self.losses.late += 1
            return []
        events = []
        if at_s - machine.last_at_s > rule.gap_s + SLACK_S:
            events += self._close(key, machine, rule, at_s, "not seen any more")
        machine.last_at_s, machine.step_s = at_s, at_s - machine.last_at_s
        if not rule.is_on(at_s):
            return events + self._close(key, machine, rule, at_s, "outside the schedule")
        if rule.begins(observation.value) or (machine.began_at_s is not None and rule.holds(observation.value)):
            machine.take(rule, observation)
            return events + self._tell(key, machine, rule, at_s)
        if machine.began_at_s is not None:
            machine.value = observation.value
            machine.cleared_at_s = at_s if machine.cleared_at_s is None else machine.cleared_at_s
            if at_s - machine.cleared_at_s >= rule.clear_for_s - SLACK_S:
                events += self._close(key, machine, rule, at_s, "cleared")
        return events

    def _begin(self, rule: Rule, key: Key, observation: Observation) -> list[Event]:
        """Only what is beyond the threshold is worth a state machine."""
        at_s = observation.at_s
        if not (rule.begins(observation.value) and rule.is_on(at_s)):
            return []
        if self._at_s is not None and self._at_s - at_s > rule.gap_s + CLOCK_BACK_S:
            self.losses.late += 1
            return []
        if len(self._machines) >= self._max_machines:
            self.losses.crowded_out += 1
            return []
        machine = self._machines[key] = Machine.fresh(rule, observation)
        machine.take(rule, observation)
        return self._tell(key, machine, rule, at_s)

    def _tell(self, key: Key, machine: Machine, rule: Rule, at_s: float) -> list[Event]:
        """Start the event when it has lasted, or repeat it when that is due."""
        assert machine.began_at_s is not None, "taken just before"
        if machine.open:
            due = rule.update_every_s is not None and at_s - (machine.sent_at_s or 0.0) >= rule.update_every_s - SLACK_S
            return [machine.message(key, "update", at_s)] if due else []
        lasted = at_s - machine.began_at_s >= rule.for_s - SLACK_S
        if not lasted or (machine.quiet_until_s is not None and at_s < machine.quiet_until_s):
            return []
        machine.open = True
        machine.quiet_until_s = None
        return [machine.message(key, "start", at_s)]

    def _close(self, key: Key, machine: Machine, rule: Rule | None, at_s: float, reason: Reason) -> list[Event]:
        """End the event, or forget that one was on its way."""
        if not machine.open:
            machine.forget_condition()
            return []
        ended_at_s = self._ended_at_s(machine, at_s, reason)
        events = [machine.message(key, "end", max(at_s, ended_at_s), (ended_at_s, reason))]
        machine.finish(ended_at_s, 0.0 if rule is None else rule.cool_down_s)
        return events

    @staticmethod
    def _ended_at_s(machine: Machine, at_s: float, reason: Reason) -> float:
        """When the condition ended, which is before it is known to have ended."""
        if machine.cleared_at_s is not None:
            return machine.cleared_at_s
        if reason == "outside the schedule" or machine.held_at_s is None:
            return at_s
        return machine.held_at_s

    def _pass_time(self, at_s: float) -> list[Event]:
        """End what was not seen any more, and forget what is over."""
        events: list[Event] = []
        for key, machine in list(self._machines.items()):
            rule = self._rules[key.rule_id]
            if machine.began_at_s is not None:
                if not rule.is_on(at_s):
                    events += self._close(key, machine, rule, at_s, "outside the schedule")
                elif machine.cleared_at_s is not None and at_s - machine.cleared_at_s >= rule.clear_for_s - SLACK_S:
                    events += self._close(key, machine, rule, at_s, "cleared")
                elif at_s - machine.last_at_s > rule.gap_s + SLACK_S:
                    events += self._close(key, machine, rule, at_s, "not seen any more")
            quiet_over = machine.quiet_until_s is None or at_s > machine.quiet_until_s
            if machine.began_at_s is None and quiet_over:
                del self._machines[key]
        return events

    def _end_outdated(self, at_s: float) -> list[Event]:
        """After a restore: end what another definition of its rule began; under the present one it begins anew."""
        events: list[Event] = []
        for key, machine in list(self._machines.items()) if self._restored else ():
            rule = self._rules.get(key.rule_id)
            if not machine.is_of(rule):
                why: Reason = "rule removed" if rule is None else "rule changed"
                events += self._close(key, machine, None, max(at_s, machine.last_at_s), why)
                del self._machines[key]
        self._restored = False
        return events

    def _end_all(self, at_s: float, reason: Reason) -> list[Event]:
        events: list[Event] = []
        for key, machine in self._machines.items():
            why: Reason = reason
            if machine.cleared_at_s is not None:
                why = "cleared"
            elif at_s - machine.last_at_s > 2 * machine.step_s + LAST_LOOK_S:
                why = "not seen any more"
            events += self._close(key, machine, self._rules.get(key.rule_id), at_s, why)
        self._machines.clear()
        return events

    def state(self) -> State:
        """Everything needed to go on in another process: JSON-safe."""
        machines = [[*_key_row(key), machine.state()] for key, machine in self._machines.items()]
        return {"version": STATE_VERSION, "at_s": self._at_s, "machines": machines, "losses": asdict(self.losses)}

    def restore(self, state: State) -> None:
        """Go on from `state`. Open events whose rule is gone, or is defined otherwise now, are ended at the next update.

        Raises:
            BadInput: `state` was not made by this version's `state()`.
        """
        try:
            if state["version"] != STATE_VERSION:
                raise BadInput(f"The saved rule state has version {state['version']}.", f"Delete it; version {STATE_VERSION} is read.")
            machines = {_key(row[:5]): Machine.restored(row[5]) for row in state["machines"]}
            at_s, losses = state["at_s"], Losses(**state["losses"])
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise BadInput(f"The saved rule state cannot be read: {error}.", "Delete it; open conditions begin again.") from error
        self._machines, self._at_s, self.losses, self._restored = machines, at_s, losses, True


def _key_row(key: Key) -> list[Any]:
    return [key.camera_id, key.rule_id, key.zone_id, key.subject, [list(pair) for pair in key.labels]]


def _key(row: list[Any]) -> Key:
    camera_id, rule_id, zone_id, subject, labels = row
    return Key(camera_id, rule_id, zone_id, subject, tuple((name, value) for name, value in labels))


def latest(events: Iterable[Event]) -> Mapping[str, Event]:
    """The newest message of each event: id -> event, in order of first appearance."""
    newest: dict[str, Event] = {}
    for event in events:
        newest[event.id] = event
    return newest
