"""What a camera can make us keep is bounded, whatever it sends."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

import pytest

from sewu.base.errors import StreamBroken
from sewu.connect.rtsp.rtp import BEYOND_BYTES
from sewu.connect.rtsp.session import Session
from sewu.connect.rtsp.units import MAX_UNIT_BYTES
from tests.connect.rtsp.test_oddities import NOW, playing
from tests.connect.rtsp.test_units import frame

CHUNK_BYTES = 64 << 10
SENT_BYTES = 4 * MAX_UNIT_BYTES
MAX_FRAMES = 13_000
"""Where frames are small, so many of them must do."""


def rtp(payload: bytes, sequence: int, timestamp: int, marker: bool = False) -> bytes:
    data = bytearray(frame(payload, sequence, timestamp, marker))
    data[5] = data[5] & 0x80 | 97  # the payload type of `playing`
    return bytes(data)


def endless_unit() -> Iterator[bytes]:
    yield rtp(b"\x7c\x85" + bytes(1400), 0, 0)
    for n in range(1, 1 << 30):
        yield rtp(b"\x7c\x05" + bytes(1400), n, 0)


def many_whole_units_of_one_time() -> Iterator[bytes]:
    for n in range(1 << 30):
        yield rtp(b"\x41" + bytes(1400), n, 0)


def marks_and_keyframes_that_never_come() -> Iterator[bytes]:
    for n in range(1 << 30):
        yield rtp(b"\x41\x9a" + bytes(1400), n, n // 5 * 3600)


def parameter_sets_that_are_always_new() -> Iterator[bytes]:
    for n in range(1 << 30):
        yield rtp(b"\x67" + n.to_bytes(4, "big") + bytes(1400), n, n * 3600, True)


def fragment_headers_that_are_always_new() -> Iterator[bytes]:
    for n in range(1 << 30):
        yield rtp(bytes((0x1C | n % 8 << 5, 0x80 | n // 8 % 64)) + bytes(1400), n, n * 3600, True)


def other_channels() -> Iterator[bytes]:
    for n in range(1 << 30):
        yield bytes((0x24, n % 256 | 2, 5, 0)) + bytes(1280)


def sender_reports() -> Iterator[bytes]:
    for n in range(1 << 30):
        yield b"$\1\0\x1c\x80\xc8\0\6\0\0\0\7" + n.to_bytes(4, "big") * 5


def answers_nobody_asked_for() -> Iterator[bytes]:
    for n in range(1 << 30):
        yield b"RTSP/1.0 200 OK\r\nCSeq: %d\r\nContent-Length: 1000\r\n\r\n" % (10_000 + n) + bytes(1000)


def a_header_without_end() -> Iterator[bytes]:
    yield b"RTSP/1.0 200 OK\r\n"
    while True:
        yield b"X-More: " + b"x" * 1000 + b"\r\n"


def send(session: Session, frames: Iterator[bytes]) -> int:
    """Feed the session as a link does, emptying `done`; the largest rest that had to be kept."""
    rest, largest, sent = b"", 0, 0
    frames = islice(frames, MAX_FRAMES)
    while sent < SENT_BYTES:
        chunk = rest
        while len(chunk) < CHUNK_BYTES:
            if not (more := next(frames, b"")):
                return largest
            chunk += more
        sent += len(chunk)
        rest = chunk[session.take(memoryview(chunk + bytes(BEYOND_BYTES)), len(chunk), NOW) :]
        largest = max(largest, len(rest))
        if session.receiver is not None:
            session.receiver.done.clear()
    return largest


@pytest.mark.parametrize(
    "stream",
    [
        endless_unit,
        many_whole_units_of_one_time,
        marks_and_keyframes_that_never_come,
        parameter_sets_that_are_always_new,
        fragment_headers_that_are_always_new,
        other_channels,
        sender_reports,
        answers_nobody_asked_for,
        a_header_without_end,
    ],
)
def test_no_stream_makes_a_connection_keep_more_than_one_picture(stream: Callable[[], Iterator[bytes]]) -> None:
    session = playing()
    tracemalloc.start()
    try:
        with suppress(StreamBroken):
            assert send(session, stream()) <= CHUNK_BYTES
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Under way: one picture, and its copy while it is joined; the rest are the test's own chunks.
    assert kept < MAX_UNIT_BYTES + (1 << 20)
    assert peak < 2 * MAX_UNIT_BYTES + (2 << 20)
    assert session.receiver is not None
    assert len(session.out) < 1024
