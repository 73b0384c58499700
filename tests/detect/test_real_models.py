"""The real YOLOX-Nano on real pictures: the numbers of docs/detect.md and of the models' manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sewu.base.records import CLASS_IDS, Frame
from sewu.detect.onnx import DetectorSettings, OnnxDetector
from sewu.detect.shelf import Shelf, default_detector, load
from sewu.detect.tiles import Tiling
from sewu.evaluate import labelled
from tests.fakes import labelled_data

FOUR_WHEELERS, MOTORCYCLES = 41, 24


@pytest.fixture(scope="module")
def data() -> Path:
    return labelled_data()


@pytest.fixture(scope="module")
def shelf(data: Path) -> Shelf:
    return Shelf([data / "models"])


def detector(shelf: Shelf, name: str, **fields: object) -> OnnxDetector:
    found = load(name, DetectorSettings.model_validate({"min_score": 0.3, **fields}), shelf)
    assert isinstance(found, OnnxDetector)
    return found


def scores(model: OnnxDetector, data: Path) -> tuple[int, int, int, int]:
    """(four-wheelers, motorcycles, motorcycles or their riders, false) over the seven stills."""
    total = np.zeros(4, np.int64)
    for still in labelled.stills(data):
        (found,) = model.detect([still.frame])
        total += np.array(labelled.score_still(found, still))
    wheels, motorcycles, ridden, false = total.tolist()
    return wheels, motorcycles, ridden, false


def test_both_files_are_recognised_by_their_hash_and_run(shelf: Shelf) -> None:
    for name in ("yolox-nano", "yolox-nano-dyn"):
        found = shelf.verify(name)
        assert found.good and found.entry.hash == "right" and found.entry.card.name == name
    assert default_detector(shelf=shelf)[0].name == "yolox-nano"


def test_people_at_pets_are_found_as_well_as_the_reference(data: Path, shelf: Shelf) -> None:
    """Every 10th frame, person, IoU 0.5: AP 0.902 is the published figure for these weights on this clip."""
    truth = labelled.pets_truth(data)
    wanted = set(range(0, 795, 10))
    pictures = labelled.grab(data / "clips" / "pets09_s2l1_480x360.avi", wanted)
    model = detector(shelf, "yolox-nano", min_score=0.01)
    results = []
    for number, image in sorted(pictures.items()):
        (found,) = model.detect([Frame("pets", number / 10, image)])
        people = found.classes == CLASS_IDS["person"]
        results.append((found.boxes_px[people], found.scores[people], truth[number]))
    assert sum(len(boxes) for _, _, boxes in results) == 467
    assert labelled.average_precision(results) == pytest.approx(0.902, abs=0.01)


def test_the_street_stills_give_the_reference_counts_at_416(data: Path, shelf: Shelf) -> None:
    """26 of 41 and 14 of 24, where a rider stands for the motorcycle that the model did not name."""
    wheels, motorcycles, ridden, _ = scores(detector(shelf, "yolox-nano"), data)
    assert (wheels, ridden) == (26, 14)
    assert motorcycles <= ridden


def test_a_rectangle_finds_what_a_padded_square_finds(data: Path, shelf: Shelf) -> None:
    square = scores(detector(shelf, "yolox-nano-dyn", input_px=(416, 416)), data)
    rectangle = scores(detector(shelf, "yolox-nano-dyn", long_side_px=416), data)
    assert np.abs(np.array(square) - np.array(rectangle)).max() <= 1


def test_a_larger_input_and_tiles_find_more(data: Path, shelf: Shelf) -> None:
    small = scores(detector(shelf, "yolox-nano-dyn", long_side_px=416), data)
    large = scores(detector(shelf, "yolox-nano-dyn", long_side_px=960), data)
    tiled = scores(detector(shelf, "yolox-nano-dyn", long_side_px=640, tiles=Tiling()), data)
    assert large[0] >= 32 > small[0]
    assert tiled[0] > large[0] and tiled[1] > large[1]
    assert tiled[0] <= FOUR_WHEELERS and tiled[2] <= MOTORCYCLES


def test_an_unknown_file_of_the_same_weights_is_recognised(data: Path, tmp_path: Path) -> None:
    """A trailing byte field changes the hash, so only the layout is left to go by."""
    copied = tmp_path / "copy.onnx"
    # Field 100 of the outer message, a varint: readers skip what they do not know.
    copied.write_bytes((data / "models" / "yolox_nano_416.onnx").read_bytes() + b"\xa0\x06\x01")
    found = Shelf([tmp_path]).find(copied)[1]
    assert (found.family, found.input.width_px, found.licence) == ("yolox", 416, "unstated")
    with pytest.raises(Exception, match="several things"):
        Shelf([tmp_path]).find(data / "models" / "ultraface_rfb_320.onnx")
