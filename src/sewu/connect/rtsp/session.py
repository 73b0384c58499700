"""One camera's conversation (RFC 2326), without sockets: bytes in, bytes out, told the time."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from sewu.base.errors import BadSource, Refused, StreamBroken
from sewu.connect.ffmpeg import without_login
from sewu.connect.rtsp import rtcp
from sewu.connect.rtsp.auth import Challenge, Login, strongest
from sewu.connect.rtsp.h264 import H264
from sewu.connect.rtsp.h265 import H265
from sewu.connect.rtsp.messages import Message, read_message, request
from sewu.connect.rtsp.rtp import DOLLAR, RtpReceiver
from sewu.connect.rtsp.sdp import VideoTrack, joined_url, video_track
from sewu.connect.rtsp.units import Units

DEFAULT_TIMEOUT_S = 60.0
ALIVE_SHARE = 0.4
REPORT_EVERY_S = 5.0
MAX_TRIES = 2
PASSING = (408, 453, 454, 455)
"""Request time-out, no bandwidth, session lost, not in this state: what another connection may mend."""
MOVED = (301, 302, 303, 305, 307, 308)
ADVICE = "Check user, password and path."


class OverUdpOnly(Refused):
    """The camera does not send its packets within the RTSP connection."""


@dataclass(frozen=True, slots=True)
class Now:
    """One moment: UTC seconds, and seconds that only go forward."""

    at_s: float
    steady_s: float


class Session:
    """OPTIONS, DESCRIBE, SETUP, PLAY, then frames; keep-alive and receiver reports in between.

    `out` is what must be sent; `moved_to` is set when the camera sends us elsewhere.

    Args:
        url: may carry a log-in, which `login` overrides. allows_basic: False after a redirect to another host, so
            that no camera can send our password to a stranger.
    """

    def __init__(self, url: str, login: Login | None, allows_basic: bool = True) -> None:
        self.url, found = split_login(url)
        self.name = without_login(url)
        self.out = bytearray()
        self.track: VideoTrack | None = None
        self.receiver: RtpReceiver | None = None
        self.timeline = rtcp.Timeline()
        self.is_playing = False
        self.moved_to: str | None = None
        self._login = login or found
        self._allows_basic = allows_basic
        self._challenge: Challenge | None = None
        self._sequence = self._tries = 0
        self._pending: tuple[str, str, dict[str, str]] | None = None
        self._session_id: str | None = None
        self._timeout_s = DEFAULT_TIMEOUT_S
        self._alive_method = "OPTIONS"
        self._alive_s = self._report_s = 0.0
        self._last_report: tuple[int, float] = (0, 0.0)
        self._own_ssrc = secrets.randbits(32)
        self._rtcp_channel = 1
        self._ask("OPTIONS", self.url)

    def take(self, data: memoryview, end: int, now: Now) -> int:
        """Take `data[:end]`; returns how much was used, the rest must be given again with what follows.

        `data` must go on for `rtp.BEYOND_BYTES`.

        Raises:
            StreamBroken, Refused, BadSource: this connection is of no more use.
        """
        at, receiver = 0, self.receiver
        while at < end:
            if data[at] == DOLLAR:
                if receiver is not None and (walked := receiver.walk(data, at, end)) > at:
                    at = walked
                    continue
                stop = at + 4 + (data[at + 2] << 8 | data[at + 3]) if at + 4 <= end else end + 1
                if stop > end:
                    break
                if data[at + 1] == self._rtcp_channel:
                    self._reported(bytes(data[at + 4 : stop]), now)
                at = stop
            else:
                found = read_message(data, at, end)
                if found is None:
                    break
                message, at = found
                if message.status is not None:
                    self._answered(message, message.status, now)
                    receiver = self.receiver
        if receiver is not None and receiver.units.parts:
            receiver.units.settle()
        return at

    def tick(self, now: Now) -> None:
        """Say that we still watch, when it is time."""
        if not self.is_playing:
            return
        if now.steady_s >= self._alive_s:  # also when the last one was not answered: some cameras never do
            self._alive_s = now.steady_s + max(1.0, self._timeout_s * ALIVE_SHARE)
            self._ask(self._alive_method, self._aggregate_url())
        receiver = self.receiver
        if now.steady_s >= self._report_s and receiver is not None and receiver.ssrc is not None:
            self._report_s = now.steady_s + REPORT_EVERY_S
            middle, since_s = self._last_report
            seen = (receiver.ssrc, receiver.lost, receiver.highest)
            self.out += rtcp.receiver_report(self._rtcp_channel, self._own_ssrc, seen, (middle, now.steady_s - since_s))

    def end(self) -> bytes:
        """TEARDOWN, to be sent if the socket takes it."""
        if self._session_id is None:
            return b""
        self.out.clear()
        self._ask("TEARDOWN", self._aggregate_url())
        return bytes(self.out)

    def _ask(self, method: str, url: str, headers: dict[str, str] | None = None) -> None:
        self._pending = (method, url, headers or {})
        self._tries = 0
        self._send()

    def _send(self) -> None:
        if self._pending is None:
            return
        method, url, headers = self._pending
        self._sequence += 1
        fields = {"User-Agent": "sewu", **headers}
        if self._session_id is not None:
            fields["Session"] = self._session_id
        if self._challenge is not None and self._login is not None:
            fields["Authorization"] = self._challenge.answer(self._login, method, url)
        self.out += request(method, url, self._sequence, fields)

    def _answered(self, message: Message, status: int, now: Now) -> None:
        if self._pending is None or (message.header("cseq") or str(self._sequence)) != str(self._sequence):
            return
        method = self._pending[0]
        if status == 401:
            self._log_in(message)
            return
        if status < 200:
            return
        self._pending = None
        if status in MOVED:
            self._moved(message)
        elif self.is_playing:
            self._kept_alive(status)
        elif method == "OPTIONS":  # an error here is no reason to give up: some cameras do not know it
            self._alive_method = "GET_PARAMETER" if "GET_PARAMETER" in (message.header("public") or "").upper() else "OPTIONS"
            self._ask("DESCRIBE", self.url, {"Accept": "application/sdp"})
        elif status >= 300:
            self._failed(method, status)
        elif method == "DESCRIBE":
            self._described(message)
        elif method == "SETUP":
            self._set_up(message)
        elif method == "PLAY":
            self.is_playing = True
            self._alive_s = now.steady_s + max(1.0, self._timeout_s * ALIVE_SHARE)
            self._report_s = now.steady_s + REPORT_EVERY_S

    def _kept_alive(self, status: int) -> None:
        if status == 454:
            raise StreamBroken(f"{self.name} has forgotten the session.", "It will be tried again.")
        if status >= 400:
            self._alive_method = "OPTIONS"

    def _failed(self, method: str, status: int) -> None:
        if status == 461:
            raise OverUdpOnly(f"{self.name} does not send over TCP.", "Let FFmpeg receive it over UDP.")
        if status >= 500 or status in PASSING:
            raise StreamBroken(f"{self.name} answered {status} to {method}.", "It will be tried again.")
        raise Refused(f"{self.name} answered {status} to {method}.", ADVICE)

    def _log_in(self, message: Message) -> None:
        """Answer a challenge: once, and again only for a nonce that has grown old."""
        challenge = strongest(message.headers.get("www-authenticate", ()))
        if self._login is None:
            raise Refused(f"{self.name} asks for a log-in.", "Give user and password.")
        if challenge is None:
            raise Refused(f"{self.name} asks for a log-in of an unknown kind.", "Allow Basic or Digest in the camera.")
        if challenge.algorithm == "basic" and not self._allows_basic:
            raise Refused(f"{self.name} asks for the password in the clear after a redirect.", "Register the address it redirects to.")
        if self._tries >= MAX_TRIES or (self._tries and not challenge.stale):
            raise Refused(f"{self.name} does not accept the log-in.", ADVICE)
        self._tries += 1
        self._challenge = challenge
        self._send()

    def _moved(self, message: Message) -> None:
        location = message.header("location") or ""
        if not location.lower().startswith(("rtsp://", "rtsps://")):
            raise StreamBroken(f"{self.name} redirects to nowhere.", "Check the camera's address.")
        self.moved_to = location

    def _described(self, message: Message) -> None:
        base = _absolute(self.url, message.header("content-base") or message.header("content-location") or "")
        self.track = track = video_track(message.body, split_login(base)[0])
        if track is None:
            raise BadSource(f"{self.name} offers no H.264 or H.265 video.", "Set the camera to H.264 or H.265.")
        self._ask("SETUP", track.url, {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"})

    def _set_up(self, message: Message) -> None:
        name, _, rest = (message.header("session") or "").partition(";")
        self._session_id = name.strip()[:256] or None
        if (stated := re.search(r"timeout\s*=\s*(\d{1,6})", rest, re.ASCII)) is not None:
            self._timeout_s = max(2.0, float(stated[1]))
        transport = message.header("transport") or ""
        if "TCP" not in transport.upper() and "interleaved" not in transport:
            raise OverUdpOnly(f"{self.name} does not send over TCP.", "Let FFmpeg receive it over UDP.")
        pair = re.search(r"interleaved\s*=\s*(\d{1,3})(?:-(\d{1,3}))?", transport, re.ASCII)
        first = int(pair[1]) & 0xFF if pair else 0
        self._rtcp_channel = int(pair[2]) & 0xFF if pair and pair[2] else first + 1 & 0xFF
        track = self.track
        if track is None:
            raise StreamBroken(f"{self.name} set up what it had not described.", "It will be tried again.")
        units = Units(H264 if track.codec == "h264" else H265, track.sets)
        self.receiver = RtpReceiver(first, track.payload_type, units)
        self._ask("PLAY", track.aggregate_url, {"Range": "npt=0.000-"})

    def _reported(self, data: bytes, now: Now) -> None:
        report = rtcp.sender_report(data)
        if report is not None:
            self.timeline.reported(report, now.at_s)
            self._last_report = (report.middle, now.steady_s)

    def _aggregate_url(self) -> str:
        return self.track.aggregate_url if self.track is not None else self.url


def _absolute(url: str, reference: str) -> str:
    """Where a reference from this URL leads; the URL itself when it leads to nothing of RTSP."""
    try:
        found = joined_url(url, reference)
    except ValueError:
        return url
    return found if found.lower().startswith(("rtsp://", "rtsps://")) else url


def split_login(url: str) -> tuple[str, Login | None]:
    """The URL without its log-in, and the log-in. A URL that cannot be parsed comes back as it is."""
    try:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        if parts.username is None:
            return url, None
        login = Login(unquote(parts.username), unquote(parts.password or ""))
        return urlunsplit(parts._replace(netloc=place)), login
    except ValueError:
        return url, None


def with_login(url: str, login: Login | None) -> str:
    """The URL with this log-in, instead of its own if it has one."""
    if login is None:
        return url
    bare = split_login(url)[0]
    scheme, mark, rest = bare.partition("://")
    return f"{scheme}{mark}{quote(login.user, safe='')}:{quote(login.password, safe='')}@{rest}"
