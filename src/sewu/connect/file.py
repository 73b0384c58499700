"""Video files: MP4, MKV, AVI, TS and whatever else FFmpeg opens, packet by packet."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from sewu.base.errors import BadSource
from sewu.base.records import Packet, StreamInfo

MAX_FAULTS = 20
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,mxf,mjpeg,h264,hevc,m4v,ivf,wtv,dv"
"""Containers of video. Playlists and scripts (concat, HLS) are not among them: they can name other files to read."""
RESTART_S = 1.0
"""Timestamps that fall by more than this begin a new recording, joined to the first."""
DEFAULT_RATE_FPS = 25.0
EARLIEST_S = 315_532_800.0
"""1980: a creation time before it is a camera without a clock."""


class FileSource:
    """One file's first video stream.

    Times: `at_s = start_s + pts`; without `start_s`, the container's creation time if it has a plausible one, else the
    file's modification time less its duration. Missing, repeated and backward decoding times are mended and counted.
    A file that breaks gives everything up to the break; `faults` then says what was wrong.

    Raises:
        BadSource: not there, not readable, or without video.
    """

    def __init__(self, path: Path, camera_id: str, start_s: float | None = None) -> None:
        self.camera_id = camera_id
        self.path = path
        self.faults: list[str] = []
        self.mended = 0
        self._container = _opened(path)
        streams = self._container.streams.video
        if not streams:
            self._container.close()
            raise BadSource(f"{path} holds no video.", "Give a video file.")
        self._video = streams[0]
        self._video.thread_type = "NONE"
        self._has_pts = self._container.format.name != "avi"  # AVI stores none, FFmpeg guesses
        self._time_base: Fraction = self._video.time_base or Fraction(1, 90_000)
        self._start_pts: int = self._video.start_time or 0
        self.duration_s: float | None = self._duration_s()
        self.start_s = start_s if start_s is not None else self._guessed_start_s()
        self.stream = self._described()
        self._read = False

    def __iter__(self) -> Iterator[Packet]:
        last_dts: int | None = None
        shift = count = corrupt = 0
        step = max(1, round(1 / (self.stream.rate_fps or DEFAULT_RATE_FPS) / self._time_base))
        for raw in self._demuxed():
            count, corrupt = count + 1, corrupt + bool(raw.is_corrupt)
            dts, pts = (None if value is None else value + shift for value in (raw.dts, raw.pts))
            if dts is not None and last_dts is not None and float((last_dts - dts) * self._time_base) > RESTART_S:
                fall = last_dts + step - dts
                shift, dts, pts = shift + fall, dts + fall, None if pts is None else pts + fall
            if dts is None or (last_dts is not None and dts <= last_dts):
                self.mended += dts is not None or last_dts is not None
                dts = (self._start_pts if last_dts is None else last_dts + step) if dts is None else last_dts + 1  # type: ignore[operator]
            pts = dts if pts is None or pts < dts or not self._has_pts else pts
            last_dts = dts
            at_s = self.start_s + float((pts - self._start_pts) * self._time_base)
            yield Packet(self.camera_id, self.stream, bytes(raw), pts, dts, at_s, bool(raw.is_keyframe))
        self._judge(count, corrupt)

    def _judge(self, count: int, corrupt: int) -> None:
        """Say what the file promised and did not hold."""
        # Only MP4 counts its pictures truly; AVI announces a number of time slots.
        promised = int(self._video.frames or 0) if "mp4" in self._container.format.name else 0
        if corrupt:
            self.faults.append(f"{corrupt} pictures of {self.path.name} are damaged.")
        if promised - count > 0.05 * promised:
            self.faults.append(f"{self.path.name} is cut off: {promised - count} of the {promised} pictures it announces are not in it.")

    def close(self) -> None:
        self._container.close()

    def _demuxed(self) -> Iterator[Any]:
        """Packets with data, until the end or the break."""
        packets = self._container.demux(self._video)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (FFmpegError, ValueError) as error:
                if len(self.faults) < MAX_FAULTS:
                    self.faults.append(f"{self.path.name} breaks after {self._last_read}: {_reason(error)}")
                return
            if packet.size:
                self._last_read = "its beginning" if packet.pts is None else f"{float(packet.pts * self._time_base):.1f} s"
                yield packet

    _last_read = "its beginning"

    def _duration_s(self) -> float | None:
        if self._video.duration is not None:
            return float(self._video.duration * self._time_base)
        return self._container.duration / av.time_base if self._container.duration else None

    def _guessed_start_s(self) -> float:
        written = self._container.metadata.get("creation_time") or self._video.metadata.get("creation_time") or ""
        try:
            created_s = float(calendar.timegm(time.strptime(written[:19], "%Y-%m-%dT%H:%M:%S")))
        except ValueError:
            created_s = 0.0
        written_s = self.path.stat().st_mtime
        if EARLIEST_S < created_s < written_s + 86_400:
            return created_s
        return written_s - (self.duration_s or 0.0)

    def _described(self) -> StreamInfo:
        codec = self._video.codec_context
        rate = self._video.average_rate or self._video.guessed_rate
        return StreamInfo(
            codec=codec.name,
            time_base=self._time_base,
            extradata=bytes(codec.extradata or b""),
            width_px=codec.width or None,
            height_px=codec.height or None,
            rate_fps=float(rate) if rate else None,
            rotation_deg=self._rotation_deg(),
        )

    def _rotation_deg(self) -> int:
        """The display matrix, which FFmpeg hands out only with a decoded picture; the file is opened a second time for it."""
        if self.path.suffix.lower() not in {".mp4", ".mov", ".m4v", ".3gp", ".mkv"}:
            return 0
        try:
            with _opened(self.path) as container:
                turned: int = next(container.decode(video=0)).rotation
        except (FFmpegError, StopIteration, ValueError, BadSource):
            return 0
        return (-turned) % 360


def _opened(path: Path) -> Any:
    if path.is_dir():
        raise BadSource(f"{path} is a folder.", "Give a video file.")
    try:
        return av.open(str(path), options={"probesize": "5000000", "format_whitelist": FORMATS, "protocol_whitelist": "file"})
    except FileNotFoundError as error:
        raise BadSource(f"{path} does not exist.", "Check the path.") from error
    except PermissionError as error:
        raise BadSource(f"{path} may not be read.", "Check its permissions.") from error
    except (FFmpegError, OSError, ValueError) as error:
        raise BadSource(f"{path} is not a video that can be read: {_reason(error)}.", "Give an MP4, MKV, AVI or TS file.") from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
