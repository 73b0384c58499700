"""H.264 and H.265 access units as Annex B: start codes, parameter sets in band.

Containers store units behind length fields and the parameter sets apart (ISO/IEC 14496-15); cameras and decoders speak
Annex B (ITU-T H.264 and H.265, annex B). One form for all sources makes clips of any of them cut and joined alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from sewu.base.records import Packet, StreamInfo

START_CODE = b"\x00\x00\x00\x01"
CODECS = ("h264", "hevc")
MAX_SETS_BYTES = 1 << 16


def as_annexb(packet: Packet) -> bytes:
    """The packet's data as Annex B; a keyframe without parameter sets gets the stream's. Other codecs: unchanged."""
    stream = packet.stream
    if stream.codec not in CODECS:
        return packet.data
    length_bytes = nal_length_bytes(stream)
    data = packet.data if length_bytes == 0 else b"".join(START_CODE + unit for unit in units_of(packet.data, length_bytes))
    if packet.is_keyframe and not has_parameter_sets(data, stream.codec):
        data = parameter_sets(stream) + data
    return data


def nal_length_bytes(stream: StreamInfo) -> int:
    """How long a unit's length field is; 0 when the stream is Annex B already."""
    extradata = stream.extradata
    if not extradata or extradata[0] != 1:  # configurationVersion of avcC and hvcC; Annex B begins with zeros
        return 0
    place = 4 if stream.codec == "h264" else 21
    return (extradata[place] & 3) + 1 if len(extradata) > place else 0


def units_of(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """Units behind length fields; a length that points past the end gives what is there, and ends."""
    place = 0
    while place + length_bytes <= len(data):
        size = int.from_bytes(data[place : place + length_bytes], "big")
        place += length_bytes
        if size:
            yield data[place : place + size]
        place += size


def parameter_sets(stream: StreamInfo) -> bytes:
    """The stream's SPS and PPS (and VPS) as Annex B, from avcC, hvcC or Annex B extradata; empty when it has none."""
    extradata = stream.extradata[:MAX_SETS_BYTES]
    if not extradata or extradata[0] != 1:
        return extradata
    sets = _avcc_sets(extradata) if stream.codec == "h264" else _hvcc_sets(extradata)
    return b"".join(START_CODE + unit for unit in sets if unit)


def has_parameter_sets(data: bytes, codec: str) -> bool:
    """Whether an SPS stands in the first units of Annex B data."""
    place = 0
    for _ in range(8):
        place = data.find(b"\x00\x00\x01", place)
        if place < 0 or place + 3 >= len(data):
            return False
        header = data[place + 3]
        if (header & 0x1F) == 7 if codec == "h264" else (header >> 1 & 0x3F) == 33:
            return True
        place += 3
    return False


def _avcc_sets(extradata: bytes) -> Iterator[bytes]:
    place = 5
    for mask in (0x1F, 0xFF):  # numbers of SPS and of PPS
        if place >= len(extradata):
            return
        count = extradata[place] & mask
        place += 1
        for _ in range(count):
            size = int.from_bytes(extradata[place : place + 2], "big")
            yield extradata[place + 2 : place + 2 + size]
            place += 2 + size


def _hvcc_sets(extradata: bytes) -> Iterator[bytes]:
    place = 23
    arrays = extradata[22] if len(extradata) > 22 else 0
    for _ in range(arrays):
        count = int.from_bytes(extradata[place + 1 : place + 3], "big")
        place += 3
        for _ in range(min(count, 64)):
            size = int.from_bytes(extradata[place : place + 2], "big")
            yield extradata[place + 2 : place + 2 + size]
            place += 2 + size
