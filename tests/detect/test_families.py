"""Every decoder against boxes worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sewu.base.errors import BadModel
from sewu.detect.cards import FamilyName, OutputSpec
from sewu.detect.families import DECODERS, detr, gfl, ssd, yolox
from sewu.detect.families.candidates import grid

INPUT = (64, 64)
YOLOX = OutputSpec()
GFL = OutputSpec(strides=(8, 16, 32, 64), cell_offset=0.0)
YOLOX_CELLS = 64 + 16 + 4
GFL_CELLS = 64 + 16 + 4 + 1


def logit(chance: float) -> float:
    return math.log(chance / (1 - chance))


def test_yolox_turns_cells_and_logarithms_into_pixels() -> None:
    rows = np.zeros((2, YOLOX_CELLS, 8), np.float32)
    # Second picture, stride 16: cell (x 2, y 1) is row 64 + 1 * 4 + 2.
    rows[1, 70] = [0.5, 0.25, math.log(2), math.log(3), 0.8, 0.1, 0.2, 0.75]
    found = yolox.decode([rows], YOLOX, INPUT, 0.3)
    assert found.pictures.tolist() == [1] and found.labels.tolist() == [2]
    assert found.scores == pytest.approx([0.6])
    # Centre ((2 + .5) * 16, (1 + .25) * 16) = (40, 20), size (32, 48).
    assert found.boxes_px[0] == pytest.approx([24, -4, 56, 44])


def test_yolox_reads_decoded_boxes_and_raw_scores() -> None:
    rows = np.full((1, YOLOX_CELLS, 7), -20, np.float32)
    rows[0, 5] = [30, 20, 10, 8, logit(0.9), logit(0.5), logit(0.2)]
    found = yolox.decode([rows], OutputSpec(decoded=True, activation="sigmoid"), INPUT, 0.3)
    assert found.boxes_px[0] == pytest.approx([25, 16, 35, 24])
    assert found.scores == pytest.approx([0.45]) and found.labels.tolist() == [0]


def test_yolox_leaves_out_a_cell_whose_product_is_too_low() -> None:
    rows = np.zeros((1, YOLOX_CELLS, 7), np.float32)
    rows[0, 0, 4:6] = 0.5, 0.5
    assert len(yolox.decode([rows], YOLOX, INPUT, 0.3).scores) == 0
    assert len(yolox.decode([rows], YOLOX, INPUT, 0.2).scores) == 1


def distribution(cells: float, reg_max: int = 7) -> list[float]:
    """Logits whose expectation is `cells`: all weight on the two whole numbers beside it."""
    low = min(int(cells), reg_max - 1)
    weights = np.full(reg_max + 1, 1e-9)
    weights[low] += 1 - (cells - low)
    weights[low + 1] += cells - low
    return list(np.log(weights))


def test_nanodet_takes_the_expected_distance_from_the_corner_of_its_cell() -> None:
    rows = np.zeros((1, GFL_CELLS, 3 + 32), np.float32)
    # Stride 8: cell (x 3, y 2) is row 2 * 8 + 3, its point (24, 16).
    rows[0, 19, :3] = 0.1, 0.7, 0.2
    rows[0, 19, 3:] = [*distribution(1.5), *distribution(0.25), *distribution(2), *distribution(6.5)]
    found = gfl.decode([rows], GFL, INPUT, 0.5)
    assert found.labels.tolist() == [1] and found.scores == pytest.approx([0.7])
    assert found.boxes_px[0] == pytest.approx([24 - 12, 16 - 2, 24 + 16, 16 + 52], abs=1e-3)


def picodet_levels() -> tuple[list[np.ndarray], list[np.ndarray]]:
    counts = (64, 16, 4, 1)
    chances = [np.zeros((2, count, 5), np.float32) for count in counts]
    distances = [np.zeros((2, count, 32), np.float32) for count in counts]
    # First picture, stride 32: cell (1, 0), middle (48, 16).
    chances[2][0, 1, 4] = 0.9
    distances[2][0, 1] = [*distribution(1), *distribution(0.5), *distribution(0.25), *distribution(1)]
    return chances, distances


@pytest.mark.parametrize("order", ["scores first", "shuffled"])
def test_picodet_finds_its_levels_in_any_order(order: str) -> None:
    chances, distances = picodet_levels()
    outputs = [*chances, *distances]
    if order == "shuffled":
        outputs = [outputs[index] for index in (7, 1, 4, 3, 6, 0, 2, 5)]
    found = gfl.decode(outputs, OutputSpec(strides=(8, 16, 32, 64)), INPUT, 0.5)
    assert found.pictures.tolist() == [0] and found.labels.tolist() == [4]
    assert found.boxes_px[0] == pytest.approx([16, 0, 56, 48], abs=1e-3)


def test_picodet_with_built_in_suppression_gives_each_picture_its_rows() -> None:
    rows = np.array([[0, 0.9, 1, 2, 3, 4], [2, 0.1, 0, 0, 9, 9], [2, 0.8, 5, 6, 7, 8]], np.float32)
    found = gfl.decode([rows, np.array([2, 1], np.int32)], OutputSpec(decoded=True), INPUT, 0.3)
    assert found.pictures.tolist() == [0, 1] and found.labels.tolist() == [0, 2]
    assert found.boxes_px.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_picodet_refuses_counts_that_do_not_add_up() -> None:
    with pytest.raises(BadModel, match="counts"):
        gfl.decode([np.zeros((3, 6), np.float32), np.array([1, 1], np.int32)], OutputSpec(decoded=True), INPUT, 0.3)


@pytest.mark.parametrize("boxes_first", [True, False])
def test_detr_reads_logits_and_relative_boxes_in_either_order(boxes_first: bool) -> None:
    logits = np.full((2, 3, 91), -9, np.float32)
    boxes = np.full((2, 3, 4), 0.5, np.float32)
    logits[1, 2, 3] = logit(0.8)
    boxes[1, 2] = [0.5, 0.25, 0.5, 0.25]
    spec = OutputSpec(activation="sigmoid", box_format="cxcywh", box_unit="ratio")
    found = detr.decode([boxes, logits] if boxes_first else [logits, boxes], spec, (64, 32), 0.3)
    assert found.pictures.tolist() == [1] and found.labels.tolist() == [3]
    assert found.scores == pytest.approx([0.8]) and found.boxes_px[0] == pytest.approx([16, 4, 48, 12])


def test_detr_reads_finished_lists() -> None:
    labels: np.ndarray = np.array([[7, 0]], np.int64)
    boxes: np.ndarray = np.array([[[1, 2, 3, 4], [5, 6, 7, 8]]], np.float32)
    scores: np.ndarray = np.array([[0.2, 0.6]], np.float32)
    for outputs in ([labels, boxes, scores], [scores, labels, boxes]):
        found = detr.decode(outputs, OutputSpec(decoded=True), INPUT, 0.3)
        assert found.labels.tolist() == [0] and found.boxes_px.tolist() == [[5, 6, 7, 8]]


def test_detr_asks_for_names_when_four_classes_look_like_boxes() -> None:
    twins = [np.zeros((1, 3, 4), np.float32), np.zeros((1, 3, 4), np.float32)]
    with pytest.raises(BadModel, match="names"):
        detr.decode(twins, OutputSpec(), INPUT, 0.3)
    assert len(detr.decode(twins, OutputSpec(names=("a", "b")), INPUT, 0.3).scores) == 0


def test_ssd_reads_tensorflow_lists_up_to_their_count() -> None:
    boxes = np.array([[[0.25, 0.5, 0.75, 1.0], [0, 0, 1, 1]]], np.float32)
    spec = OutputSpec(decoded=True, box_format="yxyx", box_unit="ratio")
    outputs: list[np.ndarray] = [boxes, np.array([[0.9, 0.9]], np.float32), np.array([[3, 1]], np.float32), np.array([1], np.float32)]
    found = ssd.decode(outputs, spec, (64, 32), 0.3)
    assert found.boxes_px.tolist() == [[32, 8, 64, 24]] and found.labels.tolist() == [3]


def test_ssd_reads_torchvision_lists_without_a_batch_axis() -> None:
    boxes = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32)
    found = ssd.decode([boxes, np.array([0.1, 0.9], np.float32), np.array([1, 8], np.int64)], OutputSpec(decoded=True), INPUT, 0.3)
    assert found.boxes_px.tolist() == [[5, 6, 7, 8]] and found.labels.tolist() == [8]


def test_ssd_takes_the_best_class_of_a_score_table() -> None:
    scores = np.log(np.array([[[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]], np.float32))
    boxes = np.zeros((1, 2, 4), np.float32) + np.array([0, 0, 1, 1], np.float32)
    found = ssd.decode([boxes, scores], OutputSpec(activation="softmax"), INPUT, 0.65)
    assert found.labels.tolist() == [0] and found.scores == pytest.approx([0.7])


def test_cells_are_counted_row_by_row_and_cannot_be_written() -> None:
    cells, strides = grid((48, 32), (8, 16, 32), 0.5)
    assert len(cells) == 6 * 4 + 3 * 2 + 2 * 1
    assert cells[7].tolist() == [1.5, 1.5] and strides[24:30].ravel().tolist() == [16] * 6
    with pytest.raises(ValueError, match="read-only"):
        cells[0] = 1


FLOATS = st.floats(-1e6, 1e6, width=32) | st.sampled_from([math.nan, math.inf, -math.inf])
ARRAYS = hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=7), elements=FLOATS)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=150, deadline=None)
@given(
    family=st.sampled_from(sorted(DECODERS)),
    outputs=st.lists(ARRAYS, max_size=5),
    decoded=st.booleans(),
    names=st.booleans(),
    activation=st.sampled_from(["none", "sigmoid", "softmax"]),
)
def test_nonsense_outputs_are_refused_or_read_but_never_break(
    family: FamilyName, outputs: list[np.ndarray], decoded: bool, names: bool, activation: str
) -> None:
    spec = OutputSpec.model_validate({"decoded": decoded, "activation": activation, "names": ["a"] * 3 if names else []})
    try:
        found = DECODERS[family](outputs, spec, INPUT, 0.3)
    except BadModel:
        return
    assert found.boxes_px.shape == (len(found.scores), 4)
    assert len(found.pictures) == len(found.labels) == len(found.scores)


SHAPES: dict[FamilyName, list[tuple[int, ...]]] = {
    "yolox": [(2, YOLOX_CELLS, 9)],
    "nanodet": [(2, GFL_CELLS, 5 + 32)],
    "picodet": [(2, count, width) for width in (5, 32) for count in (64, 16, 4, 1)],
    "detr": [(2, 6, 9), (2, 6, 4)],
    "ssd": [(2, 6, 4), (2, 6), (2, 6)],
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=60, deadline=None)
@given(family=st.sampled_from(sorted(SHAPES)), seed=st.integers(0, 10**6), spice=st.sampled_from([0.0, math.nan, math.inf, -math.inf]))
def test_nonsense_values_in_the_right_shapes_are_read(family: FamilyName, seed: int, spice: float) -> None:
    random = np.random.default_rng(seed)
    outputs = [random.normal(0, 30, shape).astype(np.float32) for shape in SHAPES[family]]
    for output in outputs:
        output.flat[random.integers(0, output.size, 1 + output.size // 5)] = spice
    spec = OutputSpec(strides=(8, 16, 32) if family == "yolox" else (8, 16, 32, 64))
    found = DECODERS[family](outputs, spec, INPUT, 0.3)
    # A row that holds a NaN among its scores is left out, so nonsense may leave nothing; plain numbers never do.
    assert len(found.scores) or spice != 0.0
    assert found.boxes_px.shape == (len(found.scores), 4)
    assert set(found.pictures.tolist()) <= {0, 1} and (found.scores >= 0.3).all()
