"""Stalls that open and close, the one that stays open too long, and traders where none may trade."""

from __future__ import annotations

import numpy as np

from sewu.base.records import Doubles
from sewu.simulate.scenes import stalls
from sewu.simulate.scenes.actors import Actor
from sewu.simulate.scenes.mesh import Mesh
from sewu.simulate.scenes.place import Prop
from sewu.simulate.scenes.scripts import WALK_MPS, Script, Stage, Track, TrueEvent, walked

PUSH_MPS, CART_AHEAD_M = 0.9, 1.25
HANGING_S = 2.5
"""From the tarpaulin to the goods, and back."""


def market_opening(stage: Stage, start_s: float, end_s: float) -> Script:
    """Stalls open one after the other and stay open. A stall is open from when its goods lie there."""
    names = _shuffled(stage)
    opens = np.linspace(start_s, end_s, len(names)).round(2).tolist()
    return _stalls(stage, {name: (at_s, stage.duration_s) for name, at_s in zip(names, opens, strict=True)})


def market_closing(stage: Stage, start_s: float, end_s: float) -> Script:
    """Stalls close one after the other. The last to close is the closing hour; one trades on after it (late_trader)."""
    late, *names = _shuffled(stage)
    closes = np.linspace(start_s, max(start_s, end_s - 0.25 * stage.duration_s), len(names)).round(2).tolist()
    spans = {name: (0.0, at_s) for name, at_s in zip(names, closes, strict=True)}
    script = _stalls(stage, {**spans, late: (0.0, end_s)})
    script.events.append(TrueEvent("late_trader", late, closes[-1], end_s))
    return script


def _shuffled(stage: Stage) -> list[str]:
    return [stage.layout.props[int(k)].name for k in stage.random.permutation(len(stage.layout.props))]


def _stalls(stage: Stage, open_s: dict[str, tuple[float, float]]) -> Script:
    """open_s: per stall from when to when it is open; the ends of the loop stand for always."""
    events, tracks = [], []
    for prop in stage.layout.props:
        start_s, end_s = open_s[prop.name]
        tracks += _one_stall(stage, prop, start_s if start_s > 0 else -1e4, end_s if end_s < stage.duration_s else stage.duration_s + 1e4)
        events.append(TrueEvent("market_open", prop.name, start_s, end_s, tuple(t.actor.id for t in tracks[-1:])))
    return Script(events, tracks, replaces=frozenset(open_s))


def _one_stall(stage: Stage, prop: Prop, start_s: float, end_s: float) -> list[Track]:
    """Tarpaulin, goods, and at last the trader, who comes and goes from between the stalls and the shops."""
    (x, y), (stand_x, stand_y, yaw, _) = prop.at_m, prop.stands[0]

    def thing(mesh: Mesh, first_s: float, last_s: float) -> Track:
        actor = Actor(stage.new_id(), "stall", mesh)
        return Track(actor, np.asarray([first_s, last_s]), np.zeros((2, 2)), rest_yaw_rad=0.0)

    hung = thing(stalls.tarpaulin(stage.random, x, y), start_s - HANGING_S, end_s + HANGING_S)
    wares = thing(stalls.goods(stage.random, x, y), start_s, end_s)
    aside = (float(np.sign(stand_x)) * 7.0, stand_y - 9.0)
    stays = end_s - start_s + 2 * HANGING_S
    times, points = walked((aside, (stand_x, stand_y), aside), start_s - HANGING_S, 1, {1: stays})
    trader = Track(stage.somebody(), times, points, rest_yaw_rad=yaw)
    return [hung, wares, trader]


def street_trader(stage: Stage, start_s: float, end_s: float) -> Script:
    """Pushcarts come into a zone where nobody may trade, stand there, and go. Each event lasts as long as its cart stands."""
    events, tracks = [], []
    x0, y0, x1, y1 = stage.box_m
    count = 2 if y1 - y0 > 10 else 1
    for number in range(count):
        begin_s, leave_s = start_s + 3.5 * number, end_s - 2.0 * number
        spot = ((x0 + x1) / 2 + 0.4, y0 + (y1 - y0) * (0.22 + 0.3 * number))
        way_in, way_out = (spot[0] - 0.5, y1 + 22.0 + 8 * number), (spot[0] - 0.4, y0 - 12.0)
        times, points = walked((way_in, spot, way_out), round(begin_s, 2), 1, {1: leave_s - begin_s}, PUSH_MPS)
        yaws = np.full(len(times), -np.pi / 2)
        cart = Actor(stage.new_id(), "pushcart", stalls.pushcart(stage.random), floor_m=stage.floor_m)
        seller = stage.somebody()
        tracks += [Track(cart, times, points, yaws_rad=yaws), _pusher(seller, times, points, float(np.sign(spot[0])) or 1.0)]
        events.append(TrueEvent("street_trader", stage.area.id, round(begin_s, 2), round(leave_s, 2), (cart.id, seller.id)))
    return Script(events, tracks)


def _pusher(seller: Actor, times_s: Doubles, points_m: Doubles, outward: float) -> Track:
    """Behind the cart (it goes toward -y) while it moves; beside it, serving, while it stands."""
    behind = points_m + np.asarray([0.0, CART_AHEAD_M])
    beside = points_m[1] + np.asarray([0.75 * outward, 0.15])
    step_s = float(np.hypot(*(beside - behind[1]))) / WALK_MPS
    times = np.asarray([times_s[0], times_s[1], times_s[1] + step_s, times_s[2] - step_s, times_s[2], times_s[3]])
    points = np.stack([behind[0], behind[1], beside, beside, behind[2], behind[3]])
    return Track(seller, times, points, rest_yaw_rad=np.pi if outward > 0 else 0.0)
