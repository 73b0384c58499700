"""Cameras that misbehave: each ends where it should, and none delays another."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sewu.base.clock import SystemClock
from sewu.connect.rtsp import RtspPoller
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, serve_in_thread
from sewu.simulate.server.faults import fault
from tests.connect.rtsp.conftest import Clips, listen


class AheadClock(SystemClock):
    """The system's clock, which can be put ahead so that no test waits for a time-out."""

    ahead_s = 0.0

    def steady_s(self) -> float:
        return super().steady_s() + self.ahead_s


@contextmanager
def polling(max_connecting: int = 64) -> Iterator[tuple[RtspPoller, AheadClock]]:
    clock = AheadClock()
    poller = RtspPoller(clock, max_connecting)
    try:
        yield poller, clock
    finally:
        poller.close()


def plan(path: Path, count: int = 1) -> ServerPlan:
    return ServerPlan(cameras=tuple(ServedCamera(id=f"c{n}", main=StreamFile(path=path), phase_s=n * 0.13) for n in range(count)))


def test_a_camera_that_goes_and_comes_back_is_received_again(clips: Clips) -> None:
    with serve_in_thread(plan(clips.h264)) as server, polling() as (poller, clock):
        poller.add("c0", server.url("c0"))
        listen(poller, lambda heard: bool(heard))
        server.set_fault("c0", fault("refuse"))
        listen(poller, lambda _: poller.states()["c0"].name == "waiting")
        assert poller.states()["c0"].reason
        server.set_fault("c0", None)
        clock.ahead_s += 2.0
        again = listen(poller, lambda heard: len(heard.get("c0", [])) >= 2)["c0"]
        assert again[0].is_keyframe
        assert poller.states()["c0"].reconnects == 1


@pytest.mark.parametrize("kind", ["stall", "offline", "half_open"])
def test_a_camera_without_pictures_is_left_after_ten_seconds(clips: Clips, kind: str) -> None:
    with serve_in_thread(plan(clips.h264)) as server, polling() as (poller, clock):
        if kind == "half_open":
            server.set_fault("c0", fault("half_open"))
        poller.add("c0", server.url("c0"))
        listen(poller, lambda heard: bool(heard) or (kind == "half_open" and poller.states()["c0"].name == "playing"))
        server.set_fault("c0", fault(kind))
        listen(poller, lambda _: not poller.poll())
        clock.ahead_s += 9.0
        poller.poll()
        assert poller.states()["c0"].name == "playing"
        clock.ahead_s += 3.0
        listen(poller, lambda _: poller.states()["c0"].name == "waiting")
        assert "no picture" in poller.states()["c0"].reason


def test_garbage_and_endless_redirects_end_and_harm_no_other_camera(clips: Clips) -> None:
    with serve_in_thread(plan(clips.h264, 3)) as server, polling() as (poller, _):
        for n in range(3):
            poller.add(f"c{n}", server.url(f"c{n}"))
        listen(poller, lambda heard: len(heard) == 3)
        server.set_fault("c0", fault("garbage"))
        listen(poller, lambda _: poller.states()["c0"].name == "waiting")
        server.set_fault("c1", fault("redirect"))
        poller.add("c1", server.url("c1"))
        heard = listen(poller, lambda heard: poller.states()["c1"].name == "refused" and len(heard.get("c2", [])) >= 3)
        assert "redirects without end" in poller.states()["c1"].reason
        assert {packet.camera_id for packet in heard["c2"]} == {"c2"}


def test_missing_rtp_packets_cost_pictures_and_are_counted(clips: Clips) -> None:
    with serve_in_thread(plan(clips.h264)) as server, polling() as (poller, _):
        server.set_fault("c0", fault("drop", {"share": 0.3}))
        poller.add("c0", server.url("c0"))
        listen(poller, lambda _: poller.states()["c0"].lost >= 3 and poller.states()["c0"].units >= 3)


def test_forty_cameras_play_with_few_connecting_at_a_time(clips: Clips) -> None:
    with serve_in_thread(plan(clips.h264, 40)) as server, polling(max_connecting=8) as (poller, _):
        for n in range(40):
            poller.add(f"c{n}", server.url(f"c{n}"))
        most = 0

        def all_play(heard: dict[str, list[object]]) -> bool:
            nonlocal most
            most = max(most, sum(state.name == "connecting" for state in poller.states().values()))
            return len(heard) == 40

        listen(poller, all_play)  # type: ignore[arg-type]
        assert most <= 8


def test_a_host_that_accepts_and_says_nothing_does_not_keep_others_waiting(clips: Clips) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, serve_in_thread(plan(clips.h264)) as server, polling() as (poller, clock):
        poller.add("mute", f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x")
        poller.add("c0", server.url("c0"))
        listen(poller, lambda heard: "c0" in heard)
        assert poller.states()["mute"].name == "connecting"
        clock.ahead_s += 11.0
        poller.poll()
        assert poller.states()["mute"].name == "waiting"


def test_unknown_paths_names_and_addresses_are_said_to_be_so(clips: Clips) -> None:
    with serve_in_thread(plan(clips.h264)) as server, polling() as (poller, _):
        poller.add("path", server.url("c0").replace("c0", "other"))
        poller.add("name", "rtsp://u:secret@no-such-host.invalid/x")
        poller.add("kind", "http://127.0.0.1/x")
        listen(poller, lambda _: all(state.reason for state in poller.states().values()))
        states = poller.states()
        assert (states["path"].name, states["name"].name, states["kind"].name) == ("refused", "waiting", "refused")
        assert "404" in states["path"].reason
        assert all("secret" not in state.reason for state in states.values())


def test_nothing_is_left_open_after_many_starts(clips: Clips) -> None:
    with serve_in_thread(plan(clips.h264)) as server, polling() as (poller, _):
        poller.add("c0", server.url("c0"))
        listen(poller, lambda heard: bool(heard))
        threads, descriptors = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            poller.add("c0", server.url("c0"))
            listen(poller, lambda _: poller.states()["c0"].name == "playing")
        listen(poller, lambda _: len(list(Path("/proc/self/fd").iterdir())) <= descriptors)
        assert threading.active_count() == threads
