"""Falls, fights, surges, heaps, wrong ways, jams and masks, each against its own truth."""

from __future__ import annotations

import numpy as np
import pytest

from sewu.base.records import Doubles
from sewu.simulate.loops import LoopRecipe, build_world
from sewu.simulate.scenes.actors import Actor
from sewu.simulate.scenes.layout import LAYOUTS
from sewu.simulate.scenes.people import Looks, body
from sewu.simulate.scenes.place import Layout, SceneKind
from sewu.simulate.scenes.scripts import Script
from tests.simulate.scenes.places import scripted


def corners_of(layout: Layout, zone: str) -> tuple[Doubles, Doubles]:
    corners = np.asarray(next(a for a in layout.areas if a.id == zone).corners_m)
    return corners.min(axis=0), corners.max(axis=0)


def who(script: Script, number: int, t_s: float) -> Actor:
    return next(a for a in script.present(t_s) if a.id == number)


@pytest.mark.parametrize("scene", LAYOUTS)
def test_somebody_lies_flat_exactly_while_the_truth_says_so(scene: SceneKind) -> None:
    layout, script = scripted(scene, "person_down")
    event = script.event
    low, high = corners_of(layout, event.zone)
    for t_s in np.linspace(event.start_s, event.end_s, 6):
        one = who(script, event.ids[0], float(t_s))
        mesh = one.in_world().at_m
        assert one.fallen > 0.999 and np.ptp(mesh[:, 2]) < 0.75 < 1.3 < np.hypot(*np.ptp(mesh[:, :2], axis=0))
        assert -0.15 < mesh[:, 2].min() - one.floor_m < 0.15
        assert (low <= (one.x_m, one.y_m)).all() and ((one.x_m, one.y_m) <= high).all()
    for t_s in (event.start_s - 0.1, event.end_s + 0.25):
        assert who(script, event.ids[0], t_s).fallen < 0.98
    assert np.ptp(who(script, event.ids[0], event.start_s - 2).in_world().at_m[:, 2]) > 1.3


@pytest.mark.parametrize("scene", LAYOUTS)
def test_fighters_hit_at_each_other_within_reach_and_in_the_zone(scene: SceneKind) -> None:
    layout, script = scripted(scene, "fight")
    event = script.event
    low, high = corners_of(layout, event.zone)
    for t_s in np.linspace(event.start_s, event.end_s - 0.05, 12):
        fighters = [who(script, number, float(t_s)) for number in event.ids]
        at = np.asarray([(a.x_m, a.y_m) for a in fighters])
        assert all(a.pose == "fight" for a in fighters)
        assert np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)).max() < 1.6
        assert (low <= at).all() and (at <= high).all()
    for t_s in (event.start_s - 0.05, event.end_s + 0.05):
        assert all(who(script, number, t_s).pose != "fight" for number in event.ids)


@pytest.mark.parametrize("scene", LAYOUTS)
def test_a_crowd_is_there_from_the_tenth_arrival_until_it_runs_apart(scene: SceneKind) -> None:
    layout, script = scripted(scene, "crowd_surge")
    surge, scatter = script.events
    assert (surge.kind, scatter.kind) == ("crowd_surge", "scatter") and surge.end_s == scatter.start_s < scatter.end_s <= 60
    low, high = corners_of(layout, surge.zone)

    def standing(t_s: float) -> int:
        before = {a.id: (a.x_m, a.y_m) for a in script.present(t_s - 0.05)}
        return sum(np.hypot(*np.subtract(before[a.id], (a.x_m, a.y_m))) < 1e-6 for a in script.present(t_s))

    def inside(t_s: float) -> int:
        at = np.asarray([(a.x_m, a.y_m) for a in script.present(t_s)]).reshape(-1, 2)
        return int(((low <= at) & (at <= high)).all(axis=1).sum())

    assert standing(surge.start_s - 0.01) < 10 <= standing(surge.start_s + 0.06)
    assert standing(surge.end_s - 0.01) == len(surge.ids) == 26 and standing(scatter.start_s + 0.1) == 0
    assert inside(scatter.end_s - 0.1) > 0 and inside(scatter.end_s + 0.1) == 0


