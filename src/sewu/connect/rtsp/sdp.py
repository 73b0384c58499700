"""What a camera says of its streams (SDP, RFC 8866; RFC 2326 appendix C)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from sewu.connect.rtsp.units import MAX_SET_BYTES

CODECS = {"H264": "h264", "H265": "hevc"}
MAX_LINES, MAX_SETS = 2000, 16


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The first video stream that we can read. `sets`: parameter sets as NAL units; `aggregate_url` is what PLAY names."""

    codec: str
    payload_type: int
    url: str
    aggregate_url: str
    sets: tuple[bytes, ...] = ()
    rate_fps: float | None = None


@dataclass(slots=True)
class _Media:
    formats: tuple[str, ...] = ()
    is_video: bool = False
    attributes: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> Iterator[str]:
        return (value for key, value in self.attributes if key == name)

    def of_format(self, name: str, payload_type: str) -> str:
        """The value behind `a=NAME:PAYLOAD_TYPE `."""
        for value in self.all(name):
            number, _, rest = value.partition(" ")
            if number == payload_type:
                return rest.strip()
        return ""


def video_track(body: bytes, base_url: str) -> VideoTrack | None:
    """The first H.264 or H.265 track; None when there is none. Never raises: a malformed line is passed over."""
    session, *medias = _medias(body)
    base = next(session.all("control"), "*")
    aggregate = _joined(base_url, base)
    for media in medias:
        for number in media.formats if media.is_video else ():
            codec = CODECS.get(media.of_format("rtpmap", number).partition("/")[0].upper())
            if codec is not None and number.isdecimal() and len(number) <= 3 and int(number) < 128:
                url = _joined(aggregate if base != "*" else base_url, next(media.all("control"), "*"))
                sets = tuple(_sets(media.of_format("fmtp", number), codec))
                return VideoTrack(codec, int(number), url, aggregate, sets, _rate(media))
    return None


def _medias(body: bytes) -> list[_Media]:
    """The session level, then each media section."""
    found = [_Media()]
    for line in body.decode("utf-8", "replace").splitlines()[:MAX_LINES]:
        kind, _, value = line.strip().partition("=")
        if kind == "m":
            parts = value.split()
            found.append(_Media(tuple(parts[3:]), bool(parts) and parts[0] == "video"))
        elif kind == "a":
            name, _, rest = value.partition(":")
            found[-1].attributes.append((name.strip().lower(), rest.strip()))
    return found


def _joined(base_url: str, control: str) -> str:
    """A control URL (RFC 2326 appendix C.1.1). A relative one is appended below the whole base, as cameras mean it."""
    if control in ("", "*"):
        return base_url
    if control.lower().startswith(("rtsp://", "rtsps://")):
        return control
    try:
        parts = urlsplit(base_url)
        if control.startswith("/") or base_url.endswith("/") or parts.query:
            return joined_url(base_url, control) if not parts.query else f"{base_url}/{control.lstrip('/')}"
    except ValueError:
        return base_url
    return f"{base_url}/{control}"


def _sets(parameters: str, codec: str) -> Iterator[bytes]:
    """Parameter sets of an `fmtp` line: sprop-parameter-sets (RFC 6184 8.1), sprop-vps, -sps, -pps (RFC 7798 7.1)."""
    named: dict[str, str] = {}
    for part in parameters.split(";")[:64]:
        name, _, value = part.partition("=")
        named[name.strip().lower()] = value.strip()
    names = ("sprop-parameter-sets",) if codec == "h264" else ("sprop-vps", "sprop-sps", "sprop-pps")
    for name in names:
        for text in named.get(name, "").split(",")[:MAX_SETS]:
            try:
                unit = b64decode(text + "=" * (-len(text) % 4), validate=False)
            except (binascii.Error, ValueError):
                continue
            if 0 < len(unit) <= MAX_SET_BYTES:
                yield unit


def _rate(media: _Media) -> float | None:
    try:
        rate_fps = float(next(media.all("framerate"), "0"))
    except ValueError:
        return None
    return rate_fps if 0 < rate_fps <= 240 else None


def joined_url(base: str, reference: str) -> str:
    """`urljoin`, for rtsps too: Python's own knows that scheme only in newer releases (Debian 12's 3.11.2 does not). Raises ValueError."""
    if not base.startswith("rtsps:") or urlsplit(reference).scheme:
        return urljoin(base, reference)
    return "rtsps" + urljoin(f"rtsp{base[5:]}", reference)[4:]
