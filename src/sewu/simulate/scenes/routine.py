"""What may happen in a place on a usual day: a set of happenings drawn from the seed."""

from __future__ import annotations

import numpy as np

from sewu.simulate.scenes.happenings import HappeningKind
from sewu.simulate.scenes.place import SceneKind

ALONE: frozenset[HappeningKind] = frozenset({"queue", "congestion", "high_water", "flood", "market_opening", "market_closing"})
"""Of these at most one at a time: they rule the same signal, river or stalls."""
CHANCES: dict[SceneKind, dict[HappeningKind, float]] = {
    "street": {"illegal_parking": 0.6, "street_trader": 0.4, "abandoned_bag": 0.25, "rubbish": 0.35, "wrong_way": 0.35,
               "loitering": 0.3, "person_down": 0.15, "fight": 0.1, "gathering": 0.3, "masks": 0.3},
    "junction": {"queue": 0.4, "congestion": 0.5, "illegal_parking": 0.4, "wrong_way": 0.4, "gathering": 0.2, "rubbish": 0.2,
                 "person_down": 0.1, "intrusion": 0.2},
    "market": {"market_opening": 0.35, "market_closing": 0.35, "street_trader": 0.5, "crowd_surge": 0.2, "rubbish": 0.5,
               "abandoned_bag": 0.25, "fight": 0.15, "masks": 0.4, "illegal_parking": 0.2},
    "carpark": {"parking": 0.9, "intrusion": 0.3, "loitering": 0.3, "abandoned_bag": 0.2, "person_down": 0.15},
    "river": {"high_water": 0.4, "flood": 0.35, "intrusion": 0.3, "rubbish": 0.3, "wrong_way": 0.3, "gathering": 0.2, "person_down": 0.1},
}  # fmt: skip
"""How often each happens in a loop."""


def routine(kind: SceneKind, seed: int) -> tuple[HappeningKind, ...]:
    """One to three happenings that suit the place; the same seed gives the same."""
    random = np.random.default_rng([seed, 7919])
    chances = CHANCES[kind]
    order = [list(chances)[int(k)] for k in random.permutation(len(chances))]
    drawn = [happening for happening in order if float(random.random()) < chances[happening]]
    chosen: list[HappeningKind] = []
    for happening in drawn or [max(chances, key=lambda name: chances[name])]:
        rules = happening in ALONE and any(other in ALONE for other in chosen)
        # They would stand on the same spot.
        crowds = happening in ("crowd_surge", "gathering", "fight") and any(o in ("crowd_surge", "gathering", "fight") for o in chosen)
        if not rules and not crowds and len(chosen) < 3:
            chosen.append(happening)
    return tuple(chosen)
