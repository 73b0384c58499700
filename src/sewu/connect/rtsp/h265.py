"""H.265 payloads (RFC 7798, without decoding order numbers): single NAL units, APs, FUs. PACI packets break the unit."""

from __future__ import annotations

from sewu.connect.rtsp.units import (
    AGGREGATE,
    FRAGMENT,
    HAS_SPS,
    KEYFRAME,
    LEADS,
    OTHER,
    PICTURE,
    SET,
    SINGLE,
    SLICE,
    START_CODE,
    Fragment,
    PayloadFormat,
)

AGGREGATION, FRAGMENTATION = 48, 49
VPS, SPS, PPS, DELIMITER, PREFIX_SEI = 32, 33, 34, 35, 39
FIRST_IRAP, LAST_IRAP, LAST_PICTURE = 16, 21, 31


def _kind(header: int) -> int:
    return header >> 1 & 0x3F


def _role(header: int) -> int:
    kind = _kind(header)
    if kind < AGGREGATION:
        return SINGLE
    return {AGGREGATION: AGGREGATE, FRAGMENTATION: FRAGMENT}.get(kind, OTHER)


def _flags(header: int) -> int:
    kind = _kind(header)
    flags = PICTURE | SLICE if kind <= LAST_PICTURE else 0
    flags |= KEYFRAME if FIRST_IRAP <= kind <= LAST_IRAP else 0
    flags |= HAS_SPS if kind == SPS else 0
    flags |= SET if VPS <= kind <= PPS else 0
    return flags | (LEADS if VPS <= kind <= DELIMITER or kind == PREFIX_SEI else 0)


def _fragment(header: int) -> Fragment:
    """RFC 7798 section 4.4.3: the NAL header's type stands in the third byte."""
    kind, continued = header & 0x3F, header & 0xFFFF3F
    beginning = START_CODE + bytes((header >> 16 & 0x81 | kind << 1, header >> 8 & 0xFF))
    return Fragment(beginning, continued, continued | 0x40)


H265 = PayloadFormat("hevc", 2, tuple(map(_role, range(256))), tuple(map(_flags, range(256))), _fragment, _kind, 0x3F)
