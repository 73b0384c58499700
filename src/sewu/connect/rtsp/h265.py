"""H.265 payloads (RFC 7798, without decoding order numbers) into Annex B access units."""

from __future__ import annotations

from sewu.connect.rtsp.h264 import MAX_SET_BYTES
from sewu.connect.rtsp.rtp import START_CODE, Units

AGGREGATION, FRAGMENTATION = 48, 49
VPS, SPS, PPS, DELIMITER, PREFIX_SEI = 32, 33, 34, 35, 39
FIRST_IRAP, LAST_IRAP, LAST_PICTURE = 16, 21, 31


class H265Units(Units):
    """Single NAL units, APs and FUs; PACI packets break the unit."""

    codec = "hevc"
    fragment_bytes = 3
    fragment_mask = 0xFFFFFF00

    def add(self, data: memoryview, first: int, last: int) -> None:
        if self.broken:
            return
        kind = data[first] >> 1 & 0x3F
        if kind == FRAGMENTATION and last - first > 3:
            fragment = data[first + 2]
            if fragment & 0x80:
                if self.middle >= 0:
                    self.lose()
                    return
                inner = fragment & 0x3F
                self.middle = (data[first] << 16 | data[first + 1] << 8 | inner) << 8
                self._note(inner)
                self.parts.append(START_CODE + bytes((data[first] & 0x81 | inner << 1, data[first + 1])))
            elif self.middle < 0 or fragment & 0x3F != self.middle >> 8 & 0x3F:
                self.lose()
                return
            self.parts.append(data[first + 3 : last])
            if fragment & 0x40:
                self.middle = -1
        elif kind < AGGREGATION and last - first > 2 and self.middle < 0:
            self._whole(data, first, last)
        elif kind == AGGREGATION and self.middle < 0:
            self._aggregate(data, first + 2, last)
        else:
            self.lose()

    def _aggregate(self, data: memoryview, at: int, last: int) -> None:
        """RFC 7798 section 4.4.2."""
        while at + 2 < last:
            size = data[at] << 8 | data[at + 1]
            at += 2
            if size < 3 or at + size > last:
                self.lose()
                return
            self._whole(data, at, at + size)
            at += size

    def _whole(self, data: memoryview, first: int, last: int) -> None:
        kind = data[first] >> 1 & 0x3F
        self._note(kind)
        if VPS <= kind <= PPS:
            self.remember(bytes(data[first:last]))
        self.parts += (START_CODE, data[first:last])

    def _note(self, kind: int) -> None:
        if kind <= LAST_PICTURE:
            self._has_picture = True
            self._is_keyframe = self._is_keyframe or FIRST_IRAP <= kind <= LAST_IRAP
        elif kind == SPS:
            self._has_sets = True

    def begins(self, data: memoryview, first: int, last: int) -> bool:
        kind = data[first] >> 1 & 0x3F
        at = first + 2
        if kind == FRAGMENTATION:
            if last - first < 4 or not data[first + 2] & 0x80:
                return False
            kind, at = data[first + 2] & 0x3F, first + 3
        elif kind == AGGREGATION:
            if last - first < 7:
                return False
            kind, at = data[first + 4] >> 1 & 0x3F, first + 6
        if kind <= LAST_PICTURE:  # first_slice_segment_in_pic_flag
            return at < last and data[at] >= 0x80
        return VPS <= kind <= DELIMITER or kind == PREFIX_SEI

    def remember(self, unit: bytes) -> None:
        if 2 < len(unit) <= MAX_SET_BYTES and VPS <= unit[0] >> 1 & 0x3F <= PPS:
            self.sets[unit[0] >> 1 & 0x3F] = unit
