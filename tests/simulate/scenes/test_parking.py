"""Bays that fill and empty, and the ledger."""

from __future__ import annotations

import csv
import functools
import io
import itertools

import numpy as np
import pytest

from sewu.simulate.loops import LoopRecipe, build_world
from sewu.simulate.scenes.happenings import make_script
from sewu.simulate.scenes.layout import LAYOUTS
from sewu.simulate.scenes.place import Layout
from sewu.simulate.scenes.scripts import Script
from sewu.simulate.scenes.vehicles import LENGTH_M


@functools.cache
def carpark(seed: int) -> tuple[Layout, Script, list[dict[str, str]]]:
    layout = LAYOUTS["carpark"](np.random.default_rng(seed))
    script = make_script("parking", layout, 90, np.random.default_rng(seed), [1])
    return layout, script, list(csv.DictReader(io.StringIO(script.tables["parking.csv"])))


@pytest.mark.parametrize("seed", [1, 2])
def test_every_stay_is_an_event_and_a_line_of_the_ledger(seed: int) -> None:
    _, script, ledger = carpark(seed)
    events = {(e.zone, e.start_s): e for e in script.events}
    assert len(events) == len(script.events) == len(ledger)
    for row in ledger:
        event = events[row["bay"], float(row["enter_s"] or 0)]
        assert event.kind == "bay_occupied" and 0 <= event.start_s < event.end_s <= 90
        assert float(row["leave_s"] or 90) == event.end_s
        due = row["leave_s"] != ""
        assert (int(row["fee_idr"]) > 0) == due
        expected = "not due" if not due else "paid" if row["paid_idr"] == row["fee_idr"] else "unpaid"
        assert row["payment"] == expected
    assert sum(row["leave_s"] != "" for row in ledger) >= 3 and sum(row["enter_s"] != "" for row in ledger) >= 2


def test_a_bay_holds_one_car_at_a_time() -> None:
    layout = LAYOUTS["carpark"](np.random.default_rng(5))
    script = make_script("parking", layout, 900, np.random.default_rng(5), [1])
    by_bay: dict[str, list[tuple[float, float]]] = {}
    for event in script.events:
        by_bay.setdefault(event.zone, []).append((event.start_s, event.end_s))
    assert max(len(spans) for spans in by_bay.values()) >= 2
    for spans in by_bay.values():
        spans.sort()
        assert all(later[0] - earlier[1] > 5 for earlier, later in itertools.pairwise(spans))


def test_some_pay_and_some_do_not() -> None:
    payments = [row["payment"] for seed in range(4) for row in carpark(seed)[2]]
    assert payments.count("paid") > payments.count("unpaid") > 0


def test_a_car_stands_in_its_bay_exactly_while_the_ledger_says_so() -> None:
    layout, script, _ = carpark(3)
    bays = {a.id: np.asarray(a.corners_m) for a in layout.areas if a.kind == "bay"}

    def place(number: int, t_s: float) -> tuple[float, float]:
        return next((a.x_m, a.y_m) for a in script.present(t_s) if a.id == number)

    moved = [e for e in script.events if e.ids]
    assert len(moved) >= 5
    for event in moved:
        corners = bays[event.zone]
        for t_s in np.linspace(event.start_s, event.end_s - 0.01, 7):
            at = place(event.ids[0], float(t_s))
            assert (corners.min(axis=0) < at).all() and (at < corners.max(axis=0)).all()
        rest = place(event.ids[0], event.end_s - 0.01)
        assert event.end_s == 90 or np.hypot(*np.subtract(place(event.ids[0], event.end_s + 0.5), rest)) > 0.3
        assert event.start_s == 0 or np.hypot(*np.subtract(place(event.ids[0], event.start_s - 0.5), rest)) > 0.3


def test_no_car_drives_through_another() -> None:
    _, world, (script,) = build_world(LoopRecipe("carpark", 4, 90, ("parking",)), 0.0)
    standing = [a for a in world._still if a.kind == "car"]
    for t_s in np.arange(0, 90, 0.5):
        cars = [*script.present(float(t_s)), *standing]
        at = np.asarray([(a.x_m, a.y_m) for a in cars])
        apart = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)) + np.eye(len(at)) * 99
        assert apart.min() > 2.6
        aisle = np.abs(at[:, 0]) < 3.4
        assert not aisle.any() or apart[np.ix_(aisle, aisle)].min() > LENGTH_M["car"]
