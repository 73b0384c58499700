"""Names to addresses without making other cameras wait: the system's resolver blocks, so it runs in a few threads."""

from __future__ import annotations

import ipaddress
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit

from sewu.base.errors import BadSource, CameraUnreachable
from sewu.connect.ffmpeg import without_login

DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
THREADS = 4
MAX_PENDING = 4096
Address = tuple[socket.AddressFamily, str, int]


class Resolver:
    """Resolves the hosts of URLs. Threads start only when a name, not an address, is asked for."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._pending: dict[str, Future[tuple[socket.AddressFamily, str]]] = {}

    def address(self, url: str) -> Address | None:
        """Family, address and port; None while the name is being looked up.

        Raises:
            BadSource: not an RTSP URL. CameraUnreachable: the name is unknown.
        """
        host, port = host_and_port(url)
        try:
            literal = ipaddress.ip_address(host)
            return (socket.AF_INET if literal.version == 4 else socket.AF_INET6), host, port
        except ValueError:
            pass
        future = self._pending.get(host)
        if future is None:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(THREADS, "sewu-names")
            if len(self._pending) >= MAX_PENDING:  # answers that nobody came for, because their camera was given up
                self._pending = {name: other for name, other in self._pending.items() if not other.done()}
            self._pending[host] = self._threads.submit(_look_up, host)
            return None
        if not future.done():
            return None
        del self._pending[host]
        try:
            return (*future.result(), port)
        except (OSError, UnicodeError) as error:
            raise CameraUnreachable(f"The host name {host} is not known ({error}).", "Check address and name server.") from None

    def close(self) -> None:
        """Let go of the threads without waiting for them."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


def host_and_port(url: str) -> tuple[str, int]:
    """Where an RTSP URL leads. Raises `BadSource` for anything else."""
    try:
        parts = urlsplit(url)
        if parts.scheme in DEFAULT_PORTS and parts.hostname:
            return parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]
    except ValueError:
        pass
    raise BadSource(f"{without_login(url)} is not an RTSP address.", "Write rtsp://host/path.")


def _look_up(host: str) -> tuple[socket.AddressFamily, str]:
    family, _, _, _, place = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    return family, str(place[0])
