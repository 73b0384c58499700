"""When a camera is drained: the quiet ones seldom, the loud ones always, none too late."""

from __future__ import annotations

import time

import pytest

from sewu.connect.rtsp import RtspPoller
from sewu.connect.rtsp.poller import DRAIN_BYTES, MAX_WAIT_S
from sewu.simulate.server import serve_in_thread
from sewu.simulate.testcard import TestCard, encode_card
from tests.connect.rtsp.conftest import Clips, listen
from tests.connect.rtsp.test_faults import AheadClock, plan

POLL_S = 0.05


def settled(poller: RtspPoller, clock: AheadClock) -> None:
    """Let the camera play until its wait no longer depends on when it began."""
    listen(poller, lambda heard: len(heard.get("c0", [])) >= 5)
    clock.ahead_s += MAX_WAIT_S
    poller.poll()


@pytest.mark.parametrize("max_wait_s", [0.0, MAX_WAIT_S])
def test_a_quiet_camera_is_left_alone_up_to_the_longest_wait_and_no_longer(clips: Clips, max_wait_s: float) -> None:
    clock = AheadClock()
    poller = RtspPoller(clock, max_wait_s=max_wait_s)
    try:
        with serve_in_thread(plan(clips.h264)) as server:
            poller.add("c0", server.url("c0"))
            settled(poller, clock)
            time.sleep(0.35)  # three pictures
            assert bool(poller.poll()) == (max_wait_s == 0.0)
            clock.ahead_s += max_wait_s
            time.sleep(0.12)
            assert len(dict(poller.poll())["c0"]) >= (1 if max_wait_s == 0.0 else 4)
            assert poller.states()["c0"].dropped == 0
    finally:
        poller.close()


def test_a_camera_that_is_watched_live_is_drained_at_every_poll(clips: Clips) -> None:
    clock = AheadClock()
    poller = RtspPoller(clock)
    try:
        with serve_in_thread(plan(clips.h264)) as server:
            poller.add("c0", server.url("c0"))
            settled(poller, clock)
            time.sleep(0.35)
            assert not poller.poll()
            poller.prompt = frozenset({"c0"})
            assert len(dict(poller.poll())["c0"]) >= 2
    finally:
        poller.close()


def test_a_loud_camera_is_drained_before_its_buffer_is_full(tmp_path_factory: pytest.TempPathFactory) -> None:
    card = TestCard(width_px=640, height_px=360, rate_fps=10, duration_s=1.0, gop_s=0.5, kbit_s=8000)
    path = encode_card(card, tmp_path_factory.mktemp("loud") / "loud.mp4")
    clock = AheadClock()
    poller = RtspPoller(clock)
    try:
        with serve_in_thread(plan(path)) as server:
            poller.add("c0", server.url("c0"))
            listen(poller, lambda heard: len(heard.get("c0", [])) >= 20)
            largest = total = 0
            end_s = clock.steady_s() + 1.5
            while clock.steady_s() < end_s:
                octets = sum(len(packet.data) for _, packets in poller.poll() for packet in packets)
                largest, total = max(largest, octets), total + octets
                time.sleep(POLL_S)
    finally:
        poller.close()
    biggest_picture = path.stat().st_size // 4
    assert total > 4 * DRAIN_BYTES
    assert largest < 2 * DRAIN_BYTES + biggest_picture
