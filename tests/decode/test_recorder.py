"""An annotated video plays at the times its frames were taken; a full or forbidden disk is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from sewu.base.errors import BadSource
from sewu.base.records import Packet, StreamInfo
from sewu.connect.file import FileSource
from sewu.decode.decoder import Decoder
from sewu.decode.recorder import VideoRecorder
from tests.clips import number_of, picture, write


def test_what_is_recorded_plays_back(tmp_path: Path) -> None:
    recorder = VideoRecorder(tmp_path / "out" / "v.mp4", (321, 193), 10)
    times_s = [100.0, 100.1, 100.1, 100.5, 103.0]
    for index, at_s in enumerate(times_s):
        recorder.add(picture(index, (321, 193)), at_s)
    recorder.close()
    source = FileSource(tmp_path / "out" / "v.mp4", "cam", start_s=100.0)
    decoder = Decoder(source.stream)
    frames = [frame for packet in source for frame in decoder.decode(packet)] + list(decoder.flush())
    source.close()
    assert [number_of(frame.image) for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.at_s for frame in frames] == pytest.approx(times_s, abs=0.002)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["v.mp4"]


def test_garbage_packets_are_counted_and_the_stream_goes_on(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "c.mp4"), "cam", 0.0)
    packets = list(source)
    source.close()
    decoder = Decoder(source.stream)
    good = sum(1 for packet in packets[:10] for _ in decoder.decode(packet))
    for index in range(5):
        junk = Packet("cam", source.stream, bytes(range(200)), 10_000_000 + index, 10_000_000 + index, 1000.0 + index, False)
        assert list(decoder.decode(junk)) == []
    assert decoder.faults >= 4
    after = [number_of(frame.image) for packet in packets[10:] for frame in decoder.decode(packet)] + [
        number_of(frame.image) for frame in decoder.flush()
    ]
    assert good >= 9
    assert after[-10:] == list(range(20, 30))


def test_an_unknown_codec_is_refused_with_advice() -> None:
    from fractions import Fraction

    with pytest.raises(BadSource, match="decoder"):
        Decoder(StreamInfo("no such codec", Fraction(1, 10)))
