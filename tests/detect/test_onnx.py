from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest

from sewu.base.errors import BadModel, BadSettings, Unavailable
from sewu.base.interfaces import Detector
from sewu.base.records import CLASS_IDS, Frame
from sewu.detect.cards import ModelCard
from sewu.detect.onnx import DetectorSettings, OnnxDetector
from sewu.detect.runtime import available, choose_providers
from sewu.detect.tiles import Tiling
from tests import fakes
from tests.detect import graphs

COCO = {"0": "person", "1": "bicycle", "2": "car", "3": "motorcycle", "5": "bus", "7": "truck"}
CELLS = 64 + 16 + 4


def card(**fields: object) -> ModelCard:
    plain = {"name": "tiny", "family": "yolox", "licence": "CC0-1.0", "input": {"width_px": 64, "height_px": 64}, "classes": COCO}
    return ModelCard.model_validate({**plain, **fields})


def row(x: float, y: float, width: float, height: float, chances: dict[int, float]) -> list[float]:
    """A row of stride 8 for the cell that holds (x, y); objectness is left at 0."""
    values = [x / 8 % 1, y / 8 % 1, math.log(width / 8), math.log(height / 8), 0.0, *[0.0] * 80]
    for label, chance in chances.items():
        values[5 + label] = chance
    return values


def planted_rows() -> np.ndarray:
    rows = np.zeros((CELLS, 85), np.float32)
    rows[:, 4] = -10
    for index, values in {
        8 * 2 + 2: row(20, 20, 16, 8, {2: 1.0}),  # a car around (20, 20)
        8 * 2 + 3: row(25, 20, 16, 8, {7: 0.9}),  # the same one, 5 px further, called a truck
        8 * 6 + 5: row(44, 52, 8, 16, {0: 0.95}),  # a person
        8 * 1 + 6: row(52, 12, 8, 8, {16: 1.0}),  # a dog, which is not ours
    }.items():
        rows[index] = values
    return rows


@pytest.fixture
def free_batch(tmp_path: Path) -> Path:
    return graphs.brightness_yolox(tmp_path / "free.onnx", ["n", 3, 64, 64], planted_rows())


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_frames_of_all_sizes_share_passes_and_come_back_in_order(tmp_path: Path, batch: int | str) -> None:
    path = graphs.brightness_yolox(tmp_path / "m.onnx", [batch, 3, 64, 64], planted_rows())
    detector = OnnxDetector(path, card(), DetectorSettings(max_batch=3, min_score=0.2))
    assert isinstance(detector, Detector)
    levels = [80, 255, 30, 130, 200, 100, 180]
    frames = [fakes.blank(float(i), (64 * (1 + i % 2), 64), level, camera_id=f"c{i}") for i, level in enumerate(levels)]
    found = detector.detect(frames)
    assert [(one.camera_id, one.at_s) for one in found] == [(f"c{i}", float(i)) for i in range(7)]
    for frame, one in zip(frames, found, strict=True):
        inside = frame.image[0, 0, 0] * (1.0 if frame.size_px == (64, 64) else 0.5) + (0 if frame.size_px == (64, 64) else 57)
        if inside / 255 < 0.2:
            assert len(one) == 0
        else:
            best = one.scores[one.classes == CLASS_IDS["car"]]
            assert best == pytest.approx([inside / 255], abs=0.01)


def test_boxes_are_in_the_frames_own_pixels_and_inside_it(free_batch: Path) -> None:
    (found,) = OnnxDetector(free_batch, card()).detect([fakes.blank(1.0, (640, 320), 255)])
    named = {int(c): box.tolist() for c, box in zip(found.classes, found.boxes_px, strict=True)}
    assert named[CLASS_IDS["car"]] == pytest.approx([120, 160, 280, 240], abs=1e-2)
    # The person stands in the padding, at y 44 to 60 of an input whose picture ends at 32; the dog is not ours.
    assert set(named) == {CLASS_IDS["car"], CLASS_IDS["truck"]}


def test_one_vehicle_is_not_both_car_and_truck_but_two_are_two(tmp_path: Path) -> None:
    rows = planted_rows()
    rows[8 * 2 + 3] = row(25, 20, 16, 8, {7: 0.9})
    near = rows.copy()
    near[8 * 2 + 3] = row(24.01, 20, 16, 8, {7: 0.9})
    near[8 * 2 + 2] = row(23.99, 20, 16, 8, {2: 1.0})
    frame = fakes.blank(0.0, (64, 64), 255)
    for planted, expected in ((rows, {"car", "truck", "person"}), (near, {"car", "person"})):
        path = graphs.brightness_yolox(tmp_path / f"{len(expected)}.onnx", [1, 3, 64, 64], planted)
        (found,) = OnnxDetector(path, card()).detect([frame])
        assert set(found.classes.tolist()) == {CLASS_IDS[name] for name in expected}


