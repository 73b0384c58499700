"""Small worlds for unit tests: frames, detections and tracks made by hand. Camera, clock and model are the only things faked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from sewu.base.records import CLASS_IDS, Detections, Frame, Tracks

CAMERA = "cam"


def blank(at_s: float, size_px: tuple[int, int] = (320, 240), level: int = 96, camera_id: str = CAMERA) -> Frame:
    """A grey picture."""
    return Frame(camera_id, at_s, np.full((size_px[1], size_px[0], 3), level, np.uint8))


def detections(at_s: float, *rows: tuple[str, Sequence[float], float], camera_id: str = CAMERA) -> Detections:
    """Rows of (class, xyxy box, score)."""
    return Detections(
        camera_id,
        at_s,
        np.array([box for _, box, _ in rows], np.float32).reshape(-1, 4),
        np.array([score for _, _, score in rows], np.float32),
        np.array([CLASS_IDS[name] for name, _, _ in rows], np.int64),
    )


def tracks(
    at_s: float,
    *rows: tuple[int, str, Sequence[float]],
    ended: Sequence[int] = (),
    since_s: float = 0.0,
    camera_id: str = CAMERA,
) -> Tracks:
    """Rows of (id, class, xyxy box), all seen now with score 0.9."""
    count = len(rows)
    return Tracks(
        camera_id,
        at_s,
        np.array([box for _, _, box in rows], np.float32).reshape(-1, 4),
        np.full(count, 0.9, np.float32),
        np.array([CLASS_IDS[name] for _, name, _ in rows], np.int64),
        np.array([number for number, _, _ in rows], np.int64),
        np.full(count, since_s),
        np.ones(count, np.bool_),
        np.array(ended, np.int64),
    )


def box_at(x: float, y: float, width: float = 20, height: float = 40) -> tuple[float, float, float, float]:
    """A box whose feet (middle of the lower edge) stand at (x, y)."""
    return x - width / 2, y - height, x + width / 2, y


def labelled_data() -> Path:
    """The folder of real labelled clips, named by SEWU_DATA or beside the checkout; skips the test where there is none."""
    for folder in (os.environ.get("SEWU_DATA"), Path(__file__).parents[2] / "shared" / "data"):
        if folder and (Path(folder) / "clips" / "events.json").is_file():
            return Path(folder)
    pytest.skip("the labelled clips are not on this machine (set SEWU_DATA to their folder)")


def walk(step: Callable[[float], Tracks], until_s: float, every_s: float, start_s: float = 0.0) -> list[Tracks]:
    """Tracks of a scripted walk, one per `every_s`."""
    return [step(start_s + index * every_s) for index in range(round((until_s - start_s) / every_s) + 1)]
