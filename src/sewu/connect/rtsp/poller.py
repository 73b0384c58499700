"""Thousands of cameras received in one thread: all sockets are drained whenever `poll` is called, nothing in between.

A wake-up per camera or packet would cost more than the bytes. The kernel's receive buffer holds what arrives between
two calls (250 ms in the shard), and a camera of little traffic is left alone for up to `max_wait_s`.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from sewu.base.clock import Clock
from sewu.base.errors import BadInput, Refused, SewuError, StreamBroken
from sewu.base.records import Packet
from sewu.connect.backoff import backoff_s
from sewu.connect.rtsp.aside import Aside
from sewu.connect.rtsp.auth import Login
from sewu.connect.rtsp.resolving import Resolver
from sewu.connect.rtsp.session import Now, OverUdpOnly, split_login
from sewu.connect.rtsp.stream import Link

BUFFER_BYTES = 1 << 20
ROUNDS = 16
OPEN_S = 10.0
STALL_S = 10.0
REFUSED_RETRY_S, REFUSED_LONGEST_S = 300.0, 3600.0
MAX_WAIT_S = 1.0
DRAIN_BYTES = 64 << 10
"""A camera is drained when about as much waits: far below what the kernel's buffer holds without being asked for more."""
EARLY = 0.9
"""Of a wait, so that a poll that comes a little early is not passed over."""
PEAK_SHARE = 0.7
"""How much of a rate is still expected after a drain that brought less: keyframes come in bursts."""
MAX_REDIRECTS = 5
ASIDE_START_S = 10.0
"""What a side process may take longer: it starts, and FFmpeg looks at the stream before it plays."""

Transport = Literal["auto", "udp"]
StateName = Literal["waiting", "connecting", "playing", "refused"]


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """How a camera's connection stands.

    Args:
        reason: why it is not playing, in words without password; empty while nothing is wrong.
        since_s: UTC seconds at which it came into this state.
        units, dropped, lost: access units received, units that were not whole, RTP packets missing, since `add`.
        reconnects: connections that ended since `add`.
        over_udp: whether FFmpeg receives it in a side process.
        aside_cpu_s: processor seconds of its side processes since `add`, which this process is not charged with.
    """

    name: StateName
    reason: str
    since_s: float
    units: int
    dropped: int
    lost: int
    reconnects: int
    over_udp: bool = False
    aside_cpu_s: float = 0.0


@dataclass(slots=True)
class _Entry:
    """One camera, connected or not."""

    camera_id: str
    url: str
    login: Login | None
    name: StateName = "waiting"
    reason: str = ""
    since_s: float = 0.0
    attempt: int = 0
    link: Link | Aside | None = None
    over_udp: bool = False
    aside_cpu_s: float = 0.0
    failure: SewuError | None = None
    opened_s: float = 0.0
    heard_s: float = 0.0
    drained_s: float = 0.0
    next_s: float = 0.0
    bytes_s: float = 0.0
    moved_to: str | None = None
    hops: int = 0
    refusals: int = 0
    allows_basic: bool = True
    units: int = 0
    dropped: int = 0
    lost: int = 0
    reconnects: int = 0

    def become(self, name: StateName, reason: str, at_s: float) -> None:
        self.name, self.reason, self.since_s = name, reason, at_s


