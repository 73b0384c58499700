"""Stalls, carts, and what is true of them."""

from __future__ import annotations

import numpy as np
import pytest

from sewu.simulate.loops import LoopRecipe, build_world
from sewu.simulate.scenes.actors import Actor
from sewu.simulate.scenes.happenings import HappeningKind
from sewu.simulate.scenes.place import Area, SceneKind
from sewu.simulate.scenes.scripts import Script
from tests.simulate.scenes.places import scripted


def things_on(area: Area, script: Script, t_s: float) -> list[Actor]:
    """Tarpaulins and goods over a stall; their meshes lie where they stand."""
    low, high = np.asarray(area.corners_m).min(axis=0), np.asarray(area.corners_m).max(axis=0)
    middles = [(a, a.in_world().at_m[:, :2].mean(axis=0)) for a in script.present(t_s) if a.kind == "stall"]
    return [a for a, at in middles if (low <= at).all() and (at <= high).all()]


@pytest.mark.parametrize("kind", ["market_opening", "market_closing"])
def test_goods_lie_on_a_stall_exactly_while_it_is_open(kind: HappeningKind) -> None:
    layout, script = scripted("market", kind, 3)
    opened = [e for e in script.events if e.kind == "market_open"]
    stalls = {a.id: a for a in layout.areas if a.kind == "stall"}
    assert len(opened) >= 6 and {e.zone for e in opened} == set(stalls)
    for event in opened:
        area = stalls[event.zone]
        assert 0 <= event.start_s < event.end_s <= 60
        middle = (event.start_s + event.end_s) / 2
        assert len(things_on(area, script, middle)) == 2
        if event.start_s > 0:
            assert len(things_on(area, script, event.start_s + 0.01)) == 2 and len(things_on(area, script, event.start_s - 0.01)) == 1
        if event.end_s < 60:
            assert len(things_on(area, script, event.end_s - 0.01)) == 2 and len(things_on(area, script, event.end_s + 0.01)) == 1
            assert not things_on(area, script, event.end_s + 3)
    starts, ends = [e.start_s for e in opened], [e.end_s for e in opened]
    moving = starts if kind == "market_opening" else ends
    assert len(set(moving)) == len(moving) and np.ptp(moving) > 20


def test_one_stall_trades_on_after_all_others_have_closed() -> None:
    _, script = scripted("market", "market_closing", 4)
    late = next(e for e in script.events if e.kind == "late_trader")
    others = [e for e in script.events if e.kind == "market_open" and e.zone != late.zone]
    assert max(e.end_s for e in others) == late.start_s < late.end_s
    own = next(e for e in script.events if e.kind == "market_open" and e.zone == late.zone)
    assert own.end_s == late.end_s


def test_a_market_without_a_script_has_all_its_stalls_open() -> None:
    layout, world, _ = build_world(LoopRecipe("market", 3, 60), 0.0)
    assert len([a for a in world.actors if a.kind == "stall"]) == len(layout.props) >= 6
    _, scripted, _ = build_world(LoopRecipe("market", 3, 60, ("market_opening",)), 0.0)
    assert not [a for a in scripted.actors if a.kind == "stall"]


@pytest.mark.parametrize("scene", ["market", "street"])
def test_carts_stand_in_the_forbidden_zone_exactly_while_the_truth_says_so(scene: SceneKind) -> None:
    layout, script = scripted(scene, "street_trader", 5)
    corners = np.asarray(next(a for a in layout.areas if a.id == script.event.zone).corners_m)

    def place(number: int, t_s: float) -> tuple[float, float]:
        return next((a.x_m, a.y_m) for a in script.present(t_s) if a.id == number)

    assert script.events
    for event in script.events:
        cart = event.ids[0]
        first = place(cart, event.start_s)
        assert (corners.min(axis=0) < first).all() and (first < corners.max(axis=0)).all()
        assert np.allclose(first, place(cart, event.end_s - 0.01))
        assert not np.allclose(first, place(cart, event.start_s - 0.5)) and not np.allclose(first, place(cart, event.end_s + 0.5))
        for t_s in np.linspace(event.start_s, event.end_s, 9):
            seller = place(event.ids[1], float(t_s))
            assert 0.6 < np.hypot(*np.subtract(seller, first)) < 1.6
