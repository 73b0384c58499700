"""RTP packets into access units (RFC 3550), as they lie in an interleaved RTSP stream (RFC 2326 section 10.12).

This is the hot path: 225 packets a second for each 1080p camera. One `unpack_from` and three comparisons per packet,
views instead of copies, one join per unit.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

DOLLAR = 0x24
MAX_UNIT_BYTES = 4 << 20
START_CODE = b"\x00\x00\x00\x01"
BEYOND_BYTES = 4
# "$", channel, length, V P X CC, M PT, sequence number; timestamp, SSRC; the payload's first bytes
_FRAME = struct.Struct(">QQI")
_PLAIN = 0x80  # version 2, no padding, no extension, no contributing sources

Unit = tuple[int, bytes, bool, bool]
"""RTP timestamp, Annex B data, is a keyframe, has parameter sets in band."""


class Units(ABC):
    """Builds one access unit after the other from payloads; a codec's payload format is in its subclass.

    `sets` holds the newest parameter sets by NAL type; `dropped` counts units that were not whole.
    While a fragmented NAL unit is under way, `is_open`, and a payload that begins with `middle` (under `fragment_mask`)
    continues it: it may be appended to `parts` without its header.
    """

    codec: ClassVar[str]
    fragment_bytes: ClassVar[int]
    """How long a fragment's header is."""
    fragment_mask: ClassVar[int]
    """Which bits of a payload's first four bytes are a fragment's header."""

    def __init__(self, sets: Iterable[bytes] = ()) -> None:
        self.sets: dict[int, bytes] = {}
        self.dropped = 0
        self.broken = False
        self.parts: list[bytes | memoryview] = []
        self._kept = 0
        self._kept_bytes = 0
        self.is_open = False
        self.middle = 0
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
        if self.broken or self.is_open:
            self.dropped += 1
        elif self._has_picture:
            whole = b"".join(self.parts), self._is_keyframe, self._has_sets
        self.parts = []
        self._kept = self._kept_bytes = 0
        self.is_open = False
        self.broken = self._is_keyframe = self._has_sets = self._has_picture = False
        return whole

    def lose(self) -> None:
        """Part of the unit under way is gone."""
        self.broken = True
        self.parts = []
        self._kept = self._kept_bytes = 0

    def keep(self) -> None:
        """Copy what still lies in the receive buffer, which will be filled anew."""
        parts, kept = self.parts, self._kept
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
        self.ssrc: int | None = None
        self.highest = 0
        """Highest sequence number with its cycles, for receiver reports (RFC 3550 section 6.4.1)."""
        self._head = DOLLAR << 8 | channel
        self._payload_type = payload_type
        self._expected = -1  # equals no sequence number
        self._timestamp = -1  # equals no timestamp

    def walk(self, data: memoryview, at: int, end: int) -> int:
        """Take the track's frames in `data[at:end]`; returns where something else, or something incomplete, stands.

        `data` must go on for `BEYOND_BYTES` after `end`; what stands there is not used. The middle fragments of one
        unit differ in nothing but the sequence number, which is the lowest part of the first eight bytes: those are
        compared with the last packet's, plus one. Everything else takes the long way.
        """
        unpack, units = _FRAME.unpack_from, self.units
        skip, mask = 16 + units.fragment_bytes, units.fragment_mask
        run, stamp, tail, stride, parts = -1, 0, 0, 0, units.parts
        while at + 16 <= end:
            first_part, second_part, payload = unpack(data, at)
            if first_part == run and second_part == stamp and payload & mask == tail:
                if at + stride > end:
                    break
                parts.append(data[at + skip : at + stride])
                at += stride
                run += 1
                continue
            if run >= 0:
                self._expected, run = run & 0xFFFF, -1
            stop = at + 4 + (first_part >> 32 & 0xFFFF)
            if first_part >> 48 != self._head or stop > end:
                break
            self._take(data, at, stop, (first_part, second_part))
            if units.is_open and not units.broken and payload & mask == (tail := units.middle):
                run, stamp, stride, parts = first_part + 1, second_part, stop - at, units.parts
            at = stop
        if run >= 0:
            self._expected = run & 0xFFFF
        return at

    def _take(self, data: memoryview, at: int, stop: int, words: tuple[int, int]) -> None:
        """Take one frame of our channel, whole: `data[at:stop]`, its first sixteen bytes as two numbers."""
        flags, kind, sequence = words[0] >> 24 & 0xFF, words[0] >> 16 & 0xFF, words[0] & 0xFFFF
        ticks, ssrc = words[1] >> 32, words[1] & 0xFFFFFFFF
        first, last, units = at + 16, stop, self.units
        if first > stop:
            return
        if flags != _PLAIN or first == stop:
            first, last = _payload(data, first, stop)
        if first >= last or kind & 0x7F != self._payload_type:  # empty, or metadata on the same channel
            self._expected = self._expected + 1 & 0xFFFF if sequence == self._expected else self._expected
            return
        if sequence != self._expected or ssrc != self.ssrc:
            self._jump(sequence, ssrc, ticks != self._timestamp)
            units.broken = units.broken or not units.begins(data, first, last)
        elif ticks != self._timestamp:
            self._end()
        if sequence < self.highest & 0xFFFF:
            self.highest += 0x10000
        self.highest = self.highest & ~0xFFFF | sequence
        self._expected, self._timestamp = sequence + 1 & 0xFFFF, ticks
        units.add(data, first, last)
        if kind & 0x80:
            self._end()

    def _jump(self, sequence: int, ssrc: int, is_next: bool) -> None:
        """The next packet does not follow the last one: something is lost, or another sender begins."""
        if self.ssrc is not None:
            self.units.lose()
        if ssrc == self.ssrc:
            self.lost += sequence - self._expected & 0xFFFF
        else:
            self.ssrc, self.highest = ssrc, sequence
        if is_next:
            self.units.finish()

    def _end(self) -> None:
        whole = self.units.finish()
        if whole is not None:
            self.done.append((self._timestamp, *whole))


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
