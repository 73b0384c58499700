"""Counts and events as they are written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sewu.simulate.scenes.actors import moving, person
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.people import any_looks
from sewu.simulate.scenes.place import CountLine
from sewu.simulate.scenes.scripts import Script, TrueEvent
from sewu.simulate.scenes.truth import Ledger, Observer

CAMERA, SIZE_PX = PoleCamera(0, 0, 6, 90, 15, 60), (640, 360)


def test_who_crosses_a_line_is_counted_once_and_in_his_direction(tmp_path: Path) -> None:
    ledger = Ledger((CountLine("line", (-4, 20), (4, 20), "near", "far"),), 25)
    comes, goes, beside = (person(n, any_looks(np.random.default_rng(n))) for n in range(3))
    for index in range(10):
        comes.place(0, 20.5 - index * 0.1, 0)
        goes.place(1, 19.55 + index * 0.1, 0)
        beside.place(6, 20.5 - index * 0.1, 0)
        ledger.count(index, [comes, goes, beside])
        ledger.add(index, [])
    ledger.write(tmp_path, [Script([TrueEvent("loitering", "zone", 1.0, 2.5, (7,))])])
    rows = (tmp_path / "counts.csv").read_text().splitlines()[1:]
    assert sorted(rows) == ["0,crossed far,line,person,1", "0,crossed near,line,person,1"]
    assert json.loads((tmp_path / "events.jsonl").read_text()) == {
        "kind": "loitering", "zone": "zone", "start_s": 1.0, "end_s": 2.5, "ids": [7],
    }  # fmt: skip


def test_a_box_stands_on_the_feet_and_a_hidden_person_is_not_visible() -> None:
    one = person(4, any_looks(np.random.default_rng(1)))
    one.place(0.0, 20.0, 0.0)
    _, placed = moving([one])
    (seen,) = Observer(CAMERA, SIZE_PX).see(placed, np.full((90, 160), 5.0, np.float32))
    feet = CAMERA.to_picture_px(np.asarray([[0.0, 20.0, 0.0]]), SIZE_PX)[0]
    assert seen.box_px[0] < feet[0] < seen.box_px[2]
    assert abs(seen.box_px[3] - feet[1]) < 3
    assert seen.visible == 1.0
    (hidden,) = Observer(CAMERA, SIZE_PX).see(placed, np.zeros((90, 160), np.float32))
    assert hidden.box_px == seen.box_px and hidden.visible == 0.0


def test_who_is_behind_the_camera_has_no_box() -> None:
    one = person(1, any_looks(np.random.default_rng(1)))
    one.place(0.0, -5.0, 0.0)
    assert Observer(CAMERA, SIZE_PX).see(moving([one])[1], np.zeros((90, 160), np.float32)) == []
