"""What it costs to serve simulated cameras, and how late their pictures are.

The server runs in a process of its own and its CPU is read there; a client in this process drains every connection
and looks only at each picture's last packet. Lateness is taken at the client: arrival against the capture time that
the sender report gives, so it contains the server's waiting, the socket and the client's own waiting.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from sewu.base.errors import StreamBroken
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, serve_in_process
from sewu.simulate.server.until import allow_many_connections
from sewu.simulate.testcard import MAIN_CARD, SUB_CARD, cached_card

NTP_OFFSET_S = 2_208_988_800
CLOCK_HZ = 90_000
LATE_S = 0.2
EDGES_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SETTLE_S = 3.0
DRAIN_EVERY_S = 0.01
REQUEST_S = 10.0
ALIVE_EVERY_S = 15.0
ALIVE = b"$\x01\x00\x08" + struct.pack(">BBHI", 0x80, 201, 1, 1)
"""An empty receiver report (RFC 3550 section 6.4.2): the viewer still watches."""


@dataclass(frozen=True, slots=True)
class ServingCost:
    """Result of one run.

    Args:
        cpu_ms: of the server process, user and system, per camera and second served.
        megabits_per_s: received from each camera, RTP and framing included.
        late_counts: pictures by lateness; upper edges are `EDGES_S`, the last bin holds the rest.
        late_share: of pictures later than 200 ms.
        p50_s, p99_s, latest_s: half, 99 % and all of the pictures were at most so late.
        lost: pictures the server dropped because a client did not read, or skipped because it was too late itself.
    """

    stream: str
    cameras: int
    seconds: float
    cpu_ms: float
    megabits_per_s: float
    pictures: int
    late_counts: tuple[int, ...]
    late_share: float
    p50_s: float
    p99_s: float
    latest_s: float
    lost: int
    memory_bytes: int


@dataclass(slots=True)
class Viewer:
    """One connection that is drained."""

    sock: socket.socket
    rest: bytearray = field(default_factory=bytearray)
    wall_minus_media_s: float | None = None
    last_timestamp: int | None = None
    at_ticks: int = 0
    received: int = 0
    late_s: array[float] = field(default_factory=lambda: array("f"))

    def take(self, data: bytes, now_s: float) -> None:
        """Walk over the frames in what arrived."""
        self.received += len(data)
        self.rest += data
        rest, at, end = self.rest, 0, len(self.rest)
        while end - at >= 4:
            if rest[at] != 0x24:
                raise StreamBroken("The server sent something else than RTP.", "This is a defect of the server.")
            size = rest[at + 2] << 8 | rest[at + 3]
            if end - at < 4 + size:
                break
            if rest[at + 1] == 1:
                self._report(rest[at + 4 : at + 4 + size])
            elif rest[at + 5] & 0x80:
                self._picture(struct.unpack_from(">I", rest, at + 8)[0], now_s)
            at += 4 + size
        del rest[:at]

    def _report(self, packet: bytearray) -> None:
        seconds, fraction, timestamp = struct.unpack_from(">III", packet, 8)
        self._advance(timestamp)
        self.wall_minus_media_s = seconds - NTP_OFFSET_S + fraction / 2**32 - self.at_ticks / CLOCK_HZ

    def _picture(self, timestamp: int, now_s: float) -> None:
        self._advance(timestamp)
        if self.wall_minus_media_s is not None:
            self.late_s.append(now_s - self.wall_minus_media_s - self.at_ticks / CLOCK_HZ)

    def _advance(self, timestamp: int) -> None:
        if self.last_timestamp is not None:
            self.at_ticks += ((timestamp - self.last_timestamp + 2**31) & 0xFFFFFFFF) - 2**31
        self.last_timestamp = timestamp


def measure_serving(stream: Literal["main", "sub"], cameras: int, seconds: float, cache: Path, files: Sequence[Path] = ()) -> ServingCost:
    """Serve so many cameras for so long to one viewer each, and measure.

    Args:
        cache: where the test card is kept that is served when no `files` are given.

    Raises:
        Unavailable: the server did not start. StreamBroken: it did not answer.
    """
    allow_many_connections()
    chosen = list(files) or [cached_card(MAIN_CARD if stream == "main" else SUB_CARD, cache)]
    served = tuple(
        ServedCamera(id=f"bench-{index:05d}", main=StreamFile(path=chosen[index % len(chosen)]), phase_s=index * 0.137)
        for index in range(cameras)
    )
    viewers: list[Viewer] = []
    with serve_in_process(ServerPlan(cameras=served)) as client:
        try:
            address = (client.addresses.host, client.addresses.rtsp_port)
            for camera in served:
                viewers.append(Viewer(_play(address, camera.id)))
            _drain(viewers, SETTLE_S)
            for viewer in viewers:
                del viewer.late_s[:]
                viewer.received = 0
            before, began_s = client.status(), time.monotonic()
            _drain(viewers, seconds)
            after, took_s = client.status(), time.monotonic() - began_s
        finally:
            for viewer in viewers:
                viewer.sock.close()
    late = np.concatenate([np.frombuffer(viewer.late_s, np.float32) for viewer in viewers])
    counts = np.bincount(np.searchsorted(EDGES_S, late), minlength=len(EDGES_S) + 1)
    p50_s, p99_s = np.quantile(late, (0.5, 0.99)) if len(late) else (0.0, 0.0)
    return ServingCost(
        stream=stream,
        cameras=cameras,
        seconds=took_s,
        cpu_ms=(after["cpu_s"] - before["cpu_s"]) * 1000 / (cameras * took_s),
        megabits_per_s=sum(viewer.received for viewer in viewers) * 8e-6 / (cameras * took_s),
        pictures=len(late),
        late_counts=tuple(counts.tolist()),
        late_share=float((late > LATE_S).mean()) if len(late) else 0.0,
        p50_s=float(p50_s),
        p99_s=float(p99_s),
        latest_s=float(late.max(initial=0.0)),
        lost=(after["dropped"] - before["dropped"]) + (after["skipped"] - before["skipped"]),
        memory_bytes=after["memory_bytes"],
    )


def _play(address: tuple[str, int], camera_id: str) -> socket.socket:
    url = f"rtsp://{address[0]}:{address[1]}/{camera_id}/main"
    sock = socket.create_connection(address, timeout=REQUEST_S)
    session = ""
    for method, uri, extra in (
        ("SETUP", f"{url}/trackID=1", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"),
        ("PLAY", url, ""),
    ):
        sock.sendall(f"{method} {uri} RTSP/1.0\r\nCSeq: 1\r\n{session}{extra}\r\n".encode())
        head = _head(sock)
        if not head.startswith("RTSP/1.0 200"):
            raise StreamBroken(f"The server answered {head.splitlines()[:1]} to {method}.", "This is a defect of the server.")
        for line in head.splitlines():
            if line.lower().startswith("session:"):
                session = f"Session: {line.partition(':')[2].partition(';')[0].strip()}\r\n"
    sock.setblocking(False)
    return sock


def _head(sock: socket.socket) -> str:
    """Read one answer without a body, and not a byte of what follows it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = sock.recv(1)
        if not piece or len(head) > 4096:
            raise StreamBroken("The server ended the connection.", "This is a defect of the server.")
        head += piece
    return head.decode()


