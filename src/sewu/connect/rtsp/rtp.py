"""RTP packets into access units (RFC 3550), as they lie in an interleaved RTSP stream (RFC 2326 section 10.12).

This is the hot path: 225 packets a second for each 1080p camera. One `unpack_from` and one call per packet, views
instead of copies, one join per unit.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable

DOLLAR = 0x24
MAX_UNIT_BYTES = 4 << 20
START_CODE = b"\x00\x00\x00\x01"
_FRAME = struct.Struct(">HHBBHII")  # "$" and channel, length, V P X CC, M PT, sequence number, timestamp, SSRC
_PLAIN = 0x80  # version 2, no padding, no extension, no contributing sources

Unit = tuple[int, bytes, bool, bool]
"""RTP timestamp, Annex B data, is a keyframe, has parameter sets in band."""


class Units(ABC):
    """Builds one access unit after the other from payloads; a codec's payload format is in its subclass.

    `sets` holds the newest parameter sets by NAL type; `dropped` counts units that were not whole.
    """

    codec: str

    def __init__(self, sets: Iterable[bytes] = ()) -> None:
        self.sets: dict[int, bytes] = {}
        self.dropped = 0
        self.broken = False
        self._parts: list[bytes | memoryview] = []
        self._kept = 0
        self._kept_bytes = 0
        self._open = -1  # NAL type of the fragmented unit under way; no type is negative
        self._is_keyframe = self._has_sets = self._has_picture = False
        for unit in sets:
            self.remember(unit)

    @abstractmethod
    def add(self, data: memoryview, first: int, last: int) -> None:
        """Take the payload `data[first:last]`; at least one byte."""

    @abstractmethod
    def begins(self, data: memoryview, first: int, last: int) -> bool:
        """Whether an access unit can begin with this payload: asked after a loss."""

    @abstractmethod
    def remember(self, unit: bytes) -> None:
        """Keep the NAL unit if it is a parameter set."""

    def extradata(self) -> bytes:
        """The parameter sets as Annex B, in the order of their types: VPS, SPS, PPS."""
        return b"".join(START_CODE + self.sets[kind] for kind in sorted(self.sets))

    def finish(self) -> tuple[bytes, bool, bool] | None:
        """End the unit: data, keyframe, sets in band; None when there is none, or it is not whole or has no picture."""
        whole = None
        if self.broken or self._open >= 0:
            self.dropped += 1
        elif self._has_picture:
            whole = b"".join(self._parts), self._is_keyframe, self._has_sets
        self._parts = []
        self._kept = self._kept_bytes = 0
        self._open = -1
        self.broken = self._is_keyframe = self._has_sets = self._has_picture = False
        return whole

    def lose(self) -> None:
        """Part of the unit under way is gone."""
        self.broken = True
        self._parts = []
        self._kept = self._kept_bytes = 0

    def keep(self) -> None:
        """Copy what still lies in the receive buffer, which will be filled anew."""
        parts, kept = self._parts, self._kept
        if len(parts) > kept:
            tail = b"".join(parts[kept:])
            parts[kept:] = [tail]
            self._kept = len(parts)
            self._kept_bytes += len(tail)
            if self._kept_bytes > MAX_UNIT_BYTES:
                self.lose()


class RtpReceiver:
    """One video track's packets. `done` collects whole units; whoever reads empties it."""

    def __init__(self, channel: int, payload_type: int, units: Units) -> None:
        self.units = units
        self.done: list[Unit] = []
        self.lost = 0
        self.packets = 0
        self.ssrc: int | None = None
        self.highest = 0
        """Highest sequence number with its cycles, for receiver reports (RFC 3550 section 6.4.1)."""
        self._head = DOLLAR << 8 | channel
        self._payload_type = payload_type
        self._expected = -1  # equals no sequence number
        self._timestamp = -1  # equals no timestamp

    def walk(self, data: memoryview, at: int, end: int) -> int:
        """Take the track's frames from `at` on; returns where something else, or something incomplete, stands."""
        head, wanted, units = self._head, self._payload_type, self.units
        unpack, add = _FRAME.unpack_from, units.add
        expected, timestamp, known, packets = self._expected, self._timestamp, self.ssrc, 0
        while at + 16 <= end:
            magic, length, flags, kind, sequence, ticks, ssrc = unpack(data, at)
            stop = at + 4 + length
            if magic != head or stop > end:
                break
            first, last, at = at + 16, stop, stop
            if length < 12:
                continue
            if flags != _PLAIN or length == 12:
                first, last = _payload(data, first, stop)
                if first >= last:
                    expected = expected + 1 & 0xFFFF if sequence == expected else expected
                    continue
            packets += 1
            if kind & 0x7F != wanted:  # comfort for cameras that put metadata on the same channel
                expected = expected + 1 & 0xFFFF if sequence == expected else expected
                continue
            if sequence != expected or ssrc != known:
                self._jump(sequence, expected, ssrc, ticks != timestamp)
                units.broken = units.broken or not units.begins(data, first, last)
                known, timestamp = ssrc, ticks
            elif ticks != timestamp:
                self._end(timestamp)
                timestamp = ticks
            expected = sequence + 1 & 0xFFFF
            add(data, first, last)
            if kind & 0x80:
                self._end(timestamp)
        if packets:
            low = expected - 1 & 0xFFFF
            cycles = self.highest & ~0xFFFF
            self.highest = (cycles + 0x10000 if low < self.highest & 0xFFFF else cycles) | low
        self._expected, self._timestamp = expected, timestamp
        self.packets += packets
        return at

    def _jump(self, sequence: int, expected: int, ssrc: int, is_next: bool) -> None:
        """The next packet does not follow the last one: something is lost, or another sender begins."""
        if self.ssrc is not None:
            self.units.lose()
        if ssrc == self.ssrc:
            self.lost += sequence - expected & 0xFFFF
        else:
            self.ssrc, self.highest = ssrc, sequence
        if is_next:
            self._end(self._timestamp)

    def _end(self, timestamp: int) -> None:
        whole = self.units.finish()
        if whole is not None:
            self.done.append((timestamp, *whole))


def _payload(data: memoryview, first: int, stop: int) -> tuple[int, int]:
    """Begin and end of the payload behind sources and extension and before padding (RFC 3550 section 5.1); empty when wrong."""
    flags = data[first - 12]
    if flags >> 6 != 2 or first > stop:
        return stop, stop
    first += 4 * (flags & 0x0F)
    if flags & 0x10:
        if first + 4 > stop:
            return stop, stop
        first += 4 + 4 * int.from_bytes(data[first + 2 : first + 4], "big")
    if flags & 0x20 and first < stop:
        stop -= data[stop - 1]
    return first, stop
