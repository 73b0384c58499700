"""What is made to happen, by name: scripted actors with their own truth."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sewu.base.errors import BadSettings
from sewu.simulate.scenes import happenings_market as market
from sewu.simulate.scenes import happenings_order as order
from sewu.simulate.scenes import happenings_parking as parking
from sewu.simulate.scenes import happenings_people as people
from sewu.simulate.scenes import happenings_things as things
from sewu.simulate.scenes import happenings_water as water
from sewu.simulate.scenes.place import Layout
from sewu.simulate.scenes.scripts import Maker, Script, Stage, span_s

HappeningKind = Literal[
    "illegal_parking", "gathering", "intrusion", "loitering", "abandoned_bag", "queue", "congestion", "high_water", "flood",
    "market_opening", "market_closing", "street_trader", "parking", "person_down", "fight", "crowd_surge", "wrong_way", "rubbish", "masks",
]  # fmt: skip
ZONE_KIND: dict[HappeningKind, str] = {
    "illegal_parking": "no_parking", "gathering": "crowd", "intrusion": "restricted", "loitering": "watch",
    "abandoned_bag": "left", "queue": "queue", "high_water": "water", "flood": "flood", "market_opening": "stall",
    "market_closing": "stall", "street_trader": "no_trading", "parking": "bay",
    "person_down": "watch", "fight": "watch", "crowd_surge": "crowd",
    "congestion": "queue", "wrong_way": "one_way", "rubbish": "rubbish", "masks": "crowd",
}  # fmt: skip
"""The kind of zone in which each takes place."""
MAKERS: dict[HappeningKind, Maker] = {
    "illegal_parking": order.illegal_parking, "gathering": order.gathering, "intrusion": order.intrusion,
    "loitering": order.loitering, "abandoned_bag": order.abandoned_bag, "queue": order.queue,
    "high_water": water.high_water, "flood": water.flood,
    "market_opening": market.market_opening, "market_closing": market.market_closing, "street_trader": market.street_trader,
    "parking": parking.bays_in_use, "person_down": people.person_down, "fight": people.fight,
    "crowd_surge": people.crowd_surge,
    "congestion": things.congestion, "wrong_way": things.wrong_way, "rubbish": things.rubbish, "masks": things.masks,
}  # fmt: skip
"""Who makes each."""


def able(layout: Layout) -> list[HappeningKind]:
    """What can happen in a place: that for which it has a zone."""
    kinds = {area.kind for area in layout.areas}
    return [kind for kind, zone in ZONE_KIND.items() if zone in kinds]


def make_script(kind: HappeningKind, layout: Layout, duration_s: float, random: np.random.Generator, next_id: list[int]) -> Script:
    """One happening, between 15 % and 90 % of the loop.

    Raises:
        BadSettings: this place has no zone for it, or the loop is too short.
    """
    area = next((a for a in layout.areas if a.kind == ZONE_KIND[kind]), None)
    if area is None:
        raise BadSettings(
            f"{kind} cannot happen in the scene {layout.kind}.", f"Choose one of {', '.join(able(layout))}, or another scene."
        )
    start_s, end_s = span_s(kind, duration_s, random)
    return MAKERS[kind](Stage(layout, area, duration_s, random, next_id), start_s, end_s)
