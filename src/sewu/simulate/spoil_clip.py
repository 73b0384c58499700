"""A clip read, spoiled and written anew, with the truth of what was done to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from sewu.base.errors import BadSource, StoreFull
from sewu.base.records import Image
from sewu.simulate.spoil import Spoiled, Spoiler

CLOCK_HZ = 90_000
"""Time stamps as RTP counts them (RFC 6184, section 8.2.1)."""
GOP_S = 2


def spoil_clip(source: Path, target: Path, faults: Sequence[Spoiled]) -> list[Spoiled]:
    """Write `target`, an MP4 like `source` with these faults; tells when each begins and ends, to the picture.

    Pictures that are lost leave a gap in the time stamps, so `target` has fewer pictures than `source`.

    Raises:
        BadSettings: faults overlap or begin after the end.
        BadSource: `source` is no clip, or this FFmpeg has no H.264 encoder.
        StoreFull: `target` cannot be written.
    """
    try:
        with av.open(str(source)) as clip:
            video = clip.streams.video[0]
            rate = video.average_rate or Fraction(25)
            duration_s = float((video.duration or 0) * (video.time_base or 0)) or video.frames / float(rate)
            spoiler = Spoiler(faults, float(rate), duration_s)
            with av.open(str(target), "w", options={"movflags": "faststart"}) as out:
                stream = _stream(out, rate, (video.width, video.height), video.bit_rate or 4_000_000)
                for image, t_s in _pictures(clip):
                    for shown, stamp_s in spoiler.pictures(image, t_s):
                        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")
                        frame.pts, frame.time_base = round(stamp_s * CLOCK_HZ), Fraction(1, CLOCK_HZ)
                        out.mux(stream.encode(frame))
                out.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise BadSource(f"{source} cannot be spoiled: {error}.", "Check that it is a clip, and that PyAV has x264.") from error
    except OSError as error:
        raise StoreFull(f"{target} cannot be written: {error.strerror}.", "Make room or name another place.") from error
    return spoiler.truth


def faults_jsonl(truth: Sequence[Spoiled]) -> str:
    """For faults.jsonl: kind, start_s, end_s."""
    return "".join(json.dumps(asdict(one)) + "\n" for one in truth)


def _pictures(clip: Any) -> Iterator[tuple[Image, float]]:
    for frame in clip.decode(video=0):
        yield frame.to_ndarray(format="rgb24"), float(frame.pts * frame.time_base)


def _stream(out: Any, rate: Fraction, size_px: tuple[int, int], bit_s: int) -> Any:
    stream = out.add_stream("libx264", rate=rate)
    stream.width, stream.height, stream.pix_fmt, stream.bit_rate = *size_px, "yuv420p", bit_s
    stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
    stream.codec_context.thread_count = 1
    gop = round(GOP_S * rate)
    stream.options = {"preset": "superfast", "bf": "0", "g": str(gop), "x264-params": f"keyint={gop}:scenecut=0:open-gop=0"}
    return stream
