"""Faults on command while the server runs: JSON over HTTP, on the loopback only, with a token.

GET    /status                     counts, lateness, CPU
GET    /faults                     {"CAM": {"kind": "frozen", ...}}
PUT    /faults/CAM  {"kind": ...}  begin
DELETE /faults/CAM                 end
"""

from __future__ import annotations

import hmac
import json
import resource
import secrets
from pathlib import Path
from typing import Any

import httpx
import psutil

from sewu.base.errors import BadSettings, CameraUnreachable, Refused, SewuError
from sewu.base.settings import Settings, load_settings
from sewu.simulate.server.faults import Fault, fault
from sewu.simulate.server.http import HttpConnection, Reply, path_of
from sewu.simulate.server.hub import Hub
from sewu.simulate.server.message import Request
from sewu.simulate.server.playing import LATE_BINS_S

TIMEOUT_S = 10.0


class ControlFile(Settings):
    """Where a running server can be told things; written for its owner only."""

    control_port: int
    """Port on the loopback."""
    token: str
    """Says that the caller may."""
    host: str
    """Where the cameras listen."""
    rtsp_port: int
    """Of all cameras."""
    rtsps_port: int | None
    """RTSP over TLS, if there is a certificate."""
    http_port: int
    """HLS, MJPEG, ONVIF."""


class Control:
    """The server's end."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.token = secrets.token_urlsafe(24)

    async def handle(self, request: Request, connection: HttpConnection) -> Reply:
        """One command."""
        given = (request.header("authorization") or "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            return _json(401, {"error": "Send the token of the control file as Authorization: Bearer TOKEN."})
        match (request.method, *path_of(request)):
            case ("GET", "status"):
                return _json(200, status(self._hub))
            case ("GET", "faults"):
                return _json(200, {camera_id: active.what.model_dump() for camera_id, active in self._hub.faults.items()})
            case ("PUT" | "DELETE", "faults", camera_id):
                try:
                    self._hub.set_fault(camera_id, _fault_in(request.body) if request.method == "PUT" else None)
                except SewuError as error:
                    return _json(400, {"error": error.what, "advice": error.advice})
                return _json(200, {})
        return _json(404, {"error": "There is no such command."})


def _fault_in(body: bytes) -> Fault:
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadSettings("The command is not JSON.", 'Send {"kind": "frozen"}.') from error
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        raise BadSettings("The command names no fault.", 'Send {"kind": "frozen"}.')
    values = {str(key): value for key, value in document.items() if key != "kind"}
    return fault(document["kind"], values)


def status(hub: Hub) -> dict[str, Any]:
    """Counts since the start. `cpu_s` is of the whole process, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    counts = hub.counts
    return {
        "cameras": len(hub.cameras),
        "clients": sum(session.is_playing for session in hub.sessions.values()),
        "pictures": counts.pictures,
        "dropped": counts.dropped,
        "skipped": counts.skipped,
        "bytes_sent": counts.bytes_sent,
        "late_bins_s": list(LATE_BINS_S),
        "late": counts.late,
        "latest_s": counts.latest_s,
        "cpu_s": used.ru_utime + used.ru_stime,
        "memory_bytes": psutil.Process().memory_info().rss,
    }


def _json(code: int, value: object) -> Reply:
    return Reply(code, "application/json", json.dumps(value).encode())


class ControlClient:
    """The other end: tells a running server what to break.

    Raises (every method): `CameraUnreachable` when no server runs there, `Refused` when the token is wrong,
    `BadSettings` when the server does not understand.
    """

    def __init__(self, file: Path) -> None:
        """Raises BadSettings when the control file is missing or malformed."""
        self.addresses = load_settings(ControlFile, file)
        self._file = file

    def status(self) -> dict[str, Any]:
        """Counts since the server's start, see `status`."""
        return self._ask("GET", "/status")

    def faults(self) -> dict[str, Any]:
        """What is broken now."""
        return self._ask("GET", "/faults")

    def set_fault(self, camera_id: str, what: Fault | None) -> None:
        """Begin a fault, or end it with None."""
        if what is None:
            self._ask("DELETE", f"/faults/{camera_id}")
        else:
            self._ask("PUT", f"/faults/{camera_id}", what.model_dump())

    def _ask(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.addresses.control_port}{path}"
        try:
            with httpx.Client(trust_env=False, timeout=TIMEOUT_S) as client:
                answer = client.request(method, url, json=document, headers={"Authorization": f"Bearer {self.addresses.token}"})
            values: Any = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise CameraUnreachable(f"No simulated city answers at {url}.", f"Start it, or remove the stale {self._file}.") from error
        if answer.status_code == 401:
            raise Refused(f"The simulated city refused the token of {self._file}.", "Name the control file of the city that runs now.")
        if answer.status_code != 200:
            raise BadSettings(str(values.get("error", answer.status_code)), str(values.get("advice", "Mend the command.")))
        return dict(values)
