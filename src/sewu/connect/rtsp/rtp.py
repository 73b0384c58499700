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
# "$" and channel, length, V P X CC M PT, sequence number, timestamp and SSRC, the payload's first bytes
_FRAME = struct.Struct(">HHHHQI")
_PLAIN = 0x80  # version 2, no padding, no extension, no contributing sources

Unit = tuple[int, bytes, bool, bool]
"""RTP timestamp, Annex B data, is a keyframe, has parameter sets in band."""


class Units(ABC):
    """Builds one access unit after the other from payloads; a codec's payload format is in its subclass.

    `sets` holds the newest parameter sets by NAL type; `dropped` counts units that were not whole.
    While a fragmented NAL unit is under way, `middle` is at least 0, and a payload that begins with it (under
    `fragment_mask`) continues it: it may be appended to `parts` without its header.
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
        self.middle = -1
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

    @property
    def is_begun(self) -> bool:
        """Whether anything was taken since the last unit ended."""
        return bool(self.parts) or self.broken

    def extradata(self) -> bytes:
        """The parameter sets as Annex B, in the order of their types: VPS, SPS, PPS."""
        return b"".join(START_CODE + self.sets[kind] for kind in sorted(self.sets))

    def finish(self) -> tuple[bytes, bool, bool] | None:
        """End the unit: data, keyframe, sets in band; None when there is none, or it is not whole or has no picture."""
        whole = None
        if self.broken or self.middle >= 0:
            self.dropped += 1
        elif self._has_picture:
            whole = b"".join(self.parts), self._is_keyframe, self._has_sets
        self.parts = []
        self._kept = self._kept_bytes = 0
        self.middle = -1
        self.broken = self._is_keyframe = self._has_sets = self._has_picture = False
        return whole

    def lose(self) -> None:
        """Part of the unit under way is gone."""
        self.broken = True
        self.middle = -1
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
        self._plain = _PLAIN << 8 | payload_type
        self._expected = -1  # equals no sequence number
        self._stamp = -1  # timestamp and SSRC; equals none

    def walk(self, data: memoryview, at: int, end: int) -> int:
        """Take the track's frames in `data[at:end]`; returns where something else, or something incomplete, stands.

        `data` must go on for `BEYOND_BYTES` after `end`; what stands there is not used. A packet that simply follows
        the last one within the same picture is taken here; everything else takes the long way.
        """
        unpack, units, head = _FRAME.unpack_from, self.units, self._head
        parts, add, skip, mask = units.parts, units.add, 16 + units.fragment_bytes, units.fragment_mask
        plain, expected, current, middle = self._plain, self._expected, self._stamp, units.middle
        while at + 16 <= end:
            mark, length, kind, sequence, stamp, payload = unpack(data, at)
            stop = at + 4 + length
            if stop > end or mark != head:
                break
            if sequence == expected and stamp == current and kind == plain and length > 12:
                expected = sequence + 1 & 0xFFFF
                if payload & mask == middle:
                    parts.append(data[at + skip : stop])
                else:
                    add(data, at + 16, stop)
                    middle, parts = units.middle, units.parts
            else:
                self._expected = expected
                self._take(data, at, stop, (kind, sequence, stamp))
                expected, current, middle, parts = self._expected, self._stamp, units.middle, units.parts
            at = stop
        self._expected = expected
        return at

    def _take(self, data: memoryview, at: int, stop: int, header: tuple[int, int, int]) -> None:
        """Take one whole frame of our channel, `data[at:stop]`: first or last of a picture, or out of the ordinary."""
        kind, sequence, stamp = header
        first, last, units = at + 16, stop, self.units
        if first > stop:
            return
        if kind >> 8 != _PLAIN or first == stop:
            first, last = _payload(data, first, stop)
        if first >= last or (kind ^ self._plain) & 0x7F:  # empty, or metadata on the same channel
            self._expected = self._expected + 1 & 0xFFFF if sequence == self._expected else self._expected
            return
        ssrc = stamp & 0xFFFFFFFF
        if sequence != self._expected or ssrc != self.ssrc:
            self._jump(sequence, ssrc, stamp != self._stamp)
            units.broken = units.broken or not units.begins(data, first, last)
        elif stamp != self._stamp and units.is_begun:
            self._end()
        if sequence < self.highest & 0xFFFF:
            self.highest += 0x10000
        self.highest = self.highest & ~0xFFFF | sequence
        self._expected, self._stamp = sequence + 1 & 0xFFFF, stamp
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
            self.done.append((self._stamp >> 32, *whole))


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
