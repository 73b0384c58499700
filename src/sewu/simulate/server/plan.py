"""What to serve: cameras, the files they play, their passwords, and how the server behaves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import field_validator, model_validator

from sewu.base.settings import Settings

Quality = Literal["main", "sub"]
Scheme = Literal["none", "basic", "digest", "digest-sha256", "any"]
SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class StreamFile(Settings):
    """An H.264 or H.265 file that is played for ever."""

    path: Path
    """The file; read once, kept in memory, shared by all cameras that name it."""
    duration_s: float | None = None
    """Length of one repeat, where known better than from the file (main and sub of one loop must agree)."""

    @field_validator("duration_s")
    @classmethod
    def _positive(cls, value: float | None) -> float | None:
        if value is not None and not 0 < value <= 86_400:
            raise ValueError("must be more than 0 and at most a day")
        return value


class ServedCamera(Settings):
    """One camera: what it plays, who may look."""

    id: str
    """The first part of its paths: `rtsp://host:port/ID/main`."""
    main: StreamFile
    """The full stream."""
    sub: StreamFile | None = None
    """The small stream."""
    phase_s: float = 0.0
    """Where in the loop it is when the server starts, so that cameras on one loop do not move in step."""
    user: str | None = None
    """Name to log in with; nobody has to when absent."""
    password: str | None = None
    """Password of that user."""
    auth: Scheme = "any"
    """What the camera asks for: Basic, Digest with MD5, Digest with SHA-256, or any of them."""
    model: str = "Sewu simulated camera"
    """What ONVIF reports."""

    @field_validator("id")
    @classmethod
    def _fits_in_a_path(cls, value: str) -> str:
        if not SAFE_ID.fullmatch(value):
            raise ValueError("must be letters, digits, dots, dashes and underscores, at most 100")
        return value

    @model_validator(mode="after")
    def _password_goes_with_user(self) -> ServedCamera:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        return self

    @property
    def is_open(self) -> bool:
        """Whether anybody may look."""
        return self.user is None or self.auth == "none"

    def file(self, quality: Quality) -> StreamFile | None:
        """What it plays at this quality."""
        return self.main if quality == "main" else self.sub


class ServerSettings(Settings):
    """How the server behaves. Port 0 lets the system choose."""

    host: str = "127.0.0.1"
    """Address to listen on; the loopback unless others shall look."""
    public_host: str | None = None
    """Name or address that clients are told, where it differs (listening on 0.0.0.0, for example)."""
    rtsp_port: int = 0
    """RTSP."""
    rtsps_port: int = 0
    """RTSP over TLS; only when a certificate is given."""
    http_port: int = 0
    """HLS, MJPEG, stills, ONVIF."""
    control_port: int = 0
    """Faults on command; always on the loopback."""
    session_timeout_s: float = 60.0
    """A player that says nothing for this long is dropped (RFC 2326 section 12.37)."""
    tick_s: float = 0.02
    """How often due pictures are sent."""
    backlog_bytes: int = 512 * 1024
    """A client with more than this unsent loses pictures until the next keyframe."""
    max_connections: int = 30_000
    """Further connections are closed at once."""
    mjpeg_fps: float = 2.0
    """Pictures a second over MJPEG."""
    discovery_port: int | None = None
    """Answer ONVIF probes on this UDP port (3702 is the standard one); not at all when absent."""

    @property
    def told_host(self) -> str:
        """What stands in addresses."""
        return self.public_host or self.host


class ServerPlan(Settings):
    """Everything a server process needs to know."""

    cameras: tuple[ServedCamera, ...]
    """Who is served."""
    server: ServerSettings = ServerSettings()
    """How."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> ServerPlan:
        if len({camera.id for camera in self.cameras}) != len(self.cameras):
            raise ValueError("camera ids must be unique")
        return self


def stream_url(camera: ServedCamera, host: str, port: int, quality: Quality = "main", scheme: str = "rtsp") -> str:
    """Address of a stream without user and password."""
    return f"{scheme}://{host}:{port}/{quote(camera.id)}/{quality}"
