"""RTP payloads into access units: what H.264 (RFC 6184) and H.265 (RFC 7798) share.

Both send a NAL unit whole, several in one packet, or one in fragments; they differ in the numbers. A codec is therefore a
`PayloadFormat`, tables looked up by header bytes, and the same code serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

START_CODE = b"\x00\x00\x00\x01"
MAX_UNIT_BYTES = 4 << 20
MAX_SET_BYTES = 4096
MAX_BEGINNINGS = 256
NONE = -1
"""Equals no header."""

PICTURE, KEYFRAME, HAS_SPS, SET, SLICE, LEADS = 1, 2, 4, 8, 16, 32
"""Of a NAL unit: coded picture, random access point, SPS, parameter set, slice, may stand first in an access unit."""


SINGLE, AGGREGATE, FRAGMENT, OTHER = range(4)
"""How a payload packs NAL units, told by its first byte."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """What the header of a NAL unit's first fragment says.

    Args:
        beginning: start code and NAL header, put in its place.
        middle, final: the headers of the fragments that continue and end the unit.
    """

    beginning: bytes
    middle: int
    final: int


@dataclass(frozen=True, slots=True)
class PayloadFormat:
    """A codec's payload format.

    Args:
        header_bytes: of a NAL unit; a fragment's header has one more.
        roles, flags: by the first byte of a payload, of a NAL unit.
        fragment: from the header of a first fragment.
        kind_of: a NAL unit's type, from its first byte.
        kind_mask: the bits of a fragment's header that are the NAL unit's type.
    """

    codec: str
    header_bytes: int
    roles: tuple[int, ...]
    flags: tuple[int, ...]
    fragment: Callable[[int], Fragment]
    kind_of: Callable[[int], int]
    kind_mask: int


class Units:
    """Builds one access unit after the other.

    `sets` holds the newest parameter sets by NAL type; `dropped` counts units that were not whole. While a fragmented
    NAL unit is under way, `middle` and `final` are the headers (as numbers) of the fragments that continue and end it,
    else `NONE`: a fragment that begins with `middle` may be appended to `parts` without its header.
    Payloads are views of a buffer that will be filled anew; `settle` copies what is still needed.
    Memory: at most `MAX_UNIT_BYTES` and what one call gave.
    """

    def __init__(self, form: PayloadFormat, sets: Iterable[bytes] = ()) -> None:
        self.form = form
        self.sets: dict[int, bytes] = {}
        self.dropped = 0
        self.broken = False
        self.parts: list[bytes | memoryview] = []
        self.middle = self.final = NONE
        self._flags = 0
        self._settled = self._settled_bytes = 0
        self._beginnings: dict[int, Fragment] = {}
        for unit in sets:
            self._remember(unit)

    @property
    def is_begun(self) -> bool:
        """Whether anything was taken since the last unit ended."""
        return bool(self.parts) or self.broken

    def extradata(self) -> bytes:
        """The parameter sets as Annex B, in the order of their types: VPS, SPS, PPS."""
        return b"".join([START_CODE + self.sets[kind] for kind in sorted(self.sets)])

    def add(self, data: memoryview, first: int, last: int) -> None:
        """Take the payload `data[first:last]`; at least one byte."""
        if self.broken:
            return
        form = self.form
        role = form.roles[data[first]]
        if role == FRAGMENT:
            self._fragment(data, first, last)
        elif self.middle != NONE or role == OTHER:
            self.lose()
        elif role == SINGLE:
            self._whole(data, first, last)
        else:
            self._aggregate(data, first + form.header_bytes, last)

    def finish(self) -> tuple[bytes, bool, bool] | None:
        """End the unit: data, keyframe, sets in band; None when there is none, or it is not whole or has no picture."""
        flags, parts, whole = self._flags, self.parts, None
        if self.broken or self.middle != NONE:
            self.dropped += 1
            self.broken, self.middle, self.final = False, NONE, NONE
        elif flags & PICTURE:
            whole = b"".join(parts), flags & KEYFRAME != 0, flags & HAS_SPS != 0
        parts.clear()
        self._flags = self._settled = self._settled_bytes = 0
        return whole

    def lose(self) -> None:
        """Part of the unit under way is gone."""
        self._clear()
        self.broken = True

    def settle(self) -> None:
        """Join what the last call brought of an unfinished unit, and give the unit up when it is too large."""
        parts, settled = self.parts, self._settled
        if len(parts) > settled:
            tail = b"".join(parts[settled:])
            parts[settled:] = [tail]
            self._settled = settled + 1
            self._settled_bytes += len(tail)
            if self._settled_bytes > MAX_UNIT_BYTES:
                self.lose()

    def begins(self, data: memoryview, first: int, last: int) -> bool:
        """Whether an access unit can begin with this payload: asked after a loss."""
        form = self.form
        at, role = first, form.roles[data[first]]
        if role == OTHER:
            return False
        if role == FRAGMENT:
            at += form.header_bytes + 1
            if at >= last or not data[at - 1] & 0x80:
                return False
            flags = form.flags[form.fragment(int.from_bytes(data[first:at], "big")).beginning[4]]
        else:
            at += form.header_bytes + 2 if role == AGGREGATE else 0
            if at >= last:
                return False
            flags = form.flags[data[at]]
            at += form.header_bytes
        if flags & SLICE:  # the first one's address is 0: coded as one set bit in H.264, told by a flag in H.265
            return at < last and data[at] >= 0x80
        return flags & LEADS != 0

    def _fragment(self, data: memoryview, first: int, last: int) -> None:
        body = first + self.form.header_bytes + 1
        if body >= last:
            self.lose()
            return
        header, flags = int.from_bytes(data[first:body], "big"), data[body - 1]
        if flags & 0x80:
            if self.middle != NONE:
                self.lose()
                return
            known = self._beginning(header)
            self._flags |= self.form.flags[known.beginning[4]]
            self.parts += (known.beginning, data[body:last])
            if not flags & 0x40:
                self.middle, self.final = known.middle, known.final
        elif self.middle != NONE and (header ^ self.middle) & self.form.kind_mask == 0:  # other bits may change on the way
            self.parts.append(data[body:last])
            if flags & 0x40:
                self.middle = self.final = NONE
        else:
            self.lose()

    def _beginning(self, header: int) -> Fragment:
        known = self._beginnings.get(header)
        if known is None:
            if len(self._beginnings) >= MAX_BEGINNINGS:
                self._beginnings.clear()
            known = self._beginnings[header] = self.form.fragment(header)
        return known

    def _aggregate(self, data: memoryview, at: int, last: int) -> None:
        """RFC 6184 section 5.7.1, RFC 7798 section 4.4.2."""
        while at + 2 < last:
            size = data[at] << 8 | data[at + 1]
            at += 2
            if size < self.form.header_bytes or at + size > last:
                self.lose()
                return
            self._whole(data, at, at + size)
            at += size

    def _whole(self, data: memoryview, first: int, last: int) -> None:
        if last - first < self.form.header_bytes:
            self.lose()
            return
        flags = self.form.flags[data[first]]
        self._flags |= flags
        if flags & SET:
            self._remember(bytes(data[first:last]))
        self.parts += (START_CODE, data[first:last])

    def _remember(self, unit: bytes) -> None:
        """Keep the NAL unit if it is a parameter set."""
        if self.form.header_bytes < len(unit) <= MAX_SET_BYTES and self.form.flags[unit[0]] & SET:
            self.sets[self.form.kind_of(unit[0])] = unit

    def _clear(self) -> None:
        self.parts.clear()
        self.middle = self.final = NONE
        self._flags = self._settled = self._settled_bytes = 0
