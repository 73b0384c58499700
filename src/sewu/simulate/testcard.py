"""A test card as a file: a square that moves and the picture's number, for trying the servers without rendered scenes."""

from __future__ import annotations

import hashlib
import os
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from sewu.base.errors import BadSource
from sewu.base.records import Image
from sewu.base.settings import Settings


class TestCard(Settings):
    """What a test card looks like and how it is coded."""

    __test__ = False

    width_px: int = 640
    """Width of the picture."""
    height_px: int = 360
    """Height of the picture."""
    rate_fps: int = 10
    """Pictures a second."""
    duration_s: float = 10.0
    """Length."""
    gop_s: float = 2.0
    """Distance of keyframes."""
    kbit_s: int = 400
    """Bit rate."""
    codec: Literal["h264", "hevc"] = "h264"
    """Coding."""
    seed: int = 0
    """Decides the background, so that cards differ."""

    @field_validator("width_px", "height_px")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value < 64 or value % 2 or value > 7680:
            raise ValueError("must be even, from 64 to 7680")
        return value

    @property
    def pictures(self) -> int:
        """How many there are."""
        return round(self.duration_s * self.rate_fps)


SUB_CARD = TestCard(duration_s=6.0)
"""As sub streams usually are: 640 x 360, 10 pictures a second, 400 kbit/s."""
MAIN_CARD = TestCard(duration_s=6.0, width_px=1920, height_px=1080, rate_fps=25, kbit_s=2500)
"""As main streams usually are: 1080p, 25 pictures a second, 2.5 Mbit/s."""


def draw(card: TestCard, index: int) -> Image:
    """Picture number `index`: uint8 (H, W, 3), BGR. The square goes round once in the card's length; a little noise moves."""
    background, grain = _backdrop(card)
    shift = np.random.default_rng((card.seed, index)).integers(0, 64, 2)
    window = grain[shift[0] : shift[0] + card.height_px, shift[1] : shift[1] + card.width_px]
    image = np.asarray(cv2.add(background, window, dtype=cv2.CV_8U), np.uint8)
    side = card.height_px // 4
    x = round((card.width_px - side) * index / max(1, card.pictures - 1))
    y = (card.height_px - side) // 2
    cv2.rectangle(image, (x, y), (x + side, y + side), (40, 220, 240), -1)
    scale = card.height_px / 360
    cv2.putText(image, f"{index:05d}", (8, round(40 * scale)), cv2.FONT_HERSHEY_SIMPLEX, 1.2 * scale, (255, 255, 255), round(2 * scale) + 1)
    return image


@lru_cache(maxsize=4)
def _backdrop(card: TestCard) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """What stays, and the noise of which every picture takes another window, 64 px larger each way."""
    random = np.random.default_rng(card.seed)
    rough = random.integers(60, 160, (9, 16, 3), dtype=np.int16)
    still = cv2.resize(rough, (card.width_px, card.height_px), interpolation=cv2.INTER_LINEAR)
    noise = random.normal(0, 6, ((card.height_px + 64) // 2, (card.width_px + 64) // 2))
    grain = cv2.resize(noise.astype(np.float32), (card.width_px + 64, card.height_px + 64)).astype(np.int16)
    return np.asarray(still, np.int16), np.repeat(grain[:, :, None], 3, axis=2)


def encode_card(card: TestCard, path: Path) -> Path:
    """Write the card as MP4 (or whatever the name's ending says), closed GOPs, no reordering.

    Raises:
        BadSource: this FFmpeg cannot encode it, or the file cannot be written.
    """
    gop = max(1, round(card.gop_s * card.rate_fps))
    try:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264" if card.codec == "h264" else "libx265", rate=card.rate_fps)
            stream.width, stream.height, stream.pix_fmt = card.width_px, card.height_px, "yuv420p"
            stream.bit_rate = card.kbit_s * 1000
            stream.time_base = Fraction(1, card.rate_fps)
            stream.codec_context.thread_count = 1
            stream.options = {**_options(card, gop)}
            for index in range(card.pictures):
                frame = av.VideoFrame.from_ndarray(draw(card, index), format="bgr24")
                frame.pts = index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.FFmpegError, OSError) as error:
        raise BadSource(f"The test card {path} cannot be written: {error}.", "Check the disk, and that PyAV has x264 and x265.") from error
    return path


def cached_card(card: TestCard, folder: Path) -> Path:
    """The card's file in a cache folder, encoded if it is not there yet. Raises BadSource."""
    name = hashlib.sha256(card.model_dump_json().encode()).hexdigest()[:16]
    path = folder / f"card-{name}.mp4"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f"card-{name}.{os.getpid()}.mp4"
        try:
            encode_card(card, new).replace(path)
        finally:
            new.unlink(missing_ok=True)
    return path


def _options(card: TestCard, gop: int) -> dict[str, str]:
    if card.codec == "h264":
        rate = card.kbit_s
        return {
            "preset": "ultrafast", "tune": "zerolatency", "g": str(gop), "bf": "0",
            "x264-params": f"scenecut=0:nal-hrd=cbr:vbv-maxrate={rate}:vbv-bufsize={rate}:force-cfr=1",
        }  # fmt: skip
    parameters = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:open-gop=0:log-level=none:pools=1:frame-threads=1"
    return {"preset": "ultrafast", "x265-params": f"{parameters}:vbv-maxrate={card.kbit_s}:vbv-bufsize={card.kbit_s}"}
