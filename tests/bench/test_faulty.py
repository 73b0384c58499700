"""Spoilt loops are spoilt exactly from when to when they say."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from sewu.base.errors import BadSource
from sewu.base.records import Packet, StreamInfo
from sewu.bench.faulty import FAULTS, GOP, Fault, faulty_loop, frozen, recoded, span_s

SECONDS = 4.0


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds at 10 pictures a second: rough ground and a square that moves."""
    path = tmp_path_factory.mktemp("loop") / "good.mp4"
    rough = np.random.default_rng(0).integers(60, 200, (45, 80, 1), np.uint8)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 180, "yuv420p", 800_000
        stream.codec_context.time_base = Fraction(1, 10)
        for index in range(int(SECONDS * 10)):
            image = np.repeat(np.repeat(np.repeat(rough, 3, axis=2), 4, axis=0), 4, axis=1)
            image[60:100, index * 4 : index * 4 + 40] = 250
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts = index
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


def pictures(path: Path) -> tuple[list[np.ndarray], list[int]]:
    with av.open(str(path)) as film:
        frames = list(film.decode(video=0))
    return [frame.to_ndarray(format="gray") for frame in frames], [i for i, frame in enumerate(frames) if frame.key_frame]


@pytest.mark.parametrize("fault", FAULTS)
def test_only_the_pictures_of_the_span_are_spoilt(good: Path, fault: Fault, tmp_path: Path) -> None:
    before, _ = pictures(good)
    after, keys = pictures(faulty_loop(good, fault, SECONDS, tmp_path / "bad.mp4"))
    assert len(after) == len(before)
    start_s, end_s = span_s(SECONDS)
    differs = [i for i in range(len(before)) if np.abs(before[i].astype(float) - after[i]).mean() > 6]
    expected = [i for i in range(len(before)) if start_s <= i / 10 < end_s]
    assert differs == expected
    assert keys == list(range(0, len(after), GOP))


def test_a_frozen_camera_sends_one_keyframe_again_and_again() -> None:
    stream = StreamInfo("h264", Fraction(1, 10))
    packets = [Packet("c", stream, bytes([number]), number, number, float(number), number % 3 == 0) for number in range(12)]
    stuck = frozen(packets, 4.0, 8.0)
    assert [packet.data[0] for packet in stuck] == [0, 1, 2, 3, 3, 3, 3, 3, 8, 9, 10, 11]
    assert [packet.at_s for packet in stuck] == [packet.at_s for packet in packets]
    assert all(packet.is_keyframe for packet in stuck[4:8])
    assert frozen(packets[1:3], 1.0, 2.0) == packets[1:3], "no keyframe to hang on"


def test_a_dark_camera_is_dark_and_a_second_call_costs_nothing(good: Path, tmp_path: Path) -> None:
    path = faulty_loop(good, "dark", SECONDS, tmp_path / "bad.mp4")
    assert pictures(path)[0][25].mean() < 25
    written_ns = path.stat().st_mtime_ns
    assert faulty_loop(good, "dark", SECONDS, path).stat().st_mtime_ns == written_ns


def test_a_faster_clip_is_thinned_to_ten_pictures_a_second(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "fast.mp4"), "w") as film:
        stream = film.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(60):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * index, np.uint8), format="bgr24")))
        film.mux(stream.encode(None))
    shown, keys = pictures(recoded(tmp_path / "fast.mp4", tmp_path / "slow.mp4"))
    assert len(shown) == 20
    assert keys == [0]
    levels = [float(picture.mean()) for picture in shown]
    np.testing.assert_allclose(np.diff(levels), 10.3, atol=3)  # three pictures of four levels, in the range of video


def test_a_loop_that_is_no_video_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(BadSource):
        faulty_loop(tmp_path / "no.mp4", "dark", SECONDS, tmp_path / "bad.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["no.mp4"]
