"""H.264 payloads (RFC 6184, packetization modes 0 and 1): single NAL units, STAP-A, FU-A.

Other packet types (interleaved mode) break the unit.
"""

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

STAP_A, FU_A = 24, 28
IDR, SEI, SPS, PPS, DELIMITER = 5, 6, 7, 8, 9
SLICES = (1, 2, 5)
"""Without data partitions B and C, which do not begin a picture."""


def _kind(header: int) -> int:
    return header & 0x1F


def _role(header: int) -> int:
    kind = _kind(header)
    if 0 < kind < STAP_A:
        return SINGLE
    return {STAP_A: AGGREGATE, FU_A: FRAGMENT}.get(kind, OTHER)


def _flags(header: int) -> int:
    kind = _kind(header)
    flags = PICTURE if kind <= IDR else 0
    flags |= KEYFRAME if kind == IDR else 0
    flags |= HAS_SPS if kind == SPS else 0
    flags |= SET if kind in (SPS, PPS) else 0
    flags |= SLICE if kind in SLICES else 0
    return flags | (LEADS if SEI <= kind <= DELIMITER else 0)


def _fragment(header: int) -> Fragment:
    """RFC 6184 section 5.8: the NAL header's type stands in the second byte."""
    kind, continued = header & 0x1F, header & 0xFF1F
    return Fragment(START_CODE + bytes((header >> 8 & 0xE0 | kind,)), continued, continued | 0x40)


H264 = PayloadFormat("h264", 1, tuple(map(_role, range(256))), tuple(map(_flags, range(256))), _fragment, _kind, 0x1F)