def test_a_detector_without_frames_finds_nothing(free_batch: Path) -> None:
    assert OnnxDetector(free_batch, card()).detect([]) == []


@pytest.fixture
def free_size(tmp_path: Path) -> tuple[Path, ModelCard]:
    path = graphs.mean_grid_yolox(tmp_path / "grid.onnx")
    free = {"width_px": 256, "height_px": 256, "multiple_of": 32, "pad_value": 0}
    return path, card(input=free, outputs={"strides": [32]}, classes={"1": "car"})


def scene(size_px: tuple[int, int], *squares: tuple[int, int, int, int]) -> Frame:
    image = np.zeros((size_px[1], size_px[0], 3), np.uint8)
    for left, top, right, bottom in squares:
        image[top:bottom, left:right] = 255
    return Frame("cam", 0.0, image)


def test_a_free_size_follows_the_frames_shape(free_size: tuple[Path, ModelCard]) -> None:
    detector = OnnxDetector(*free_size, DetectorSettings(min_score=0.9, long_side_px=128))
    (found,) = detector.detect([scene((512, 256), (128, 128, 256, 256))])
    assert found.boxes_px.tolist() == [[128, 128, 256, 256]]
    wide, tall = detector.detect([scene((512, 128), (0, 0, 128, 128)), scene((128, 512), (0, 384, 128, 512))])
    assert wide.boxes_px.tolist() == [[0, 0, 128, 128]] and tall.boxes_px.tolist() == [[0, 384, 128, 512]]


def test_tiles_see_what_the_whole_picture_is_too_coarse_for(free_size: tuple[Path, ModelCard]) -> None:
    frame = scene((512, 256), (192, 0, 256, 64))
    plain = DetectorSettings(min_score=0.9, long_side_px=128)
    assert len(OnnxDetector(*free_size, plain).detect([frame])[0]) == 0
    tiles = Tiling(columns=2, rows=1, overlap=0.0)
    (found,) = OnnxDetector(*free_size, plain.model_copy(update={"tiles": tiles})).detect([frame])
    assert found.boxes_px.tolist() == [[192, 0, 256, 64]]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"input_px": (100, 64)}, "any multiple of 32"),
        ({"input_px": (64, 64), "long_side_px": 64}, "not both"),
    ],
)
def test_a_size_that_cannot_be_is_refused(free_size: tuple[Path, ModelCard], fields: dict[str, object], complaint: str) -> None:
    with pytest.raises((BadSettings, ValueError), match=complaint):
        OnnxDetector(*free_size, DetectorSettings.model_validate(fields))


def test_a_fixed_model_takes_no_other_size(free_batch: Path) -> None:
    with pytest.raises(BadSettings, match="only 64x64"):
        OnnxDetector(free_batch, card(), DetectorSettings(input_px=(128, 128)))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"input": {"width_px": 96, "height_px": 64}}, "64x64"),
        ({"input": {"width_px": 64, "height_px": 64, "multiple_of": 32}}, "64x64"),
        ({"input": {"width_px": 64, "height_px": 64, "name": "pixels"}}, "pixels"),
        ({"input": {"width_px": 64, "height_px": 64, "dtype": "uint8"}}, "uint8"),
        ({"outputs": {"names": ["boxes"]}}, "boxes"),
    ],
)
def test_a_card_that_is_not_the_files_is_refused_at_once(free_batch: Path, fields: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadModel, match=complaint):
        OnnxDetector(free_batch, card(**fields))


def test_a_card_of_another_family_is_refused_at_the_first_look(free_batch: Path) -> None:
    detector = OnnxDetector(free_batch, card(family="nanodet", outputs={"strides": [8, 16, 32, 64]}))
    with pytest.raises(BadModel, match="are not those of the family"):
        detector.detect([fakes.blank(0.0)])


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x09" * 500])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(BadModel, match="cannot be loaded"):
        OnnxDetector(path, card())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="no model file"):
        OnnxDetector(tmp_path / "none.onnx", card())


