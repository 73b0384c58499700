"""A model of fixed input size with its height and width made free, where its graph allows that.

Cameras are 16:9, many detectors are exported square: freed, the same weights look at 416 x 256 and leave out the padding,
which saves a third of the time at the same boxes. A convolutional detector whose reshapes keep one side open (-1) can be
freed; whether one really can is tried, on two sizes and against the original, before anything is stored.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sewu.base.errors import BadModel, SewuError
from sewu.base.records import Frame
from sewu.detect.cards import ModelCard, write_card
from sewu.detect.economy import FREE
from sewu.detect.onnx import DetectorSettings, OnnxDetector
from sewu.detect.quantise import onnx_package
from sewu.detect.recognise import sha256_of
from sewu.detect.shelf import Entry, Shelf

GREY = 114
TRY_SCORE = 1e-4
"""Low enough for boxes on noise, which are what is compared."""


def free(name: str, shelf: Shelf) -> Entry:
    """Put NAME-dyn on the shelf, with a card.

    Raises:
        BadModel: unknown, free already, or not to be freed. Unavailable: the `onnx` package is not installed.
        StoreFull: the disk did not take it.
    """
    onnx = onnx_package()
    path, card = shelf.find(name)
    if card.input.multiple_of is not None:
        raise BadModel(f"{name} takes any size already.", "Use it as it is.")
    with tempfile.TemporaryDirectory(prefix="sewu-free-") as folder:
        target = Path(folder) / f"{name}{FREE}.onnx"
        model = onnx.load(path)
        _open_sides(model.graph, card)
        onnx.save(model, target)
        made = _card(card, sha256_of(target))
        target.with_suffix(".toml").write_text(write_card(made), encoding="utf-8")
        _compare(path, card, target, made)
        return shelf.add(target, target.with_suffix(".toml"))


def _open_sides(graph: Any, card: ModelCard) -> None:
    """Give the input's height and width names instead of numbers, and forget what was derived from the numbers."""
    wanted = card.input.name
    picture = next((i for i in graph.input if (i.name == wanted if wanted else len(i.type.tensor_type.shape.dim) == 4)), None)
    if picture is None:
        raise BadModel(f"{card.name} has no picture input.", "Set input.name in its card.")
    axes = (2, 3) if card.input.layout == "NCHW" else (1, 2)
    for axis, side in zip(axes, ("height", "width"), strict=True):
        picture.type.tensor_type.shape.dim[axis].dim_param = side
    del graph.value_info[:]
    for output in graph.output:
        dims = output.type.tensor_type.shape.dim
        for axis in range(1, len(dims) - 1):
            dims[axis].dim_param = f"{output.name}-{axis}"


def _card(card: ModelCard, digest: str) -> ModelCard:
    step = max(card.outputs.strides)
    spec = card.input.model_copy(update={"multiple_of": step})
    note = f"{card.name} with free height and width."
    changed = {"name": f"{card.name}{FREE}", "input": spec, "sha256": (digest,), "files": (), "url": None, "size_bytes": None, "note": note}
    return card.model_copy(update=changed)


def _compare(path: Path, card: ModelCard, target: Path, made: ModelCard) -> None:
    """Same boxes as the original at its size, and any boxes at all at half the height. Raises `BadModel`."""
    width, height = card.input.width_px, card.input.height_px
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    try:
        before = OnnxDetector(path, card, DetectorSettings(min_score=TRY_SCORE)).detect([Frame("try", 0.0, image)])[0]
        freed = OnnxDetector(target, made, DetectorSettings(min_score=TRY_SCORE, input_px=(width, height)))
        after = freed.detect([Frame("try", 0.0, image)])[0]
        step = made.input.multiple_of or 1
        OnnxDetector(target, made, DetectorSettings(input_px=(width, height // 2 // step * step or step))).detect(
            [Frame("try", 0.0, image)]
        )
    except SewuError as error:
        raise BadModel(f"{card.name} cannot be freed: {error.what}", "Use it as it is.") from error
    same = (
        len(before) == len(after)
        and np.allclose(before.boxes_px, after.boxes_px, atol=0.5)
        and np.allclose(before.scores, after.scores, atol=1e-3)
    )
    if not same:
        raise BadModel(f"{card.name} sees something else when freed.", "Use it as it is.")
