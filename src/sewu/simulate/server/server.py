"""The server as one thing: `async with CameraServer(plan) as server:`."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sewu.base.clock import Clock, SystemClock
from sewu.base.errors import BadSettings, SewuError, Unavailable
from sewu.simulate.server.control import Control, ControlFile, status
from sewu.simulate.server.derived import Derived
from sewu.simulate.server.discovery import Discovery
from sewu.simulate.server.faults import ActiveFault, Fault
from sewu.simulate.server.http import HttpServer
from sewu.simulate.server.hub import Hub
from sewu.simulate.server.media import CLOCK_HZ
from sewu.simulate.server.onvif import Addresses
from sewu.simulate.server.plan import Quality, ServerPlan, stream_url
from sewu.simulate.server.rtsp import RtspConnection
from sewu.simulate.server.web import Web

SWEEP_S = 0.5
LISTEN_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in the loop a camera was: which repeat, and the media time that the loop's truth counts."""

    repeat: int
    media_s: float


class CameraServer:
    """Serves every camera of a plan.

    Args:
        plan: cameras and settings.
        tls: with a certificate, to serve RTSPS too.

    Raises (on start): `BadSource` for a file that cannot be served, `Unavailable` for a port that is taken.
    """

    def __init__(self, plan: ServerPlan, clock: Clock | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.plan = plan
        self._clock = clock or SystemClock()
        self._tls = tls
        self._hub: Hub
        self._live: set[RtspConnection] = set()
        self._listeners: list[asyncio.Server] = []
        self._web_server: HttpServer | None = None
        self._control_server: HttpServer | None = None
        self._udp: tuple[socket.socket, socket.socket] | None = None
        self._discovery: Discovery | None = None
        self._derived: Derived | None = None
        self._thinning: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self.rtsp_port = self.http_port = self.control_port = 0
        self.rtsps_port: int | None = None
        self.control_token = ""

    async def __aenter__(self) -> CameraServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Load the files, listen."""
        hub = Hub(self.plan, self._clock)
        await asyncio.to_thread(hub.load)
        self._hub = hub
        hub.on_fault.append(self._starve)
        try:
            await self._listen()
        except OSError as error:
            await self.stop()
            raise Unavailable(f"The cameras cannot listen on {self.plan.server.host}: {error}.", "Choose other ports.") from error
        self._sweep()

    async def _listen(self) -> None:
        settings, loop = self.plan.server, asyncio.get_running_loop()
        self._udp = _udp_pair(settings.host)
        loop.add_reader(self._udp[0], _drain, self._udp[0], None)
        loop.add_reader(self._udp[1], _drain, self._udp[1], self._hub)
        udp, live, hub = self._udp, self._live, self._hub
        plain = await loop.create_server(lambda: RtspConnection(hub, udp, live), settings.host, settings.rtsp_port, backlog=LISTEN_BACKLOG)
        self._listeners.append(plain)
        self.rtsp_port = int(plain.sockets[0].getsockname()[1])
        if self._tls is not None:
            # No UDP here: what was asked for over TLS does not go in the clear.
            secure = await loop.create_server(
                lambda: RtspConnection(hub, None, live), settings.host, settings.rtsps_port, ssl=self._tls, backlog=LISTEN_BACKLOG
            )
            self._listeners.append(secure)
            self.rtsps_port = int(secure.sockets[0].getsockname()[1])
        self._derived = Derived(settings.mjpeg_fps)
        addresses = Addresses(settings.told_host, self.rtsp_port)
        web = Web(hub, self._derived, addresses)
        self._web_server = HttpServer(web.handle, web.closed)
        self.http_port = addresses.http_port = await self._web_server.start(settings.host, settings.http_port)
        control = Control(hub)
        self._control_server = HttpServer(control.handle)
        self.control_port, self.control_token = await self._control_server.start("127.0.0.1", settings.control_port), control.token
        if settings.discovery_port is not None:
            self._discovery = Discovery(tuple(hub.cameras.values()), addresses, settings.host)
            await self._discovery.start(settings.discovery_port)

    async def stop(self) -> None:
        """Close everything; a second call does nothing."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._hub.pacer.stop()
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for connection in list(self._live):
            connection.cut()
        for server in (self._web_server, self._control_server):
            if server is not None:
                await server.stop()
        if self._discovery is not None:
            self._discovery.stop()
        if self._derived is not None:
            self._derived.close()
        for task in list(self._thinning):
            task.cancel()
        for sock in self._udp or ():
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        self._udp = None
        await asyncio.sleep(0)  # lets the aborted connections say goodbye to the hub

    def _sweep(self) -> None:
        self._hub.sweep()
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    # What the outside may ask

    def url(self, camera_id: str, quality: Quality = "main", scheme: str = "rtsp") -> str:
        """Address of a stream: scheme rtsp, rtsps, hls or mjpeg; without user and password.

        Raises:
            BadSettings: there is no such camera or scheme.
        """
        camera = self._hub.cameras.get(camera_id)
        port = {"rtsp": self.rtsp_port, "rtsps": self.rtsps_port, "hls": self.http_port, "mjpeg": self.http_port}.get(scheme)
        if camera is None or port is None:
            raise BadSettings(f"There is no {scheme} stream of camera {camera_id!r}.", "Name a camera and a scheme that are served.")
        if scheme in ("hls", "mjpeg"):
            page = "live.m3u8" if scheme == "hls" else "video.mjpg"
            return f"{stream_url(camera, self.plan.server.told_host, port, quality, 'http')}/{page}"
        return stream_url(camera, self.plan.server.told_host, port, quality, scheme)

    def set_fault(self, camera_id: str, what: Fault | None) -> None:
        """Begin a fault, or end it with None. Raises BadSettings for an unknown camera."""
        self._hub.set_fault(camera_id, what)

    def status(self) -> dict[str, Any]:
        """Counts since the start."""
        return status(self._hub)

    def moment(self, camera_id: str, at_s: float) -> Moment:
        """Which media time of its loop a camera showed at a UTC time: how truth is laid over what was received.

        Raises:
            BadSettings: there is no such camera.
        """
        loop_s = self.loop_s(camera_id)
        repeat, media_s = divmod(at_s - self.started_at_s + self._hub.cameras[camera_id].phase_s, loop_s)
        return Moment(int(repeat), media_s)

    @property
    def started_at_s(self) -> float:
        """The UTC time at which every camera stood at its `phase_s`."""
        return self._hub.epoch.wall_s

    def loop_s(self, camera_id: str) -> float:
        """Length of one repeat of a camera's main stream. Raises BadSettings for an unknown camera."""
        media = self._hub.media_of(camera_id, "main")
        if media is None:
            raise BadSettings(f"There is no camera {camera_id!r}.", "Name one of the cameras that are served.")
        return media.loop_ticks / CLOCK_HZ

    def write_control_file(self, path: Path) -> None:
        """Say where this server listens and how to command it; readable by the owner only. Raises OSError."""
        content = ControlFile(
            control_port=self.control_port, token=self.control_token, host=self.plan.server.told_host,
            rtsp_port=self.rtsp_port, rtsps_port=self.rtsps_port, http_port=self.http_port,
        )  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content.model_dump(), file)
        new.replace(path)

    def _starve(self, camera_id: str, active: ActiveFault | None) -> None:
        """A collapsed bit rate needs another encoding; the old one goes on until it is ready."""
        if active is None or active.kind != "bitrate_collapse":
            return
        task = asyncio.get_running_loop().create_task(self._make_thin(camera_id, active))
        self._thinning.add(task)
        task.add_done_callback(self._thinning.discard)

    async def _make_thin(self, camera_id: str, active: ActiveFault) -> None:
        assert self._derived is not None
        qualities: tuple[Quality, ...] = ("main", "sub")
        for quality in qualities:
            playing = self._hub.playing(camera_id, quality)
            if playing is None:
                continue
            try:
                thin = await self._derived.thin(playing.media, active.what.kbit_s)
            except SewuError as error:
                active.trouble = str(error)
                return
            if playing.fault is active:
                playing.thin = thin
                for sink in playing.sinks:
                    sink.wants_keyframe = True


def _udp_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """An even port for RTP and the next one for RTCP (RFC 3550 section 11). Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last: OSError | None = None
    for _ in range(64):
        rtp, rtcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
        try:
            rtp.bind((host, 0))
            port = rtp.getsockname()[1]
            if port % 2 == 0 and port < 65535:
                rtcp.bind((host, port + 1))
                for sock in (rtp, rtcp):
                    sock.setblocking(False)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
                return rtp, rtcp
        except OSError as error:
            last = error
        rtp.close()
        rtcp.close()
    raise last or OSError("no two free UDP ports side by side")


def _drain(sock: socket.socket, hub: Hub | None) -> None:
    """Read what clients send; on the RTCP port it says that they are alive."""
    for _ in range(256):
        try:
            _, sender = sock.recvfrom(2048)
        except OSError:
            return
        if hub is not None:
            hub.heard_from(sender)
