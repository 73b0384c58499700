"""INT8 from a float model, on the user's own pictures: ONNX Runtime's static quantisation, QDQ form, per channel.

The last convolutions, those that feed an output through nothing but shape changes and a sigmoid, stay in float: their
few scores decide what is an object (the mixed precision that Nagel et al. 2021, "A White Paper on Neural Network
Quantization", section 3.5, advise for sensitive layers). Whether it pays must be measured on the machine that shall run it.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sewu.base.errors import BadModel, BadSettings, Unavailable
from sewu.base.records import Image
from sewu.detect.cards import ModelCard, write_card
from sewu.detect.placing import Canvas, rectangle_px
from sewu.detect.recognise import sha256_of
from sewu.detect.shelf import Entry, Shelf

OPSET = 13
"""The first in which weights may have a scale per channel."""
THROUGH = {"Concat", "Reshape", "Transpose", "Sigmoid", "Softmax", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Identity", "Cast"}
LEAST_PICTURES = 8
ENDING = "-int8"


def quantise(name: str, pictures: Iterable[Image], shelf: Shelf, long_side_px: int = 416) -> Entry:
    """Quantise a model and put it on the shelf as NAME-int8, with a card.

    Args:
        pictures: of the cameras it is meant for, BGR, at least 8; some dozens are usual.
        long_side_px: of the input that it is calibrated at, for models of free size.

    Raises:
        BadModel: unknown model, or one that cannot be quantised. BadSettings: too few pictures.
        Unavailable: the `onnx` package is not installed. StoreFull: the disk did not take it.
    """
    onnx = onnx_package()
    tool = importlib.import_module("onnxruntime.quantization")  # itself needs onnx
    path, card = shelf.find(name)
    with tempfile.TemporaryDirectory(prefix="sewu-int8-") as folder:
        raised, prepared, target = (Path(folder) / file for file in ("raised.onnx", "prepared.onnx", f"{card.name}{ENDING}.onnx"))
        reader = _Reader(card, pictures, long_side_px)
        try:
            model = onnx.load(path)
            before = max(entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"})
            onnx.save(model if before >= OPSET else onnx.version_converter.convert_version(model, OPSET), raised)
            tool.shape_inference.quant_pre_process(str(raised), str(prepared), skip_symbolic_shape=True)
            model = onnx.load(prepared)
            for number, node in enumerate(model.graph.node):
                node.name = node.name or f"node-{number}"  # what is left in float is named
            onnx.save(model, prepared)
            reader.name = card.input.name or model.graph.input[0].name
            tool.quantize_static(
                str(prepared),
                str(target),
                reader,
                quant_format=tool.QuantFormat.QDQ,
                per_channel=True,
                activation_type=tool.QuantType.QUInt8,
                weight_type=tool.QuantType.QInt8,
                nodes_to_exclude=last_convolutions(model.graph),
            )
        except (RuntimeError, ValueError) as error:
            if reader.given < LEAST_PICTURES:
                raise BadSettings(f"{reader.given} pictures are too few to quantise with.", f"Give at least {LEAST_PICTURES}.") from error
            raise BadModel(f"{name} cannot be quantised: {str(error)[:200]}", "Use it as it is.") from error
        if reader.given < LEAST_PICTURES:
            raise BadSettings(f"{reader.given} pictures are too few to quantise with.", f"Give at least {LEAST_PICTURES}.")
        made = _card(card, reader.given, sha256_of(target))
        target.with_suffix(".toml").write_text(write_card(made), encoding="utf-8")
        return shelf.add(target, target.with_suffix(".toml"))


def last_convolutions(graph: Any) -> list[str]:
    """Names of the convolutions between which and an output only shapes and activations lie."""
    maker = {output: node for node in graph.node for output in node.output}
    waiting, found, seen = [output.name for output in graph.output], list[str](), set[str]()
    while waiting:
        tensor = waiting.pop()
        node = maker.get(tensor)
        if node is None or tensor in seen:
            continue
        seen.add(tensor)
        if node.op_type == "Conv":
            found.append(node.name)
        elif node.op_type in THROUGH:
            waiting.extend(node.input)
    return sorted(found)


class _Reader:
    """Gives ONNX Runtime the pictures as the model will see them: its `CalibrationDataReader`."""

    def __init__(self, card: ModelCard, pictures: Iterable[Image], long_side_px: int) -> None:
        self._card, self._long_side_px = card, long_side_px
        self._pictures: Iterator[Image] = iter(pictures)
        self.name, self.given = "", 0

    def get_next(self) -> dict[str, np.ndarray[Any, Any]] | None:
        image = next(self._pictures, None)
        if image is None:
            return None
        spec = self._card.input
        height, width = image.shape[:2]
        free = spec.multiple_of
        size_px = (spec.width_px, spec.height_px) if free is None else rectangle_px((width, height), self._long_side_px, free)
        canvas = Canvas(spec, size_px, 1)
        canvas.paint(0, image)
        self.given += 1
        return {self.name: canvas.tensor[:1]}


def _card(card: ModelCard, pictures: int, digest: str) -> ModelCard:
    note = f"INT8 of {card.name}, calibrated on {pictures} pictures of this machine's own. Measure it before you use it."
    changed = {"name": f"{card.name}{ENDING}", "sha256": (digest,), "files": (), "url": None, "size_bytes": None, "note": note}
    return card.model_copy(update=changed)


def onnx_package() -> Any:
    """The package, which only making models needs. Raises `Unavailable`."""
    try:
        importlib.import_module("onnx.version_converter")
        return importlib.import_module("onnx")
    except ImportError as error:
        raise Unavailable("Changing models needs the package onnx.", "Install it: `pip install onnx`.") from error
