"""Moved things are those that moved, and a glance is only credited with what it saw."""

from __future__ import annotations

import numpy as np
import pytest

from sewu.base.records import Frame
from sewu.bench.glancing import Seen, moved_boxes, moved_tiles, score_glances, table


def at(x: float, y: float, width: float = 20, height: float = 40, visible: float = 1.0) -> tuple[np.ndarray, float]:
    return np.array([x, y, x + width, y + height]), visible


def test_half_its_side_is_moved_and_less_is_not() -> None:
    assert len(moved_boxes({1: at(100, 100)}, {1: at(110, 100)})) == 1
    assert len(moved_boxes({1: at(100, 100)}, {1: at(100, 120)})) == 1
    assert moved_boxes({1: at(100, 100)}, {1: at(109, 119)}) == []


def test_a_newcomer_moved_and_one_that_left_or_is_hidden_or_tiny_did_not() -> None:
    assert len(moved_boxes({}, {1: at(100, 100)})) == 1
    assert moved_boxes({1: at(100, 100)}, {}) == []
    assert moved_boxes({}, {1: at(100, 100, visible=0.4), 2: at(0, 0, 7, 30)}) == []


def test_tiles_are_those_it_came_from_and_went_to() -> None:
    tiles = moved_tiles({1: at(5, 5, 20, 20), 2: at(300, 200)}, {1: at(605, 5, 20, 20), 2: at(300.5, 200)}, (640, 360))
    assert np.argwhere(tiles).tolist() == [[0, 0], [0, 15]]


def scene(*white: tuple[float, float]) -> tuple[Frame, Seen]:
    image = np.full((360, 640, 3), 80, np.uint8)
    for x, y in white:
        image[int(y) : int(y) + 40, int(x) : int(x) + 20] = 220
    return Frame("c", 0.0, image), {number: at(x, y) for number, (x, y) in enumerate(white)}


def test_what_is_seen_counts_and_an_invisible_one_is_missed() -> None:
    first, second = scene((100, 100)), scene((200, 100))
    ghost: Seen = {**second[1], 7: at(500, 300)}
    score = score_glances("clip", [first, (second[0], ghost), (second[0], ghost)])
    assert (score.glances, score.moved, score.noticed, score.everywhere) == (2, 2, 1, 0)
    assert score.recall == pytest.approx(0.5)
    assert 0 < score.changed_share < 0.1
    assert "1/2 moved" in table([score])


def test_nothing_moved_has_no_recall() -> None:
    assert score_glances("clip", [scene((100, 100)), scene((100, 100))]).recall is None
