"""A quantised model finds what the float one finds, lies on the shelf with a card, and keeps its last convolutions in float."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sewu.base.errors import BadModel, BadSettings, Unavailable
from sewu.base.records import Frame, Image
from sewu.detect import cards
from sewu.detect.onnx import DetectorSettings
from sewu.detect.quantise import last_convolutions, quantise
from sewu.detect.shelf import Shelf, load
from tests.detect.test_shelf import with_card


def grid(path: Path, sides: tuple[int | str, int | str] = ("h", "w")) -> Path:
    """One cell per 32 px: two convolutions that pass the brightness on as objectness, class 0 always."""
    body = np.zeros((4, 3, 1, 1), np.float32)
    body[:, :, 0, 0] = 1 / 3 / 255
    head = np.zeros((7, 4, 1, 1), np.float32)
    head[4, 0] = 1.0
    bias = np.array([0.5, 0.5, 0, 0, 0, 1, 0], np.float32)
    shape = numpy_helper.from_array(np.array([1, 7, -1], np.int64), "shape")
    nodes = [
        helper.make_node("AveragePool", ["images"], ["pooled"], kernel_shape=[32, 32], strides=[32, 32]),
        helper.make_node("Conv", ["pooled", "body"], ["inner"], name="first"),
        helper.make_node("Relu", ["inner"], ["kept"]),
        helper.make_node("Conv", ["kept", "head", "bias"], ["level"], name="last"),
        helper.make_node("Reshape", ["level", "shape"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["output"], perm=[0, 2, 1]),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, *sides])
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, "n", 7])
    weights = [numpy_helper.from_array(body, "body"), numpy_helper.from_array(head, "head"), numpy_helper.from_array(bias, "bias"), shape]
    model = helper.make_model(
        helper.make_graph(nodes, "grid", [images], [output], weights), opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def shelf_with(tmp_path: Path) -> Shelf:
    spec = cards.builtin_cards()["yolox-nano-dyn"].input
    with_card(grid(tmp_path / "grid.onnx"), input=spec, outputs=cards.OutputSpec(strides=(32,)))
    return Shelf([tmp_path])


def pictures(count: int) -> Iterator[Image]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield np.repeat(np.repeat(rng.integers(0, 255, (8, 13, 3), np.uint8), 32, axis=0), 32, axis=1)


def test_the_quantised_model_finds_the_same_bright_cells(tmp_path: Path) -> None:
    shelf = shelf_with(tmp_path)
    entry = quantise("grid", pictures(10), shelf)
    assert (entry.card.name, entry.hash) == ("grid-int8", "right")
    assert "10 pictures" in shelf.card("grid-int8").note
    image = np.zeros((256, 416, 3), np.uint8)
    image[64:96, 128:160] = 240
    image[160:192, 320:352] = 200
    frame = Frame("c", 0.0, image)
    exact, coarse = (load(name, DetectorSettings(long_side_px=416), shelf).detect([frame])[0] for name in ("grid", "grid-int8"))
    assert len(exact) == len(coarse) == 2
    np.testing.assert_allclose(exact.boxes_px, coarse.boxes_px, atol=1.0)
    np.testing.assert_allclose(exact.scores, coarse.scores, atol=0.02)


def test_only_the_convolutions_before_the_last_are_quantised(tmp_path: Path) -> None:
    shelf = shelf_with(tmp_path)
    assert last_convolutions(onnx.load(tmp_path / "grid.onnx").graph) == ["last"]
    quantise("grid", pictures(8), shelf)
    made = onnx.load(tmp_path / "grid-int8.onnx").graph
    inputs = {node.name: list(node.input) for node in made.node if node.op_type == "Conv"}
    assert inputs["last"][1] == "head"
    assert inputs["first"][1] != "body"


def test_too_few_pictures_and_an_unknown_model_are_said_and_leave_nothing(tmp_path: Path) -> None:
    shelf = shelf_with(tmp_path)
    with pytest.raises(BadSettings, match="3 pictures"):
        quantise("grid", pictures(3), shelf)
    with pytest.raises(BadSettings, match="0 pictures"):
        quantise("grid", pictures(0), shelf)
    with pytest.raises(BadModel):
        quantise("nothing", pictures(10), shelf)
    assert not (tmp_path / "grid-int8.onnx").exists()


def test_without_the_package_onnx_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx.version_converter", None)
    with pytest.raises(Unavailable, match="onnx"):
        quantise("grid", pictures(8), shelf_with(tmp_path))
