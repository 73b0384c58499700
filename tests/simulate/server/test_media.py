from __future__ import annotations

import struct
from pathlib import Path

import av
import pytest

from sewu.base.errors import BadSource
from sewu.simulate.server import nal
from sewu.simulate.server.media import CLOCK_HZ, MAX_PAYLOAD_BYTES, load_media, packet_ranges
from tests.simulate.server.conftest import Clips
from tests.simulate.server.player import depacketise, units_in_file


def coded(codec: nal.Codec, units: list[bytes]) -> list[bytes]:
    """Only slices: FFmpeg's filter also moves encoder information from the file's header."""
    return [unit for unit in units if nal.unit_type(codec, unit) <= (5 if codec == "h264" else 31)]


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_file_becomes_packets_that_carry_its_nal_units_unchanged(clips: Clips, codec: nal.Codec) -> None:
    path: Path = getattr(clips, codec)
    media = load_media(path)
    assert media.codec == codec and media.size_px == (320, 180) and len(media.pictures) == 20
    assert media.keyframes == (0, 5, 10, 15) and media.loop_ticks == 2 * CLOCK_HZ
    for picture, expected in zip(media.pictures, units_in_file(path, codec), strict=True):
        payloads = [picture.template[start + 12 : end] for start, end in packet_ranges(picture)]
        assert max(map(len, payloads)) <= MAX_PAYLOAD_BYTES
        units = depacketise(codec, payloads)
        assert coded(codec, units) == coded(codec, expected) != []
        if picture.is_keyframe:
            assert all(parameters in units for parameters in media.parameter_sets)


def test_stamping_fills_in_one_camera_s_fields_and_nothing_else(clips: Clips) -> None:
    picture = load_media(clips.h264).pictures[0]
    block = picture.stamped(4, 0xFFFF, 0x01020304, 0xCAFEBABE)
    assert len(block) == len(picture.template) and picture.packets > 1
    for index, (start, end) in enumerate(packet_ranges(picture)):
        dollar, channel, length = struct.unpack_from(">BBH", block, start - 4)
        assert (dollar, channel, length) == (0x24, 4, end - start)
        flags, kind, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", block, start)
        assert (flags, kind & 0x7F, sequence) == (0x80, 96, (0xFFFF + index) & 0xFFFF)
        assert kind >> 7 == (index == picture.packets - 1)
        assert (timestamp, ssrc) == (0x01020304, 0xCAFEBABE)
        assert block[start + 12 : end] == picture.template[start + 12 : end]


def test_reordered_pictures_are_sent_in_decoding_order_and_never_before_their_capture(clips: Clips) -> None:
    media = load_media(clips.reordered)
    assert [p.pts_ticks for p in media.pictures] != sorted(p.pts_ticks for p in media.pictures)
    assert sorted(p.pts_ticks for p in media.pictures) == [index * 9000 for index in range(20)]
    assert media.due == sorted(media.due)
    assert all(p.due_ticks >= p.pts_ticks for p in media.pictures)
    assert media.loop_ticks == 180_000


def test_the_length_of_a_repeat_may_be_given(clips: Clips) -> None:
    assert load_media(clips.h264, 3.5).loop_ticks == 315_000
    assert load_media(clips.h264, 0.5).loop_ticks > load_media(clips.h264).pictures[-1].pts_ticks


def test_what_cannot_be_served_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="cannot be read"):
        load_media(tmp_path / "missing.mp4")
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(BadSource):
        load_media(noise)
    other = tmp_path / "other.avi"
    with av.open(str(other), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(BadSource, match="mpeg4"):
        load_media(other)
