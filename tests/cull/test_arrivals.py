"""What arrives is counted right, whatever the rhythm."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sewu.base.records import Packet, StreamInfo
from sewu.cull.arrivals import Arrivals

STREAM = StreamInfo("h264", Fraction(1, 90_000))


def packet(at_s: float, size: int = 1000, key: bool = False) -> Packet:
    return Packet("cam", STREAM, bytes(size), 0, 0, at_s, key)


def feed(arrivals: Arrivals, seconds: float, rate_fps: float, gop_s: float, poll_s: float = 0.25, start_s: float = 0.0) -> None:
    batch: list[Packet] = []
    count, edge_s = int(seconds * rate_fps), start_s + poll_s
    per_gop = round(gop_s * rate_fps)
    for index in range(count):
        at_s = start_s + index / rate_fps
        while at_s >= edge_s:
            arrivals.add(batch)
            batch, edge_s = [], edge_s + poll_s
        batch.append(packet(at_s, key=index % per_gop == 0))
    arrivals.add(batch)


@pytest.mark.parametrize(("rate_fps", "gop_s"), [(10.0, 2.0), (25.0, 1.0), (25.0, 4.0)])
def test_rate_bits_and_keyframe_interval_are_learned(rate_fps: float, gop_s: float) -> None:
    arrivals = Arrivals()
    feed(arrivals, 60, rate_fps, gop_s)
    assert arrivals.rate_fps == pytest.approx(rate_fps, rel=0.1)
    assert arrivals.bitrate_bps == pytest.approx(rate_fps * 8000, rel=0.1)
    assert arrivals.gop_s == pytest.approx(gop_s, rel=0.05)


def test_a_collapse_of_rate_is_seen_within_a_minute() -> None:
    arrivals = Arrivals()
    feed(arrivals, 60, 25, 2)
    feed(arrivals, 60, 2, 2, start_s=60)
    assert arrivals.rate_fps < 8


def test_the_newest_keyframe_of_a_poll_is_handed_on() -> None:
    arrivals = Arrivals()
    assert arrivals.add([]) is None
    assert arrivals.add([packet(0.0), packet(0.1)]) is None
    newest = arrivals.add([packet(0.2, key=True), packet(0.3, key=True), packet(0.4)])
    assert newest is not None
    assert newest.at_s == 0.3


def test_silence_is_measured_from_the_last_picture() -> None:
    arrivals = Arrivals()
    assert arrivals.silent_s(5.0) is None
    arrivals.add([packet(1.0)])
    assert arrivals.silent_s(5.0) == 4.0
    assert arrivals.silent_s(0.0) == 0.0


def test_packets_with_one_time_or_going_back_do_no_harm() -> None:
    arrivals = Arrivals()
    for at_s in (5.0, 5.0, 4.0, 4.0, 9.0):
        arrivals.add([packet(at_s, key=True)])
    assert arrivals.packets == 5
    assert arrivals.rate_fps >= 0
