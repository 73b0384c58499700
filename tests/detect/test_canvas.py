"""Parts of many cameras on one canvas: nothing overlaps, every box comes home, cut objects are noticed."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base import boxes
from sewu.base.records import Detections, Frame
from sewu.detect.canvas import GAP_PX, CanvasDetector, Part, pack, parts_of

SIZE = (416, 416)


class Blobs:
    """Finds white rectangles on anything darker: the truth is in the picture."""

    name = "blobs"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        found = []
        for frame in frames:
            white = (frame.image[..., 0] > 200).astype(np.uint8)
            _, _, stats, _ = cv2.connectedComponentsWithStats(white)
            rows = stats[1:, :4].astype(np.float32)
            rows[:, 2:] += rows[:, :2]
            found.append(Detections(frame.camera_id, frame.at_s, rows, np.full(len(rows), 0.9, np.float32), np.zeros(len(rows), np.int64)))
        return found

    def forget(self, camera_id: str) -> None:
        return None


def picture(camera_id: str, *white_px: tuple[int, int, int, int]) -> Frame:
    image = np.full((360, 640, 3), 60, np.uint8)
    for x0, y0, x1, y1 in white_px:
        image[y0:y1, x0:x1] = 255
    return Frame(camera_id, 1.0, image)


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500)), max_size=40))
def test_packed_rectangles_stay_apart_and_inside(sizes: list[tuple[int, int]]) -> None:
    places = pack(sizes, SIZE)
    clipped = [(min(w, SIZE[0]), min(h, SIZE[1])) for w, h in sizes]
    for (w, h), (_, x, y) in zip(clipped, places, strict=True):
        assert 0 <= x <= SIZE[0] - w
        assert 0 <= y <= SIZE[1] - h
    for canvas in {place[0] for place in places}:
        rows = [(x, y, x + w + GAP_PX, y + h + GAP_PX) for (w, h), (c, x, y) in zip(clipped, places, strict=True) if c == canvas]
        overlap = boxes.intersections_px2(np.array(rows, np.float32), np.array(rows, np.float32))
        assert np.count_nonzero(overlap) == len(rows)


def test_small_parts_of_many_cameras_share_one_pass() -> None:
    frames = [picture(f"c{index}", (100 + index, 50, 120 + index, 90)) for index in range(8)]
    detector = CanvasDetector(Blobs(), SIZE)
    found = detector.detect([Part(frame, (80, 30, 180, 110)) for frame in frames], [0.65] * 8)
    assert detector.passes == 1
    for index, part in enumerate(found):
        assert part.detections.camera_id == f"c{index}"
        assert not part.cut.any()
        np.testing.assert_allclose(part.detections.boxes_px, [[100 + index, 50, 120 + index, 90]], atol=2.5)


@pytest.mark.parametrize("box", [(80, 50, 100, 90), (170, 50, 200, 90), (100, 20, 120, 60), (100, 100, 120, 130)])
def test_an_object_on_a_cut_is_noticed(box: tuple[int, int, int, int]) -> None:
    (found,) = CanvasDetector(Blobs(), SIZE).detect([Part(picture("c", box), (90, 30, 180, 110))], [1.0])
    assert found.cut.any()


def test_an_object_at_the_edge_of_the_picture_is_not_cut() -> None:
    (found,) = CanvasDetector(Blobs(), SIZE).detect([Part(picture("c", (0, 0, 20, 40)), (0, 0, 100, 100))], [1.0])
    assert not found.cut.any()
    assert len(found.detections) == 1


def test_nothing_to_look_at_costs_no_pass() -> None:
    detector = CanvasDetector(Blobs(), SIZE)
    assert detector.detect([], []) == []
    assert detector.passes == 0


def test_parts_take_known_objects_in_whole_and_merge() -> None:
    tiles = np.zeros((9, 16), np.bool_)
    tiles[4, 4] = tiles[4, 12] = True
    known = np.array([[170, 100, 230, 260], [10, 10, 30, 30]], np.float32)
    parts = parts_of(picture("c"), tiles, known, margin_px=10)
    assert len(parts) == 2
    left = min(parts, key=lambda part: part.box_px[0]).box_px
    assert left[0] <= 165
    assert left[1] <= 95
    assert left[3] >= 265
    together = np.ones((9, 16), np.bool_)
    assert [part.box_px for part in parts_of(picture("c"), together, known, 10)] == [(0, 0, 640, 360)]
    assert parts_of(picture("c"), np.zeros((9, 16), np.bool_), known, 10) == []