def _drain(viewers: Sequence[Viewer], seconds: float) -> None:
    with selectors.DefaultSelector() as selector:
        for viewer in viewers:
            selector.register(viewer.sock, selectors.EVENT_READ, viewer)
        until_s = time.monotonic() + seconds
        alive_s = 0.0
        while (left_s := until_s - time.monotonic()) > 0:
            if time.monotonic() - alive_s > ALIVE_EVERY_S:
                alive_s = time.monotonic()
                for viewer in viewers:
                    viewer.sock.send(ALIVE)
            for key, _ in selector.select(left_s):
                data = key.fileobj.recv(1 << 18)  # type: ignore[union-attr]
                if not data:
                    raise StreamBroken("The server ended a connection.", "This is a defect of the server.")
                key.data.take(data, time.time())
            time.sleep(DRAIN_EVERY_S)


def report(cost: ServingCost) -> str:
    """The result as text, with everything needed to judge it."""
    bins = " ".join(f"<={edge * 1000:.0f}ms:{count}" for edge, count in zip(EDGES_S, cost.late_counts, strict=False))
    return (
        f"{cost.cameras} cameras, {cost.stream} ({cost.megabits_per_s:.2f} Mbit/s each), {cost.seconds:.0f} s, TCP on the loopback\n"
        f"  CPU {cost.cpu_ms:.3f} ms per camera-second, memory {cost.memory_bytes / 2**20:.0f} MiB\n"
        f"  {cost.pictures} pictures, lateness {bins} more:{cost.late_counts[-1]}\n"
        f"  half at most {cost.p50_s * 1000:.0f} ms late, 99 % at most {cost.p99_s * 1000:.0f} ms, latest {cost.latest_s * 1000:.0f} ms\n"
        f"  later than 200 ms: {cost.late_share:.4%}; dropped or skipped: {cost.lost}\n"
    )
