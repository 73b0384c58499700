"""The ring keeps whole groups within its bounds; clips cut from it are the source's pictures bit for bit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import SewuError
from sewu.base.records import Packet, StreamInfo
from sewu.connect.annexb import as_annexb, has_parameter_sets, parameter_sets, units_of
from sewu.connect.file import FileSource
from sewu.connect.remux import suffix_for, write_clip
from sewu.connect.ring import Ring
from tests.clips import Clip, write

STREAM = StreamInfo("h264", Fraction(1, 10))


def packet(number: int, camera_id: str = "a", gop: int = 10, size: int = 100) -> Packet:
    return Packet(camera_id, STREAM, bytes(size), number, number, number / 10, number % gop == 0)


def test_the_ring_reaches_back_as_far_as_promised_and_begins_with_a_keyframe() -> None:
    ring = Ring(keep_s=5.0)
    for number in range(400):
        ring.add(packet(number))
    kept = ring.clip("a", 0.0, 1e9)
    assert kept[0].is_keyframe
    assert 5.0 <= kept[-1].at_s - kept[0].at_s <= 6.0
    cut = ring.clip("a", 36.5, 38.0)
    assert (cut[0].at_s, cut[-1].at_s) == (36.0, 38.0)


def test_what_comes_before_the_first_keyframe_is_not_kept() -> None:
    ring = Ring()
    for number in range(5, 15):
        ring.add(packet(number))
    assert [p.pts for p in ring.clip("a", 0, 1e9)] == [10, 11, 12, 13, 14]
    assert ring.clip("never seen", 0, 1e9) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 5000)), max_size=80), st.integers(1000, 20_000))
def test_memory_stays_within_its_bound_whatever_comes(arrivals: list[tuple[str, bool, int]], max_bytes: int) -> None:
    ring = Ring(keep_s=1e9, max_bytes=max_bytes)
    for number, (camera_id, key, size) in enumerate(arrivals):
        ring.add(Packet(camera_id, STREAM, bytes(size), number, number, float(number), key))
        assert ring.size_bytes <= max_bytes
        assert ring.size_bytes == sum(len(p.data) + 200 for name in "abc" for p in ring.clip(name, -1, 1e18))


def test_the_largest_ring_gives_way_first() -> None:
    ring = Ring(keep_s=1e9, max_bytes=60_000)
    for number in range(200):
        ring.add(packet(number, "small", size=10))
        ring.add(packet(number, "large", size=2000))
    assert len(ring.clip("small", 0, 1e9)) > 50
    assert ring.evicted > 0


def test_a_camera_set_back_in_time_does_not_pile_up() -> None:
    ring = Ring(keep_s=5.0)
    for number in [*range(1000, 1100), *range(100)]:
        ring.add(packet(number))
    assert all(p.at_s < 50 for p in ring.clip("a", 0, 1e9))


@pytest.mark.parametrize(
    ("suffix", "codec", "b_frames"),
    [(".mp4", "libx264", 2), (".ts", "libx264", 0), (".mp4", "libx265", 0), (".avi", "mjpeg", 0), (".avi", "mpeg4", 0)],
)
def test_a_clip_holds_the_same_pictures_bit_for_bit(tmp_path: Path, suffix: str, codec: str, b_frames: int) -> None:
    source = FileSource(write(tmp_path / f"s{suffix}", Clip(codec=codec, b_frames=b_frames)), "cam", 0.0)
    packets = list(source)
    source.close()
    path = tmp_path / "out" / f"clip{suffix_for(source.stream.codec)}"
    write_clip(packets[10:], path)
    again = FileSource(path, "cam", 0.0)
    copied = list(again)
    again.close()
    assert [slices(p) for p in copied] == [slices(p) for p in packets[10:]]
    assert not list(path.parent.glob(".*"))


def slices(packet: Packet) -> list[bytes]:
    """The coded pictures of an access unit, without parameter sets, SEI and delimiters."""
    codec = packet.stream.codec
    if codec not in {"h264", "hevc"}:
        return [packet.data]
    units = [unit.strip(b"\x00") for unit in as_annexb(packet).split(b"\x00\x00\x01") if unit.strip(b"\x00")]
    return [unit for unit in units if (1 <= unit[0] & 31 <= 5 if codec == "h264" else unit[0] >> 1 & 63 < 32)]


def test_a_folder_that_cannot_be_written_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    source = FileSource(write(tmp_path / "s.mp4"), "cam", 0.0)
    packets = list(source)
    source.close()
    with pytest.raises(SewuError, match=r"clip\.mp4"):
        write_clip(packets, tmp_path / "file" / "clip.mp4")


@given(st.binary(max_size=300), st.sampled_from(["h264", "hevc"]), st.binary(max_size=60))
def test_any_bytes_can_be_reframed(data: bytes, codec: str, extradata: bytes) -> None:
    stream = StreamInfo(codec, Fraction(1, 10), b"\x01" + extradata)
    odd = Packet("a", stream, data, 0, 0, 0.0, True)
    assert len(as_annexb(odd)) <= 6 * len(data) + len(parameter_sets(stream)) + 8
    assert sum(len(unit) for unit in units_of(data, 4)) <= len(data)
    assert isinstance(has_parameter_sets(data, codec), bool)
