"""HLS from the same files: fragmented MP4 made once by remuxing, and a live playlist that slides for ever.

Media times go on over the loop's end: each segment's `tfdt` (ISO/IEC 14496-12 section 8.8.12) is patched for the
repeat it belongs to, so a player sees one endless programme without a discontinuity (RFC 8216).
"""

from __future__ import annotations

import io
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import av

from sewu.base.clock import iso_utc
from sewu.base.errors import BadSource
from sewu.simulate.server.media import CLOCK_HZ, Media
from sewu.simulate.server.playing import Epoch

TARGET_S = 2.0
WINDOW = 5


@dataclass(frozen=True, slots=True)
class Segment:
    """Some whole GOPs: when they begin in the loop and how long they last (90 kHz), their bytes, where to patch."""

    start_ticks: int
    length_ticks: int
    data: bytes
    time_at: tuple[int, ...]
    number_at: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Packaged:
    """A file as HLS segments."""

    init: bytes
    segments: tuple[Segment, ...]
    loop_ticks: int
    timescale: int

    @property
    def longest_s(self) -> float:
        return max(segment.length_ticks for segment in self.segments) / CLOCK_HZ

    def segment(self, number: int) -> bytes | None:
        """The segment of this media sequence number, stamped; None before the first."""
        if number < 0:
            return None
        repeat, index = divmod(number, len(self.segments))
        segment = self.segments[index]
        data = bytearray(segment.data)
        for at in segment.time_at:
            (base,) = struct.unpack_from(">Q", data, at)
            struct.pack_into(">Q", data, at, base + repeat * self.loop_ticks * self.timescale // CLOCK_HZ)
        for count, at in enumerate(segment.number_at):
            struct.pack_into(">I", data, at, (number * 1000 + count + 1) & 0xFFFFFFFF)
        return bytes(data)

    def start_ticks(self, number: int) -> int:
        """When a segment begins, on the endless tape."""
        repeat, index = divmod(number, len(self.segments))
        return repeat * self.loop_ticks + self.segments[index].start_ticks

    def newest_at(self, ticks: int) -> int:
        """Media sequence number of the newest segment that is complete at this position; negative when none is."""
        repeat, within = divmod(ticks, self.loop_ticks)
        begun = bisect_right([segment.start_ticks for segment in self.segments], within)
        return repeat * len(self.segments) + begun - 2

    def playlist(self, ticks: int, epoch: Epoch, phase_ticks: int) -> str:
        """The media playlist at this position; empty of segments at the very beginning."""
        newest = self.newest_at(ticks)
        oldest = max(0, newest - WINDOW + 1)
        lines = [
            "#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS", f"#EXT-X-TARGETDURATION:{max(1, round(self.longest_s + 0.499))}",
            f"#EXT-X-MEDIA-SEQUENCE:{oldest}", '#EXT-X-MAP:URI="init.mp4"',
        ]  # fmt: skip
        for number in range(oldest, newest + 1):
            at_s = epoch.wall_s + (self.start_ticks(number) - phase_ticks) / CLOCK_HZ
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{iso_utc(at_s)}")
            lines.append(f"#EXTINF:{self.segments[number % len(self.segments)].length_ticks / CLOCK_HZ:.5f},")
            lines.append(f"segment{number}.m4s")
        return "\n".join(lines) + "\n"


def package(media: Media) -> Packaged:
    """Remux a file into segments of at least `TARGET_S` that begin with keyframes.

    Raises:
        BadSource: the file cannot be remuxed.
    """
    data = _fragmented(media)
    boxes = list(_boxes(data, 0, len(data)))
    init = b"".join(data[start:end] for kind, start, end in boxes if kind in (b"ftyp", b"moov"))
    fragments, moof = [], -1
    for kind, start, end in boxes:
        if kind == b"moof":
            moof = start
        elif kind == b"mdat" and moof >= 0:
            fragments.append((moof, end))
    keyframes = media.keyframes
    if len(fragments) != len(keyframes):
        raise BadSource(f"{media.path} cannot be cut at its keyframes.", "Encode it with closed groups of pictures.")
    timescale = _timescale(data, boxes)
    starts = [media.pictures[index].pts_ticks for index in keyframes] + [media.loop_ticks]
    segments, first = [], 0
    for last in range(len(fragments)):
        if (starts[last + 1] - starts[first] >= TARGET_S * CLOCK_HZ) or last == len(fragments) - 1:
            segments.append(_segment(data[fragments[first][0] : fragments[last][1]], starts[first], starts[last + 1]))
            first = last + 1
    return Packaged(init, tuple(segments), media.loop_ticks, timescale)


def _fragmented(media: Media) -> bytes:
    out = io.BytesIO()
    try:
        with av.open(str(media.path)) as source:
            stream = source.streams.video[0]
            options = {"movflags": "empty_moov+default_base_moof+frag_keyframe"}
            with av.open(out, "w", format="mp4", options=options) as target:
                copy = target.add_stream_from_template(stream)
                if media.codec == "hevc":
                    copy.codec_context.codec_tag = "hvc1"
                packets = [p for p in source.demux(stream) if p.pts is not None and p.dts is not None and p.size]
                first = min(p.pts for p in packets if p.pts is not None)
                for packet in packets:
                    assert packet.pts is not None and packet.dts is not None
                    packet.pts, packet.dts = packet.pts - first, packet.dts - first
                    packet.stream = copy
                    target.mux(packet)
    except (av.FFmpegError, OSError) as error:
        raise BadSource(f"{media.path} cannot be made into HLS: {error}.", "Encode it again.") from error
    return out.getvalue()


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, begin, end) of the boxes in a range (ISO/IEC 14496-12 section 4.2)."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
        size = size or end - start
        if size < 8 or start + size > end:
            raise BadSource("The remuxed file has a box that does not fit.", "Encode the file again.")
        yield kind, start, start + size
        start += size


def _find(data: bytes, start: int, end: int, path: tuple[bytes, ...]) -> Iterator[tuple[int, int]]:
    for kind, at, until in _boxes(data, start, end):
        if kind == path[0]:
            if len(path) == 1:
                yield at, until
            else:
                yield from _find(data, at + 8, until, path[1:])


def _timescale(data: bytes, boxes: list[tuple[bytes, int, int]]) -> int:
    start, end = next((s, e) for kind, s, e in boxes if kind == b"moov")
    at, _ = next(_find(data, start, end, (b"moov", b"trak", b"mdia", b"mdhd")))
    (timescale,) = struct.unpack_from(">I", data, at + (28 if data[at + 8] == 1 else 20))
    return int(timescale)


def _segment(data: bytes, start_ticks: int, end_ticks: int) -> Segment:
    times, numbers = [], []
    for at, _ in _find(data, 0, len(data), (b"moof", b"traf", b"tfdt")):
        if data[at + 8] != 1:
            raise BadSource("The remuxed file counts time in 32 bits.", "Use a newer FFmpeg.")
        times.append(at + 12)
    for at, _ in _find(data, 0, len(data), (b"moof", b"mfhd")):
        numbers.append(at + 12)
    return Segment(start_ticks, end_ticks - start_ticks, data, tuple(times), tuple(numbers))
