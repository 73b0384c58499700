"""Small clips, encoded once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import pytest

from sewu.simulate.testcard import TestCard, draw, encode_card

CARD = TestCard(width_px=320, height_px=180, rate_fps=10, duration_s=2.0, gop_s=0.5, kbit_s=300)
HEVC_CARD = CARD.model_copy(update={"codec": "hevc"})


@dataclass(frozen=True)
class Clips:
    """Two seconds each, 20 pictures, a keyframe every 5."""

    h264: Path
    hevc: Path
    reordered: Path
    """H.264 with B pictures, 20 pictures."""


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    folder = tmp_path_factory.mktemp("clips")
    return Clips(
        encode_card(CARD, folder / "h264.mp4"),
        encode_card(HEVC_CARD, folder / "hevc.mp4"),
        _with_b_pictures(folder / "reordered.mp4"),
    )


def _with_b_pictures(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.time_base = Fraction(1, 10)
        stream.options = {
            "preset": "veryfast",
            "bf": "2",
            "x264-params": "keyint=10:min-keyint=10:scenecut=0:open-gop=0:b-adapt=0:threads=1",
        }
        for index in range(20):
            frame = av.VideoFrame.from_ndarray(draw(CARD, index), format="bgr24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
