"""RTP packets into access units (RFC 3550), as they lie in an interleaved RTSP stream (RFC 2326 section 10.12).

This is the hot path: 225 packets a second for each 1080p camera. One `unpack_from` and four comparisons per packet that
continues a fragmented NAL unit, one call per other packet, one join per unit.
"""

from __future__ import annotations

import struct

from sewu.connect.rtsp.units import NONE, Units

DOLLAR = 0x24
# "$" and channel, length, V P X CC M PT, sequence number, timestamp and SSRC, the payload's first bytes
_FRAME = struct.Struct(">HHHHQI")
_PLAIN = 0x80  # version 2, no padding, no extension, no contributing sources
_MARKER = 0x80
_FRAME_BYTES = 16  # "$", channel, length, RTP header
BEYOND_BYTES = 4
MAX_DROPOUT = 3000
"""A larger gap, or one backwards, is a sender that began anew, not a loss (RFC 3550 appendix A.1)."""

Unit = tuple[int, bytes, bool, bool]
"""RTP timestamp, Annex B data, is a keyframe, has parameter sets in band."""


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
        self._done_stamp = -1
        self._ending = self._plain | _MARKER
        """How a picture's last packet is marked; `NONE` for a camera that says it too often."""

    def walk(self, data: memoryview, at: int, end: int) -> int:
        """Take the track's frames in `data[at:end]`; returns where something else, or something incomplete, stands.

        `data` must go on for `BEYOND_BYTES` after `end`; what stands there is not used. Packets that follow the last
        one are taken here, what is out of the ordinary by `_take`.
        """
        units, unpack, fragment_bytes = self.units, _FRAME.unpack_from, self.units.form.header_bytes + 1
        shift, shortest, skip = 8 * (4 - fragment_bytes), 12 + fragment_bytes, _FRAME_BYTES + fragment_bytes
        head, marked = self._head, self._plain | _MARKER
        ending = self._ending
        expected, current, parts = self._expected, self._stamp, units.parts
        middle, final = units.middle, units.final
        while at + _FRAME_BYTES <= end:
            mark, length, kind, sequence, stamp, payload = unpack(data, at)
            stop = at + 4 + length
            if stop > end or mark != head:
                break
            if sequence == expected and kind | _MARKER == marked and length > shortest:
                expected = sequence + 1 & 0xFFFF
                if stamp != current:
                    if parts or units.broken or (stamp ^ current) & 0xFFFFFFFF:
                        self._turn(data, at + _FRAME_BYTES, stop, stamp)
                        middle, final, ending = units.middle, units.final, self._ending
                    self._stamp = current = stamp
                header = payload >> shift
                if header == middle:
                    parts.append(data[at + skip : stop])
                elif header == final:
                    parts.append(data[at + skip : stop])
                    units.middle = units.final = middle = final = NONE
                else:
                    units.add(data, at + _FRAME_BYTES, stop)
                    middle, final = units.middle, units.final
                if kind == ending:
                    self._end()
                    middle = final = NONE
                    ending = self._ending
            else:
                self._expected = expected
                self._take(data, at, stop, (kind, sequence, stamp))
                expected, current, middle, final = self._expected, self._stamp, units.middle, units.final
                ending = self._ending
            at = stop
        self._expected = expected
        self._count(expected - 1 & 0xFFFF)
        return at

    def _turn(self, data: memoryview, first: int, last: int, stamp: int) -> None:
        """The next packet, with the payload `data[first:last]`, belongs to another picture, or to another sender."""
        if stamp & 0xFFFFFFFF != self.ssrc:
            self._jump(self._expected, stamp & 0xFFFFFFFF, True)
            self.units.broken = not self.units.begins(data, first, last)
        elif self.units.is_begun:
            self._end()
        self._stamp = stamp

    def _take(self, data: memoryview, at: int, stop: int, header: tuple[int, int, int]) -> None:
        """Take one whole frame of our channel, `data[at:stop]`, that is out of the ordinary."""
        kind, sequence, stamp = header
        first, last, units = at + _FRAME_BYTES, stop, self.units
        if first > stop:
            return
        if kind >> 8 != _PLAIN or first == stop:
            first, last = _payload(data, first, stop)
        is_next = sequence == self._expected
        if first >= last or (kind ^ self._plain) & 0x7F:  # empty, or metadata on the same channel
            self._expected = self._expected + 1 & 0xFFFF if is_next else self._expected
            return
        if is_next:
            if stamp != self._stamp:
                self._turn(data, first, last, stamp)
        else:
            self._jump(sequence, stamp & 0xFFFFFFFF, stamp != self._stamp)
            self._stamp = stamp
            units.broken = units.broken or not units.begins(data, first, last)
        units.add(data, first, last)
        if kind & _MARKER and self._ending != NONE:
            self._end()
        self._expected = sequence + 1 & 0xFFFF

    def _jump(self, sequence: int, ssrc: int, is_next: bool) -> None:
        """The next packet does not follow the last one: something is lost, or another sender begins."""
        if self.ssrc is not None:
            self.units.lose()
        gap = sequence - self._expected & 0xFFFF
        if ssrc == self.ssrc and gap < MAX_DROPOUT:
            self.lost += gap
            self._count(sequence)
        else:
            self.ssrc, self.highest = ssrc, sequence
        if is_next:
            self.units.finish()

    def _count(self, sequence: int) -> None:
        """Keep `highest`: called at least once in half a turn of the sequence numbers."""
        if self.ssrc is not None:
            self.highest += sequence - self.highest & 0xFFFF

    def _end(self) -> None:
        """Finish the unit under way. Some cameras mark every slice as the last: two units of one time are one picture."""
        whole = self.units.finish()
        if whole is None:
            return
        timestamp, done = self._stamp >> 32, self.done
        if self._stamp == self._done_stamp:
            self._ending = NONE
            if done:
                _, data, is_keyframe, has_sets = done.pop()
                whole = data + whole[0], is_keyframe or whole[1], has_sets or whole[2]
        self._done_stamp = self._stamp
        done.append((timestamp, *whole))


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
