from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.boxes import iou
from sewu.base.interfaces import Detector
from sewu.base.records import CLASS_IDS, Detections, Frame
from sewu.detect.motion import MotionDetector, MotionSettings
from tests import fakes
from tests.detect.scenes import Street, as_row, walker


def best_iou(found: Detections, box: tuple[int, int, int, int]) -> float:
    return float(iou(found.boxes_px, as_row(box)).max()) if len(found) else 0.0


def learnt(detector: MotionDetector, street: Street, rate_fps: float, until_s: float = 4.0) -> float:
    """Show the empty street; gives the time of the next frame."""
    times = np.arange(0, until_s, 1 / rate_fps)
    for at_s in times:
        detector.detect([street.seen(float(at_s))])
    return float(times[-1] + 1 / rate_fps)


@pytest.mark.parametrize("rate_fps", [25.0, 5.0, 1.0])
def test_a_walker_is_found_at_any_frame_rate(rate_fps: float) -> None:
    detector, street = MotionDetector(), Street()
    assert isinstance(detector, Detector)
    start_s = learnt(detector, street, rate_fps)
    overlaps, extra = [], 0
    for step in range(int(6 * rate_fps)):
        box = walker(step / rate_fps)
        (found,) = detector.detect([street.seen(start_s + step / rate_fps, [box])])
        overlaps.append(best_iou(found, box))
        extra += max(0, len(found) - 1)
        assert (found.classes == CLASS_IDS["object"]).all()
    assert np.mean(np.array(overlaps) > 0.5) > 0.9
    assert extra <= 0.1 * len(overlaps)


def test_an_empty_street_stays_empty() -> None:
    detector, street = MotionDetector(), Street(noise=6.0)
    found = [len(detector.detect([street.seen(step / 5)])[0]) for step in range(100)]
    assert sum(found) == 0


def test_what_stood_there_at_the_first_look_leaves_no_lasting_ghost() -> None:
    detector, street = MotionDetector(), Street()
    parked = (300, 200, 400, 260)
    for step in range(10):
        detector.detect([street.seen(step / 5, [parked])])
    ghosts = [best_iou(detector.detect([street.seen(2 + step / 5)])[0], parked) > 0.3 for step in range(50)]
    assert not any(ghosts[25:])


def test_a_thing_put_down_is_reported_until_it_is_absorbed() -> None:
    detector, street = MotionDetector(MotionSettings(absorb_s=20.0)), Street()
    bag = (300, 250, 340, 280)
    for at_s in range(60):
        detector.detect([street.seen(float(at_s))])
    seen = {at_s: best_iou(detector.detect([street.seen(60.0 + at_s, [bag])])[0], bag) > 0.4 for at_s in range(30)}
    assert all(seen[at_s] for at_s in range(1, 18)) and not any(seen[at_s] for at_s in range(22, 30))


def test_a_shadow_is_no_object_but_what_casts_it_is() -> None:
    detector, street = MotionDetector(), Street()
    start_s = learnt(detector, street, 5)
    for step in range(20):
        box = walker(step / 5)
        shadow = (box[2], 200, box[2] + 90, 240)
        (found,) = detector.detect([street.seen(start_s + step / 5, [box], shadow=shadow)])
        assert best_iou(found, box) > 0.5
        assert not any(other[2] > box[2] + 30 for other in found.boxes_px)


def test_a_shaking_camera_makes_no_objects_and_hides_none() -> None:
    detector, street, random = MotionDetector(), Street(), np.random.default_rng(3)
    start_s = learnt(detector, street, 5)
    false = hits = 0
    for step in range(60):
        shift = tuple(float(part) for part in random.uniform(-8, 8, 2))
        box = walker((step - 30) / 5) if step >= 30 else None
        (found,) = detector.detect([street.seen(start_s + step / 5, [box] if box else None, shift_px=(shift[0], shift[1]))])
        hits += box is not None and best_iou(found, box) > 0.4
        false += len(found) - (1 if box is not None and len(found) else 0)
    assert hits >= 27 and false <= 3


@pytest.mark.parametrize("light", [0.7, 1.4])
def test_a_cloud_changes_nothing(light: float) -> None:
    detector, street = MotionDetector(), Street()
    start_s = learnt(detector, street, 5)
    for step in range(25):
        box = walker(step / 5)
        (found,) = detector.detect([street.seen(start_s + step / 5, [box], light=light)])
        assert best_iou(found, box) > 0.5 and len(found) == 1


def test_lamps_out_are_learnt_anew_without_an_explosion_of_boxes() -> None:
    detector, street = MotionDetector(), Street()
    start_s = learnt(detector, street, 5)
    counts = [len(detector.detect([street.seen(start_s + step / 5, light=0.2)])[0]) for step in range(20)]
    assert max(counts) == 0
    box = walker(2.0)
    assert best_iou(detector.detect([street.seen(start_s + 4, [box], light=0.2)])[0], box) > 0.4


def test_another_scene_is_learnt_anew_without_an_explosion_of_boxes() -> None:
    detector = MotionDetector()
    start_s = learnt(detector, Street(0), 5)
    counts = [len(detector.detect([Street(1).seen(start_s + step / 5)])[0]) for step in range(20)]
    assert max(counts) <= 2 and sum(counts[5:]) == 0


def test_cameras_do_not_share_a_background_and_are_forgotten() -> None:
    detector, a, b = MotionDetector(), Street(0), Street(5, (320, 240))
    for step in range(20):
        frames = [a.seen(step / 5), Frame("other", step / 5, b.seen(0.0).image)]
        assert [len(found) for found in detector.detect(frames)] == [0, 0]
    box = walker(1.0)
    assert len(detector.detect([a.seen(4.0, [box])])[0]) == 1
    detector.forget("cam")
    detector.forget("never seen")
    assert len(detector.detect([a.seen(4.2, [box])])[0]) == 0


def test_the_cameras_remembered_are_bounded() -> None:
    detector = MotionDetector(MotionSettings(max_cameras=2))
    for number in range(5):
        detector.detect([fakes.blank(0.0, camera_id=f"c{number}")])
    assert list(detector._cameras) == ["c3", "c4"]


def test_a_long_pause_and_a_clock_set_back_start_anew() -> None:
    detector, street = MotionDetector(), Street()
    start_s = learnt(detector, street, 5)
    assert len(detector.detect([street.seen(start_s + 5000, [walker(1.0)])])[0]) == 0
    assert len(detector.detect([street.seen(start_s - 100, [walker(2.0)])])[0]) == 0


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), min_size=1, max_size=4),
    times=st.lists(st.floats(-1e9, 1e10), min_size=4, max_size=4),
    levels=st.lists(st.integers(0, 255), min_size=4, max_size=4),
)
def test_any_sizes_times_and_levels_give_boxes_inside_the_frame(
    sizes: list[tuple[int, int]], times: list[float], levels: list[int]
) -> None:
    detector = MotionDetector()
    for index, size in enumerate(sizes):
        for _ in range(3):
            (found,) = detector.detect([fakes.blank(times[index], size, levels[index])])
            assert (found.boxes_px >= 0).all() and (found.boxes_px <= np.array([*size, *size]) + 1e-3).all()
