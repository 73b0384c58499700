"""Payloads into access units: what is built from whole packets, and what is left out after a loss."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.connect.rtsp.h264 import H264
from sewu.connect.rtsp.h265 import H265
from sewu.connect.rtsp.rtp import BEYOND_BYTES, RtpReceiver, Unit
from sewu.connect.rtsp.units import MAX_UNIT_BYTES, START_CODE, Units

SPS, PPS = b"\x67\x42\x00\x1e\xab", b"\x68\xce\x3c\x80"
IDR, INTER = b"\x65\x88" + bytes(range(200)), b"\x41\x9a" + bytes(range(100, 220))
H265_IDR = b"\x26\x01\xaf" + bytes(range(200))
FORMS = {"h264": H264, "hevc": H265}


def frame(
    payload: bytes, sequence: int, timestamp: int, marker: bool = False, ssrc: int = 7, extra: bytes = b"", flags: int = 0x80
) -> bytes:
    """One interleaved RTP packet on channel 0, payload type 96."""
    head = struct.pack(">BBHII", flags, (0x80 if marker else 0) | 96, sequence & 0xFFFF, timestamp, ssrc)[:12]
    return struct.pack(">BBH", 0x24, 0, len(head) + len(extra) + len(payload)) + head + extra + payload


def fragments(unit: bytes, size: int = 50) -> list[bytes]:
    """RFC 6184 FU-A."""
    body = [unit[at : at + size] for at in range(1, len(unit), size)]
    flags = [(0x80 if index == 0 else 0) | (0x40 if index == len(body) - 1 else 0) for index in range(len(body))]
    return [bytes((unit[0] & 0xE0 | 28, flag | unit[0] & 0x1F)) + part for flag, part in zip(flags, body, strict=True)]


def h265_fragments(unit: bytes, size: int = 50) -> list[bytes]:
    """RFC 7798 FU."""
    kind = unit[0] >> 1 & 0x3F
    body = [unit[at : at + size] for at in range(2, len(unit), size)]
    flags = [(0x80 if index == 0 else 0) | (0x40 if index == len(body) - 1 else 0) for index in range(len(body))]
    return [bytes((unit[0] & 0x81 | 49 << 1, unit[1], flag | kind)) + part for flag, part in zip(flags, body, strict=True)]


def picture(payloads: Sequence[bytes], sequence: int, timestamp: int) -> list[bytes]:
    last = len(payloads) - 1
    return [frame(payload, sequence + index, timestamp, index == last) for index, payload in enumerate(payloads)]


def received(data: bytes, units: Units | None = None, step: int | None = None) -> tuple[RtpReceiver, list[Unit]]:
    """Walk over data in steps, keeping the rest as the session does."""
    receiver = RtpReceiver(0, 96, units or Units(H264))
    rest = b""
    for at in range(0, len(data), step or max(1, len(data))):
        rest += data[at : at + (step or len(data))]
        used = receiver.walk(memoryview(rest + bytes(BEYOND_BYTES)), 0, len(rest))
        receiver.units.settle()
        rest = rest[used:]
    return receiver, receiver.done


def annexb(*units: bytes) -> bytes:
    return b"".join(START_CODE + unit for unit in units)


def test_single_aggregated_and_fragmented_units_become_one_access_unit() -> None:
    stap = b"\x78" + b"".join(struct.pack(">H", len(unit)) + unit for unit in (SPS, PPS))
    receiver, done = received(b"".join(picture([stap, *fragments(IDR)], 65_534, 900) + picture([INTER], 65_534 + 6, 4500)))
    assert done == [(900, annexb(SPS, PPS, IDR), True, True), (4500, annexb(INTER), False, False)]
    assert receiver.units.extradata() == annexb(SPS, PPS)
    assert receiver.lost == 0
    assert receiver.highest == 0x10000 + 4


def test_h265_fragments_and_aggregates_become_one_access_unit() -> None:
    vps, sps, pps = b"\x40\x01abc", b"\x42\x01def", b"\x44\x01ghi"
    ap = b"\x60\x01" + b"".join(struct.pack(">H", len(unit)) + unit for unit in (vps, sps, pps))
    receiver, done = received(b"".join(picture([ap, *h265_fragments(H265_IDR)], 1, 900)), Units(H265))
    assert done == [(900, annexb(vps, sps, pps, H265_IDR), True, True)]
    assert receiver.units.extradata() == annexb(vps, sps, pps)


def test_a_unit_ends_where_the_timestamp_changes_when_the_marker_is_missing() -> None:
    _, done = received(frame(IDR, 1, 0) + frame(INTER, 2, 3600) + frame(INTER, 3, 7200))
    assert [timestamp for timestamp, *_ in done] == [0, 3600]


def test_extension_sources_and_padding_are_not_payload() -> None:
    extension = b"\xbe\xde\x00\x01" + b"wxyz"
    data = frame(IDR, 1, 0, True, extra=b"csrc" + extension, flags=0x91) + frame(INTER + b"\0\0\3", 2, 9, True, flags=0xA0)
    assert [unit[1] for unit in received(data)[1]] == [annexb(IDR), annexb(INTER)]


@pytest.mark.parametrize("missing", range(5))
def test_a_lost_packet_costs_its_access_unit_and_is_counted(missing: int) -> None:
    packets = picture([SPS, *fragments(IDR)], 10, 0)
    assert len(packets) == 6
    del packets[missing + 1]
    whole = picture(fragments(IDR), 16, 3600)
    receiver, done = received(b"".join(picture([INTER], 9, 1) + packets + whole))
    assert [timestamp for timestamp, *_ in done] == [1, 3600]
    assert (receiver.lost, receiver.units.dropped) == (1, 1)


def test_listening_that_begins_within_a_picture_waits_for_the_next() -> None:
    _, done = received(b"".join(picture(fragments(IDR), 5, 0)[2:] + picture([INTER], 10, 3600)))
    assert [timestamp for timestamp, *_ in done] == [3600]


def test_another_sender_begins_anew_without_counting_a_loss() -> None:
    data = frame(fragments(IDR)[0], 1, 0, ssrc=1) + frame(IDR, 900, 50, True, ssrc=2)
    receiver, done = received(data)
    assert [timestamp for timestamp, *_ in done] == [50]
    assert receiver.lost == 0


def test_a_unit_without_end_is_given_up_and_its_memory_with_it() -> None:
    receiver = RtpReceiver(0, 96, Units(H264))
    big = bytes(60_000)
    for sequence in range(MAX_UNIT_BYTES // 60_000 + 3):
        data = frame((b"\x7c\x85" if sequence == 0 else b"\x7c\x05") + big, sequence, 0)
        receiver.walk(memoryview(data + bytes(BEYOND_BYTES)), 0, len(data))
        receiver.units.settle()
    assert receiver.units.broken
    data = frame(IDR, sequence + 1, 1, True)
    receiver.walk(memoryview(data + bytes(BEYOND_BYTES)), 0, len(data))
    assert [timestamp for timestamp, *_ in receiver.done] == [1]


@given(
    st.sampled_from(sorted(FORMS)),
    st.lists(st.tuples(st.binary(max_size=40), st.booleans(), st.integers(0, 3)), max_size=20),
    st.integers(1, 30),
)
def test_any_payloads_give_the_same_byte_by_byte_as_at_once(codec: str, payloads: list[tuple[bytes, bool, int]], step: int) -> None:
    data = b"".join(frame(payload, index + index // 7, ticks, marker) for index, (payload, marker, ticks) in enumerate(payloads))
    assert received(data, Units(FORMS[codec]))[1] == received(data, Units(FORMS[codec]), step)[1]


@given(st.binary(max_size=400), st.integers(1, 40))
def test_garbage_behind_a_frame_mark_never_raises(noise: bytes, step: int) -> None:
    data = b"$\0" + noise
    assert received(data)[1] == received(data, None, step)[1]


@given(st.lists(st.integers(2, 400), min_size=1, max_size=12), st.integers(0, 65_535), st.integers(20, 300))
def test_any_picture_sizes_come_back_bit_for_bit(sizes: list[int], sequence: int, size: int) -> None:
    data, wanted = b"", []
    for index, length in enumerate(sizes):
        unit = b"\x65\x88" + bytes((index * 7 + at) % 251 + 1 for at in range(length))
        payloads = fragments(unit, size) if len(unit) - 1 > size else [unit]
        data += b"".join(picture(payloads, sequence, index * 3600))
        sequence += len(payloads)
        wanted.append((index * 3600, annexb(unit), True, False))
    assert received(data)[1] == wanted
