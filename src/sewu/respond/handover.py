"""The hand-over note of a shift, and the checklist of a kind: what the next operator must know, in the reader's language."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sewu.base.incidents import LIVE_STATES, Incident, IncidentFilter
from sewu.base.rights import Scope
from sewu.base.words import Words
from sewu.respond.escalation import overdue
from sewu.store.operations.due import Due, Load
from sewu.store.operations.incidents import Incidents

SLOT_S = 600.0


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One line of a checklist; `key` is what is ticked."""

    key: str
    text: str


def checklist(kind: str, words: Words) -> tuple[CheckItem, ...]:
    """What to do about this kind, in order; the general list where the kind has none of its own."""
    part = kind if words.has(f"checklist.{kind}.1") else "default"
    items, number = [], 1
    while words.has(key := f"checklist.{part}.{number}"):
        items.append(CheckItem(key, words(key)))
        number += 1
    return tuple(items)


@dataclass(frozen=True, slots=True)
class HandOver:
    """What one shift leaves to the next.

    opened, ended: incidents opened and resolved, closed or found false in the shift. acts: what was done, by action.
    live: what somebody still has to act on, gravest first, at most `Incidents.MAX_PAGE`. late: ids of those past their time.
    loads: alarms per operator, in slots of ten minutes.
    """

    from_s: float
    until_s: float
    opened: int
    ended: int
    acts: dict[str, int]
    live: tuple[Incident, ...]
    late: tuple[str, ...]
    loads: tuple[Load, ...]

    @property
    def busiest(self) -> Load | None:
        """The slot with the most alarms; None when there was none."""
        return max(self.loads, key=lambda load: load.opened, default=None)


async def hand_over(incidents: Incidents, scope: Scope, from_s: float, until_s: float) -> HandOver:
    """The note of the shift from one time until another, within a scope."""
    due = Due(incidents.database)
    opened = await incidents.counts(scope, IncidentFilter(opened_from_s=from_s, opened_until_s=until_s))
    acts = Counter(await due.acts_between(scope, from_s, until_s))
    page = await incidents.list(scope, IncidentFilter(states=LIVE_STATES), limit=500)
    order = ("critical", "high", "medium", "low", "info")
    live = tuple(sorted(page.rows, key=lambda row: (order.index(row.severity), row.opened_at_s)))
    late = tuple(row.id for row in live if overdue(row, until_s) is not None)
    ended = sum(acts.get(action, 0) for action in ("resolve", "close", "false_alarm"))
    loads = await due.loads(scope, from_s, until_s, SLOT_S)
    return HandOver(from_s, until_s, sum(opened.values()), ended, dict(acts), live, late, loads)
