"""Proposals lie where things were seen: lines across the road, zones where vehicles stop and people stand."""

from __future__ import annotations

import numpy as np

from sewu.base.records import Tracks
from sewu.base.space import Scene
from sewu.flow import Look
from sewu.study.draft import ZoneDraft
from tests.fakes import blank, box_at, detections, tracks

SIZE = (640, 360)


def look(at_s: float, seen: Tracks) -> Look:
    return Look(blank(at_s, SIZE), detections(at_s), seen, (), (), True)


def draft(*steps: tuple[float, Tracks]) -> Scene:
    proposal = ZoneDraft(SIZE)
    for at_s, seen in steps:
        proposal.add(look(at_s, seen))
    return proposal.scene()


def test_an_empty_street_gives_no_proposal() -> None:
    scene = draft(*((at / 5, tracks(at / 5)) for at in range(50)))
    assert scene.zones == ()
    assert scene.lines == ()


def test_cars_that_drive_through_give_a_line_across_their_way() -> None:
    steps = []
    for car in range(8):
        for index in range(30):
            at_s = car * 10 + index / 5
            steps.append((at_s, tracks(at_s, (car, "car", box_at(20 + 20 * index, 200 + 4 * car, 60, 40)))))
    (line, *_) = draft(*steps).lines
    (x0, y0), (x1, y1) = line.start_px, line.end_px
    assert abs(y1 - y0) > 3 * abs(x1 - x0), "it stands across a horizontal flow"
    assert min(y0, y1) <= 200
    assert max(y0, y1) >= 228


def test_a_car_that_stands_and_people_who_wait_are_marked() -> None:
    steps = [
        (at / 5, tracks(at / 5, (1, "car", box_at(500, 300, 80, 50)), (2, "person", box_at(100, 150)), (3, "person", box_at(130, 160))))
        for at in range(100)
    ]
    scene = draft(*steps)
    (stops,) = scene.zones_of("no_parking")
    (crowd,) = scene.zones_of("crowd")
    assert stops.holds(np.array([[500.0, 300.0], [100.0, 150.0]])).tolist() == [True, False]
    assert crowd.holds(np.array([[500.0, 300.0], [100.0, 150.0], [130.0, 160.0]])).tolist() == [False, True, True]
    assert scene.lines == ()
