from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sewu.base.errors import BadModel
from sewu.detect.recognise import recognise, sha256_of
from tests.detect import graphs

FLOAT = np.float32


def zeros(*shape: int) -> Any:
    return np.zeros(shape, FLOAT)


def test_a_file_is_hashed_as_sha256sum_does(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_undecoded_yolox_is_recognised_with_its_size(tmp_path: Path) -> None:
    cells = 40 * 24 + 20 * 12 + 10 * 6
    path = graphs.planted(tmp_path / "My Model!.onnx", {"images": ([1, 3, 192, 320], FLOAT)}, {"output": zeros(1, cells, 85)})
    card = recognise(path)
    assert (card.family, card.name, card.input.width_px, card.input.height_px) == ("yolox", "my-model-", 320, 192)
    assert card.licence == "unstated" and card.url is None and card.sha256 == (sha256_of(path),)


def test_decoded_boxes_of_the_same_shape_are_not_taken_for_yolox(tmp_path: Path) -> None:
    rows = zeros(1, 3549, 85)
    rows[0, :, :2] = np.random.default_rng(0).uniform(0, 416, (3549, 2))
    path = graphs.planted(tmp_path / "v6.onnx", {"images": ([1, 3, 416, 416], FLOAT)}, {"output": rows})
    with pytest.raises(BadModel, match="several things") as caught:
        recognise(path)
    assert "v6.toml" in caught.value.advice


@pytest.mark.parametrize(
    ("inputs", "outputs", "family"),
    [
        ({"data": ([1, 3, 320, 320], FLOAT)}, {"output": zeros(1, 2125, 112)}, "nanodet"),
        (
            {"image": ([1, 3, 320, 320], FLOAT)},
            {f"{kind}{n}": zeros(1, n, width) for n in (1600, 400, 100, 25) for kind, width in (("c", 80), ("d", 32))},
            "picodet",
        ),
        (
            {"images": ([1, 3, 640, 640], FLOAT), "orig_target_sizes": ([1, 2], np.int64)},
            {"labels": np.zeros((1, 300), np.int64), "boxes": zeros(1, 300, 4), "scores": zeros(1, 300)},
            "detr",
        ),
        ({"input": ([1, 3, 384, 384], FLOAT)}, {"dets": zeros(1, 300, 4), "labels": zeros(1, 300, 91)}, "detr"),
    ],
)
def test_the_official_layouts_are_recognised(tmp_path: Path, inputs: Any, outputs: Any, family: str) -> None:
    card = recognise(graphs.planted(tmp_path / "m.onnx", inputs, outputs))
    assert card.family == family


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({"images": ([1, 3, 416, 416], FLOAT)}, {"output": zeros(1, 84, 3549)}),
        ({"images": ([1, 3, 416, 416], FLOAT)}, {"output": zeros(1, 3549, 6)}),
        ({"tokens": ([1, 8], FLOAT)}, {"output": zeros(1, 8)}),
        ({"a": ([1, 3, 64, 64], FLOAT), "b": ([1, 3, 64, 64], FLOAT)}, {"output": zeros(1, 84, 85)}),
    ],
)
def test_other_layouts_are_refused(tmp_path: Path, inputs: Any, outputs: Any) -> None:
    with pytest.raises(BadModel, match="several things"):
        recognise(graphs.planted(tmp_path / "m.onnx", inputs, outputs))
