"""From what a person writes, a source."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from sewu.base.clock import Clock
from sewu.base.errors import BadSource
from sewu.base.interfaces import Source
from sewu.connect.ffmpeg import LiveSource, without_login
from sewu.connect.file import FileSource
from sewu.connect.rtsp.source import RtspSource

RTSP_SCHEMES = ("rtsp", "rtsps")
LIVE_SCHEMES = (*RTSP_SCHEMES, "http", "https")


def open_source(text: str, camera_id: str, clock: Clock, start_s: float | None = None) -> Source:
    """Open a path, a `file:` URL or a stream's URL.

    Args:
        start_s: UTC seconds at which a file begins; None takes it from the file.

    Raises:
        BadSource, Refused, CameraUnreachable: see the sources.
    """
    scheme = urlsplit(text).scheme.lower() if "://" in text else ""
    if scheme in RTSP_SCHEMES:
        return _rtsp(text, camera_id, clock)
    if scheme in LIVE_SCHEMES:
        return LiveSource(text, camera_id, clock)
    if scheme == "file":
        return FileSource(Path(unquote(urlsplit(text).path)), camera_id, start_s)
    if scheme:
        raise BadSource(f"{without_login(text)} has a scheme that is not known.", f"Use a file or {', '.join(LIVE_SCHEMES)}.")
    return FileSource(Path(text), camera_id, start_s)


def _rtsp(text: str, camera_id: str, clock: Clock) -> Source:
    """Our own client; FFmpeg's for video that it does not know."""
    try:
        return RtspSource(text, camera_id, clock)
    except BadSource:
        return LiveSource(text, camera_id, clock)


def is_live(text: str) -> bool:
    """Whether a source has no end of its own."""
    return "://" in text and urlsplit(text).scheme.lower() in LIVE_SCHEMES
