"""Small real clips, encoded by FFmpeg when a test asks: a square that moves right and a counter in grey bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from sewu.base.records import Image

BAR_BITS = 10


@dataclass(frozen=True)
class Clip:
    """What to encode."""

    codec: str = "libx264"
    size_px: tuple[int, int] = (160, 96)
    frames: int = 30
    rate_fps: float = 10.0
    gop: int = 10
    b_frames: int = 0
    rotation_deg: int = 0
    times_s: Sequence[float] | None = None
    interlaced: bool = False


def picture(index: int, size_px: tuple[int, int] = (160, 96)) -> Image:
    """Frame number `index`: a white square on grey, and the number as black and white bars along the top."""
    width, height = size_px
    image = np.full((height, width, 3), 110, np.uint8)
    bar = width // BAR_BITS
    for bit in range(BAR_BITS):
        image[:12, bit * bar : (bit + 1) * bar] = 235 if index >> bit & 1 else 20
    x = 4 + index * 3 % (width - 24)
    image[height // 2 : height // 2 + 20, x : x + 20] = 240
    return image


def number_of(image: Image) -> int:
    """Read the number back."""
    bar = image.shape[1] // BAR_BITS
    return sum(int(image[2:10, bit * bar + 2 : (bit + 1) * bar - 2].mean() > 128) << bit for bit in range(BAR_BITS))


def write(path: Path, clip: Clip | None = None) -> Path:
    """Encode a clip; the container follows the suffix."""
    clip = clip or Clip()
    options = {"g": str(clip.gop), "bf": str(clip.b_frames), "sc_threshold": "0"}
    if clip.codec == "libx264":
        options |= {"preset": "ultrafast", "crf": "18"}
    if clip.codec == "libx265":
        options = {
            "preset": "ultrafast",
            "x265-params": f"keyint={clip.gop}:min-keyint={clip.gop}:scenecut=0:bframes={clip.b_frames}:log-level=none",
        }
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(clip.codec, rate=Fraction(clip.rate_fps).limit_denominator(1001))
        stream.width, stream.height = clip.size_px
        stream.pix_fmt = "yuvj420p" if clip.codec == "mjpeg" else "yuv420p"
        stream.options = options
        stream.codec_context.time_base = Fraction(1, 1000)
        if clip.interlaced:
            stream.codec_context.flags |= 1 << 29 | 1 << 18
        if clip.rotation_deg:
            stream.set_display_rotation(-clip.rotation_deg)
        for index in range(clip.frames):
            frame = av.VideoFrame.from_ndarray(picture(index, clip.size_px), format="bgr24")
            at_s = clip.times_s[index] if clip.times_s is not None else index / clip.rate_fps
            frame.pts, frame.time_base = round(at_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
