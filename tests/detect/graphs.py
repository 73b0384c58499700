"""Tiny ONNX files whose outputs are planted, made without any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]
ONNX_TYPES = {
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.int64): TensorProto.INT64,
    np.dtype(np.int32): TensorProto.INT32,
    np.dtype(np.uint8): TensorProto.UINT8,
}


def planted(path: Path, inputs: Mapping[str, tuple[Shape, Any]], outputs: Mapping[str, NDArray[Any]]) -> Path:
    """A model that gives `outputs` whatever it is shown."""
    nodes = [helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value)) for name, value in outputs.items()]
    listed = [helper.make_tensor_value_info(name, ONNX_TYPES[np.dtype(kind)], list(shape)) for name, (shape, kind) in inputs.items()]
    given = [helper.make_tensor_value_info(name, ONNX_TYPES[value.dtype], list(value.shape)) for name, value in outputs.items()]
    return _save(path, helper.make_graph(nodes, "planted", listed, given))


def brightness_yolox(path: Path, input_shape: Shape, rows: NDArray[np.float32]) -> Path:
    """A YOLOX-shaped model whose objectness is the picture's mean brightness: tells pictures of a batch apart.

    `rows`: (cells, 5 + classes) with objectness 0, to which brightness / 255 is added.
    """
    mask = np.zeros_like(rows)
    mask[:, 4] = 1 / 255
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Constant", [], ["shape"], value=numpy_helper.from_array(np.array([-1, 1, 1], np.int64))),
        helper.make_node("Reshape", ["mean", "shape"], ["level"]),
        helper.make_node("Constant", [], ["mask"], value=numpy_helper.from_array(mask[None])),
        helper.make_node("Constant", [], ["rows"], value=numpy_helper.from_array(rows[None])),
        helper.make_node("Mul", ["level", "mask"], ["added"]),
        helper.make_node("Add", ["rows", "added"], ["output"]),
    ]
    listed = [helper.make_tensor_value_info("images", TensorProto.FLOAT, list(input_shape))]
    given = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [input_shape[0], *rows.shape])]
    return _save(path, helper.make_graph(nodes, "brightness", listed, given))


def mean_grid_yolox(path: Path) -> Path:
    """A YOLOX-shaped model of free size: one cell per 32 px (one level), a box around every bright cell, class 2."""
    columns = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], np.float32).reshape(1, 1, 7)
    pick = np.zeros((1, 1, 7), np.float32)
    pick[0, 0, 4] = 1 / 255
    middle = np.array([0.5, 0.5, 0, 0, 0, 0, 0], np.float32).reshape(1, 1, 7)
    nodes = [
        helper.make_node("AveragePool", ["images"], ["pooled"], kernel_shape=[32, 32], strides=[32, 32]),
        helper.make_node("ReduceMean", ["pooled"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Constant", [], ["shape"], value=numpy_helper.from_array(np.array([0, -1, 1], np.int64))),
        helper.make_node("Reshape", ["grey", "shape"], ["level"]),
        helper.make_node("Constant", [], ["pick"], value=numpy_helper.from_array(pick)),
        helper.make_node("Constant", [], ["base"], value=numpy_helper.from_array(columns + middle)),
        helper.make_node("Mul", ["level", "pick"], ["added"]),
        helper.make_node("Add", ["added", "base"], ["output"]),
    ]
    listed = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, "h", "w"])]
    given = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, "n", 7])]
    return _save(path, helper.make_graph(nodes, "grid", listed, given))


def _save(path: Path, graph: Any) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
