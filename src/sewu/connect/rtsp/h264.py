"""H.264 payloads (RFC 6184, packetization modes 0 and 1) into Annex B access units."""

from __future__ import annotations

from sewu.connect.rtsp.rtp import START_CODE, Units

STAP_A, FU_A = 24, 28
SPS, PPS, DELIMITER = 7, 8, 9
_BEGINNINGS = tuple(START_CODE + bytes([header]) for header in range(256))
MAX_SET_BYTES = 4096


class H264Units(Units):
    """Single NAL units, STAP-A and FU-A; other packet types (interleaved mode) break the unit."""

    codec = "h264"
    fragment_bytes = 2
    fragment_mask = 0xFFFF0000

    def add(self, data: memoryview, first: int, last: int) -> None:
        if self.broken:
            return
        header = data[first]
        kind = header & 0x1F
        if kind == FU_A and last - first > 2:
            fragment = data[first + 1]
            if fragment & 0x80:
                if self.middle >= 0:
                    self.lose()
                    return
                self.middle = (header << 8 | fragment & 0x1F) << 16
                self._note(fragment & 0x1F)
                self.parts.append(_BEGINNINGS[header & 0xE0 | fragment & 0x1F])
            elif self.middle < 0 or fragment & 0x1F != self.middle >> 16 & 0x1F:
                self.lose()
                return
            self.parts.append(data[first + 2 : last])
            if fragment & 0x40:
                self.middle = -1
        elif 0 < kind < STAP_A and self.middle < 0:
            self._whole(data, first, last)
        elif kind == STAP_A and self.middle < 0:
            self._aggregate(data, first + 1, last)
        else:
            self.lose()

    def _aggregate(self, data: memoryview, at: int, last: int) -> None:
        """RFC 6184 section 5.7.1."""
        while at + 2 < last:
            size = data[at] << 8 | data[at + 1]
            at += 2
            if size == 0 or at + size > last:
                self.lose()
                return
            self._whole(data, at, at + size)
            at += size

    def _whole(self, data: memoryview, first: int, last: int) -> None:
        kind = data[first] & 0x1F
        self._note(kind)
        if kind in (SPS, PPS):
            self.remember(bytes(data[first:last]))
        self.parts += (START_CODE, data[first:last])

    def _note(self, kind: int) -> None:
        if kind <= 5:
            self._has_picture = True
            self._is_keyframe = self._is_keyframe or kind == 5
        elif kind == SPS:
            self._has_sets = True

    def begins(self, data: memoryview, first: int, last: int) -> bool:
        kind = data[first] & 0x1F
        at = first + 1
        if kind == FU_A:
            if last - first < 3 or not data[first + 1] & 0x80:
                return False
            kind, at = data[first + 1] & 0x1F, first + 2
        elif kind == STAP_A:
            if last - first < 5:
                return False
            kind, at = data[first + 3] & 0x1F, first + 4
        if kind in (1, 2, 5):  # a slice: the first one's first_mb_in_slice is 0, which is coded as one set bit
            return at < last and data[at] >= 0x80
        return SPS - 1 <= kind <= DELIMITER

    def remember(self, unit: bytes) -> None:
        if 1 < len(unit) <= MAX_SET_BYTES and unit[0] & 0x1F in (SPS, PPS):
            self.sets[unit[0] & 0x1F] = unit
