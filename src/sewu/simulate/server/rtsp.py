"""The RTSP server side (RFC 2326): one connection, its requests, its sessions."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from sewu.simulate.server import sdp
from sewu.simulate.server.faults import ActiveFault
from sewu.simulate.server.hub import Hub, Session
from sewu.simulate.server.message import BadRequest, Interleaved, Request, RequestParser, response
from sewu.simulate.server.plan import Quality
from sewu.simulate.server.sinks import TcpSink, UdpSink

METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
REASONS = {
    200: "OK", 302: "Moved Temporarily", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
    454: "Session Not Found", 455: "Method Not Valid in This State", 459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport", 501: "Not Implemented", 505: "RTSP Version Not Supported",
}  # fmt: skip
MAX_SESSIONS_PER_CONNECTION = 16

Headers = dict[str, str | list[str]]
Answer = tuple[int, Headers, bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """What an address names."""

    camera_id: str
    quality: Quality
    is_track: bool
    base: str
    hops: int


def target_of(uri: str) -> Target | None:
    """Camera and stream of an RTSP address; None when it is not one of ours."""
    try:
        parts = urlsplit(uri)
        segments = [unquote(part) for part in parts.path.split("/") if part]
    except ValueError:
        return None
    if len(segments) not in (2, 3) or segments[1] not in ("main", "sub") or (len(segments) == 3 and segments[2] != sdp.CONTROL):
        return None
    hops = re.fullmatch(r"hop=(\d{1,6})", parts.query)
    base = f"{parts.scheme or 'rtsp'}://{parts.netloc}/{'/'.join(parts.path.split('/')[1:3])}"
    return Target(segments[0], cast(Quality, segments[1]), len(segments) == 3, base, int(hops[1]) if hops else 0)


@dataclass(frozen=True, slots=True)
class Offer:
    """One acceptable alternative of a `Transport` header: two interleaved channels, or two UDP ports."""

    numbers: tuple[int, int]
    is_tcp: bool


def offers(header: str) -> list[Offer]:
    """The unicast alternatives of a `Transport` header (RFC 2326 section 12.39), in the client's order."""
    found = []
    for alternative in header.split(","):
        fields = [part.strip() for part in alternative.split(";")]
        kind, named = fields[0].upper(), dict(part.partition("=")[::2] for part in fields[1:])
        if "multicast" in named or kind not in ("RTP/AVP", "RTP/AVP/UDP", "RTP/AVP/TCP"):
            continue
        is_tcp = kind == "RTP/AVP/TCP"
        pair = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", named.get("interleaved" if is_tcp else "client_port", "0-1" if is_tcp else ""))
        if pair is None:
            continue
        first = int(pair[1])
        second = int(pair[2]) if pair[2] else first + 1
        if max(first, second) <= (255 if is_tcp else 65535) and first != second and (is_tcp or min(first, second) >= 1024):
            found.append(Offer((first, second), is_tcp))
    return found


class RtspConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, hub: Hub, udp: tuple[socket.socket, socket.socket] | None, live: set[RtspConnection]) -> None:
        self._hub = hub
        self._udp = udp
        self._live = live
        self._parser = RequestParser()
        self._transport: asyncio.Transport
        self._camera_ids: set[str] = set()
        self._session_ids: set[str] = set()
        self._deaf = False
        self._methods: Mapping[str, Callable[[Request, Target], Answer]] = {
            "DESCRIBE": self._describe, "SETUP": self._setup, "PLAY": self._play, "PAUSE": self._pause,
            "GET_PARAMETER": self._alive, "SET_PARAMETER": self._alive, "TEARDOWN": self._teardown,
        }  # fmt: skip

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._live.add(self)
        if len(self._live) > self._hub.plan.server.max_connections:
            self.cut()

    def connection_lost(self, exc: Exception | None) -> None:
        self._live.discard(self)
        self._hub.detach(self, self._camera_ids)
        mine = [s for s in map(self._hub.sessions.get, self._session_ids) if s is not None and s.owner is self]
        self._hub.end_sessions(mine)

    def data_received(self, data: bytes) -> None:
        try:
            items = self._parser.feed(data)
        except BadRequest:
            self._transport.write(response("RTSP/1.0", 400, REASONS[400], {"Connection": "close"}))
            self._transport.close()
            return
        for item in items:
            if self._transport.is_closing():
                return
            if isinstance(item, Interleaved):
                self._touch_sessions()
            else:
                self._take(item)

    def cut(self) -> None:
        """Reset the connection."""
        self._transport.abort()

    # Requests

    def _take(self, request: Request) -> None:
        target = target_of(request.uri)
        active: ActiveFault | None = None
        if target is not None and target.camera_id in self._hub.cameras:
            self._camera_ids.add(target.camera_id)
            self._hub.attach(target.camera_id, self)
            active = self._hub.faults.get(target.camera_id)
        if active is not None and self._misbehaves(active):
            return
        status, headers, body = self._answer(request, target, active)
        headers = {"CSeq": request.header("cseq") or "0", "Server": "Sewu simulated camera", **headers}
        data = response("RTSP/1.0", status, REASONS[status], headers, body)
        if active is not None and active.kind == "slow":
            asyncio.get_running_loop().call_later(active.what.delay_s, self._transport.write, data)
        else:
            self._transport.write(data)
        if status == 200 and request.method == "PLAY":
            # Only now, so that the answer stands before the first picture.
            self._hub.play(self._hub.sessions[_session_id(request)])

    def _misbehaves(self, active: ActiveFault) -> bool:
        if active.is_down(self._hub.clock.steady_s()):
            self.cut()
        elif active.kind == "garbage":
            self._transport.write(active.noise(512))
        elif not (active.kind == "offline" or (active.kind == "half_open" and (self._deaf or self._is_playing()))):
            return False
        return True

    def _answer(self, request: Request, target: Target | None, active: ActiveFault | None) -> Answer:
        if not request.version.startswith("RTSP/1."):
            return 505, {}, b""
        if request.method == "OPTIONS":
            self._touch_sessions()
            return 200, {"Public": METHODS}, b""
        method = self._methods.get(request.method)
        if method is None:
            return 501, {"Public": METHODS}, b""
        if target is None or self._hub.media_of(target.camera_id, target.quality) is None:
            return 404, {}, b""
        camera, now_s = self._hub.cameras[target.camera_id], self._hub.clock.steady_s()
        verdict = self._hub.guard.check(camera, request.header("authorization"), request.method, request.uri, now_s)
        if not verdict.passed or (active is not None and active.kind == "wrong_password"):
            return 401, {"WWW-Authenticate": self._hub.guard.challenges(camera, now_s, verdict.stale)}, b""
        return method(request, target)

    def _describe(self, request: Request, target: Target) -> Answer:
        active = self._hub.faults.get(target.camera_id)
        if active is not None and active.kind == "redirect":
            return 302, {"Location": f"{target.base}?hop={target.hops + 1}"}, b""
        media = self._hub.media_of(target.camera_id, target.quality)
        playing = self._hub.playing(target.camera_id, target.quality)
        assert media is not None and playing is not None
        padding = active.what.padding_bytes if active is not None and active.kind == "huge_sdp" else 0
        body = sdp.describe(media, playing.identity.ssrc, self._own_host(), padding)
        return 200, {"Content-Base": target.base + "/", "Content-Type": "application/sdp"}, body

    def _setup(self, request: Request, target: Target) -> Answer:
        playing = self._hub.playing(target.camera_id, target.quality)
        assert playing is not None
        old = self._hub.sessions.get(_session_id(request))
        if request.header("session") is not None and (old is None or old.playing is not playing):
            return (454 if old is None else 459), {}, b""
        if old is not None and old.is_playing:
            return 455, {}, b""
        active = self._hub.faults.get(target.camera_id)
        has_tcp = active is None or active.kind != "udp_only"
        choice = next((o for o in offers(request.header("transport") or "") if (has_tcp if o.is_tcp else self._udp)), None)
        if choice is None or (old is None and len(self._session_ids) >= MAX_SESSIONS_PER_CONNECTION):
            return 461, {}, b""
        sink, described = self._sink(choice)
        described += f";ssrc={playing.identity.ssrc:08X}"
        # A session over UDP outlives its connection, until it is silent for too long.
        owner = self if choice.is_tcp else None
        session = Session(old.id if old else secrets.token_hex(8), target.camera_id, playing, sink, self._hub.clock.steady_s(), owner)
        self._hub.add_session(session)
        self._session_ids.add(session.id)
        return 200, {"Transport": described, "Session": self._session_header(session)}, b""

    def _sink(self, choice: Offer) -> tuple[TcpSink | UdpSink, str]:
        first, second = choice.numbers
        if choice.is_tcp:
            sink = TcpSink(self._transport, choice.numbers, self._hub.plan.server.backlog_bytes)
            return sink, f"RTP/AVP/TCP;unicast;interleaved={first}-{second}"
        assert self._udp is not None
        # Only ever to the address that asked: nobody else can be flooded.
        host = self._transport.get_extra_info("peername")[0]
        ports = "-".join(str(s.getsockname()[1]) for s in self._udp)
        described = f"RTP/AVP;unicast;client_port={first}-{second};server_port={ports}"
        return UdpSink(self._udp, (host, first), (host, second)), described

    def _play(self, request: Request, target: Target) -> Answer:
        session = self._session(request, target)
        if session is None:
            return 454, {}, b""
        active = self._hub.faults.get(target.camera_id)
        self._deaf = active is not None and active.kind == "half_open"
        info = f"url={target.base}/{sdp.CONTROL}"
        if active is None and not session.is_playing:
            sequence, timestamp = session.playing.start_of(self._hub.clock.steady_s())
            info += f";seq={sequence};rtptime={timestamp}"
        return 200, {"Session": self._session_header(session), "Range": "npt=0.000-", "RTP-Info": info}, b""

    def _pause(self, request: Request, target: Target) -> Answer:
        session = self._session(request, target)
        if session is None:
            return 454, {}, b""
        self._hub.pause(session)
        return 200, {"Session": self._session_header(session)}, b""

    def _alive(self, request: Request, target: Target) -> Answer:
        session = self._session(request, target)
        if request.header("session") is not None and session is None:
            return 454, {}, b""
        return 200, {"Session": self._session_header(session)} if session else {}, b""

    def _teardown(self, request: Request, target: Target) -> Answer:
        session = self._session(request, target)
        if session is None:
            return 454, {}, b""
        self._hub.end_sessions([session])
        self._session_ids.discard(session.id)
        return 200, {}, b""

    def _session(self, request: Request, target: Target) -> Session | None:
        session = self._hub.sessions.get(_session_id(request))
        if session is None or session.camera_id != target.camera_id or session.owner not in (None, self):
            return None
        session.last_seen_s = self._hub.clock.steady_s()
        return session

    def _is_playing(self) -> bool:
        return any(session is not None and session.is_playing for session in map(self._hub.sessions.get, self._session_ids))

    def _touch_sessions(self) -> None:
        now_s = self._hub.clock.steady_s()
        for session in map(self._hub.sessions.get, self._session_ids):
            if session is not None:
                session.last_seen_s = now_s

    def _session_header(self, session: Session) -> str:
        return f"{session.id};timeout={self._hub.plan.server.session_timeout_s:.0f}"

    def _own_host(self) -> str:
        name: Any = self._transport.get_extra_info("sockname")
        return str(name[0])


def _session_id(request: Request) -> str:
    return (request.header("session") or "").partition(";")[0].strip()
