"""Fragmented MP4 (ISO/IEC 14496-12 section 8.8): an opening segment, then fragments that can be played as they come.

Written here rather than by FFmpeg: no muxer per viewer, nothing buffered, and a fragment of one picture costs microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sewu.base.errors import BadSource, StreamBroken
from sewu.base.records import Packet, StreamInfo
from sewu.connect.annexb import CODECS, START_CODE, nal_length_bytes, parameter_sets, units_of
from sewu.connect.sample_entry import H264_SETS, HEVC_SETS, Codec, ParameterSets, box, full_box, kind_of

DELIMITERS = {"h264": 9, "hevc": 35}
UNITY = bytes.fromhex("00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000")
KEYFRAME, OTHER = 0x02000000, 0x01010000
"""Sample flags: depends on no other; depends on others and is no sync sample."""
MAX_TICKS = (1 << 32) - 1


class FragmentedMp4:
    """One viewer's, or one file's, stream. The coded pictures are the source's, bit for bit; parameter sets go to the front.

    Args:
        keyframe: the first packet; times count from it.

    Raises:
        BadSource: neither H.264 nor H.265. StreamBroken: no keyframe, or nothing that describes the stream.
    """

    def __init__(self, keyframe: Packet) -> None:
        stream = keyframe.stream
        if stream.codec not in CODECS:
            raise BadSource(f"{stream.codec} does not go into fragmented MP4.", "Set the camera to H.264 or H.265.")
        if not keyframe.is_keyframe:
            raise StreamBroken("A stream to play must begin with a keyframe.", "Begin at a keyframe of the ring.")
        self._codec: Codec = "h264" if stream.codec == "h264" else "hevc"
        self._stream, self._zero = stream, keyframe.dts
        self._sets = self._sets_of(keyframe)
        self._scale = max(1, min(MAX_TICKS, round(1 / stream.time_base)))
        self._number = 0
        self._step = max(1, round(self._scale / (stream.rate_fps or 25.0)))
        self.mime = self._sets.mime()
        self.init = self._opening()

    def fits(self, packet: Packet) -> bool:
        """Whether this packet goes on the same stream; after one that does not, begin a new `FragmentedMp4` at a keyframe."""
        if packet.stream.codec != self._stream.codec or packet.stream.time_base != self._stream.time_base:
            return False
        if not packet.is_keyframe:
            return True
        sets = ParameterSets.among(list(_units(packet)), self._codec)
        return not sets.units or sets == self._sets

    def fragment(self, packets: Sequence[Packet], next_dts: int | None = None) -> bytes:
        """One `moof` and its `mdat`; packets in decoding order.

        Args:
            next_dts: of the packet that will follow, if it is here already: how long the last picture is shown.
        """
        samples = [b"".join(len(unit).to_bytes(4, "big") + unit for unit in self._kept(packet)) for packet in packets]
        rows = []
        for index, (packet, data) in enumerate(zip(packets, samples, strict=True)):
            after = packets[index + 1].dts if index + 1 < len(packets) else next_dts
            lasts = self._step if after is None else min(MAX_TICKS, max(1, after - packet.dts))
            shift = max(-(1 << 31), min((1 << 31) - 1, packet.pts - packet.dts))
            flags = KEYFRAME if packet.is_keyframe else OTHER
            rows.append(b"".join(value.to_bytes(4, "big") for value in (lasts, len(data), flags)) + shift.to_bytes(4, "big", signed=True))
        self._number += 1
        moof = self._moof(packets, b"".join(rows), 0)
        return self._moof(packets, b"".join(rows), len(moof) + 8) + box(b"mdat", *samples)

    def _moof(self, packets: Sequence[Packet], rows: bytes, offset: int) -> bytes:
        begins = max(0, packets[0].dts - self._zero)
        header = full_box(b"mfhd", 0, 0, self._number.to_bytes(4, "big"))
        track = full_box(b"tfhd", 0, 0x020000, (1).to_bytes(4, "big"))
        time = full_box(b"tfdt", 1, 0, begins.to_bytes(8, "big"))
        run = full_box(b"trun", 1, 0x000F01, len(packets).to_bytes(4, "big"), offset.to_bytes(4, "big"), rows)
        return box(b"moof", header, box(b"traf", track, time, run))

    def _kept(self, packet: Packet) -> Iterator[bytes]:
        """The packet's units without delimiters and parameter sets, which this form keeps elsewhere."""
        left_out = {DELIMITERS[self._codec], *(H264_SETS if self._codec == "h264" else HEVC_SETS)}
        return (unit for unit in _units(packet) if kind_of(unit, self._codec) not in left_out)

    def _sets_of(self, keyframe: Packet) -> ParameterSets:
        sets = ParameterSets.among(list(_units(keyframe)), self._codec)
        return sets if sets.units else ParameterSets.among(list(split(parameter_sets(self._stream))), self._codec)

    def _opening(self) -> bytes:
        scale = self._scale.to_bytes(4, "big")
        stream: StreamInfo = self._stream
        known_px = (stream.width_px, stream.height_px)
        width, height = self._sets.size_px(known_px)
        movie = full_box(b"mvhd", 0, 0, bytes(8), scale, bytes(4), bytes.fromhex("00010000 0100"), bytes(10), UNITY, bytes(24), b"\0\0\0\2")
        sizes = (width << 16).to_bytes(4, "big") + (height << 16).to_bytes(4, "big")
        track = full_box(b"tkhd", 0, 7, bytes(8), b"\0\0\0\1", bytes(8), bytes(16), _turned(stream.rotation_deg), sizes)
        media = full_box(b"mdhd", 0, 0, bytes(8), scale, bytes(4), bytes.fromhex("55c4 0000"))
        handler = full_box(b"hdlr", 0, 0, bytes(4), b"vide", bytes(12), b"video\0")
        place = box(b"dinf", full_box(b"dref", 0, 0, b"\0\0\0\1", full_box(b"url ", 0, 1)))
        entry = full_box(b"stsd", 0, 0, b"\0\0\0\1", self._sets.sample_entry(known_px))
        empty = [full_box(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco")]
        table = box(b"stbl", entry, *empty, full_box(b"stsz", 0, 0, bytes(8)))
        information = box(b"minf", full_box(b"vmhd", 0, 1, bytes(8)), place, table)
        defaults = full_box(b"trex", 0, 0, b"\0\0\0\1", b"\0\0\0\1", bytes(12))
        tracks = box(b"trak", track, box(b"mdia", media, handler, information))
        return box(b"ftyp", b"iso5", bytes(4), b"iso5iso6mp41") + box(b"moov", movie, tracks, box(b"mvex", defaults))


def split(data: bytes) -> Iterator[bytes]:
    """The units of Annex B data."""
    place = data.find(START_CODE[1:])
    while place >= 0:
        begin = place + 3
        place = data.find(START_CODE[1:], begin)
        unit = data[begin : place if place >= 0 else len(data)]
        unit = unit.rstrip(b"\0") if place >= 0 else unit  # the zeros before a start code are not the unit's
        if unit:
            yield unit


def _units(packet: Packet) -> Iterator[bytes]:
    length_bytes = nal_length_bytes(packet.stream)
    return split(packet.data) if length_bytes == 0 else units_of(packet.data, length_bytes)


def _turned(rotation_deg: int) -> bytes:
    """The display matrix that turns the picture clockwise (ISO/IEC 14496-12 section 6.2.2), without the shift that players add."""
    one, minus, none = (value.to_bytes(4, "big", signed=True) for value in (0x10000, -0x10000, 0))
    a, b, c, d = {90: (none, one, minus, none), 180: (minus, none, none, minus), 270: (none, minus, one, none)}.get(
        rotation_deg, (one, none, none, one)
    )
    return a + b + none + c + d + none + none + none + bytes.fromhex("40000000")
