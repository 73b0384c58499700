"""A player for tests, written apart from the server: RTSP over a blocking socket, RTP unpacked by the RFCs."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import av

WAIT_S = 8.0


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Player:
    """One connection. `packets` holds what came interleaved: (channel, bytes)."""

    url: str
    user: str | None = None
    password: str = ""
    tls: ssl.SSLContext | None = None
    packets: list[tuple[int, bytes]] = field(default_factory=list)
    session: str | None = None
    _cseq: int = 0
    _rest: bytes = b""
    _challenge: str | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        assert parts.hostname and parts.port
        self.sock: socket.socket = socket.create_connection((parts.hostname, parts.port), WAIT_S)
        if self.tls is not None:
            self.sock = self.tls.wrap_socket(self.sock, server_hostname=parts.hostname)
        self.sock.settimeout(WAIT_S)

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, method: str, url: str | None = None, **headers: str) -> None:
        url = url or self.url
        self._cseq += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._cseq}"]
        if self.session:
            lines.append(f"Session: {self.session}")
        if self.user and self._challenge:
            lines.append(f"Authorization: {self._authorization(method, url)}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def ask(self, method: str, url: str | None = None, **headers: str) -> Answer:
        """One request and its answer; logs in when asked to."""
        self.send(method, url, **headers)
        answer = self.answer()
        if answer.status == 401 and self.user and self._challenge is None:
            self._challenge = answer.headers["www-authenticate"]
            self.send(method, url, **headers)
            answer = self.answer()
        return answer

    def answer(self) -> Answer:
        until = time.monotonic() + WAIT_S
        while True:
            assert time.monotonic() < until, "no answer"
            item = self._item()
            if isinstance(item, Answer):
                assert item.headers["cseq"] == str(self._cseq)
                return item
            self.packets.append(item)

    def play(self, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1") -> Answer:
        """SETUP and PLAY."""
        setup = self.ask("SETUP", f"{self.url}/trackID=1", Transport=transport)
        assert setup.status == 200, setup
        self.session = setup.headers["session"].partition(";")[0]
        played = self.ask("PLAY", Range="npt=0.000-")
        assert played.status == 200, played
        return setup

    def rtp(self, count: int) -> list[bytes]:
        """So many RTP packets, from now on."""
        found: list[bytes] = []
        until = time.monotonic() + 2 * WAIT_S
        while len(found) < count:
            assert time.monotonic() < until, "no RTP"
            item = self._item()
            assert not isinstance(item, Answer)
            self.packets.append(item)
            if item[0] == 0:
                found.append(item[1])
        return found

    def pictures(self, count: int) -> list[list[bytes]]:
        """So many whole pictures, each a list of RTP packets."""
        found: list[list[bytes]] = []
        current: list[bytes] = []
        while len(found) < count:
            packet = self.rtp(1)[0]
            current.append(packet)
            if packet[1] & 0x80:
                found.append(current)
                current = []
        return found

    def ends(self) -> bool:
        """Whether the server closes or resets the connection, instead of silence."""
        until = time.monotonic() + WAIT_S
        try:
            while time.monotonic() < until:
                if not self.sock.recv(65536):
                    return True
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return False

    def is_silent(self, for_s: float) -> bool:
        self.sock.settimeout(for_s)
        try:
            return not self._rest and self.sock.recv(1) is None
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(WAIT_S)

    def _need(self, count: int) -> bytes:
        while len(self._rest) < count:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("closed")
            self._rest += data
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def _item(self) -> Answer | tuple[int, bytes]:
        first = self._need(1)
        if first == b"$":
            channel, size = struct.unpack(">BH", self._need(3))
            return channel, self._need(size)
        head = first
        while not head.endswith(b"\r\n\r\n"):
            head += self._need(1)
        lines = head.decode().split("\r\n")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = self._need(int(headers.get("content-length", "0")))
        return Answer(int(lines[0].split()[1]), headers, body)

    def _authorization(self, method: str, url: str) -> str:
        assert self._challenge and self.user
        if self._challenge.startswith("Basic"):
            return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        values = dict(re.findall(r'(\w+)="?([^",]+)"?', self._challenge))
        sha = "SHA-256" in self._challenge

        def h(text: str) -> str:
            return (hashlib.sha256 if sha else hashlib.md5)(text.encode()).hexdigest()

        secret, request = h(f"{self.user}:{values['realm']}:{self.password}"), h(f"{method}:{url}")
        start = f'Digest username="{self.user}", realm="{values["realm"]}", nonce="{values["nonce"]}", uri="{url}"'
        if "qop" in values:
            result = h(f"{secret}:{values['nonce']}:00000001:abc:auth:{request}")
            return f'{start}, algorithm=SHA-256, qop=auth, nc=00000001, cnonce="abc", response="{result}"'
        result = h(f"{secret}:{values['nonce']}:{request}")
        return f'{start}, response="{result}"'


def depacketise(codec: str, packets: list[bytes]) -> list[bytes]:
    """NAL units of RTP payloads (no header), per RFC 6184 and RFC 7798."""
    units: list[bytes] = []
    part = b""
    for payload in packets:
        kind = payload[0] & 0x1F if codec == "h264" else payload[0] >> 1 & 0x3F
        head = 1 if codec == "h264" else 2
        if kind == (24 if codec == "h264" else 48):
            at = head
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                units.append(payload[at + 2 : at + 2 + size])
                at += 2 + size
        elif kind == (28 if codec == "h264" else 49):
            flags = payload[head]
            if flags & 0x80:
                original = flags & (0x1F if codec == "h264" else 0x3F)
                part = bytes([payload[0] & 0xE0 | original]) if codec == "h264" else bytes([payload[0] & 0x81 | original << 1, payload[1]])
            part += payload[head + 1 :]
            if flags & 0x40:
                units.append(part)
        else:
            units.append(payload)
    return units


def units_in_file(path: Path, codec: str) -> list[list[bytes]]:
    """NAL units of each picture as FFmpeg's own filter extracts them."""
    pictures = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        to_annex_b = av.BitStreamFilterContext(f"{codec}_mp4toannexb", stream)
        for packet in container.demux(stream):
            if packet.size:
                for out in to_annex_b.filter(packet):
                    pictures.append([u for u in re.split(rb"\x00{2,3}\x01", bytes(out)) if u])
    return pictures
