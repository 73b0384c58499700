"""One connection: a socket that never blocks, its conversation, and packets out of access units."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from contextlib import suppress
from fractions import Fraction
from urllib.parse import urlsplit

from sewu.base.errors import CameraUnreachable, StreamBroken
from sewu.base.records import Packet, StreamInfo
from sewu.connect.rtsp import h264, h265
from sewu.connect.rtsp.auth import Login
from sewu.connect.rtsp.resolving import Address
from sewu.connect.rtsp.rtcp import CLOCK_HZ
from sewu.connect.rtsp.rtp import BEYOND_BYTES
from sewu.connect.rtsp.session import Now, Session
from sewu.connect.rtsp.sps import size_px
from sewu.connect.rtsp.units import Units

RECEIVE_BUFFER_BYTES = 1 << 20
MAX_UNSENT_BYTES = 64 << 10
TIME_BASE = Fraction(1, CLOCK_HZ)
SPS = {"h264": h264.SPS, "hevc": h265.SPS}
_BLOCKED = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Link:
    """A connection to one camera; made anew for each attempt."""

    def __init__(self, camera_id: str, url: str, login: Login | None, allows_basic: bool = True) -> None:
        self.session = Session(url, login, allows_basic)
        self.is_tls = urlsplit(url).scheme == "rtsps"
        self._camera_id = camera_id
        self._host = urlsplit(url).hostname or ""
        self._socket: socket.socket | None = None
        self._rest = b""
        self._stream = StreamInfo("", TIME_BASE)
        self._sets: tuple[bytes, ...] = ()

    @property
    def name(self) -> str:
        """The camera's address, without log-in, for messages."""
        return self.session.name

    @property
    def is_playing(self) -> bool:
        """Whether PLAY was accepted."""
        return self.session.is_playing

    @property
    def moved_to(self) -> str | None:
        """Where the camera sends us instead, if it does."""
        return self.session.moved_to

    def tick(self, now: Now) -> None:
        """Say that we still watch, when it is time."""
        self.session.tick(now)

    def connect(self, address: Address, tls: ssl.SSLContext | None) -> None:
        """Begin to connect, over TLS when `tls` is given; nothing waits.

        Raises:
            CameraUnreachable: refused at once, or no descriptor is left.
        """
        family, host, port = address
        try:
            plain = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise CameraUnreachable(f"No socket is left ({error}).", "Raise the limit of open files.") from error
        plain.setblocking(False)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A wrapped socket shakes hands within its first send and receive, so nothing waits here either.
        sock = plain if tls is None else tls.wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)
        self._socket = sock
        code = sock.connect_ex((host, port))
        if code not in (0, errno.EINPROGRESS):
            raise CameraUnreachable(f"{self.session.name} does not answer ({os.strerror(code)}).", "Check address, port and network.")

    def exchange(self, buffer: memoryview, now: Now) -> int:
        """Send what waits, take what came through `buffer`; returns how many bytes came.

        Raises:
            CameraUnreachable, StreamBroken, Refused, BadSource: the connection is of no more use.
        """
        sock, session, kept = self._socket, self.session, len(self._rest)
        if sock is None:
            return 0
        try:
            if session.out:
                del session.out[: sock.send(session.out)]
            if kept:
                buffer[:kept] = self._rest
            count = sock.recv_into(buffer[kept:-BEYOND_BYTES])
        except _BLOCKED:
            if len(session.out) > MAX_UNSENT_BYTES:
                raise StreamBroken(f"{session.name} does not read what we send.", "It will be tried again.") from None
            return 0
        except OSError as error:
            raise CameraUnreachable(f"{session.name} is not connected ({error.strerror}).", "Check address, port and network.") from None
        if count == 0:
            raise StreamBroken(f"{session.name} closed the connection.", "It will be tried again.")
        end = kept + count
        used = session.take(buffer, end, now)
        self._rest = bytes(buffer[used:end]) if used < end else b""
        if session.out:
            with suppress(*_BLOCKED, OSError):
                del session.out[: sock.send(session.out)]
        return count

    def packets(self, now: Now) -> list[Packet]:
        """The access units that are whole, as packets; a keyframe without parameter sets in band gets them."""
        receiver = self.session.receiver
        if receiver is None or not receiver.done:
            return []
        units, receiver.done = receiver.done, []
        timeline = self.session.timeline
        timeline.arrived(units[-1][0], now.at_s)
        place = timeline.place
        sets = tuple(receiver.units.sets.values())
        if sets != self._sets or not self._stream.codec:
            self._sets = sets
            self._stream = self._described(receiver.units)
        stream, camera_id, found = self._stream, self._camera_id, []
        for timestamp, data, is_keyframe, has_sets in units:
            pts, dts, at_s = place(timestamp)
            whole = stream.extradata + data if is_keyframe and not has_sets else data
            found.append(Packet(camera_id, stream, whole, pts, dts, at_s, is_keyframe))
        return found

    def _described(self, units: Units) -> StreamInfo:
        found = units.sets.get(SPS[units.form.codec])
        width_px, height_px = (size_px(found, units.form.codec) if found else None) or (None, None)
        rate_fps = self.session.track.rate_fps if self.session.track else None
        return StreamInfo(units.form.codec, TIME_BASE, units.extradata(), width_px, height_px, rate_fps)

    def counts(self) -> tuple[int, int]:
        """Units dropped and RTP packets lost on this connection."""
        receiver = self.session.receiver
        return (receiver.units.dropped, receiver.lost) if receiver is not None else (0, 0)

    def close(self, polite: bool = False) -> None:
        """Close the socket; `polite` sends TEARDOWN first, if the socket takes it at once."""
        if self._socket is None:
            return
        with suppress(OSError, ssl.SSLError):
            if polite and (farewell := self.session.end()):
                self._socket.send(farewell)
        self._socket.close()
        self._socket = None
