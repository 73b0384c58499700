"""Loops with a camera fault whose beginning and end are known: a good loop's pictures, spoilt for a while and encoded again."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

import av
import cv2
import numpy as np

from sewu.base.errors import BadSource
from sewu.base.records import Image, Packet

Fault = Literal["dark", "blurred", "covered", "moved"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
RATE_FPS, GOP, KBIT_S = 10, 20, 400
FROM_SHARE, TO_SHARE = 0.3, 0.85
"""When the fault lasts, as shares of the loop."""
DARK, BLUR_SIGMA_SHARE, MOVED_SHARE = 0.04, 0.02, 0.3
GRAIN = 2.0


def span_s(duration_s: float) -> tuple[float, float]:
    """Beginning and end of the fault."""
    return FROM_SHARE * duration_s, TO_SHARE * duration_s


def spoil(fault: Fault) -> Callable[[Image], Image]:
    """What the fault makes of each picture. (H, W, 3) -> the same."""
    grain = np.random.default_rng(7)

    def apply(image: Image) -> Image:
        height, width = image.shape[:2]
        if fault == "dark":
            noise = grain.normal(0, GRAIN, image.shape)
            return np.asarray(np.clip(image * DARK + noise, 0, 255), np.uint8)
        if fault == "blurred":
            return np.asarray(cv2.GaussianBlur(image, (0, 0), BLUR_SIGMA_SHARE * width), np.uint8)
        if fault == "covered":
            return np.asarray(np.clip(70 + grain.normal(0, GRAIN, image.shape), 0, 255), np.uint8)
        shift = np.array([[1, 0, MOVED_SHARE * width], [0, 1, MOVED_SHARE * height / 2]], np.float32)
        return np.asarray(cv2.warpAffine(image, shift, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)

    return apply


def frozen(packets: Sequence[Packet], start_s: float, end_s: float) -> list[Packet]:
    """The same packets, but from `start_s` to `end_s` (capture time) the last keyframe before comes again and again.

    That is what a camera does whose encoder hangs: pictures arrive, equal to the bit.
    """
    held = next((packet for packet in reversed(packets) if packet.is_keyframe and packet.at_s <= start_s), None)
    if held is None:
        return list(packets)
    return [replace(p, data=held.data, is_keyframe=True) if start_s <= p.at_s < end_s else p for p in packets]


def faulty_loop(good: Path, fault: Fault, duration_s: float, target: Path) -> Path:
    """The good loop with the fault from `span_s`, written to `target` unless it is there already. Raises BadSource as `recoded`."""
    start_s, end_s = span_s(duration_s)
    apply = spoil(fault)
    return recoded(good, target, lambda image, at_s: apply(image) if start_s <= at_s < end_s else image)


def recoded(clip: Path, target: Path, change: Callable[[Image, float], Image] = lambda image, at_s: image) -> Path:
    """The clip as a sub-stream sends it (10 pictures a second, 400 kbit/s, a keyframe every 2 s): whole or not at all.

    Args:
        change: what becomes of the picture taken at this second of the clip.

    Raises:
        BadSource: the clip cannot be read, or this FFmpeg has no H.264 encoder.
    """
    if target.is_file():
        return target
    part, index = target.with_name(f".{target.name}.{os.getpid()}"), 0
    try:
        with av.open(str(clip)) as source, av.open(str(part), "w", format="mp4") as film:
            stream = _encoder(film, source.streams.video[0])
            for picture in source.decode(video=0):
                if picture.time + 1e-6 < index / RATE_FPS:
                    continue
                image: Image = np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(change(image, index / RATE_FPS)), format="bgr24")
                frame.pts = index
                index += 1
                film.mux(stream.encode(frame))
            film.mux(stream.encode(None))
        part.replace(target)
    except av.FFmpegError as error:
        raise BadSource(f"{clip} cannot be encoded again: {error}.", "Check the file, that PyAV has x264, and the disk.") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _encoder(film: Any, like: Any) -> Any:
    stream = film.add_stream("libx264", rate=RATE_FPS)
    stream.width, stream.height, stream.pix_fmt, stream.bit_rate = like.width // 2 * 2, like.height // 2 * 2, "yuv420p", KBIT_S * 1000
    stream.codec_context.time_base, stream.codec_context.thread_count = Fraction(1, RATE_FPS), 1
    stream.options = {"preset": "superfast", "bf": "0", "g": str(GOP), "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0"}
    return stream
