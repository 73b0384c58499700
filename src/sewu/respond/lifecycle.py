"""What may be done with an incident, and what it then becomes. Pure: who asks, when and why are parameters.

open -> acknowledged -> assigned -> in_progress -> resolved -> closed; false_alarm from any live state or from resolved; steps may
be skipped forwards, since a person on the spot does not click five times. What ended can be reopened, with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

from sewu.base.errors import BadInput, Conflict
from sewu.base.incidents import HistoryEntry, Incident, IncidentState

Action = Literal["acknowledge", "assign", "start", "resolve", "close", "false_alarm", "reopen"]
ACTIONS: tuple[Action, ...] = get_args(Action)
MAX_REASON_LETTERS = 2000

TARGET: Mapping[Action, IncidentState] = MappingProxyType(
    {
        "acknowledge": "acknowledged",
        "assign": "assigned",
        "start": "in_progress",
        "resolve": "resolved",
        "close": "closed",
        "false_alarm": "false_alarm",
        "reopen": "open",
    }
)
ALLOWED: Mapping[IncidentState, tuple[Action, ...]] = MappingProxyType(
    {
        "open": ("acknowledge", "assign", "start", "resolve", "false_alarm"),
        "acknowledged": ("assign", "start", "resolve", "false_alarm"),
        "assigned": ("assign", "start", "resolve", "false_alarm"),
        "in_progress": ("assign", "resolve", "false_alarm"),
        "resolved": ("close", "false_alarm", "reopen"),
        "closed": ("reopen",),
        "false_alarm": ("reopen",),
    }
)
NEEDS_REASON: tuple[Action, ...] = ("false_alarm", "reopen")


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody wants done. `assignee` (a user's id) for "assign" only; `reason` must be given for some actions."""

    action: Action
    actor: str
    at_s: float
    reason: str | None = None
    assignee: str | None = None


def allowed(incident: Incident) -> tuple[Action, ...]:
    """What may be done with it now; nothing once it lives on in another incident."""
    return () if incident.merged_into is not None else ALLOWED[incident.state]


def take(incident: Incident, step: Step) -> tuple[Incident, HistoryEntry]:
    """The incident after the step, and the line that its history gains.

    Raises:
        Conflict: not allowed in its state. BadInput: the reason or the assignee is missing, or too long.
    """
    if step.action not in allowed(incident):
        where = f"merged into {incident.merged_into}" if incident.merged_into else incident.state
        raise Conflict(f"Incident {incident.id} is {where}; it cannot be changed by {step.action}.", "Read it again, then decide.")
    reason = (step.reason or "").strip()
    if step.action in NEEDS_REASON and not reason:
        raise BadInput(f"{step.action} needs a reason.", "Say why, in a sentence.")
    if len(reason) > MAX_REASON_LETTERS:
        raise BadInput(f"The reason has more than {MAX_REASON_LETTERS} letters.", "Shorten it, or write a comment.")
    if (step.action == "assign") != (step.assignee is not None):
        raise BadInput("Exactly the action assign names a person.", "Give the assignee with assign, and with nothing else.")
    after = replace(_moved(incident, step), updated_at_s=step.at_s, version=incident.version + 1)
    details = {"assignee": step.assignee} if step.assignee else {}
    return after, HistoryEntry(incident.id, step.at_s, step.actor, step.action, reason or None, incident.state, after.state, details)


def _moved(incident: Incident, step: Step) -> Incident:
    state = TARGET[step.action]
    first = incident.acknowledged_at_s
    if step.action == "reopen":
        return replace(incident, state=state, resolved_at_s=None, closed_at_s=None, acknowledged_at_s=None, assignee=None, level=0)
    acknowledged_at_s = step.at_s if first is None else first
    changed = replace(incident, state=state, acknowledged_at_s=acknowledged_at_s)
    if step.action == "assign":
        return replace(changed, assignee=step.assignee)
    if step.action == "resolve":
        return replace(changed, resolved_at_s=step.at_s)
    if step.action in ("close", "false_alarm"):
        return replace(changed, closed_at_s=step.at_s, resolved_at_s=incident.resolved_at_s or step.at_s)
    return changed
