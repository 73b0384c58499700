"""One RTSP camera as a source: `sewu analyze rtsp://...`."""

from __future__ import annotations

from itertools import islice

import pytest

from sewu.base.clock import SystemClock
from sewu.base.errors import CameraUnreachable, Refused, StreamBroken
from sewu.base.interfaces import Source
from sewu.connect.opening import open_source
from sewu.connect.rtsp.source import RtspSource
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, serve_in_thread
from sewu.simulate.server.faults import fault
from tests.connect.rtsp.conftest import Clips
from tests.connect.rtsp.test_faults import AheadClock, plan


def test_an_rtsp_address_opens_with_our_own_client_and_its_stream_is_described(clips: Clips) -> None:
    camera = ServedCamera(id="c0", main=StreamFile(path=clips.hevc), user="u", password="p@")
    with serve_in_thread(ServerPlan(cameras=(camera,))) as server:
        source: Source = open_source(server.url("c0").replace("//", "//u:p%40@"), "cam", SystemClock())
        try:
            assert isinstance(source, RtspSource)
            assert (source.stream.codec, source.stream.width_px, source.stream.height_px) == ("hevc", 320, 180)
            packets = list(islice(source, 8))
        finally:
            source.close()
    assert len({packet.pts for packet in packets}) == 8
    assert {packet.camera_id for packet in packets} == {"cam"}
    assert "p@" not in source.name
    with pytest.raises(StreamBroken, match="closed"):
        list(source)


def test_a_camera_that_dies_ends_the_source_with_an_error_that_says_to_try_again(clips: Clips) -> None:
    with serve_in_thread(plan(clips.h264)) as server:
        source = RtspSource(server.url("c0"), "c0", SystemClock())
        try:
            packets = iter(source)
            next(packets)
            server.set_fault("c0", fault("refuse"))
            with pytest.raises((StreamBroken, CameraUnreachable)):
                list(packets)
        finally:
            source.close()


def test_a_camera_that_falls_silent_ends_the_source_after_ten_seconds(clips: Clips) -> None:
    clock = AheadClock()
    with serve_in_thread(plan(clips.h264)) as server:
        source = RtspSource(server.url("c0"), "c0", clock)
        try:
            packets = iter(source)
            next(packets)
            server.set_fault("c0", fault("stall"))
            clock.ahead_s += 9.0
            with pytest.raises(StreamBroken, match="no picture"):
                for _ in packets:
                    clock.ahead_s += 0.2
        finally:
            source.close()


def test_a_wrong_password_and_a_closed_port_are_said_at_once(clips: Clips) -> None:
    camera = ServedCamera(id="c0", main=StreamFile(path=clips.h264), user="u", password="p")
    with serve_in_thread(ServerPlan(cameras=(camera,))) as server:
        url = server.url("c0")
        with pytest.raises(Refused, match="log-in"):
            open_source(url.replace("//", "//u:wrong@"), "c0", SystemClock())
    with pytest.raises(CameraUnreachable):
        open_source(url, "c0", SystemClock())
