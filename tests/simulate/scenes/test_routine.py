"""What is drawn for a usual day can happen in its place."""

from __future__ import annotations

import numpy as np
import pytest

from sewu.simulate.scenes.happenings import MAKERS, ZONE_KIND, able, make_script
from sewu.simulate.scenes.layout import LAYOUTS
from sewu.simulate.scenes.place import SceneKind
from sewu.simulate.scenes.routine import ALONE, CHANCES, routine
from tests.simulate.scenes.places import place


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_routine_suits_its_place_and_repeats(kind: SceneKind) -> None:
    layout = place(kind)
    drawn = [routine(kind, seed) for seed in range(60)]
    assert drawn == [routine(kind, seed) for seed in range(60)]
    assert all(1 <= len(happenings) <= 3 and set(happenings) <= set(able(layout)) for happenings in drawn)
    assert all(len(ALONE.intersection(happenings)) <= 1 for happenings in drawn)
    assert len(set(drawn)) >= 5
    # Whatever has a chance comes up now and then, and hardly anything always.
    assert {name for happenings in drawn for name in happenings} >= {name for name, chance in CHANCES[kind].items() if chance >= 0.3}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_happening_of_a_place_ends_within_the_loop(kind: SceneKind) -> None:
    layout = place(kind)
    for happening in able(layout):
        script = make_script(happening, layout, 45.0, np.random.default_rng(8), [1])
        zones = {area.id for area in layout.areas}
        for event in script.events:
            assert 0 <= event.start_s < event.end_s <= 45 and event.zone in zones
            # At the middle of a scatter the fastest are gone.
            assert {a.id for a in script.present(event.start_s + 0.02)} >= set(event.ids)


def test_every_happening_has_a_maker_and_some_place() -> None:
    assert set(MAKERS) == set(ZONE_KIND)
    places = [set(able(place(kind))) for kind in LAYOUTS]
    assert set.union(*places) == set(MAKERS)
