"""Files give their packets whole, in order, at the right time; broken ones give what they have and say where they broke."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sewu.base.clock import ManualClock
from sewu.base.errors import BadSource, StreamBroken
from sewu.connect.backoff import backoff_s
from sewu.connect.ffmpeg import Timeline
from sewu.connect.file import FileSource
from sewu.connect.opening import is_live, open_source
from sewu.decode.decoder import Decoder
from tests.clips import Clip, number_of, write
from tests.fakes import labelled_data


def decoded(source: FileSource, **options: object) -> tuple[list[int], list[float], Decoder]:
    decoder = Decoder(source.stream, **options)  # type: ignore[arg-type]
    frames = list(itertools.chain(*(decoder.decode(packet) for packet in source), decoder.flush()))
    return [number_of(frame.image) for frame in frames], [frame.at_s for frame in frames], decoder


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mp4", "libx264"), (".mkv", "libx264"), (".ts", "libx264"), (".avi", "mpeg4"), (".mp4", "libx265"), (".avi", "mjpeg")],
)
def test_every_picture_comes_once_in_order_at_its_time(tmp_path: Path, suffix: str, codec: str) -> None:
    source = FileSource(write(tmp_path / f"c{suffix}", Clip(codec=codec)), "cam", start_s=1000.0)
    numbers, times_s, decoder = decoded(source)
    source.close()
    assert numbers == list(range(30))
    assert times_s == pytest.approx([1000 + index / 10 for index in range(30)], abs=0.011)
    assert decoder.faults == 0
    assert source.faults == []


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "libx264"), (".mkv", "libx264"), (".mp4", "libx265")])
def test_reordered_pictures_come_in_the_order_they_were_taken(tmp_path: Path, suffix: str, codec: str) -> None:
    source = FileSource(write(tmp_path / f"c{suffix}", Clip(codec=codec, b_frames=3)), "cam", start_s=0.0)
    numbers, times_s, _ = decoded(source)
    source.close()
    assert numbers == list(range(30))
    assert times_s == pytest.approx([index / 10 for index in range(30)], abs=0.011)


def test_reordered_pictures_without_times_soon_stand_right(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "c.avi", Clip(b_frames=2, frames=60)), "cam", start_s=0.0)
    numbers, times_s, _ = decoded(source)
    source.close()
    assert numbers == list(range(60))
    assert all(b > a for a, b in itertools.pairwise(times_s))
    steps_s = [b - a for a, b in itertools.pairwise(times_s[6:])]
    assert steps_s == pytest.approx([0.1] * len(steps_s), abs=0.011)


def test_a_variable_rate_is_kept(tmp_path: Path) -> None:
    times_s = [0, 0.1, 0.15, 0.9, 1.0, 3.0, 3.05, 3.1, 7.0, 7.5]
    source = FileSource(write(tmp_path / "c.mp4", Clip(frames=10, times_s=times_s)), "cam", start_s=0.0)
    _, found_s, _ = decoded(source)
    source.close()
    assert found_s == pytest.approx(times_s, abs=0.011)


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
def test_a_turned_picture_is_put_upright(tmp_path: Path, rotation_deg: int) -> None:
    source = FileSource(write(tmp_path / "c.mp4", Clip(rotation_deg=rotation_deg, frames=3)), "cam")
    frame = next(Decoder(source.stream).decode(next(iter(source))))
    source.close()
    assert source.stream.rotation_deg == rotation_deg
    assert frame.size_px == ((160, 96) if rotation_deg == 180 else (96, 160))


def test_odd_sizes_and_interlaced_pictures_are_read(tmp_path: Path) -> None:
    for name, clip in (("odd.avi", Clip(codec="mjpeg", size_px=(161, 97))), ("lace.mp4", Clip(interlaced=True, size_px=(160, 96)))):
        source = FileSource(write(tmp_path / name, clip), "cam")
        numbers, _, decoder = decoded(source)
        source.close()
        assert numbers == list(range(30))
        assert decoder.faults == 0


def test_a_script_that_names_another_file_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "secret.mp4")
    (tmp_path / "upload.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:3,\nsecret.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "note.txt").write_text("a note, no video\n" * 100)
    for name in ("upload.mp4", "list.mp4", "note.txt"):
        with pytest.raises(BadSource, match=name):
            FileSource(tmp_path / name, "cam")


def test_recordings_joined_in_one_file_follow_each_other(tmp_path: Path) -> None:
    part = write(tmp_path / "a.ts").read_bytes()
    (tmp_path / "joined.ts").write_bytes(part + part)
    source = FileSource(tmp_path / "joined.ts", "cam", start_s=0.0)
    numbers, times_s, _ = decoded(source)
    source.close()
    assert numbers == list(range(30)) * 2
    assert all(b > a for a, b in itertools.pairwise(times_s))
    assert times_s[-1] == pytest.approx(5.9, abs=0.15)


def test_a_file_that_is_cut_off_says_so(tmp_path: Path) -> None:
    whole = write(tmp_path / "w.mp4", Clip(frames=100, size_px=(320, 192)))
    fast = tmp_path / "fast.mp4"
    with av.open(str(whole)) as source, av.open(str(fast), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    fast.write_bytes(fast.read_bytes()[: int(fast.stat().st_size * 0.6)])
    cut = FileSource(fast, "cam")
    count = sum(1 for _ in cut)
    cut.close()
    assert 0 < count < 90
    assert any("cut off" in fault for fault in cut.faults)


def test_live_times_only_grow_through_bursts_and_a_clock_set_back_ends_the_stream() -> None:
    clock = ManualClock(1000.0)
    line = Timeline(clock, Fraction(1, 10))
    times_s = []
    for burst in range(4):
        times_s += [line.place(burst * 60 + index, burst * 60 + index)[2] for index in range(60)]
        clock.advance(6.0)
    steps_s = [b - a for a, b in itertools.pairwise(times_s)]
    assert steps_s == pytest.approx([0.1] * len(steps_s))
    clock.jump(-3600)
    with pytest.raises(StreamBroken, match="set back"):
        line.place(241, 241)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 5000, b"RIFF" + b"\xff" * 3000])
def test_what_is_no_video_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(BadSource, match=r"x\.mp4"):
        FileSource(tmp_path / "x.mp4", "cam")


def test_a_missing_file_a_folder_and_an_unknown_scheme_are_refused(tmp_path: Path) -> None:
    for text in (str(tmp_path / "none.mp4"), str(tmp_path), "gopher://user:secret@host/x"):
        with pytest.raises(BadSource) as caught:
            open_source(text, "cam", ManualClock())
        assert "secret" not in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.floats(0.02, 0.999), st.sampled_from([".ts", ".mkv", ".avi", ".mp4"]), st.integers(0, 40))
def test_a_truncated_or_damaged_file_gives_what_it_has(tmp_path: Path, share: float, suffix: str, damage: int) -> None:
    whole = tmp_path / f"whole{suffix}"
    if not whole.exists():
        write(whole, Clip(codec="mpeg4" if suffix == ".avi" else "libx264"))
    content = bytearray(whole.read_bytes()[: int(whole.stat().st_size * share)])
    for index in range(damage):
        content[(index * 7919) % len(content)] ^= 0x5A
    (tmp_path / f"part{suffix}").write_bytes(content)
    try:
        source = FileSource(tmp_path / f"part{suffix}", "cam")
    except BadSource as error:
        assert error.advice
        return
    numbers, times_s, _ = decoded(source)
    source.close()
    assert len(numbers) <= 30 + damage
    assert all(b > a for a, b in itertools.pairwise(times_s)) or damage


@pytest.mark.parametrize("rate_fps", [25.0, 5.0, 4.0, 2.0, 1.0])
def test_a_lower_rate_is_met_on_average_and_never_exceeded(tmp_path: Path, rate_fps: float) -> None:
    source = FileSource(write(tmp_path / "c.mp4", Clip(frames=125, rate_fps=12.5, gop=25)), "cam", start_s=0.0)
    _, times_s, _ = decoded(source, max_rate_fps=rate_fps)
    source.close()
    assert len(times_s) == pytest.approx(min(12.5, rate_fps) * 10, abs=1.1)


def test_keyframes_alone_are_decoded_alone(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "c.mp4", Clip(b_frames=2)), "cam")
    numbers, _, _ = decoded(source, keyframes_only=True)
    source.close()
    assert numbers == [0, 10, 20]


def test_a_wide_picture_is_scaled_while_it_is_converted(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "c.mp4", Clip(size_px=(640, 360), frames=2)), "cam")
    frame = next(Decoder(source.stream, max_width_px=320).decode(next(iter(source))))
    source.close()
    assert frame.size_px == (320, 180)


def test_live_addresses_are_known() -> None:
    assert is_live("rtsp://h/x")
    assert is_live("https://h/x.m3u8")
    assert not is_live("file:///x.mp4")
    assert not is_live("x.mp4")


def test_waiting_grows_to_its_bound_and_is_spread() -> None:
    import random

    chance = random.Random(3)
    waits = [[backoff_s(attempt, chance) for _ in range(50)] for attempt in (1, 2, 7, 1000)]
    for row, top_s in zip(waits, (1, 2, 60, 60), strict=True):
        assert top_s / 2 <= min(row) < max(row) <= top_s
        assert len(set(row)) > 40


@pytest.mark.parametrize(
    ("name", "frames"), [("pets09_s2l1_480x360.avi", 795), ("cilacap_etle_motorcycles.mp4", 903), ("highway_m30.avi", 748)]
)
def test_real_clips_give_their_stated_number_of_pictures(name: str, frames: int) -> None:
    source = FileSource(labelled_data() / "clips" / name, "cam")
    _, times_s, decoder = decoded(source)
    source.close()
    assert len(times_s) == frames
    assert all(b > a for a, b in itertools.pairwise(times_s))
    assert decoder.faults == 0
