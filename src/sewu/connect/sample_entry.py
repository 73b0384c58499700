"""How MP4 describes an H.264 or H.265 stream (ISO/IEC 14496-15): the sample entry with its parameter sets, and its name in browsers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sewu.base.errors import StreamBroken
from sewu.connect.rtsp.sps import size_px

Codec = Literal["h264", "hevc"]
H264_SETS, HEVC_SETS = (7, 8), (32, 33, 34)
MAX_SETS = 16


def box(kind: bytes, *parts: bytes) -> bytes:
    """One box: length, kind, content."""
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with version and flags."""
    return box(kind, bytes([version]) + flags.to_bytes(3, "big"), *parts)


def kind_of(unit: bytes, codec: Codec) -> int:
    """nal_unit_type."""
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The VPS (H.265 only), SPS and PPS units of a stream, in order, each once."""

    codec: Codec
    units: tuple[bytes, ...]

    @classmethod
    def among(cls, units: Sequence[bytes], codec: Codec) -> ParameterSets:
        """Those among the units of a keyframe, or of a stream's description."""
        kinds = H264_SETS if codec == "h264" else HEVC_SETS
        found = dict.fromkeys(unit for unit in units if len(unit) > 3 and kind_of(unit, codec) in kinds)
        return cls(codec, tuple(sorted(found, key=lambda unit: kind_of(unit, codec)))[:MAX_SETS])

    def of_kind(self, kind: int) -> tuple[bytes, ...]:
        return tuple(unit for unit in self.units if kind_of(unit, self.codec) == kind)

    @property
    def sps(self) -> bytes:
        """The first SPS. Raises `StreamBroken` when there is none or no PPS: the stream cannot be described."""
        kinds = H264_SETS if self.codec == "h264" else HEVC_SETS[1:]
        sets, pictures = self.of_kind(kinds[0]), self.of_kind(kinds[1])
        if not sets or not pictures or len(sets[0]) < (4 if self.codec == "h264" else 15):
            raise StreamBroken("The stream has no parameter sets yet.", "Wait for a keyframe that carries them.")
        return sets[0]

    def size_px(self, known_px: tuple[int | None, int | None]) -> tuple[int, int]:
        """Width and height; `known_px` is used where the SPS cannot be read. Raises `StreamBroken` when neither tells."""
        found = size_px(self.sps, self.codec)
        width, height = found or known_px
        if not width or not height:
            raise StreamBroken("The picture's size cannot be read from the stream.", "Look at the camera's settings.")
        return width, height

    def mime(self) -> str:
        """As RFC 6381 writes it, for example `video/mp4; codecs="avc1.64001F"`."""
        if self.codec == "h264":
            return f'video/mp4; codecs="avc1.{self.sps[1:4].hex().upper()}"'
        tier = self._profile_tier_level()
        profile, compatible = tier[0] & 0x1F, int(f"{int.from_bytes(tier[1:5], 'big'):032b}"[::-1], 2)
        constraints = tier[5:11].rstrip(b"\0")
        space, level = ("", "A", "B", "C")[tier[0] >> 6], f"{'H' if tier[0] & 0x20 else 'L'}{tier[11]}"
        return f'video/mp4; codecs="{".".join(["hvc1", f"{space}{profile}", f"{compatible:X}", level, *(f"{b:X}" for b in constraints)])}"'

    def sample_entry(self, known_px: tuple[int | None, int | None]) -> bytes:
        """The `avc1` or `hvc1` box. Raises `StreamBroken` when the stream cannot be described yet."""
        width, height = self.size_px(known_px)
        shared = bytes(6) + b"\0\1" + bytes(16) + width.to_bytes(2, "big") + height.to_bytes(2, "big")
        shared += bytes.fromhex("00480000 00480000 00000000 0001") + bytes(32) + bytes.fromhex("0018 ffff")
        if self.codec == "h264":
            return box(b"avc1", shared, box(b"avcC", self._avcc()))
        return box(b"hvc1", shared, box(b"hvcC", self._hvcc()))

    def _avcc(self) -> bytes:
        sets, pictures = self.of_kind(7), self.of_kind(8)
        head = b"\1" + self.sps[1:4] + b"\xff" + bytes([0xE0 | len(sets)])
        return head + _counted(sets) + bytes([len(pictures)]) + _counted(pictures)

    def _hvcc(self) -> bytes:
        tier = self._profile_tier_level()
        depth = 2 if tier[0] & 0x1F == 2 else 0  # Main 10; decoders read it from the SPS
        layers = (self.sps[2] >> 1 & 7) + 1
        head = b"\1" + tier + bytes.fromhex("f000 fc fd") + bytes([0xF8 | depth, 0xF8 | depth]) + bytes(2)
        head += bytes([layers << 3 | (self.sps[2] & 1) << 2 | 3, len(HEVC_SETS)])
        arrays = (bytes([0x80 | kind]) + len(self.of_kind(kind)).to_bytes(2, "big") + _counted(self.of_kind(kind)) for kind in HEVC_SETS)
        return head + b"".join(arrays)

    def _profile_tier_level(self) -> bytes:
        """general_profile_space to general_level_idc: 12 bytes (ITU-T H.265 section 7.3.3)."""
        raw = self.sps[:64].replace(b"\0\0\3", b"\0\0")
        if len(raw) < 15:
            raise StreamBroken("The stream's parameter set is cut short.", "Wait for the next keyframe.")
        return raw[3:15]


def _counted(units: Sequence[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
