from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import BadSource
from sewu.simulate.server import nal
from tests.simulate.server.player import depacketise

BODY = st.binary(min_size=1, max_size=400)
H264_HEADER = st.integers(0x21, 0x77).filter(lambda header: 1 <= header & 0x1F <= 23)
H264_UNITS = st.lists(st.builds(lambda header, body: bytes([header]) + body, H264_HEADER, BODY), min_size=1, max_size=8)
HEVC_UNITS = st.lists(st.builds(lambda kind, body: bytes([kind << 1, 1]) + body, st.integers(0, 40), BODY), min_size=1, max_size=8)


@given(H264_UNITS, st.integers(16, 300))
def test_h264_units_come_out_of_their_payloads_unchanged(units: list[bytes], max_bytes: int) -> None:
    payloads = nal.rtp_payloads("h264", units, max_bytes)
    assert depacketise("h264", payloads) == units
    assert max(map(len, payloads)) <= max_bytes


@given(HEVC_UNITS, st.integers(16, 300))
def test_hevc_units_come_out_of_their_payloads_unchanged(units: list[bytes], max_bytes: int) -> None:
    payloads = nal.rtp_payloads("hevc", units, max_bytes)
    assert depacketise("hevc", payloads) == units
    assert max(map(len, payloads)) <= max_bytes


def test_an_aggregate_carries_the_highest_importance_of_its_units() -> None:
    (payload,) = nal.rtp_payloads("h264", [b"\x06sei", b"\x67sps"], 100)
    assert payload[0] == 0x60 | nal.STAP_A


@given(st.lists(st.binary(min_size=1, max_size=50).map(lambda b: b.replace(b"\0", b"\1")), max_size=6))
def test_annex_b_is_split_at_start_codes_of_either_length(units: list[bytes]) -> None:
    joined = b"".join((b"\0\0\0\1" if index % 2 else b"\0\0\1") + unit for index, unit in enumerate(units))
    assert nal.split_annex_b(joined) == units


@given(st.binary(max_size=200), st.integers(1, 4))
def test_any_bytes_are_split_or_refused(data: bytes, length_bytes: int) -> None:
    nal.split_annex_b(data)
    try:
        units = nal.split_length_prefixed(data, length_bytes)
    except BadSource:
        return
    assert sum(len(unit) for unit in units) <= len(data)


@given(st.sampled_from(["h264", "hevc"]), st.binary(max_size=120))
def test_any_stream_header_is_read_or_refused(codec: nal.Codec, header: bytes) -> None:
    try:
        units, length_bytes = nal.parameter_sets(codec, header)
    except BadSource:
        return
    assert length_bytes is None or 1 <= length_bytes <= 4
    assert all(isinstance(unit, bytes) for unit in units)


def test_a_cut_sample_is_refused() -> None:
    with pytest.raises(BadSource, match="cut off"):
        nal.split_length_prefixed(b"\0\0\0\5abc", 4)
