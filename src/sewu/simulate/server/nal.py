"""NAL units: split from a container's packets, and packed into RTP payloads (RFC 6184, RFC 7798)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sewu.base.errors import BadSource

Codec = Literal["h264", "hevc"]

STAP_A, FU_A = 24, 28
"""RFC 6184 section 5.2: aggregation and fragmentation unit types of H.264."""
AP, FU = 48, 49
"""RFC 7798 section 4.4: the same of H.265."""


def split_annex_b(data: bytes) -> list[bytes]:
    """NAL units between start codes 00 00 01 (ITU-T H.264 annex B); trailing zero bytes are not part of a unit."""
    units: list[bytes] = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        following = data.find(b"\x00\x00\x01", start + 3)
        unit = data[start + 3 : following if following >= 0 else len(data)].rstrip(b"\x00")
        if unit:
            units.append(unit)
        start = following
    return units


def split_length_prefixed(data: bytes, length_bytes: int) -> list[bytes]:
    """NAL units of an MP4 sample, each after its length (ISO/IEC 14496-15).

    Raises:
        BadSource: a length reaches beyond the sample.
    """
    units: list[bytes] = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + length_bytes], "big")
        at += length_bytes
        if at + size > len(data):
            raise BadSource("A picture is cut off in the middle of a NAL unit.", "Encode the file again.")
        if size:
            units.append(data[at : at + size])
        at += size
    return units


def parameter_sets(codec: Codec, extradata: bytes) -> tuple[tuple[bytes, ...], int | None]:
    """The parameter sets of a stream header, and how many bytes a NAL length takes in its samples.

    Returns:
        (units, None) when the samples are Annex B; (units, 1 to 4) when they are length-prefixed (avcC, hvcC).

    Raises:
        BadSource: the header is cut off.
    """
    if extradata[:3] == b"\x00\x00\x01" or extradata[:4] == b"\x00\x00\x00\x01" or not extradata:
        return tuple(split_annex_b(extradata)), None
    try:
        return _from_avcc(extradata) if codec == "h264" else _from_hvcc(extradata)
    except IndexError as error:
        raise BadSource("The stream header (avcC or hvcC) is cut off.", "Encode the file again.") from error


def _from_avcc(header: bytes) -> tuple[tuple[bytes, ...], int]:
    units: list[bytes] = []
    at = 5
    for mask in (0x1F, 0xFF):
        count = header[at] & mask
        at += 1
        for _ in range(count):
            size = header[at] << 8 | header[at + 1]
            units.append(header[at + 2 : at + 2 + size])
            at += 2 + size
    return tuple(units), (header[4] & 3) + 1


def _from_hvcc(header: bytes) -> tuple[tuple[bytes, ...], int]:
    units: list[bytes] = []
    at = 23
    for _ in range(header[22]):
        kind, count = header[at] & 0x3F, header[at + 1] << 8 | header[at + 2]
        at += 3
        for _ in range(count):
            size = header[at] << 8 | header[at + 1]
            if kind in (32, 33, 34):
                units.append(header[at + 2 : at + 2 + size])
            at += 2 + size
    return tuple(units), (header[21] & 3) + 1


def unit_type(codec: Codec, unit: bytes) -> int:
    """nal_unit_type: the low five bits (H.264) or six bits after the first (H.265)."""
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


def is_parameter_set(codec: Codec, unit: bytes) -> bool:
    """Sequence, picture or (H.265) video parameter set."""
    return unit_type(codec, unit) in ((7, 8) if codec == "h264" else (32, 33, 34))


def rtp_payloads(codec: Codec, units: Sequence[bytes], max_bytes: int) -> list[bytes]:
    """Pack the NAL units of one picture: small neighbours together, large ones in fragments.

    H.264: single unit, STAP-A, FU-A (packetization-mode 1). H.265: single unit, AP, FU, no DONL fields.

    Args:
        max_bytes: largest payload, RTP header not counted; at least 16.
    """
    payloads: list[bytes] = []
    waiting: list[bytes] = []
    header_bytes = 1 if codec == "h264" else 2
    waiting_bytes = header_bytes

    def flush() -> None:
        nonlocal waiting_bytes
        if len(waiting) == 1:
            payloads.append(waiting[0])
        elif waiting:
            payloads.append(_aggregate(codec, waiting))
        waiting.clear()
        waiting_bytes = header_bytes

    for unit in units:
        if len(unit) > max_bytes:
            flush()
            payloads.extend(_fragments(codec, unit, max_bytes))
            continue
        if waiting and waiting_bytes + 2 + len(unit) > max_bytes:
            flush()
        waiting.append(unit)
        waiting_bytes += 2 + len(unit)
    flush()
    return payloads


def _aggregate(codec: Codec, units: Sequence[bytes]) -> bytes:
    if codec == "h264":
        # F is the OR of all, NRI the highest (RFC 6184 section 5.7).
        header = bytes([max(u[0] & 0x60 for u in units) | max(u[0] & 0x80 for u in units) | STAP_A])
    else:
        # Layer and temporal ids are the lowest of all (RFC 7798 section 4.4.2).
        layer = min((u[0] & 1) << 5 | u[1] >> 3 for u in units)
        temporal = min(u[1] & 7 for u in units)
        header = bytes([AP << 1 | layer >> 5, (layer & 0x1F) << 3 | temporal])
    return header + b"".join(len(u).to_bytes(2, "big") + u for u in units)


def _fragments(codec: Codec, unit: bytes, max_bytes: int) -> list[bytes]:
    if codec == "h264":
        prefix, kind, body = bytes([unit[0] & 0xE0 | FU_A]), unit[0] & 0x1F, memoryview(unit)[1:]
    else:
        prefix, kind, body = bytes([unit[0] & 0x81 | FU << 1, unit[1]]), unit[0] >> 1 & 0x3F, memoryview(unit)[2:]
    room = max_bytes - len(prefix) - 1
    pieces = []
    for at in range(0, len(body), room):
        first, last = at == 0, at + room >= len(body)
        pieces.append(prefix + bytes([first << 7 | last << 6 | kind]) + body[at : at + room])
    return pieces
