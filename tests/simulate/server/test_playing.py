"""Time, loops and faults of one stream, without sockets, on a clock that the test moves."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from sewu.simulate.server.faults import ActiveFault, fault
from sewu.simulate.server.media import CLOCK_HZ, Media, Picture, load_media
from sewu.simulate.server.playing import NTP_OFFSET_S, Counts, Epoch, Identity, Playing
from sewu.simulate.server.sinks import SinkState
from tests.simulate.server.conftest import Clips

WALL_S = 1_700_000_000.0
FIRST_TIMESTAMP = 0xFFFFFF00


@dataclass
class Memory(SinkState):
    """A sink that remembers."""

    rtp: list[bytes] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)
    noise: list[bytes] = field(default_factory=list)
    room: bool = True

    def __post_init__(self) -> None:
        super().__init__()

    def has_room(self) -> bool:
        return self.room

    def send(self, block: bytearray, picture: Picture) -> None:
        at = 0
        while at < len(block):
            size = int.from_bytes(block[at + 2 : at + 4], "big")
            self.rtp.append(bytes(block[at + 4 : at + 4 + size]))
            at += 4 + size

    def send_packets(self, block: bytes, ranges: Sequence[tuple[int, int]]) -> None:
        self.rtp += [block[start:end] for start, end in ranges]

    def send_noise(self, noise: bytes) -> None:
        self.noise.append(noise)

    def send_report(self, packet: bytes) -> None:
        self.reports.append(packet)


def header(packet: bytes) -> tuple[int, int, bool]:
    """Sequence number, timestamp, marker."""
    _, kind, sequence, timestamp = struct.unpack_from(">BBHI", packet)
    return sequence, timestamp, bool(kind & 0x80)


def playing(media: Media, phase_s: float = 0.0, sinks: int = 1) -> tuple[Playing, list[Memory]]:
    stream = Playing(media, Epoch(0.0, WALL_S), phase_s, Identity(7, 0xFFF0, FIRST_TIMESTAMP, "cam@sewu"), Counts())
    memories = [Memory() for _ in range(sinks)]
    stream.sinks += memories
    stream.seek(0.0)
    return stream, memories


def run(stream: Playing, until_s: float, from_s: float = 0.0, tick_s: float = 0.02) -> None:
    for tick in range(round(from_s / tick_s) + 1, round(until_s / tick_s) + 1):
        stream.send_due(tick * tick_s)


@pytest.fixture(scope="module")
def media(clips: Clips) -> Media:
    return load_media(clips.h264)


@pytest.fixture(scope="module")
def reordered(clips: Clips) -> Media:
    return load_media(clips.reordered)


def test_repeats_are_joined_with_continuous_sequence_numbers_and_timestamps(media: Media) -> None:
    stream, (sink,) = playing(media)
    run(stream, 6.98)
    headers = [header(packet) for packet in sink.rtp]
    assert [h[0] for h in headers] == [(0xFFF0 + index) & 0xFFFF for index in range(len(headers))]
    ends = [h[1] for h in headers if h[2]]
    assert len(ends) == 70
    assert ends == [(FIRST_TIMESTAMP + index * 9000) & 0xFFFFFFFF for index in range(70)]


def test_reordered_pictures_keep_the_capture_times_of_the_file_over_the_seam(reordered: Media) -> None:
    stream, (sink,) = playing(reordered)
    run(stream, 8.5)
    ends = [(header(p)[1] - FIRST_TIMESTAMP) & 0xFFFFFFFF for p in sink.rtp if header(p)[2]]
    assert sorted(ends[:60]) == [index * 9000 for index in range(60)]
    assert ends[:20] == [tick - 180_000 for tick in ends[20:40]]


def test_the_sender_report_gives_the_time_of_capture(media: Media) -> None:
    stream, (sink,) = playing(media, phase_s=0.73)
    run(stream, 12.0)
    assert len(sink.reports) == 3
    for report in sink.reports:
        assert report[:2] == b"\x80\xc8" and int.from_bytes(report[2:4], "big") == 6
        ssrc, seconds, fraction, timestamp = struct.unpack_from(">IIII", report, 4)
        assert ssrc == 7
        wall_s = seconds - NTP_OFFSET_S + fraction / 2**32
        media_s = ((timestamp - FIRST_TIMESTAMP) & 0xFFFFFFFF) / CLOCK_HZ
        # Media time 0 of the loop stood at 0.73 s before the epoch.
        assert wall_s - WALL_S == pytest.approx(media_s - 0.73, abs=2e-5)
    packets, octets = struct.unpack_from(">II", sink.reports[-1], 20)
    sent = sink.rtp[:packets]
    assert octets == sum(len(packet) - 12 for packet in sent)
    assert sink.reports[0][28:30] == b"\x81\xca" and b"cam@sewu" in sink.reports[0]


def test_a_newcomer_starts_at_the_announced_keyframe(media: Media) -> None:
    stream, (first,) = playing(media)
    run(stream, 0.6)
    sequence, timestamp = stream.start_of(0.6)
    late = Memory()
    stream.sinks.append(late)
    run(stream, 2.0, 0.6)
    assert header(late.rtp[0])[:2] == (sequence, timestamp)
    assert (timestamp - FIRST_TIMESTAMP) & 0xFFFFFFFF == 10 * 9000
    assert late.rtp == first.rtp[-len(late.rtp) :]


def test_a_slow_client_loses_whole_pictures_until_a_keyframe_and_the_other_nothing(media: Media) -> None:
    stream, (good, slow) = playing(media, sinks=2)
    run(stream, 0.7)
    slow.room = False
    run(stream, 0.9, 0.7)
    slow.room = True
    run(stream, 1.98, 0.9)
    assert len([1 for p in good.rtp if header(p)[2]]) == 20
    ends = [((header(p)[1] - FIRST_TIMESTAMP) & 0xFFFFFFFF) // 9000 for p in slow.rtp if header(p)[2]]
    assert ends == [*range(8), *range(10, 20)]
    assert slow.dropped == 1 and good.dropped == 0


def test_a_server_that_was_away_goes_on_in_the_present(media: Media) -> None:
    stream, (sink,) = playing(media)
    run(stream, 1.0)
    before = len(sink.rtp)
    stream.send_due(30.0)
    run(stream, 31.0, 30.0)
    ends = [((header(p)[1] - FIRST_TIMESTAMP) & 0xFFFFFFFF) // 9000 for p in sink.rtp[before:] if header(p)[2]]
    assert ends == list(range(300, 311))


def with_fault(media: Media, kind: str, **values: object) -> tuple[Playing, Memory]:
    stream, (sink,) = playing(media)
    run(stream, 0.98)
    stream.set_fault(ActiveFault("cam", fault(kind, values), 0.98))
    sink.rtp.clear()
    run(stream, 4.98, 0.98)
    return stream, sink


@pytest.mark.parametrize("kind", ["stall", "offline", "half_open", "refuse"])
def test_no_picture_leaves_a_camera_whose_link_is_broken_until_it_is_mended(media: Media, kind: str) -> None:
    stream, sink = with_fault(media, kind)
    assert sink.rtp == []
    stream.set_fault(None)
    run(stream, 7.0, 4.98)
    assert sink.rtp and ((header(sink.rtp[0])[1] - FIRST_TIMESTAMP) & 0xFFFFFFFF) // 9000 == 50


def test_a_frozen_camera_sends_one_keyframe_at_the_usual_times(media: Media) -> None:
    _, sink = with_fault(media, "frozen")
    ends = [((header(p)[1] - FIRST_TIMESTAMP) & 0xFFFFFFFF) // CLOCK_HZ for p in sink.rtp if header(p)[2]]
    assert len(ends) == 40 and ends[0] == 1 and ends[-1] >= 4
    pictures = {p[12:] for p in sink.rtp if header(p)[2]}
    assert len(pictures) == 1
    sequences = [header(p)[0] for p in sink.rtp]
    assert all((b - a) & 0xFFFF == 1 for a, b in pairwise(sequences))


def test_a_collapsed_frame_rate_leaves_the_keyframes(media: Media) -> None:
    _, sink = with_fault(media, "rate_collapse")
    ends = [((header(p)[1] - FIRST_TIMESTAMP) & 0xFFFFFFFF) // 9000 for p in sink.rtp if header(p)[2]]
    assert ends == list(range(10, 50, 5))


def test_dropping_loses_about_the_wanted_share_of_packets(media: Media) -> None:
    _, sink = with_fault(media, "drop", share=0.3)
    sequences = [header(p)[0] for p in sink.rtp]
    span = (sequences[-1] - sequences[0]) & 0xFFFF
    assert 0.15 < 1 - len(sequences) / (span + 1) < 0.45


def test_corruption_keeps_headers_and_spoils_payloads(media: Media) -> None:
    clean, (good,) = playing(media)
    run(clean, 4.98)
    _, sink = with_fault(media, "corrupt", share=0.5)
    originals = {header(p)[0]: p for p in good.rtp}
    spoilt = [p for p in sink.rtp if originals[header(p)[0]][12:] != p[12:]]
    assert all(originals[header(p)[0]][:12] == p[:12] and len(originals[header(p)[0]]) == len(p) for p in sink.rtp)
    assert 0.3 < len(spoilt) / len(sink.rtp) < 0.7


def test_a_drifting_clock_moves_timestamps_and_reports_together(media: Media) -> None:
    _, sink = with_fault(media, "clock_drift", ppm=20_000, offset_s=30)
    first, last = (((header(p)[1] - FIRST_TIMESTAMP) & 0xFFFFFFFF) / CLOCK_HZ for p in (sink.rtp[0], sink.rtp[-1]))
    assert last - first == pytest.approx(3.9 * 1.02, abs=0.01)
    stream, sink = with_fault(media, "clock_drift", ppm=20_000, offset_s=30)
    sink.next_report_s = 0
    stream.send_due(5.0)
    _, seconds, fraction, timestamp = struct.unpack_from(">IIII", sink.reports[-1], 4)
    drift_s = (5.0 - 0.98) * 0.02
    assert seconds - NTP_OFFSET_S + fraction / 2**32 == pytest.approx(WALL_S + 5.0 + 30 + drift_s, abs=1e-4)
    assert ((timestamp - FIRST_TIMESTAMP) & 0xFFFFFFFF) / CLOCK_HZ == pytest.approx(5.0 + drift_s, abs=1e-4)


def test_a_slow_link_carries_its_bit_rate_and_only_decodable_pictures(media: Media) -> None:
    usual, (everything,) = playing(media)
    run(usual, 4.98)
    _, sink = with_fault(media, "slow", kbit_s=60)
    bits = sum(len(p) * 8 for p in sink.rtp)
    assert 0 < bits < 60_000 * 4 + 160_000 < sum(len(p) * 8 for p in everything.rtp)
    assert ((header(sink.rtp[0])[1] - FIRST_TIMESTAMP) & 0xFFFFFFFF) // 9000 % 5 == 0


def test_garbage_replaces_pictures(media: Media) -> None:
    _, sink = with_fault(media, "garbage")
    assert sink.rtp == [] and len(sink.noise) == 40 and len(set(sink.noise)) == 40


def test_flapping_is_up_and_down_in_turns() -> None:
    active = ActiveFault("cam", fault("flapping", {"up_s": 2, "down_s": 3}), 10.0)
    assert [active.is_down(10.0 + second) for second in (0, 1.9, 2, 4.9, 5, 7, 9.9)] == [False, False, True, True, False, True, True]
