"""Looks are saved only where nothing is lost: a perfect detector must find the same with and without the gate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sewu.base.records import Detections, Frame
from sewu.detect.canvas import CanvasDetector, Found
from sewu.workers.looking import Eye, Looker, joined
from tests.detect.test_canvas import Blobs

INPUT = (416, 256)


class CountingBlobs(Blobs):
    """Finds white rectangles and counts the pictures it was shown, canvases apart."""

    def __init__(self) -> None:
        self.whole = 0
        self.canvases = 0

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        canvases = sum(frame.camera_id.startswith("canvas") for frame in frames)
        self.canvases += canvases
        self.whole += len(frames) - canvases
        return super().detect(frames)


def picture(at_s: float, *white_px: tuple[int, int, int, int], camera_id: str = "c", seed: int = 0) -> Frame:
    grain = np.random.default_rng(seed + int(at_s * 10)).normal(60, 4, (360, 640, 1))
    image = np.repeat(np.clip(grain, 0, 255), 3, axis=2).astype(np.uint8)
    for x0, y0, x1, y1 in white_px:
        image[y0:y1, x0:x1] = 255
    return Frame(camera_id, at_s, image)


def looker(canvas: bool = True) -> tuple[Looker, CountingBlobs]:
    detector = CountingBlobs()
    return Looker(detector, CanvasDetector(detector) if canvas else None, INPUT), detector


def boxes_of(found: Detections) -> list[list[int]]:
    return sorted(found.boxes_px.round().astype(int).tolist())


def near(found: Detections, *expected: tuple[int, int, int, int]) -> bool:
    rows = np.array(boxes_of(found)).reshape(-1, 4)
    truth = np.array(sorted(expected)).reshape(-1, 4)
    return rows.shape == truth.shape and bool((np.abs(rows - truth) <= 3).all())


def test_what_did_not_change_is_carried_with_the_new_time() -> None:
    looking, detector = looker()
    eye = Eye(whole_interval_s=60)
    looking.look([(eye, picture(0, (100, 100, 130, 160)))])
    (found,) = looking.look([(eye, picture(2, (100, 100, 130, 160)))])
    assert (found.at_s, detector.whole, detector.canvases, looking.counts.carried) == (2, 1, 0, 1)
    assert near(found, (100, 100, 130, 160))


def test_a_mover_and_a_parked_one_are_both_right_after_each_part_look() -> None:
    looking, detector = looker()
    eye = Eye(whole_interval_s=1000)
    parked = (500, 250, 560, 300)
    for step in range(12):
        mover = (40 + 25 * step, 80, 60 + 25 * step, 130)
        (found,) = looking.look([(eye, picture(2 * step, parked, mover))])
        assert near(found, parked, mover), step
    assert detector.whole == 1
    assert detector.canvases == 11


def test_one_that_left_is_gone() -> None:
    looking, _ = looker()
    eye = Eye(whole_interval_s=1000)
    looking.look([(eye, picture(0, (100, 100, 130, 160), (400, 200, 430, 260)))])
    (found,) = looking.look([(eye, picture(2, (400, 200, 430, 260)))])
    assert near(found, (400, 200, 430, 260))


def test_many_cameras_share_canvases() -> None:
    looking, detector = looker()
    eyes = [Eye(whole_interval_s=1000) for _ in range(10)]
    looking.look([(eye, picture(0, camera_id=f"c{i}", seed=i)) for i, eye in enumerate(eyes)])
    found = looking.look([(eye, picture(2, (200, 150, 220, 190), camera_id=f"c{i}", seed=i)) for i, eye in enumerate(eyes)])
    assert detector.canvases <= 3
    for index, detections in enumerate(found):
        assert detections.camera_id == f"c{index}"
        assert near(detections, (200, 150, 220, 190))


def test_a_whole_look_comes_when_promised_and_after_a_clock_jump() -> None:
    looking, detector = looker()
    eye = Eye(whole_interval_s=10)
    for at_s in (0, 4, 8, 12, 16, 3):
        looking.look([(eye, picture(at_s))])
    assert detector.whole == 3


def test_without_canvases_any_change_is_looked_at_whole() -> None:
    looking, detector = looker(canvas=False)
    eye = Eye(whole_interval_s=1000)
    looking.look([(eye, picture(0))])
    (found,) = looking.look([(eye, picture(2, (200, 150, 220, 190)))])
    assert (detector.whole, detector.canvases) == (2, 0)
    assert near(found, (200, 150, 220, 190))


def test_no_pictures_no_work() -> None:
    looking, detector = looker()
    assert looking.look([]) == []
    assert detector.whole == 0


def test_half_of_a_known_one_at_a_cut_is_replaced_by_the_known_one() -> None:
    found = joined_at_cut(known_px=(150, 20, 250, 60), half_px=(150, 20, 200, 60), score=0.9)
    assert found is not None
    assert boxes_of(found) == [[150, 20, 250, 60]]


def test_half_of_something_unknown_asks_for_a_whole_look_unless_it_is_weak() -> None:
    assert joined_at_cut(known_px=(300, 200, 350, 260), half_px=(150, 20, 200, 60), score=0.9) is None
    found = joined_at_cut(known_px=(300, 200, 350, 260), half_px=(150, 20, 200, 60), score=0.15)
    assert found is not None
    assert boxes_of(found) == [[300, 200, 350, 260]]


def joined_at_cut(known_px: tuple[int, ...], half_px: tuple[int, ...], score: float) -> Detections | None:
    """A part (100, 0) to (200, 100) in which half of something ends at the right edge."""

    def one(box_px: tuple[int, ...], sure: float) -> Detections:
        return Detections("c", 1.0, np.array([box_px], np.float32), np.array([sure], np.float32), np.zeros(1, np.int64))

    part = Found(one(half_px, score), np.array([True]))
    return joined(one(known_px, 0.8), [part], np.array([[100, 0, 200, 100]], np.float32), np.zeros(1, np.bool_))


def test_a_parked_car_that_a_part_cuts_stays_and_one_whose_tiles_changed_does_not() -> None:
    looking, detector = looker()
    eye = Eye(whole_interval_s=1000)
    parked = (300, 100, 520, 220)
    looking.look([(eye, picture(0, parked))])
    (found,) = looking.look([(eye, picture(2, parked, (262, 130, 285, 190)))])
    assert near(found, parked, (262, 130, 285, 190))
    (found,) = looking.look([(eye, picture(4, (262, 130, 285, 190)))])
    assert near(found, (262, 130, 285, 190))
    assert detector.whole <= 2
