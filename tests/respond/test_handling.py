"""What people do is checked, kept with its reason, and undone by nobody; on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from sewu.base.errors import BadInput, Conflict, NotFound
from sewu.base.incidents import Incident, IncidentFilter
from sewu.base.rights import Scope
from sewu.respond.escalation import Escalation
from sewu.respond.handling import Handling, Person
from sewu.respond.lifecycle import Step
from sewu.respond.policy import DeskSettings
from sewu.store.operations.database import Database
from sewu.store.operations.due import Due
from sewu.store.operations.incidents import Incidents
from tests.respond.desks import CITY, NOW_S, camera, desk_over, event, run

SETTINGS = DeskSettings()
OFFICER = Person("usr_1", CITY)


async def opened(database: Database, *zones: str) -> list[Incident]:
    """One incident of two events for each zone."""
    desk = desk_over(database, camera(1))
    for number, zone in enumerate(zones):
        pair = [event(10 * number, zone_id=zone), event(10 * number + 1, after_s=5, zone_id=zone)]
        await desk.take("s1", 1, pair, NOW_S + number)
    rows = (await Incidents(database).list(CITY, IncidentFilter())).rows
    return sorted(rows, key=lambda row: row.opened_at_s)


def step(action: Any, at_s: float = NOW_S + 100, **values: Any) -> Step:
    return Step(action, "usr_1", at_s, **values)


def test_an_act_is_stored_with_who_when_and_why(database_url: str) -> None:
    async def work(database: Database) -> None:
        (one,) = await opened(database, "z1")
        handling = Handling(database, SETTINGS)
        await handling.step(CITY, one.id, step("acknowledge"))
        after = await handling.step(CITY, one.id, step("false_alarm", reason="bayangan pohon"))
        said = (await Incidents(database).history(CITY, one.id))[-1]
        assert (said.actor, said.action, said.reason, said.at_s) == ("usr_1", "false_alarm", "bayangan pohon", NOW_S + 100)
        assert await Incidents(database).get(CITY, one.id) == after and after.state == "false_alarm"
        (judged,) = await Incidents(database).precision(CITY)
        assert (judged.rule_id, judged.confirmed, judged.false_alarms) == ("r1", 0, 1)
        with pytest.raises(Conflict):
            await handling.step(CITY, one.id, step("close"))
        with pytest.raises(Conflict):
            await handling.step(CITY, one.id, step("reopen", reason="x"), version=after.version - 1)
        with pytest.raises(NotFound):
            await handling.step(Scope(("33.74.01",), ("polisi",)), one.id, step("reopen", reason="x"))
        again = await handling.step(CITY, one.id, step("reopen", reason="keliru menilai"))
        assert again.state == "open" and again.acknowledge_by_s == NOW_S + 100 + 900

    run(database_url, work)


def test_merged_incidents_live_on_in_one_with_every_event(database_url: str) -> None:
    async def work(database: Database) -> None:
        first, second, third = await opened(database, "z1", "z2", "z3")
        handling, desk = Handling(database, SETTINGS), Incidents(database)
        joined = await handling.merge(OFFICER, first.id, [second.id, third.id], "satu kejadian", NOW_S + 50)
        assert joined.event_count == 6 and joined.going_on == 6 and joined.zone_id is None and joined.camera_count == 1
        assert {row.id for row in (await desk.events(CITY, first.id)).rows} == {f"ev-{n}" for n in (0, 1, 10, 11, 20, 21)}
        gone = await desk.get(CITY, second.id)
        assert gone is not None and (gone.merged_into, gone.state, gone.event_count) == (first.id, "closed", 0)
        with pytest.raises(Conflict):
            await handling.step(CITY, second.id, step("reopen", reason="x"))
        with pytest.raises(Conflict):
            await handling.merge(OFFICER, first.id, [second.id], "lagi", NOW_S + 60)
        with pytest.raises(BadInput):
            await handling.merge(OFFICER, first.id, [first.id], "diri sendiri", NOW_S + 60)
        # An update of a merged one's event finds its way.
        await desk_over(database, camera(1)).take("s1", 1, [event(10, zone_id="z2", phase="end", at_s=NOW_S + 70)], NOW_S + 70)
        now = await desk.get(CITY, first.id)
        assert now is not None and now.going_on == 5

    run(database_url, work)


def test_split_events_leave_the_counts_of_both_right(database_url: str) -> None:
    async def work(database: Database) -> None:
        (one,) = await opened(database, "z1")
        handling, desk = Handling(database, SETTINGS), Incidents(database)
        fresh = await handling.split(OFFICER, one.id, ["ev-1"], "mobil lain", NOW_S + 50)
        rest = await desk.get(CITY, one.id)
        assert rest is not None and (rest.event_count, fresh.event_count) == (1, 1) and rest.camera_count == fresh.camera_count == 1
        assert fresh.began_at_s == NOW_S + 5 and await desk.get(CITY, fresh.id) == fresh
        assert await desk.cameras(CITY, fresh.id) == ("K1",)
        for wrong in (["ev-0"], ["ev-1"], ["ev-99"], []):  # the last one, another's, nobody's, none
            with pytest.raises(BadInput):
                await handling.split(OFFICER, one.id, wrong, "x", NOW_S + 51)

    run(database_url, work)


def test_what_nobody_answers_is_called_out_level_by_level_and_no_more(database_url: str) -> None:
    async def work(database: Database) -> None:
        one, other = await opened(database, "z1", "z2")
        clock = Escalation(database, SETTINGS)
        await Handling(database, SETTINGS).snooze(OFFICER, other.id, NOW_S + 4000, "sudah tahu", NOW_S + 10)
        due_s = NOW_S + 900
        assert await clock.call(due_s) == ()
        levels = []
        for after_s in (1, 2, 899, 905, 1805, 2705, 9000):
            called = await clock.call(due_s + after_s)
            levels.append([row.level for row in called if row.id == one.id])
        assert levels == [[1], [], [], [2], [3], [], []]
        late = await clock.list(CITY, due_s + 10)
        assert [(row.incident.id, row.late) for row in late] == [(one.id, "acknowledge"), (other.id, "acknowledge")]
        assert await clock.list(Scope(("33.75",)), due_s + 10) == ()
        said = [entry.action for entry in await Incidents(database).history(CITY, other.id)]
        assert said == ["opened", "snoozed", "overdue"]  # once awake

    run(database_url, work)


def test_another_agency_gets_it_open_and_unassigned(database_url: str) -> None:
    async def work(database: Database) -> None:
        (one,) = await opened(database, "z1")
        handling = Handling(database, SETTINGS)
        await handling.step(CITY, one.id, step("assign", assignee="usr_9"))
        after = await handling.hand_to(OFFICER, one.id, "polisi", "perlu penindakan", NOW_S + 200)
        assert (after.agency, after.state, after.assignee) == ("polisi", "open", None)
        assert await Incidents(database).get(Scope(("33.74",), ("dishub",)), one.id) is None

    run(database_url, work)


def test_the_alarm_load_is_counted_per_operator_and_ten_minutes(database_url: str) -> None:
    async def work(database: Database) -> None:
        rows = await opened(database, "z1", "z2", "z3")
        handling = Handling(database, SETTINGS)
        await handling.step(CITY, rows[0].id, step("acknowledge", NOW_S + 30))
        await handling.step(CITY, rows[1].id, Step("acknowledge", "usr_2", NOW_S + 40))
        await handling.step(CITY, rows[0].id, step("start", NOW_S + 700))
        first, second = await Due(database).loads(CITY, NOW_S, NOW_S + 1200)
        assert (first.opened, first.operators, first.per_operator) == (3, 2, 1.5)
        assert (second.opened, second.operators, second.per_operator) == (0, 1, 0.0)

    run(database_url, work)
