"""A rule is tried over HTTP on what the caller's cameras observed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sewu.base.records import Observation
from sewu.base.trials import DAY_S, TrialBounds
from sewu.store import ObservationStore
from sewu.wiring.trying import Trials
from tests.show.service.place import DISTRICT, OTHER, Place, at, stocked

RULE: dict[str, Any] = {"id": "x", "kind": "gathering", "analytic": "crowd", "metric": "count", "above": 20, "gap_s": 1200}


def observed(there: Place, days: int = 4) -> None:
    """C1 is crowded for half an hour of each day, C2 twice a day; one look in ten minutes."""
    store, now_s = ObservationStore(there.parts.home.observations_folder, "main"), there.clock.now_s()
    for number in range(days * 144):
        at_s = now_s - days * DAY_S + number * 600.0
        crowded = {"C1": number % 144 in range(30, 33), "C2": number % 144 in (*range(30, 33), *range(100, 103))}
        store.add([Observation(name, at_s, "crowd", "count", 50.0 if now else 1.0, "persons") for name, now in crowded.items()])
    store.commit()
    store.close()


def test_a_rule_says_how_many_incidents_a_day_it_would_have_opened(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        observed(there)
        admin = await there.of("admin")
        found = {}
        asked: dict[str, dict[str, Any]] = {"C1": {"camera_id": "C1"}, "C2": {"area_code": OTHER}, "both": {}, "two days": {"days": 2}}
        for name, more in asked.items():
            answer = await admin.post("rules/dry-run", {"rule": RULE, **more})
            assert answer.status_code == 200, answer.text
            found[name] = answer.json()
        assert {name: (one["cameras"], one["incidents"]) for name, one in found.items()} == {
            "C1": (1, 4),
            "C2": (1, 8),
            "both": (2, 12),
            "two days": (2, 6),
        }
        assert found["C1"]["per_day"] == pytest.approx(1.0, abs=0.01) and sum(found["C2"]["by_day"].values()) == 8
        assert not (await admin.get("rules")).json()["rows"], "trying stores nothing"

    at(tmp_path, work)


def test_trying_needs_the_right_to_write_rules_and_reaches_no_further_than_the_caller(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        observed(there)
        operator = await there.of("operator")
        assert (await operator.post("rules/dry-run", {"rule": RULE})).status_code == 403
        admin = await there.of("admin")
        assert (await admin.post("rules/dry-run", {"rule": RULE, "camera_id": "C9"})).status_code == 404
        elsewhere = {"rule": RULE, "camera_id": "C2", "area_code": DISTRICT}
        assert (await admin.post("rules/dry-run", elsewhere)).status_code == 404
        assert (await admin.post("rules/dry-run", {"rule": RULE, "area_code": "33.75"})).json()["cameras"] == 0

    at(tmp_path, work)


@pytest.mark.parametrize(
    "more", [{"days": 0}, {"days": 32}, {"rule": {**RULE, "metric": "cuont"}}, {"rule": {**RULE, "above": None}}, {"x": 1}]
)
def test_a_rule_that_cannot_be_is_refused(tmp_path: Path, more: dict[str, object]) -> None:
    async def work(there: Place) -> None:
        admin = await there.of("admin")
        assert (await admin.post("rules/dry-run", {"rule": RULE, **more})).status_code in (400, 422)

    at(tmp_path, work)


def test_too_much_to_try_on_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        observed(there)
        there.parts.try_rules = Trials(
            there.parts.home.observations_folder, "Asia/Jakarta", there.clock, TrialBounds(most_rows=100, longest_s=10.0)
        )
        admin = await there.of("admin")
        answer = await admin.post("rules/dry-run", {"rule": RULE})
        assert answer.status_code in (400, 422) and "fewer days" in answer.json()["detail"]
        assert (await admin.post("rules/dry-run", {"rule": RULE, "camera_id": "C1", "days": 1})).status_code in (400, 422)

    at(tmp_path, work)


def test_a_rule_that_is_never_repeated_stays_so_when_it_is_stored(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        admin = await there.of("admin")
        body = {"area_code": DISTRICT, "rule": {**RULE, "update_every_s": None}}
        assert (await admin.post("rules", body)).json()["document"]["update_every_s"] is None

    at(tmp_path, work)
