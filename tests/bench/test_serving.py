from __future__ import annotations

import struct
from pathlib import Path

import pytest

from sewu.base.errors import StreamBroken
from sewu.bench.serving import NTP_OFFSET_S, Viewer, measure_serving, report
from sewu.simulate.testcard import TestCard, encode_card


def framed(channel: int, packet: bytes) -> bytes:
    return b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet


def rtp(timestamp: int, marker: bool) -> bytes:
    return framed(0, struct.pack(">BBHII", 0x80, 96 | marker << 7, 0, timestamp & 0xFFFFFFFF, 1) + b"payload")


def test_lateness_is_arrival_against_capture_in_whatever_pieces_and_over_the_timestamp_s_end() -> None:
    sender = struct.pack(">BBHIIIIII", 0x80, 200, 6, 1, 1_700_000_000 + NTP_OFFSET_S, 1 << 31, 0xFFFFF000, 0, 0)
    stream = framed(1, sender) + rtp(0xFFFFF000, False) + rtp(0xFFFFF000, True) + rtp(0xFFFFF000 + 9000, True)
    viewer = Viewer(sock=None)  # type: ignore[arg-type]
    for at in range(0, len(stream), 7):
        viewer.take(stream[at : at + 7], 1_700_000_000.75)
    assert viewer.late_s == pytest.approx([0.25, 0.15], abs=1e-6)
    assert viewer.received == len(stream)


def test_what_is_no_rtp_is_a_defect() -> None:
    with pytest.raises(StreamBroken):
        Viewer(sock=None).take(b"garbage", 0.0)  # type: ignore[arg-type]


def test_serving_is_measured_for_every_camera(tmp_path: Path) -> None:
    file = encode_card(TestCard(width_px=160, height_px=90, duration_s=1.0, gop_s=0.5, kbit_s=100), tmp_path / "card.mp4")
    cost = measure_serving("sub", 5, 2.0, tmp_path, [file])
    assert 80 <= cost.pictures <= 120 and sum(cost.late_counts) == cost.pictures
    assert 0 < cost.cpu_ms < 50 and cost.megabits_per_s > 0.02
    assert 0 < cost.latest_s < 2 and cost.lost == 0
    assert cost.p50_s <= cost.p99_s <= cost.latest_s
    assert f"CPU {cost.cpu_ms:.3f} ms per camera-second" in report(cost)
