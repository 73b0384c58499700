"""A model's boxes keep their names; motion adds only what the model has nothing for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sewu.base.records import CLASSES, Detections, Frame
from sewu.detect.shelf import load
from sewu.detect.together import Together
from tests.fakes import blank, detections


class Said:
    """Says what it was told to."""

    def __init__(self, name: str, *rows: tuple[str, tuple[float, float, float, float], float]) -> None:
        self.name, self.rows, self.forgotten = name, rows, list[str]()

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [detections(frame.at_s, *self.rows) for frame in frames]

    def forget(self, camera_id: str) -> None:
        self.forgotten.append(camera_id)


def test_what_moves_and_is_named_is_one_thing_and_what_else_moves_is_an_object() -> None:
    named = Said("nano", ("car", (0, 0, 50, 30), 0.8), ("person", (200, 0, 210, 30), 0.15))
    motion = Said("motion", ("object", (5, 5, 60, 40), 0.5), ("object", (100, 0, 140, 30), 0.5), ("object", (198, 0, 212, 31), 0.5))
    both = Together(named, motion)
    (found,) = both.detect([blank(0.0)])
    assert both.name == "nano+motion"
    assert [CLASSES[kind] for kind in found.classes] == ["car", "person", "object", "object"]
    assert found.boxes_px[2:, 0].tolist() == [100, 198], "an unsure name does not stand in the way"


def test_both_forget() -> None:
    named, motion = Said("nano"), Said("motion")
    Together(named, motion).forget("cam")
    assert named.forgotten == motion.forgotten == ["cam"]


def test_it_is_loaded_by_name() -> None:
    alone = load("motion")
    assert alone.name == "motion"
    assert len(alone.detect([blank(0.0)])[0].boxes_px) == 0
    assert np.isfinite(alone.detect([blank(0.1)])[0].scores).all()
