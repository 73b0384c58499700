"""RTSP messages (RFC 2326) out of and into bytes. Pure functions on the receive buffer; whoever calls keeps the rest.

Each of them is bounded: a header of more than 16 KiB or a body of more than 256 KiB is an error, not a wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sewu.base.errors import StreamBroken

MAX_HEAD_BYTES, MAX_BODY_BYTES, MAX_HEADERS = 16 << 10, 256 << 10, 100
METHODS = ("OPTIONS", "ANNOUNCE", "REDIRECT", "SET_PARAMETER", "GET_PARAMETER", "PLAY_NOTIFY", "TEARDOWN", "DESCRIBE", "PLAY", "PAUSE")
_STARTS = ("RTSP/", *(f"{method} " for method in METHODS))


@dataclass(frozen=True, slots=True)
class Message:
    """A response, or a request that a camera sent (then `status` is None)."""

    status: int | None
    start_line: str
    headers: Mapping[str, list[str]] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of this (lower-case) name."""
        values = self.headers.get(name)
        return values[0] if values else None


def read_message(data: memoryview, at: int, end: int) -> tuple[Message, int] | None:
    """The message at `at` and where it ends; None while it is incomplete.

    Raises:
        StreamBroken: it is not RTSP, or too long.
    """
    window = bytes(data[at : min(end, at + MAX_HEAD_BYTES)])
    if window[:1] in (b"\r", b"\n"):  # empty lines between messages, RFC 2326 section 4.1
        skipped = len(window) - len(window.lstrip(b"\r\n"))
        return (Message(None, ""), at + skipped)
    _check_start(window)
    size = _head_bytes(window)
    if size is None:
        if len(window) >= MAX_HEAD_BYTES:
            raise _nonsense("a header without end")
        return None
    lines = window[:size].decode("latin-1").replace("\r\n", "\n").split("\n")
    headers = _headers(lines[1:])
    length = headers.get("content-length", ["0"])[0]
    if not (length.isascii() and length.isdecimal()) or len(length) > 9 or int(length) > MAX_BODY_BYTES:
        raise _nonsense("a body of a length that is not acceptable")
    stop = at + size + int(length)
    if stop > end:
        return None
    return Message(_status(lines[0]), lines[0][:200], headers, bytes(data[at + size : stop])), stop


def request(method: str, url: str, sequence: int, headers: Mapping[str, str]) -> bytes:
    """A request without body. Line ends inside values are taken out."""
    lines = [f"{method} {url} RTSP/1.0", f"CSeq: {sequence}", *(f"{name}: {value}" for name, value in headers.items())]
    clean = (line.replace("\r", "").replace("\n", "") for line in lines)
    return "".join(f"{line}\r\n" for line in clean).encode() + b"\r\n"


def _check_start(window: bytes) -> None:
    text = window[:16].decode("latin-1")
    if not any(text.startswith(start) or start.startswith(text) for start in _STARTS):
        raise _nonsense("bytes that are not RTSP")


def _head_bytes(window: bytes) -> int | None:
    """Length of the header with its empty line; bare line feeds are accepted."""
    ends = [place + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (place := window.find(mark)) >= 0]
    return min(ends, default=None)


def _status(line: str) -> int | None:
    if not line.startswith("RTSP/"):
        return None
    parts = line.split(None, 2)
    if len(parts) < 2 or not (len(parts[1]) == 3 and parts[1].isascii() and parts[1].isdecimal()):
        raise _nonsense("a status line without status")
    return int(parts[1])


def _headers(lines: list[str]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in lines[:MAX_HEADERS]:
        if line[:1] in (" ", "\t") and last:
            last[-1] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        if colon:
            last = headers.setdefault(name.strip().lower(), [])
            last.append(value.strip())
    return headers


def _nonsense(what: str) -> StreamBroken:
    return StreamBroken(f"The camera sent {what}.", "It will be tried again.")
