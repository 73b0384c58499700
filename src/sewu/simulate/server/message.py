"""RTSP and HTTP requests out of bytes, in whatever pieces they arrive. No sockets here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 256 * 1024

_REQUEST = re.compile(rb"([A-Z_]{1,32}) ([\x21-\x7e]{1,4096}) (RTSP/1\.\d|RTSP/2\.0|HTTP/1\.[01])")


class BadRequest(Exception):
    """Bytes that are no request; the connection cannot be read any further."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case; of repeated headers the values are joined by commas."""

    method: str
    uri: str
    version: str
    headers: Mapping[str, str]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The value, or None."""
        return self.headers.get(name.lower())


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Binary data inside the RTSP connection (RFC 2326 section 10.12): a client's RTCP."""

    channel: int
    data: bytes


@dataclass(slots=True)
class RequestParser:
    """Takes bytes, gives requests; keeps at most one unfinished request."""

    interleaving: bool = True
    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Request | Interleaved]:
        """Everything that is complete now.

        Raises:
            BadRequest: malformed or too long; the parser must not be fed again.
        """
        self._buffer += data
        found: list[Request | Interleaved] = []
        while (item := self._next()) is not None:
            found.append(item)
        return found

    def _next(self) -> Request | Interleaved | None:
        buffer = self._buffer
        skipped = 0
        while skipped < len(buffer) and buffer[skipped] in b"\r\n":
            skipped += 1
        del buffer[:skipped]
        if not buffer:
            return None
        if self.interleaving and buffer[0] == 0x24:
            return self._interleaved()
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > MAX_HEAD_BYTES:
                raise BadRequest("the head is too long")
            first_line = buffer.partition(b"\r\n")
            if first_line[1] and not _REQUEST.fullmatch(first_line[0]):
                raise BadRequest("the first line is no request line")
            return None
        if end > MAX_HEAD_BYTES:
            raise BadRequest("the head is too long")
        return self._request(end)

    def _interleaved(self) -> Interleaved | None:
        buffer = self._buffer
        if len(buffer) < 4:
            return None
        size = buffer[2] << 8 | buffer[3]
        if len(buffer) < 4 + size:
            return None
        item = Interleaved(buffer[1], bytes(buffer[4 : 4 + size]))
        del buffer[: 4 + size]
        return item

    def _request(self, head_end: int) -> Request | None:
        first, *lines = bytes(self._buffer[:head_end]).split(b"\r\n")
        match = _REQUEST.fullmatch(first)
        if not match:
            raise BadRequest("the first line is no request line")
        headers = _headers(lines)
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or len(length) > 9 or int(length) > MAX_BODY_BYTES:
            raise BadRequest("Content-Length is no acceptable number")
        body_at = head_end + 4
        if len(self._buffer) < body_at + int(length):
            return None
        body = bytes(self._buffer[body_at : body_at + int(length)])
        del self._buffer[: body_at + int(length)]
        method, uri, version = (part.decode("ascii") for part in match.groups())
        return Request(method, uri, version, headers, body)


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    last: str | None = None
    for line in lines:
        text = line.decode("utf-8", "replace")
        if line[:1] in (b" ", b"\t") and last is not None:
            headers[last] += " " + text.strip()
            continue
        name, colon, value = text.partition(":")
        if not colon or not name.strip() or name != name.strip():
            raise BadRequest("a header line has no name")
        last = name.lower()
        headers[last] = f"{headers[last]}, {value.strip()}" if last in headers else value.strip()
    return headers


def response(version: str, status: int, reason: str, headers: Mapping[str, str | list[str]], body: bytes = b"") -> bytes:
    """Bytes of an answer; a list of values repeats the header."""
    lines = [f"{version} {status} {reason}"]
    for name, value in headers.items():
        lines += [f"{name}: {one}" for one in (value if isinstance(value, list) else [value])]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body
