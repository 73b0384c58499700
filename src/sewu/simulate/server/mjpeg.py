"""Motion JPEG and stills: a file decoded once, at a low rate, when somebody first asks; and a thin copy of it."""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from sewu.base.errors import BadSource, StreamBroken
from sewu.base.records import Image
from sewu.simulate.server.media import CLOCK_HZ, Media, load_media

JPEG_QUALITY = 75
MAX_JPEGS = 2_000


@dataclass(frozen=True, slots=True)
class Stills:
    """JPEG files and when each begins to be shown, in 90 kHz ticks of the loop."""

    starts_ticks: tuple[int, ...]
    jpegs: tuple[bytes, ...]

    def at(self, ticks_in_loop: int) -> bytes:
        """The picture shown at this position."""
        return self.jpegs[max(0, bisect_right(self.starts_ticks, ticks_in_loop) - 1)]


def decode_stills(media: Media, rate_fps: float, stop: threading.Event) -> Stills:
    """Decode the whole loop, keep `rate_fps` pictures a second (at most 2,000 altogether).

    Raises:
        BadSource: the file cannot be decoded.
        StreamBroken: `stop` was set.
    """
    step = max(CLOCK_HZ / rate_fps, media.loop_ticks / MAX_JPEGS)
    starts: list[int] = []
    jpegs: list[bytes] = []
    first: int | None = None
    try:
        with av.open(str(media.path)) as container:
            stream = container.streams.video[0]
            for frame in container.decode(stream):
                _heed(stop)
                if frame.pts is None or frame.time_base is None:
                    continue
                ticks = round(frame.pts * frame.time_base * CLOCK_HZ)
                first = ticks if first is None else first
                if ticks - first >= len(starts) * step:
                    starts.append(ticks - first)
                    jpegs.append(_jpeg(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)))
    except (av.FFmpegError, OSError) as error:
        raise BadSource(f"{media.path} cannot be decoded: {error}.", "Encode it again.") from error
    if not jpegs:
        raise BadSource(f"{media.path} holds no picture that can be decoded.", "Encode it again.")
    return Stills(tuple(starts), tuple(jpegs))


def _heed(stop: threading.Event) -> None:
    if stop.is_set():
        raise StreamBroken("The server is stopping.", "Ask again once it runs.")


def _jpeg(image: Image) -> bytes:
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise BadSource("A picture cannot be coded as JPEG.", "Check its size: at most 65,535 pixels each way.")
    return np.asarray(encoded).tobytes()


def thinned(media: Media, kbit_s: float, folder: Path, stop: threading.Event) -> Media:
    """The same pictures, at the same times, with the same keyframes, at this bit rate: an encoder that was starved.

    Args:
        folder: where the file is written; its caller removes it.

    Raises:
        BadSource: the file cannot be encoded again.
        StreamBroken: `stop` was set.
    """
    path = folder / f"{media.path.stem}-{len(media.pictures)}-{kbit_s:g}.mp4"
    keyframe_ticks = {media.pictures[index].pts_ticks for index in media.keyframes}
    try:
        with av.open(str(media.path)) as source, av.open(str(path), "w") as target:
            stream = source.streams.video[0]
            copy = target.add_stream("libx264" if media.codec == "h264" else "libx265", rate=stream.average_rate)
            copy.width, copy.height, copy.pix_fmt = *media.size_px, "yuv420p"
            copy.time_base = stream.time_base or Fraction(1, CLOCK_HZ)
            copy.codec_context.thread_count = 1
            copy.options = {**_starved(media, kbit_s)}
            first: int | None = None
            for frame in source.decode(stream):
                _heed(stop)
                if frame.pts is None or frame.time_base is None:
                    continue
                first = frame.pts if first is None else first
                is_key = round((frame.pts - first) * frame.time_base * CLOCK_HZ) in keyframe_ticks
                frame.pict_type = PictureType.I if is_key else PictureType.NONE
                target.mux(copy.encode(frame))
            target.mux(copy.encode(None))
    except (av.FFmpegError, OSError) as error:
        raise BadSource(f"{media.path} cannot be encoded at {kbit_s:g} kbit/s: {error}.", "Choose another bit rate.") from error
    thin = load_media(path, media.loop_ticks / CLOCK_HZ)
    if len(thin.pictures) != len(media.pictures):
        raise BadSource(f"{media.path} lost pictures when encoded at {kbit_s:g} kbit/s.", "Encode it again.")
    return thin


def _starved(media: Media, kbit_s: float) -> dict[str, str]:
    rate, gop = f"{kbit_s:g}", str(len(media.pictures) + 1)
    if media.codec == "h264":
        return {
            "preset": "ultrafast", "tune": "zerolatency", "g": gop, "forced-idr": "1", "qmax": "51",
            "x264-params": f"scenecut=0:bitrate={rate}:vbv-maxrate={rate}:vbv-bufsize={rate}",
        }  # fmt: skip
    parameters = f"bitrate={rate}:vbv-maxrate={rate}:vbv-bufsize={rate}:scenecut=0:bframes=0:keyint={gop}:min-keyint=1:open-gop=0"
    return {"preset": "ultrafast", "forced-idr": "1", "x265-params": parameters + ":log-level=none:pools=1:frame-threads=1"}


def multipart(jpeg: bytes, boundary: str) -> bytes:
    """One part of a `multipart/x-mixed-replace` answer."""
    return f"--{boundary}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode() + jpeg + b"\r\n"
