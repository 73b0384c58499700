"""The free-size variant is taken where it is there; else the model as its card says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sewu.base.errors import BadModel
from sewu.base.records import Frame
from sewu.detect import cards
from sewu.detect.economy import thrifty
from sewu.detect.shelf import Shelf
from tests.detect import graphs
from tests.detect.test_shelf import with_card, yolox

WIDE = Frame("c", 0.0, np.full((360, 640, 3), 128, np.uint8))


def free(path: Path) -> Path:
    """Of free height and width, with as many rows as 416 x 256 asks for."""
    return graphs.brightness_yolox(path, [1, 3, "h", "w"], np.zeros((52 * 32 + 26 * 16 + 13 * 8, 85), np.float32))


def test_a_wide_picture_is_looked_at_without_padding_where_the_size_is_free(tmp_path: Path) -> None:
    with_card(yolox(tmp_path / "mine.onnx"))
    spec = cards.builtin_cards()["yolox-nano-dyn"].input
    with_card(free(tmp_path / "mine-dyn.onnx"), input=spec)
    detector = thrifty("mine", 416, 0.1, Shelf([tmp_path]))
    assert detector.name == "mine-dyn"
    assert len(detector.detect([WIDE])) == 1  # the planted rows fit 416 x 256 and no other input


def test_without_the_variant_the_model_itself_is_run(tmp_path: Path) -> None:
    with_card(yolox(tmp_path / "mine.onnx"))
    detector = thrifty("mine", 320, 0.1, Shelf([tmp_path]))
    assert detector.name == "mine"
    assert len(detector.detect([WIDE])) == 1


def test_a_variant_of_fixed_size_is_no_economy(tmp_path: Path) -> None:
    with_card(yolox(tmp_path / "mine.onnx"))
    with_card(yolox(tmp_path / "mine-dyn.onnx"))
    assert thrifty("mine", 416, 0.1, Shelf([tmp_path])).name == "mine"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="nothing"):
        thrifty("nothing", 416, 0.1, Shelf([tmp_path]))


def test_motion_has_no_input_and_is_run_as_it_is(tmp_path: Path) -> None:
    assert thrifty("motion", 416, 0.1, Shelf([tmp_path])).name == "motion"