@pytest.mark.parametrize("scene", ["street", "junction", "market", "river"])
def test_a_heap_grows_and_stays(scene: SceneKind) -> None:
    layout, script = scripted(scene, "rubbish")
    event = script.event
    low, high = corners_of(layout, event.zone)
    assert event.end_s == 60 and not [a for a in script.present(event.start_s - 0.01) if a.kind == "heap"]
    sizes = []
    for t_s in (event.start_s, event.start_s + 6, event.start_s + 11, 60):
        heap = who(script, event.ids[0], t_s)
        assert (low <= (heap.x_m, heap.y_m)).all() and ((heap.x_m, heap.y_m) <= high).all()
        sizes.append(len(heap.in_world().at_m))
    assert sizes[0] < sizes[1] < sizes[2] == sizes[3]


@pytest.mark.parametrize("scene", ["street", "junction", "river"])
def test_the_rider_goes_against_the_traffic_of_the_zone_while_the_truth_says_so(scene: SceneKind) -> None:
    layout, script = scripted(scene, "wrong_way")
    event = script.event
    low, high = corners_of(layout, event.zone)
    assert 5 < event.start_s < event.end_s < 60
    # Every lane through the zone goes the other way.
    lanes = [n for n in layout.lanes if low[0] <= n.points_m[0][0] <= high[0] and abs(n.points_m[-1][1] - n.points_m[0][1]) > 50]
    assert lanes and all(n.points_m[-1][1] > n.points_m[0][1] for n in lanes)
    ys = [who(script, event.ids[0], float(t)).y_m for t in np.linspace(event.start_s, event.end_s, 9)]
    assert all(np.diff(ys) < 0)
    for t_s, expected in (
        (event.start_s + 0.02, True),
        (event.end_s - 0.02, True),
        (event.start_s - 0.1, False),
        (event.end_s + 0.1, False),
    ):
        rider = who(script, event.ids[0], t_s)
        assert ((low <= (rider.x_m, rider.y_m)) & ((rider.x_m, rider.y_m) <= high)).all() == expected


def test_a_jam_lasts_while_vehicles_stand_in_the_zone() -> None:
    layout, world, (script,) = build_world(LoopRecipe("junction", 6, 40, ("congestion",)), 30.0)
    low, high = corners_of(layout, "antrean-utara")
    stood: list[tuple[float, int]] = []
    while world.t_s < 40:
        world.step(0.1)
        rows = [(d.v_mps, d.actor.x_m, d.actor.y_m) for d in world.traffic.drivers]
        stood.append((world.t_s, sum(v < 0.4 and low[0] <= x <= high[0] and low[1] <= y <= high[1] for v, x, y in rows)))
    assert script.events and max(e.end_s - e.start_s for e in script.events) > 15
    for t_s, count in stood:
        jammed = any(e.start_s + 0.11 < t_s < e.end_s - 0.11 for e in script.events)
        free = not any(e.start_s - 0.11 < t_s < e.end_s + 0.11 for e in script.events)
        assert not (jammed and count < 3) and not (free and count >= 5)


def test_the_masks_of_the_table_are_worn() -> None:
    _, world, (script,) = build_world(LoopRecipe("market", 3, 30, ("masks",)), 40.0)
    table = dict(line.split(",") for line in script.tables["masks.csv"].splitlines()[1:])
    walkers = {str(a.id) for a in world.actors if a.kind == "person"}
    assert walkers <= set(table) and {"worn", "chin", "none"} == set(table.values())
    share = sum(state != "none" for state in table.values()) / len(table)
    assert 0.35 < share < 0.75
    assert script.dress is not None
    plain = Looks((0.1, 0.1, 0.1), (0.1, 0.1, 0.1), (0.3, 0.2, 0.1))
    dressed = [script.dress(900 + k, plain) for k in range(40)]
    states = dict(line.split(",") for line in script.tables["masks.csv"].splitlines()[1:])
    for number, looks in enumerate(dressed):
        state = states[str(900 + number)]
        assert (looks.mask is None) == (state == "none") and looks.mask_low == (state == "chin")
        assert (len(body(looks).at_m) > len(body(plain).at_m)) == (state != "none")
