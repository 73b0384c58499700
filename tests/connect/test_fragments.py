"""Fragments play, piece by piece and as a whole, and hold the source's pictures bit for bit."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadSource, SewuError, StreamBroken
from sewu.base.records import Packet, StreamInfo
from sewu.connect.file import FileSource
from sewu.connect.fragments import FragmentedMp4, split
from tests.clips import Clip, number_of, write
from tests.connect.test_ring import slices

KINDS = [(".mp4", "libx264", 0), (".mp4", "libx264", 2), (".ts", "libx264", 0), (".mp4", "libx265", 0), (".ts", "libx265", 0)]


def packets_of(folder: Path, suffix: str, codec: str, b_frames: int) -> list[Packet]:
    source = FileSource(write(folder / f"s{suffix}", Clip(codec=codec, b_frames=b_frames)), "cam", 0.0)
    packets = list(source)
    source.close()
    return packets


def played(data: bytes) -> list[int]:
    with av.open(io.BytesIO(data), "r") as container:
        return [number_of(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)) for frame in container.decode(video=0)]


@pytest.mark.parametrize(("suffix", "codec", "b_frames"), KINDS)
@pytest.mark.parametrize("per_fragment", [1, 4, 10])
def test_fragments_play_in_order_and_hold_the_same_pictures(
    tmp_path: Path, suffix: str, codec: str, b_frames: int, per_fragment: int
) -> None:
    packets = packets_of(tmp_path, suffix, codec, b_frames)
    muxer = FragmentedMp4(packets[0])
    groups = [packets[i : i + per_fragment] for i in range(0, len(packets), per_fragment)]
    data = muxer.init + b"".join(muxer.fragment(group) for group in groups)
    assert played(data) == list(range(30))
    path = tmp_path / "again.mp4"
    path.write_bytes(data)
    again = FileSource(path, "cam", 0.0)
    assert [slices(packet) for packet in again] == [slices(packet) for packet in packets]
    again.close()


@pytest.mark.parametrize(("suffix", "codec", "b_frames"), KINDS[2:])
def test_a_viewer_who_comes_later_begins_at_a_keyframe(tmp_path: Path, suffix: str, codec: str, b_frames: int) -> None:
    packets = packets_of(tmp_path, suffix, codec, b_frames)
    late = next(index for index, packet in enumerate(packets) if packet.is_keyframe and index > 5)
    muxer = FragmentedMp4(packets[late])
    assert played(muxer.init + muxer.fragment(packets[late:])) == list(range(late, 30))
    with pytest.raises(StreamBroken, match="keyframe"):
        FragmentedMp4(packets[late + 1])


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not on this machine")
@pytest.mark.parametrize(("codec", "mime"), [("libx264", "avc1.42C0"), ("libx265", "hvc1.1.6.L30.90")])
def test_ffprobe_finds_nothing_wrong(tmp_path: Path, codec: str, mime: str) -> None:
    packets = packets_of(tmp_path, ".ts", codec, 0)
    muxer = FragmentedMp4(packets[0])
    assert mime in muxer.mime
    path = tmp_path / "live.mp4"
    path.write_bytes(muxer.init + b"".join(muxer.fragment([packet]) for packet in packets))
    command = ["ffprobe", "-v", "warning", "-count_frames", "-show_entries", "stream=nb_read_frames,width,height", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, stdin=subprocess.DEVNULL)
    assert done.stderr == ""
    assert json.loads(done.stdout)["streams"] == [{"width": 160, "height": 96, "nb_read_frames": "30"}]


def test_a_changed_stream_wants_a_new_opening(tmp_path: Path) -> None:
    packets = packets_of(tmp_path, ".ts", "libx264", 0)
    muxer = FragmentedMp4(packets[0])
    other = FileSource(write(tmp_path / "other.ts", Clip(size_px=(320, 96))), "cam", 0.0)
    first = next(iter(other))
    other.close()
    assert all(muxer.fits(packet) for packet in packets)
    assert not muxer.fits(first)
    assert not muxer.fits(replace(packets[1], stream=StreamInfo("hevc", Fraction(1, 90_000))))
    with pytest.raises(BadSource, match="mjpeg"):
        FragmentedMp4(replace(first, stream=StreamInfo("mjpeg", Fraction(1, 10))))


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["h264", "hevc"]), st.binary(max_size=80), st.integers(-(1 << 40), 1 << 40), st.booleans())
def test_any_bytes_are_a_stream_or_refused(data: bytes, codec: str, extradata: bytes, dts: int, is_annexb: bool) -> None:
    extra = b"\0\0\0\1\x67\x42\0\x1e" + extradata if is_annexb else b"\1" + extradata
    packet = Packet("a", StreamInfo(codec, Fraction(1, 90_000), extra, 64, 64), b"\0\0\0\1" + data, dts + 7, dts, 0.0, True)
    try:
        muxer = FragmentedMp4(packet)
        assert len(muxer.fragment([packet, replace(packet, dts=-dts)])) < 3 * len(data) * 5 + 400
    except SewuError as error:
        assert error.advice


@given(
    st.lists(st.binary(min_size=1, max_size=9).filter(lambda unit: b"\0" not in unit), max_size=6),
    st.sampled_from([b"\0\0\1", b"\0\0\0\1"]),
)
def test_units_come_out_as_they_went_in(units: list[bytes], code: bytes) -> None:
    assert list(split(b"".join(code + unit for unit in units))) == units
