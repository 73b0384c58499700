"""A file in memory as a camera would send it: one pre-joined block of RTP packets per picture, shared by all cameras.

Thousands of cameras play few files, so everything that does not differ between cameras is done once here:
splitting into NAL units, packing into payloads, framing for RTSP interleaving. Per camera only the sequence
number, the timestamp and the SSRC of each packet differ; `Picture.stamped` patches them into a copy.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import av

from sewu.base.errors import BadSource
from sewu.simulate.server import nal
from sewu.simulate.server.nal import Codec

CLOCK_HZ = 90_000
"""RTP clock of video (RFC 6184, RFC 7798)."""
PAYLOAD_TYPE = 96
MAX_PAYLOAD_BYTES = 1400
"""Leaves room for RTP, UDP, IP and a tunnel within an Ethernet MTU of 1500."""
FRAMING_BYTES, HEADER_BYTES = 4, 12
MAX_FILE_BYTES = 1 << 30

_PREFIX = struct.Struct(">BBHBB")
_PATCH = struct.Struct(">HII")


@dataclass(frozen=True, slots=True)
class Picture:
    """One coded picture.

    Args:
        pts_ticks: when it was captured, 90 kHz ticks from the loop's first displayed picture.
        due_ticks: when a camera sends it: not before its capture, in decoding order.
        template: `$`, channel, length, RTP header, payload, for every packet, one after the other (RFC 2326
            section 10.12); channel, sequence, timestamp and SSRC are zero.
        starts: where each packet's `$` stands in `template`.
    """

    pts_ticks: int
    due_ticks: int
    is_keyframe: bool
    template: bytes
    starts: tuple[int, ...]

    def stamped(self, channel: int, sequence: int, timestamp: int, ssrc: int) -> bytearray:
        """A copy with the fields of one camera filled in, ready for one write."""
        block = bytearray(self.template)
        pack = _PATCH.pack_into
        for start in self.starts:
            pack(block, start + 6, sequence & 0xFFFF, timestamp, ssrc)
            sequence += 1
        if channel:
            for start in self.starts:
                block[start + 1] = channel
        return block

    @property
    def packets(self) -> int:
        return len(self.starts)

    @property
    def payload_bytes(self) -> int:
        """Octets as RTCP counts them: no headers (RFC 3550 section 6.4.1)."""
        return len(self.template) - self.packets * (FRAMING_BYTES + HEADER_BYTES)


def packet_ranges(picture: Picture) -> list[tuple[int, int]]:
    """Where each packet's RTP header begins and its payload ends in the template."""
    ends = (*picture.starts[1:], len(picture.template))
    return [(start + FRAMING_BYTES, end) for start, end in zip(picture.starts, ends, strict=True)]


def join(payloads: list[bytes]) -> tuple[bytes, tuple[int, ...]]:
    """Frame the payloads of one picture; the marker bit is on the last packet only."""
    block, starts = bytearray(), []
    for index, payload in enumerate(payloads):
        starts.append(len(block))
        marker = 0x80 if index == len(payloads) - 1 else 0
        block += _PREFIX.pack(0x24, 0, HEADER_BYTES + len(payload), 0x80, marker | PAYLOAD_TYPE)
        block += bytes(HEADER_BYTES - 2)
        block += payload
    return bytes(block), tuple(starts)


@dataclass(frozen=True)
class Media:
    """One file, ready to be served in a loop.

    Args:
        parameter_sets: SPS and PPS (H.264) or VPS, SPS and PPS (H.265), without start codes; they are also sent
            before every keyframe, as cameras do.
        loop_ticks: length of one repeat; the next repeat's first picture follows the last at the usual distance.
        largest_bytes: of all templates.
    """

    path: Path
    codec: Codec
    size_px: tuple[int, int]
    rate_fps: float
    parameter_sets: tuple[bytes, ...]
    pictures: tuple[Picture, ...]
    loop_ticks: int
    due: list[int] = field(repr=False)
    keyframes: tuple[int, ...] = field(repr=False)

    @cached_property
    def largest_bytes(self) -> int:
        return max(len(picture.template) for picture in self.pictures)

    @cached_property
    def bit_rate(self) -> float:
        """Bits per second of payload, averaged over the loop."""
        return 8 * sum(picture.payload_bytes for picture in self.pictures) * CLOCK_HZ / self.loop_ticks

    def first_due(self, ticks: int) -> int:
        """Index of the first picture due at or after `ticks` within the loop; `len(pictures)` when none is left."""
        return bisect_left(self.due, ticks)


@dataclass(frozen=True, slots=True)
class Sample:
    """One packet of the container: its NAL units and its times in 90 kHz ticks as the file has them."""

    pts: int
    dts: int
    is_keyframe: bool
    units: list[bytes]


