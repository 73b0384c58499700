"""A second look is asked for where something uncertain stands in a zone, and not more often than it may."""

from __future__ import annotations

import numpy as np
import pytest

from sewu.base.records import CLASS_IDS, Detections
from sewu.base.space import Scene, Zone
from sewu.cull.doubt import Doubt

SCENE = Scene((640, 360), (Zone("kerb", "no_parking", ((0, 0), (320, 0), (320, 360), (0, 360))),))


def found(at_s: float, score: float, x: float = 100.0, kind: str = "car") -> Detections:
    return Detections("K1", at_s, np.array([[x, 100, x + 50, 150]], np.float32), np.array([score]), np.array([CLASS_IDS[kind]]))


@pytest.mark.parametrize(
    ("score", "x", "kind", "asks"),
    [(0.4, 100, "car", True), (0.9, 100, "car", False), (0.1, 100, "car", False), (0.4, 500, "car", False), (0.4, 100, "object", False)],
)
def test_only_an_uncertain_named_object_in_a_zone_is_worth_it(score: float, x: float, kind: str, asks: bool) -> None:
    assert Doubt(SCENE).about(found(5.0, score, x, kind), (640, 360)) is asks


def test_zones_fit_the_picture_that_is_looked_at() -> None:
    assert Doubt(SCENE).about(found(5.0, 0.4, 500), (1280, 720)), "x 525 lies in the left half of the larger picture"


def test_it_rests_between_two_doubts_and_survives_a_clock_set_back() -> None:
    doubt = Doubt(SCENE, rest_s=10.0)
    assert [doubt.about(found(at_s, 0.4), (640, 360)) for at_s in (100.0, 102.0, 109.0, 110.0, 50.0)] == [True, False, False, True, True]
    assert not Doubt(Scene((640, 360))).about(found(0.0, 0.4), (640, 360))
