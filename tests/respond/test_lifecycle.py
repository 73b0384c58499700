"""Whatever is asked of an incident, in whatever order: it stays in a state that its history explains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import BadInput, Conflict
from sewu.base.incidents import INCIDENT_STATES, LIVE_STATES, Incident
from sewu.respond.lifecycle import ACTIONS, ALLOWED, NEEDS_REASON, TARGET, Action, Step, allowed, take

FRESH = Incident("inc_1", "queue", "low", "open", "Antrean", 100.0, 100.0)


def step(action: Action, at_s: float, reason: str | None = "because") -> Step:
    return Step(action, "usr_1", at_s, reason, "usr_2" if action == "assign" else None)


@given(st.lists(st.sampled_from(ACTIONS), max_size=25))
def test_any_order_of_wishes_leaves_a_state_that_the_history_explains(wishes: list[Action]) -> None:
    incident, said, at_s = FRESH, [], 100.0
    for wish in wishes:
        at_s += 1.0
        before = incident
        try:
            incident, entry = take(incident, step(wish, at_s))
        except Conflict:
            assert wish not in allowed(before) and incident == before
            continue
        said.append(entry)
        assert (entry.from_state, entry.to_state) == (before.state, incident.state)
        assert incident.version == before.version + 1 and incident.updated_at_s == at_s
    state = "open"
    for entry in said:
        assert entry.from_state == state
        state = entry.to_state or state
    assert incident.state == state
    assert (incident.closed_at_s is not None) == (state in {"closed", "false_alarm"})
    assert (incident.resolved_at_s is not None) == (state not in LIVE_STATES)
    assert (incident.acknowledged_at_s is None) == (state == "open")


@given(st.sampled_from(INCIDENT_STATES))
def test_from_every_state_there_is_a_way_to_the_end_and_back(state: str) -> None:
    reached, frontier = {state}, [state]
    while frontier:
        for action in ALLOWED[frontier.pop()]:  # type: ignore[index]
            if TARGET[action] not in reached:
                reached.add(TARGET[action])
                frontier.append(TARGET[action])
    assert {"open", "closed", "false_alarm"} <= reached


@pytest.mark.parametrize("action", NEEDS_REASON)
@pytest.mark.parametrize("reason", [None, "", "  ", "x" * 2001])
def test_a_verdict_needs_a_reason_of_bearable_length(action: Action, reason: str | None) -> None:
    incident = FRESH if action in allowed(FRESH) else take(take(FRESH, step("resolve", 101.0))[0], step("close", 102.0))[0]
    with pytest.raises(BadInput):
        take(incident, step(action, 103.0, reason))


def test_only_assigning_names_a_person() -> None:
    with pytest.raises(BadInput):
        take(FRESH, Step("assign", "usr_1", 101.0))
    with pytest.raises(BadInput):
        take(FRESH, Step("acknowledge", "usr_1", 101.0, assignee="usr_2"))
    assert take(FRESH, step("assign", 101.0))[0].assignee == "usr_2"