def load_media(path: Path, duration_s: float | None = None, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> Media:
    """Read an H.264 or H.265 file once.

    Args:
        duration_s: length of one repeat when it is known better than the file says, so that the main and the
            sub stream of one loop stay together for ever; at least up to the last picture.

    Raises:
        BadSource: cannot be read, is no H.264 or H.265, does not begin with a keyframe, or is larger than 1 GiB.
    """
    codec, size_px, rate_fps, sets, samples = _read(path)
    first_pts, step = min(s.pts for s in samples), _step_ticks(samples, rate_fps)
    delay = max(s.pts - s.dts for s in samples)  # reordering: nothing may be sent before it was captured
    pictures = []
    for sample in samples:
        template, starts = join(nal.rtp_payloads(codec, sample.units, max_payload_bytes))
        pictures.append(Picture(sample.pts - first_pts, sample.dts + delay - first_pts, sample.is_keyframe, template, starts))
    due = [picture.due_ticks for picture in pictures]
    if any(later < earlier for earlier, later in pairwise(due)):
        raise BadSource(f"{path} has pictures out of decoding order.", "Encode the file again.")
    end = max(max(p.pts_ticks for p in pictures), due[-1] - due[0])
    loop_ticks = max(end + 1, round(duration_s * CLOCK_HZ)) if duration_s else end + step
    keyframes = tuple(index for index, picture in enumerate(pictures) if picture.is_keyframe)
    return Media(path, codec, size_px, rate_fps, sets, tuple(pictures), loop_ticks, due, keyframes)


def _read(path: Path) -> tuple[Codec, tuple[int, int], float, tuple[bytes, ...], list[Sample]]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadSource(f"{path} is larger than 1 GiB.", "Serve a shorter loop: it is kept in memory.")
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise BadSource(f"{path} holds no video.", "Give an H.264 or H.265 file.")
            stream = container.streams.video[0]
            context = stream.codec_context
            if context.name not in ("h264", "hevc"):
                raise BadSource(f"{path} is {context.name}.", "Encode it as H.264 or H.265: cameras send nothing else here.")
            codec: Codec = "h264" if context.name == "h264" else "hevc"
            sets, length_bytes = nal.parameter_sets(codec, bytes(context.extradata or b""))
            rate_fps = float(stream.average_rate or stream.guessed_rate or 25)
            samples, sets = _samples(container, codec, sets, length_bytes)
            size_px = (context.width, context.height)
    except (av.FFmpegError, OSError) as error:
        raise BadSource(f"{path} cannot be read: {error}.", "Give a whole H.264 or H.265 file.") from error
    if not samples or not samples[0].is_keyframe or not sets:
        raise BadSource(f"{path} does not begin with a keyframe and its parameter sets.", "Cut it at a keyframe.")
    return codec, size_px, rate_fps, sets, samples


def _samples(
    container: av.container.InputContainer, codec: Codec, sets: tuple[bytes, ...], length_bytes: int | None
) -> tuple[list[Sample], tuple[bytes, ...]]:
    samples: list[Sample] = []
    for packet in container.demux(video=0):
        if packet.size == 0 or packet.pts is None or packet.dts is None or packet.time_base is None:
            continue
        data = bytes(packet)
        units = nal.split_annex_b(data) if length_bytes is None else nal.split_length_prefixed(data, length_bytes)
        if not units:
            continue
        in_band = tuple(unit for unit in units if nal.is_parameter_set(codec, unit))
        sets = sets or in_band
        if packet.is_keyframe and not in_band:
            units = _with_sets(codec, units, sets)
        to_ticks = packet.time_base * CLOCK_HZ
        samples.append(Sample(round(packet.pts * to_ticks), round(packet.dts * to_ticks), packet.is_keyframe, units))
    return samples, sets


def _with_sets(codec: Codec, units: list[bytes], sets: tuple[bytes, ...]) -> list[bytes]:
    """Parameter sets before the picture, but after an access unit delimiter, which must come first."""
    delimiter = 9 if codec == "h264" else 35
    head = 1 if nal.unit_type(codec, units[0]) == delimiter else 0
    return [*units[:head], *sets, *units[head:]]


def _step_ticks(samples: list[Sample], rate_fps: float) -> int:
    """The usual distance between displayed pictures, which also separates two repeats."""
    times = sorted(s.pts for s in samples)
    gaps = sorted(later - earlier for earlier, later in pairwise(times) if later > earlier)
    return gaps[len(gaps) // 2] if gaps else round(CLOCK_HZ / rate_fps)
