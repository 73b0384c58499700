"""Scoring a detector on simulated pictures, with pictures and detector made by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sewu.base.records import CLASS_IDS, Detections, Frame
from sewu.evaluate.protocols.scenes import SIZE_PX, Shot, picture, scenes_ap
from sewu.simulate.scenes.place import SceneKind
from sewu.simulate.scenes.truth import Seen
from tests.fakes import detections

INPUT_PX = (640, 384)
BLANK = np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
WALKER = Seen(1, 1, (100.0, 100.0, 180.0, 300.0), 0.9)
RIDER = Seen(3, 2, (500.0, 100.0, 560.0, 250.0), 0.8)
HIDDEN = Seen(4, 1, (900.0, 100.0, 980.0, 300.0), 0.1)
SMALL = Seen(5, 1, (1200.0, 100.0, 1220.0, 160.0), 1.0)
CAR = Seen(6, 3, (600.0, 600.0, 900.0, 800.0), 1.0)
ALL = (WALKER, RIDER, HIDDEN, SMALL, CAR)


def shot(*seen: Seen) -> Shot:
    return Shot("day", Frame("street-1-day", 0.0, BLANK), seen)


def test_riders_are_persons_and_what_is_small_or_hidden_is_ignored() -> None:
    found = detections(0.0, ("person", HIDDEN.box_px, 0.9), ("car", CAR.box_px, 0.8))
    people = picture("person", shot(*ALL), found, INPUT_PX)
    assert np.allclose(people.truth_px, [WALKER.box_px, RIDER.box_px])
    assert people.ignore_px is not None and np.allclose(people.ignore_px, [HIDDEN.box_px, SMALL.box_px])
    assert np.allclose(people.found_px, [HIDDEN.box_px])
    assert len(picture("car", shot(*ALL), found, INPUT_PX).truth_px) == 1


class Finds:
    """A detector that finds these boxes in every picture."""

    name = "by hand"

    def __init__(self, *rows: tuple[str, tuple[float, float, float, float], float]) -> None:
        self.rows = rows

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [detections(frame.at_s, *self.rows) for frame in frames]

    def forget(self, camera_id: str) -> None:
        pass


def by_hand(kind: SceneKind, seed: int, count: int) -> Iterator[Shot]:
    for _ in range(count):
        yield shot(*ALL)


def test_ap_counts_what_is_found_and_the_bar_asks_for_persons_and_cars() -> None:
    good = Finds(("person", WALKER.box_px, 0.9), ("person", RIDER.box_px, 0.5), ("person", HIDDEN.box_px, 0.95), ("car", CAR.box_px, 0.9))
    section = scenes_ap(lambda *_: good, (1,), 2, kinds=("street",), draw=by_hand)
    assert section.verdict == "met" and section.truth == "simulated"
    assert section.figures["day person ap50"] == section.figures["day car ap50"] == 1.0
    rows = {row[1]: row for row in section.rows}
    assert rows["person"] == ("day", "person", "4", "1.00", "1.00", "1.00")
    assert rows["bus"][2:] == ("0", "-", "-", "-")
    blind = Finds(("person", WALKER.box_px, 0.9))
    section = scenes_ap(lambda *_: blind, (1,), 2, kinds=("street",), draw=by_hand)
    assert section.verdict == "not met" and section.figures["day person ap50"] == 0.5 and section.figures["day car ap50"] == 0.0
    assert set(CLASS_IDS) >= set(rows)
