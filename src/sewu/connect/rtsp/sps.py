"""The picture's size out of a sequence parameter set (ITU-T H.264 section 7.3.2.1, H.265 section 7.3.2.2).

RTSP does not tell it, and MP4 files, into which packets go unchanged, must state it.
"""

from __future__ import annotations

MAX_SIDE_PX = 16_384
_WITH_CHROMA = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144)
"""H.264 profiles whose parameter sets say how colour is coded."""


class _EndOfBits(Exception):
    """The set is shorter than what it announces."""


class _Bits:
    """Reads bits of an RBSP, most significant first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """The next `count` bits as a number."""
        self._left -= count
        if self._left < 0:
            raise _EndOfBits
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """An unsigned Exp-Golomb code, ue(v), of at most 32 leading zeros."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise _EndOfBits
        return (1 << zeros) - 1 + self.take(zeros)


def size_px(unit: bytes, codec: str) -> tuple[int, int] | None:
    """Width and height, cropped, of an SPS NAL unit; None when it cannot be read."""
    raw = unit[:512].replace(b"\0\0\3", b"\0\0")  # emulation prevention
    try:
        width, height = _h264(_Bits(raw[1:])) if codec == "h264" else _h265(_Bits(raw[2:]))
    except _EndOfBits:
        return None
    return (width, height) if 0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX else None


def _h264(bits: _Bits) -> tuple[int, int]:
    profile = bits.take(8)
    bits.take(16)  # constraints, level
    bits.golomb()  # seq_parameter_set_id
    chroma, is_separate = 1, 0
    if profile in _WITH_CHROMA:
        chroma = bits.golomb()
        is_separate = bits.take(1) if chroma == 3 else 0
        bits.golomb(), bits.golomb(), bits.take(1)  # bit depths, bypass
        if bits.take(1):
            for index in range(8 if chroma != 3 else 12):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.golomb()  # log2_max_frame_num_minus4
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1), bits.golomb(), bits.golomb()
        for _ in range(min(255, bits.golomb())):
            bits.golomb()
    bits.golomb(), bits.take(1)  # max_num_ref_frames, gaps
    width, map_units = 16 * (bits.golomb() + 1), bits.golomb() + 1
    is_frame = bits.take(1)
    if not is_frame:
        bits.take(1)
    bits.take(1)  # direct_8x8_inference_flag
    height = 16 * map_units * (2 - is_frame)
    across = 2 if chroma in (1, 2) and not is_separate else 1
    down = (2 if chroma == 1 and not is_separate else 1) * (2 - is_frame)
    return _cropped(bits, width, height, (across, down))


def _h265(bits: _Bits) -> tuple[int, int]:
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 88 + 8)  # nesting; general profile, tier, constraints; level
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for has_profile, has_level in present:
        bits.take(88 * has_profile + 8 * has_level)
    bits.golomb()  # sps_seq_parameter_set_id
    chroma = bits.golomb()
    is_separate = bits.take(1) if chroma == 3 else 0
    width, height = bits.golomb(), bits.golomb()
    across = 2 if chroma in (1, 2) and not is_separate else 1
    return _cropped(bits, width, height, (across, 2 if chroma == 1 and not is_separate else 1))


def _cropped(bits: _Bits, width: int, height: int, unit: tuple[int, int]) -> tuple[int, int]:
    """Less the cropping window: left, right, top, bottom, in units of chroma samples."""
    if not bits.take(1):
        return width, height
    left, right, top, bottom = (bits.golomb() for _ in range(4))
    return width - unit[0] * (left + right), height - unit[1] * (top + bottom)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    """H.264 section 7.3.2.1.1.1."""
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.golomb()
            following = (last + ((code + 1) // 2 if code & 1 else -(code // 2))) % 256
        last = following or last
