"""Clocks that belong to places."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.records import Tracks
from sewu.base.standing import MAX_SPOTS, Standing
from tests.fakes import CAMERA, tracks

BOX = (100.0, 100.0, 140.0, 130.0)
NOBODY = Tracks.none(CAMERA, 0.0)


def moved(dx: float) -> tuple[float, float, float, float]:
    return BOX[0] + dx, BOX[1], BOX[2] + dx, BOX[3]


def test_of_two_new_ids_the_better_fitting_takes_the_spot() -> None:
    standing = Standing(0.25, 60.0)
    for second in range(10):
        first = tracks(0.0, (1, "car", BOX))
        standing.update(first, first.boxes_px, float(second))
    both = tracks(0.0, (5, "car", moved(12.0)), (6, "car", moved(1.0)))
    found = standing.update(both, both.boxes_px, 12.0)
    assert (found[6].dwell_s, found[6].number) == (12.0, 1)
    assert (found[5].dwell_s, found[5].number) == (0.0, 2)


def test_a_spot_somebody_is_seen_on_is_not_given_away() -> None:
    standing = Standing(0.25, 60.0)
    first = tracks(0.0, (1, "car", BOX))
    standing.update(first, first.boxes_px, 0.0)
    both = tracks(0.0, (1, "car", BOX), (2, "car", moved(2.0)))
    found = standing.update(both, both.boxes_px, 5.0)
    assert (found[1].dwell_s, found[2].dwell_s) == (5.0, 0.0)


def test_creeping_forward_restarts_the_clock() -> None:
    standing = Standing(0.25, 60.0)
    longest_s = 0.0
    for second in range(200):
        now = tracks(0.0, (1, "car", moved(0.5 * second)))
        longest_s = max(longest_s, standing.update(now, now.boxes_px, float(second))[1].dwell_s)
    assert longest_s <= 30.0, "0.25 of 35 px at half a pixel a second is 17 s"


def test_no_more_spots_than_the_limit_are_kept() -> None:
    standing = Standing(0.25, 1e9)
    for index in range(MAX_SPOTS + 50):
        now = tracks(0.0, (index, "car", (50.0 * index, 0.0, 50.0 * index + 40, 30.0)))
        standing.update(now, now.boxes_px, float(index))
    assert len(standing.spots) == MAX_SPOTS


places = st.lists(st.dictionaries(st.integers(1, 6), st.floats(0, 200), max_size=4), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(script=places, cut=st.integers(0, 40))
def test_one_spot_per_seen_track_and_restoring_changes_nothing(script: list[dict[int, float]], cut: int) -> None:
    whole, part = Standing(0.25, 10.0), Standing(0.25, 10.0)
    for second, rows in enumerate(script):
        if second == cut:
            saved, part = json.loads(json.dumps(part.state())), Standing(0.25, 10.0)
            part.restore(saved)
        now = tracks(0.0, *((number, "car", moved(dx)) for number, dx in rows.items()))
        found = whole.update(now, now.boxes_px, float(second))
        assert part.update(now, now.boxes_px, float(second)) == found
        assert set(found) == set(rows)
        assert len({spot.number for spot in found.values()}) == len(rows)
        assert all(0.0 <= spot.dwell_s <= second for spot in found.values())


def test_when_nobody_is_left_the_memory_empties() -> None:
    standing = Standing(0.25, 10.0)
    now = tracks(0.0, (1, "car", BOX))
    standing.update(now, now.boxes_px, 0.0)
    standing.update(NOBODY, np.empty((0, 4)), 5.0)
    assert len(standing.spots) == 1
    standing.update(NOBODY, np.empty((0, 4)), 11.0)
    assert standing.spots == {}
