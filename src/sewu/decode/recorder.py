"""Frames into a video file: the annotated copy that a person watches."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from sewu.base.errors import SewuError
from sewu.base.records import Image

TICKS_PER_S = 90_000
ENCODERS = ("libx264", "libopenh264", "mpeg4")


class VideoRecorder:
    """Writes frames of one size at the times they carry; the file appears under its name when it is closed.

    Raises:
        SewuError: the disk refused or no encoder works.
    """

    def __init__(self, path: Path, size_px: tuple[int, int], rate_fps: float) -> None:
        self.path = path
        self._part = path.with_name(f".{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._size_px = (size_px[0] // 2 * 2, size_px[1] // 2 * 2)
        self._container: Any = av.open(str(self._part), "w", format="mp4")
        self._out = self._stream(rate_fps)
        self._zero_s: float | None = None
        self._last_pts = -1

    def add(self, image: Image, at_s: float) -> None:
        """Append a picture taken at `at_s`; one not later than the last is put a tick after it."""
        self._zero_s = at_s if self._zero_s is None else self._zero_s
        width, height = self._size_px
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="bgr24")
        self._last_pts = picture.pts = max(self._last_pts + 1, round((at_s - self._zero_s) * TICKS_PER_S))
        picture.time_base = Fraction(1, TICKS_PER_S)
        self._mux(picture)

    def close(self) -> None:
        """Finish the file."""
        try:
            self._mux(None)
            self._container.close()
            self._part.replace(self.path)
        except (FFmpegError, OSError) as error:
            raise SewuError(f"{self.path} could not be finished: {error}.", "Check the disk.") from error
        finally:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _mux(self, picture: Any) -> None:
        try:
            for packet in self._out.encode(picture):
                self._container.mux(packet)
        except (FFmpegError, OSError) as error:
            raise SewuError(f"{self.path} could not be written: {error}.", "Check the disk.") from error

    def _stream(self, rate_fps: float) -> Any:
        for name in ENCODERS:
            try:
                out: Any = self._container.add_stream(name, rate=max(1, round(rate_fps)))
            except (FFmpegError, ValueError):
                continue
            out.width, out.height = self._size_px
            out.pix_fmt = "yuv420p"
            out.codec_context.time_base = Fraction(1, TICKS_PER_S)
            if name == "libx264":
                out.options = {"preset": "veryfast", "crf": "26"}
            return out
        raise SewuError("FFmpeg has no encoder for the annotated video.", "Leave out --video.")
