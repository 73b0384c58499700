"""Small clips, encoded once, and bounded waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sewu.base.records import Packet
from sewu.connect.rtsp import RtspPoller
from sewu.simulate.testcard import TestCard, encode_card

CARD = TestCard(width_px=320, height_px=180, rate_fps=10, duration_s=2.0, gop_s=0.5, kbit_s=300)


@dataclass(frozen=True)
class Clips:
    """Two seconds each, 20 pictures, a keyframe every 5."""

    h264: Path
    hevc: Path


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    folder = tmp_path_factory.mktemp("clips")
    return Clips(encode_card(CARD, folder / "h264.mp4"), encode_card(CARD.model_copy(update={"codec": "hevc"}), folder / "hevc.mp4"))


Heard = dict[str, list[Packet]]


def listen(poller: RtspPoller, until: Callable[[Heard], bool], limit_s: float = 8.0) -> Heard:
    """Poll every 20 ms until the condition holds; fails after `limit_s`."""
    heard: Heard = {}
    deadline_s = time.monotonic() + limit_s
    while not until(heard):
        assert time.monotonic() < deadline_s, poller.states()
        for camera_id, packets in poller.poll():
            heard.setdefault(camera_id, []).extend(packets)
        time.sleep(0.02)
    return heard
