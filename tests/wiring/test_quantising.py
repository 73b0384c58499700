"""Calibration pictures come from folders, stills and clips, evenly spread, and never more than asked for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sewu.base.errors import BadSettings
from sewu.simulate.testcard import SUB_CARD, cached_card
from sewu.wiring.quantising import pictures_of


def stills(folder: Path, count: int) -> None:
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:02d}.png"), np.full((20, 30, 3), number, np.uint8))


def test_stills_are_spread_over_the_folder(tmp_path: Path) -> None:
    stills(tmp_path, 20)
    (tmp_path / "notes.txt").write_text("no picture")
    assert [int(image[0, 0, 0]) for image in pictures_of(tmp_path, 4)] == [0, 5, 10, 15]
    assert len(list(pictures_of(tmp_path, 100))) == 20


def test_a_clip_gives_keyframes_and_fills_up_what_stills_lack(tmp_path: Path) -> None:
    card = cached_card(SUB_CARD, tmp_path / "cards")
    alone = list(pictures_of(card, 3))
    assert len(alone) == 3
    assert alone[0].shape == (360, 640, 3)
    assert not np.array_equal(alone[0], alone[2])
    (tmp_path / "mixed").mkdir()
    stills(tmp_path / "mixed", 2)
    (tmp_path / "mixed" / "clip.mp4").write_bytes(card.read_bytes())
    assert [image.shape[0] for image in pictures_of(tmp_path / "mixed", 4)] == [20, 20, 360, 360]


@pytest.mark.parametrize("name", ["none", "empty"])
def test_nothing_there_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadSettings):
        list(pictures_of(tmp_path / name, 8))