def test_a_missing_device_is_named() -> None:
    with pytest.raises(Unavailable, match="abacus"):
        choose_providers(["abacus"])
    assert "cpu" in available() and choose_providers([])[-1] == "CPUExecutionProvider"
    assert choose_providers(["cpu"]) == ["CPUExecutionProvider"]


def test_paddles_and_d_fines_extra_inputs_are_fed(tmp_path: Path) -> None:
    frame = fakes.blank(0.0, (128, 128), 255)
    rows = np.array([[0, 0.9, 8, 8, 16, 24]], np.float32)
    path = graphs.planted(
        tmp_path / "pico.onnx",
        {"image": ([1, 3, 64, 64], np.float32), "scale_factor": ([1, 2], np.float32)},
        {"rows": rows, "count": np.array([1], np.int32)},
    )
    (found,) = OnnxDetector(path, card(family="picodet", outputs={"decoded": True}, nms=False)).detect([frame])
    assert found.boxes_px.tolist() == [[16, 16, 32, 48]] and found.classes.tolist() == [CLASS_IDS["person"]]
    path = graphs.planted(
        tmp_path / "dfine.onnx",
        {"images": ([1, 3, 64, 64], np.float32), "orig_target_sizes": ([1, 2], np.int64)},
        {
            "labels": np.array([[3, 0]], np.int64),
            "boxes": np.array([[[0, 0, 32, 32], [1, 1, 2, 2]]], np.float32),
            "scores": np.array([[0.8, 0.1]], np.float32),
        },
    )
    (found,) = OnnxDetector(path, card(family="detr", outputs={"decoded": True, "names": ["labels", "boxes", "scores"]})).detect([frame])
    assert found.boxes_px.tolist() == [[0, 0, 64, 64]] and found.classes.tolist() == [CLASS_IDS["motorcycle"]]


def test_tensorflows_bytes_in_rows_go_in_as_they_are(tmp_path: Path) -> None:
    path = graphs.planted(
        tmp_path / "ssd.onnx",
        {"input_tensor": ([1, 64, 64, 3], np.uint8)},
        {
            "boxes": np.array([[[0.0, 0.25, 0.5, 0.75]]], np.float32),
            "scores": np.array([[0.8]], np.float32),
            "classes": np.array([[2.0]], np.float32),
        },
    )
    spec = {"width_px": 64, "height_px": 64, "layout": "NHWC", "dtype": "uint8", "resize": "stretch"}
    outputs = {"decoded": True, "box_format": "yxyx", "box_unit": "ratio"}
    (found,) = OnnxDetector(path, card(family="ssd", input=spec, outputs=outputs)).detect([fakes.blank(0.0, (200, 100))])
    assert found.boxes_px.tolist() == [[50, 0, 150, 50]] and found.classes.tolist() == [CLASS_IDS["car"]]


def test_nonsense_from_the_model_does_not_reach_the_detections(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(0, 50, (CELLS, 85)).astype(np.float32)
    rows[::7] = np.nan
    rows[1::7, :4] = np.inf
    path = graphs.brightness_yolox(tmp_path / "m.onnx", [1, 3, 64, 64], rows)
    with np.errstate(all="ignore"):
        (found,) = OnnxDetector(path, card(), DetectorSettings(max_boxes=20)).detect([fakes.blank(0.0)])
    assert len(found) <= 20 and np.isfinite(found.boxes_px).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()


def test_the_python_around_a_pass_costs_less_than_half_a_millisecond(tmp_path: Path) -> None:
    """Of a 416x416 input, with 30 boxes found; resizing is of the picture's size already and the model does nothing."""
    count = 52 * 52 + 26 * 26 + 13 * 13
    rows = np.zeros((count, 85), np.float32)
    rows[: 30 * 40 : 40, :6] = [0.5, 0.5, 1.0, 1.0, 0.9, 1.0]
    path = graphs.planted(tmp_path / "m.onnx", {"images": ([1, 3, 416, 416], np.float32)}, {"output": rows[None]})
    detector = OnnxDetector(path, card(input={"width_px": 416, "height_px": 416}))
    frames = [fakes.blank(0.0, (416, 416), 200)] * 20
    assert len(detector.detect(frames)[0]) > 20
    best_ms = min(_cpu_ms(detector, frames) for _ in range(5))
    # 0.5 ms is the promise for the machine in docs/detect.md; a loaded or slower one is allowed three times that.
    assert best_ms < 1.5


def _cpu_ms(detector: OnnxDetector, frames: list[Frame]) -> float:
    start = time.process_time()
    detector.detect(frames)
    return (time.process_time() - start) * 1000 / len(frames)