class RtspPoller:
    """Receives many cameras over RTSP, RTP interleaved over TCP (or TLS for `rtsps`).

    Memory per camera: at most one coded picture under way (`rtp.MAX_UNIT_BYTES`) and one incomplete message or frame,
    beside the kernel's buffer.

    Args:
        max_connecting: how many may be between connect and PLAY at the same time.
        max_wait_s: how long a playing camera may be left alone; the most that its pictures are late, beside the time
            between two polls. 0 drains every camera at every poll.
        tls: how `rtsps` cameras prove who they are; None: by certificates that the system trusts.
    """

    def __init__(self, clock: Clock, max_connecting: int = 64, tls: ssl.SSLContext | None = None, max_wait_s: float = MAX_WAIT_S) -> None:
        self._clock = clock
        self._max_wait_s = max_wait_s
        self._max_connecting = max_connecting
        self._tls = tls
        self._entries: dict[str, _Entry] = {}
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._chance = random.Random()  # noqa: S311 (spreads reconnects; no secret)
        self._resolver = Resolver()
        self.prompt: Collection[str] = ()
        """Cameras that are drained at every poll, because somebody watches them live."""

    def add(self, camera_id: str, url: str, login: Login | None = None, transport: Transport = "auto") -> None:
        """Begin to receive a camera at the next polls; a camera that is there already starts anew.

        Args:
            transport: "auto" leaves a camera that refuses TCP to FFmpeg, over UDP, in a side process; "udp" does so from
                the start.
        """
        self.remove(camera_id)
        self._entries[camera_id] = _Entry(camera_id, url, login, since_s=self._clock.now_s(), over_udp=transport == "udp")

    def remove(self, camera_id: str) -> None:
        """Stop receiving a camera; nothing happens when it is unknown."""
        entry = self._entries.pop(camera_id, None)
        if entry is not None and entry.link is not None:
            entry.link.close(polite=True)

    def close(self) -> None:
        """Leave all cameras."""
        for camera_id in list(self._entries):
            self.remove(camera_id)
        self._resolver.close()

    def failure(self, camera_id: str) -> SewuError | None:
        """Why a camera's last connection ended; None while it plays, connects for the first time, or is unknown."""
        entry = self._entries.get(camera_id)
        return entry.failure if entry is not None else None

    def states(self) -> dict[str, ConnectionState]:
        """How each camera's connection stands."""
        return {camera_id: _state(entry) for camera_id, entry in self._entries.items()}

    def poll(self) -> list[tuple[str, list[Packet]]]:
        """Connect what is due, drain every socket; returns the new packets of the cameras that have any."""
        now = Now(self._clock.now_s(), self._clock.steady_s())
        received: list[tuple[str, list[Packet]]] = []
        connecting = sum(entry.name == "connecting" for entry in self._entries.values())
        for entry in self._entries.values():
            if now.steady_s < entry.next_s and not (entry.name == "playing" and entry.camera_id in self.prompt):
                continue
            if entry.link is None and entry.name != "connecting":
                if connecting >= self._max_connecting:
                    continue
                connecting += 1
                entry.opened_s = now.steady_s
                entry.become("connecting", entry.reason, now.at_s)
            try:
                packets = self._serve(entry, now)
            except (SewuError, OSError) as error:
                packets = entry.link.packets(now) if entry.link is not None else []
                self._ended(entry, error, now)
            if packets:
                entry.units += len(packets)
                received.append((entry.camera_id, packets))
        return received

    def _serve(self, entry: _Entry, now: Now) -> list[Packet]:
        link = entry.link or self._opened(entry, now)
        if link is None:
            return []
        link.tick(now)
        octets = 0
        for _ in range(ROUNDS):
            count = link.exchange(self._buffer, now)
            octets += count
            if count and not link.is_playing:
                entry.heard_s = now.steady_s
            if link.moved_to is not None:
                self._redirect(entry, link.moved_to)
                return []
            if count < BUFFER_BYTES // 2 and not (link.is_tls and count):  # TLS gives one record at a time
                break
        packets = link.packets(now)
        if packets:  # while playing nothing else counts: a camera without pictures may well go on answering
            entry.attempt, entry.refusals, entry.heard_s = 0, 0, now.steady_s
        elif now.steady_s - entry.heard_s > STALL_S:
            raise StreamBroken(f"{link.name} sent no picture for {STALL_S:.0f} s.", "It will be tried again.")
        elif not link.is_playing and now.steady_s - entry.opened_s > OPEN_S:
            raise StreamBroken(f"{link.name} did not begin to play within {OPEN_S:.0f} s.", "It will be tried again.")
        if link.is_playing and entry.name != "playing":
            entry.become("playing", "", now.at_s)
            entry.failure = None
            entry.drained_s = now.steady_s  # those that began together are drained apart: less memory at a time
            entry.next_s = now.steady_s + self._max_wait_s * self._chance.random()
        elif link.is_playing and isinstance(link, Link):
            self._leave_alone(entry, octets, now)
        return packets

    def _leave_alone(self, entry: _Entry, octets: int, now: Now) -> None:
        """Say when to drain a playing camera again, from the rate at which bytes came; a peak is remembered for a while."""
        waited_s, entry.drained_s = now.steady_s - entry.drained_s, now.steady_s
        if waited_s > 0.0:
            entry.bytes_s = max(octets / waited_s, PEAK_SHARE * entry.bytes_s)
        wait_s = self._max_wait_s if entry.bytes_s * self._max_wait_s <= DRAIN_BYTES else DRAIN_BYTES / entry.bytes_s
        entry.next_s = now.steady_s + EARLY * wait_s

    def _opened(self, entry: _Entry, now: Now) -> Link | Aside | None:
        """A connection that is under way; None while the host's name is looked up."""
        url = entry.moved_to or entry.url
        if entry.over_udp:
            entry.opened_s = entry.heard_s = now.steady_s + ASIDE_START_S
            entry.link = Aside(entry.camera_id, url, entry.login)
            return entry.link
        address = self._resolver.address(url)
        if address is None:
            if now.steady_s - entry.opened_s > OPEN_S:
                raise StreamBroken("The name server does not answer.", "Check the name server.")
            return None
        link = entry.link = Link(entry.camera_id, url, entry.login, entry.allows_basic)
        entry.opened_s = entry.heard_s = now.steady_s
        link.connect(address, self._context() if link.is_tls else None)
        return link

    def _redirect(self, entry: _Entry, location: str) -> None:
        """Go where the camera sends us; the log-in goes along, but never in the clear to another host."""
        link, entry.link = entry.link, None
        if link is None:
            return
        link.close()
        entry.hops += 1
        if entry.hops > MAX_REDIRECTS:
            raise Refused(f"{link.name} redirects without end.", "Check the camera's address.")
        target, found = split_login(location)
        if entry.login is None and found is None:
            entry.login = split_login(entry.url)[1]
        entry.allows_basic = entry.allows_basic and _host(target) == _host(entry.moved_to or entry.url)
        entry.moved_to = location

    def _ended(self, entry: _Entry, error: SewuError | OSError, now: Now) -> None:
        """Close, and say when to try again."""
        if entry.link is not None:
            dropped, lost = entry.link.counts()
            entry.dropped += dropped
            entry.lost += lost
            entry.aside_cpu_s += _cpu_s(entry.link)
            entry.link.close()
            entry.link = None
            entry.reconnects += 1
        entry.moved_to, entry.hops, entry.allows_basic = None, 0, True
        if isinstance(error, OverUdpOnly) and not entry.over_udp:
            entry.over_udp, entry.next_s = True, 0.0
            entry.become("waiting", error.what, now.at_s)
            return
        entry.attempt += 1
        is_final = isinstance(error, (Refused, BadInput))
        wait_s = self._refused_s(entry) if is_final else backoff_s(entry.attempt, self._chance)
        entry.next_s = now.steady_s + wait_s
        entry.failure = (
            error if isinstance(error, SewuError) else StreamBroken(f"The connection failed ({error}).", "It will be tried again.")
        )
        entry.become("refused" if is_final else "waiting", entry.failure.what, now.at_s)

    def _refused_s(self, entry: _Entry) -> float:
        """Long, and longer each time: a camera that locks its account after five wrong passwords must not be locked by us."""
        entry.refusals += 1
        wait_s = min(REFUSED_LONGEST_S, REFUSED_RETRY_S * 2.0 ** min(entry.refusals - 1, 10))
        return wait_s * self._chance.uniform(1.0, 1.5)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _cpu_s(link: Link | Aside | None) -> float:
    return link.cpu_s if isinstance(link, Aside) else 0.0


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _state(entry: _Entry) -> ConnectionState:
    dropped, lost = entry.link.counts() if entry.link is not None else (0, 0)
    return ConnectionState(
        entry.name,
        entry.reason,
        entry.since_s,
        entry.units,
        entry.dropped + dropped,
        entry.lost + lost,
        entry.reconnects,
        entry.over_udp,
        entry.aside_cpu_s + _cpu_s(entry.link),
    )
