"""A square model becomes one for wide pictures with the same boxes, or is refused and leaves nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sewu.base.errors import BadModel
from sewu.base.records import Frame
from sewu.detect import cards
from sewu.detect.economy import thrifty
from sewu.detect.freeing import free
from sewu.detect.shelf import Shelf, load
from tests.detect.test_quantise import grid
from tests.detect.test_shelf import with_card, yolox


def square(tmp_path: Path) -> Shelf:
    with_card(grid(tmp_path / "grid.onnx", (416, 416)), outputs=cards.OutputSpec(strides=(32,)))
    return Shelf([tmp_path])


def test_a_freed_model_sees_the_same_on_fewer_pixels(tmp_path: Path) -> None:
    shelf = square(tmp_path)
    entry = free("grid", shelf)
    assert (entry.card.name, entry.card.input.multiple_of, entry.hash) == ("grid-dyn", 32, "right")
    image = np.zeros((224, 416, 3), np.uint8)
    image[64:96, 128:160] = 240
    frame = Frame("c", 0.0, image)
    before = load("grid", None, shelf).detect([frame])[0]
    after = thrifty("grid", 416, 0.3, shelf)
    assert after.name == "grid-dyn"
    np.testing.assert_allclose(after.detect([frame])[0].boxes_px, before.boxes_px, atol=0.5)
    assert len(before) == 1


def test_a_model_whose_graph_fixes_its_size_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with_card(yolox(tmp_path / "mine.onnx"))
    with pytest.raises(BadModel, match="cannot be freed"):
        free("mine", Shelf([tmp_path]))
    assert not (tmp_path / "mine-dyn.onnx").exists()


def test_a_free_model_is_not_freed_again(tmp_path: Path) -> None:
    shelf = square(tmp_path)
    free("grid", shelf)
    with pytest.raises(BadModel, match="any size already"):
        free("grid-dyn", shelf)


def test_an_unknown_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadModel):
        free("nothing", Shelf([tmp_path]))
