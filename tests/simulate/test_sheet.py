"""The contact sheet, of a test card with an invented truth."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from sewu.base.errors import BadSource, StoreFull
from sewu.simulate.sheet import TILE_PX, WHO_BGR, ZONE_BGR, contact_sheet, write_sheet
from sewu.simulate.testcard import TestCard, cached_card

SIZE_PX = (320, 180)


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    card = cached_card(TestCard(width_px=SIZE_PX[0], height_px=SIZE_PX[1], duration_s=4.0), tmp_path / "cards")
    folder = tmp_path / "loop"
    (folder / "truth").mkdir(parents=True)
    shutil.copyfile(card, folder / "main.mp4")
    events = [{"kind": "fight", "zone": "a", "start_s": 1.0, "end_s": 3.0, "ids": [7]}]
    events += [{"kind": "market_open", "zone": "unseen", "start_s": 0.0, "end_s": 4.0, "ids": []}] * 6
    (folder / "truth" / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    areas = [{"id": "a", "points_px": [[40, 60], [280, 60], [280, 150], [40, 150]]}, {"id": "unseen", "points_px": []}]
    (folder / "truth" / "areas.json").write_text(json.dumps(areas))
    rows = [(frame, 7, 2.0 * frame, 100.0, 20.0, 30.0, 1, 1, 1.0) for frame in range(1, 41)]
    np.savetxt(folder / "truth" / "gt.txt", rows, delimiter=",", fmt="%g")
    return folder


def near(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.argwhere((np.abs(image.astype(int) - colour) < 25).all(axis=2))


def test_the_middle_of_an_event_shows_its_zone_and_who_did_it(loop: Path) -> None:
    sheet = contact_sheet(loop)
    # One fight and four of the six stalls, three in a line.
    assert sheet.shape == (2 * TILE_PX[1], 3 * TILE_PX[0], 3)
    # In order of their beginning: the fight comes fifth.
    tile = sheet[TILE_PX[1] :, TILE_PX[0] : 2 * TILE_PX[0]]
    zone = near(tile[40:], ZONE_BGR)
    assert abs(zone[:, 0].min() + 40 - 120) <= 2 and abs(zone[:, 1].min() - 80) <= 2 and abs(zone[:, 1].max() - 560) <= 2
    # At 2 s, 10 pictures a second: picture 21, its box at x = 42, twice as large in the tile.
    who = near(tile, WHO_BGR)
    assert abs(who[:, 1].min() - 84) <= 2 and abs(who[:, 0].min() - 200) <= 2
    assert sheet[TILE_PX[1] :, 2 * TILE_PX[0] :].max() == 0


@pytest.mark.parametrize("name", ["sheet.png", "sheet.jpg"])
def test_a_sheet_is_written_as_a_picture(loop: Path, tmp_path: Path, name: str) -> None:
    write_sheet(loop, tmp_path / name)
    image = cv2.imread(str(tmp_path / name))
    assert image is not None and image.shape[1] == 3 * TILE_PX[0]
    with pytest.raises(StoreFull):
        write_sheet(loop, tmp_path / "no" / name)


@pytest.mark.parametrize("broken", ["events.jsonl", "areas.json", "gt.txt"])
def test_a_folder_without_truth_is_refused(loop: Path, broken: str) -> None:
    (loop / "truth" / broken).write_text('{"id": 3}\n')
    with pytest.raises(BadSource):
        contact_sheet(loop)
    (loop / "truth" / broken).unlink()
    with pytest.raises(BadSource):
        contact_sheet(loop)


def test_a_loop_in_which_nothing_happens_is_refused(loop: Path) -> None:
    (loop / "truth" / "events.jsonl").write_text("")
    with pytest.raises(BadSource, match="Nothing happens"):
        contact_sheet(loop)
