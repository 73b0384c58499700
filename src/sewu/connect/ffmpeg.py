"""Live streams through FFmpeg's demuxers: HLS, HTTP MJPEG, and RTSP of cameras that our own client cannot speak to.

Capture time is the machine's clock at the first packet, carried on by the stream's own timestamps, so that neither
the network's jitter nor HLS, which hands out seconds of video at once, shakes it. It never goes backwards: when the machine's clock
is set back, the stream ends as broken and is opened anew.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Literal
from urllib.parse import urlsplit

import av
from av.error import (
    ConnectionRefusedError as AvRefused,
)
from av.error import (
    FFmpegError,
    HTTPBadRequestError,
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPOtherClientError,
    HTTPUnauthorizedError,
)

from sewu.base.clock import Clock
from sewu.base.errors import BadSource, CameraUnreachable, Refused, SewuError, StreamBroken
from sewu.base.records import Packet, StreamInfo

REFUSALS = (HTTPUnauthorizedError, HTTPForbiddenError, HTTPNotFoundError, HTTPBadRequestError, HTTPOtherClientError)
UNREACHABLE = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.ENOTCONN, errno.ECONNRESET}
OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 10.0
RESTART_S = 1.0
MAX_DRIFT_S = 30.0
"""Longer than any HLS segment: below it the stream's own clock is trusted."""


class LiveSource:
    """One live stream by URL.

    Args:
        url: may carry a log-in; it is never printed.
        transport: how RTSP is to bring its packets.

    Raises:
        Refused: wrong log-in or unknown path. CameraUnreachable: no answer. BadSource: no video in it.
        StreamBroken: while iterating, when the stream stalls or breaks; open a new source to try again.
    """

    duration_s: float | None = None

    def __init__(self, url: str, camera_id: str, clock: Clock, transport: Literal["tcp", "udp"] = "tcp") -> None:
        self.camera_id, self._clock = camera_id, clock
        self.name = without_login(url)
        self.faults: list[str] = []
        failure: SewuError | None = None
        try:
            self._container = av.open(url, options=_options(url, transport), timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S))
        except (FFmpegError, OSError, ValueError) as error:
            failure = self._explained(error)
        if failure is not None:  # raised out here, so that FFmpeg's error, whose text holds the password, is not its context
            raise failure
        streams = self._container.streams.video
        if not streams:
            self._container.close()
            raise BadSource(f"{self.name} holds no video.", "Check the address.")
        self._video = streams[0]
        self._video.thread_type = "NONE"
        codec, rate = self._video.codec_context, self._video.average_rate
        self.stream = StreamInfo(
            codec.name,
            self._video.time_base or Fraction(1, 90_000),
            bytes(codec.extradata or b""),
            codec.width or None,
            codec.height or None,
            float(rate) if rate else None,
        )

    def __iter__(self) -> Iterator[Packet]:
        mapping = Timeline(self._clock, self.stream.time_base)
        packets = self._container.demux(self._video)
        while True:
            failure: SewuError | None = None
            raw: Any = None
            try:
                raw = next(packets)
            except StopIteration:
                return
            except (FFmpegError, OSError, ValueError) as error:
                failure = self._explained(error, during=True)
            if failure is not None:
                raise failure
            if raw.size:
                pts, dts, at_s = mapping.place(raw.pts, raw.dts)
                yield Packet(self.camera_id, self.stream, bytes(raw), pts, dts, at_s, bool(raw.is_keyframe))

    def close(self) -> None:
        self._container.close()

    def _explained(self, error: Exception, during: bool = False) -> SewuError:
        """The error in our words; FFmpeg's own text is left out because it repeats the URL with its password."""
        if isinstance(error, REFUSALS):
            return Refused(f"{self.name} refused: {type(error).__name__}.", "Check user, password and path.")
        if during:
            return StreamBroken(f"{self.name} broke off ({type(error).__name__}).", "It will be tried again.")
        if isinstance(error, AvRefused) or getattr(error, "errno", None) in UNREACHABLE or "Timeout" in type(error).__name__:
            return CameraUnreachable(f"{self.name} does not answer ({type(error).__name__}).", "Check address, port and network.")
        return BadSource(f"{self.name} cannot be opened as video ({type(error).__name__}).", "Check the address.")


class Timeline:
    """Stream ticks to UTC seconds that only grow."""

    def __init__(self, clock: Clock, time_base: Fraction) -> None:
        self._clock, self._tick_s = clock, float(time_base)
        self._zero_s: float | None = None
        self._last_dts: int | None = None
        self._last_at_s: float | None = None

    def place(self, pts: int | None, dts: int | None) -> tuple[int, int, float]:
        """Mended pts and dts, and the capture time. Raises `StreamBroken` when the machine's clock was set back."""
        now_s, last = self._clock.now_s(), self._last_dts
        if dts is None:
            dts = 0 if last is None else last + max(1, round(0.04 / self._tick_s))
        elif last is not None and dts <= last:
            dts = last + 1 if (last - dts) * self._tick_s < RESTART_S else dts
        pts = dts if pts is None else pts
        if self._zero_s is None or abs(self._zero_s + pts * self._tick_s - now_s) > MAX_DRIFT_S:
            self._zero_s = now_s - pts * self._tick_s
        at_s = self._zero_s + pts * self._tick_s
        if self._last_at_s is not None and at_s <= self._last_at_s - MAX_DRIFT_S:
            raise StreamBroken("The clock of this machine was set back while a stream was running.", "The stream is opened anew.")
        self._last_dts = dts
        self._last_at_s = at_s if self._last_at_s is None else max(at_s, self._last_at_s)
        return pts, dts, at_s


def without_login(url: str) -> str:
    """The URL without user, password and query, which may hold keys: for messages."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
    except ValueError:
        return "the source"


def _options(url: str, transport: str) -> dict[str, str]:
    options = {"fflags": "nobuffer", "probesize": "1000000", "analyzeduration": "2000000"}
    if urlsplit(url).scheme in {"rtsp", "rtsps"}:
        options |= {"rtsp_transport": transport, "stimeout": str(int(READ_TIMEOUT_S * 1e6))}
    return options
