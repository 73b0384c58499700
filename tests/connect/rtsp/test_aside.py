"""Cameras that send over UDP only, in a side process; and the format in which their packets come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import CameraUnreachable, SewuError, StreamBroken
from sewu.base.records import Packet, StreamInfo
from sewu.connect.rtsp.aside import Aside
from sewu.connect.rtsp.handing import Unframed, of_failure, of_packet, of_stream
from sewu.simulate.server import serve_in_thread
from sewu.simulate.server.faults import fault
from tests.connect.rtsp.conftest import Clips, listen
from tests.connect.rtsp.test_faults import plan, polling

STREAM = StreamInfo("h264", Fraction(1, 90_000), b"\0\0\0\1g", 640, 360, 12.5)


def side_processes() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if "sewu.connect.rtsp.sideprocess" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def test_a_camera_that_refuses_tcp_is_received_over_udp_and_a_killed_side_process_is_started_again(clips: Clips) -> None:
    with serve_in_thread(plan(clips.h264)) as server, polling() as (poller, clock):
        server.set_fault("c0", fault("udp_only"))
        poller.add("c0", server.url("c0"))
        first = listen(poller, lambda heard: len(heard.get("c0", [])) >= 6, 20.0)["c0"]
        state = poller.states()["c0"]
        assert (state.name, state.over_udp) == ("playing", True)
        assert state.aside_cpu_s > 0
        assert first[0].stream.codec == "h264"
        assert any(packet.is_keyframe for packet in first)
        (process,) = side_processes()
        process.send_signal(signal.SIGKILL)
        listen(poller, lambda _: poller.states()["c0"].name == "waiting")
        assert "ended" in poller.states()["c0"].reason
        clock.ahead_s += 2.0
        listen(poller, lambda heard: bool(heard), 20.0)
        assert poller.states()["c0"].aside_cpu_s > state.aside_cpu_s
    assert side_processes() == []


def test_why_a_side_process_failed_is_said_and_it_is_tried_again_later(clips: Clips) -> None:
    with serve_in_thread(plan(clips.h264)) as server, polling() as (poller, _):
        poller.add("gone", server.url("c0").replace("c0", "other"), transport="udp")
        listen(poller, lambda _: poller.states()["gone"].name == "refused", 20.0)
        state = poller.states()["gone"]
        assert "refused" in state.reason
        assert state.over_udp


def test_a_side_process_ends_when_the_process_that_started_it_is_killed() -> None:
    code = (
        "import sys, time; from sewu.connect.rtsp.aside import Aside\n"
        "print(Aside('c', 'rtsp://127.0.0.1:9/x', None).pid, flush=True); time.sleep(60)"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths})
    try:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait(5.0)
        deadline_s = time.monotonic() + 8.0
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
    except psutil.NoSuchProcess:
        pass
    finally:
        parent.kill()
        parent.wait(5.0)
        if parent.stdout is not None:
            parent.stdout.close()


def test_a_password_does_not_stand_in_the_list_of_processes() -> None:
    aside = Aside("c", "rtsp://u:secret@127.0.0.1:9/x", None)
    try:
        assert "secret" not in " ".join(psutil.Process(aside.pid).cmdline())
        assert "secret" not in aside.name
    finally:
        aside.close()


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=60), st.integers(-(2**63), 2**63 - 1), st.booleans()), max_size=8), st.integers(1, 80)
)
def test_what_is_handed_over_comes_back_the_same_in_any_pieces(packets: list[tuple[bytes, int, bool]], step: int) -> None:
    wanted = [Packet("c", STREAM, data, pts, pts, 1.5, is_keyframe) for data, pts, is_keyframe in packets]
    data = of_stream(STREAM, 0.5) + b"".join(of_packet(packet, 0.75) for packet in wanted)
    frames, got = Unframed("c"), []
    for at in range(0, len(data), step):
        got += frames.take(data[at : at + step])
    assert got == wanted
    assert frames.cpu_s == (0.75 if wanted else 0.5)


def test_a_failure_comes_back_as_the_error_that_it_was() -> None:
    with pytest.raises(CameraUnreachable, match="no answer"):
        Unframed("c").take(of_failure(CameraUnreachable("no answer", "Look."), 0.0))


@given(st.binary(max_size=80), st.integers(0, 255), st.integers(0, 200))
def test_no_bytes_from_the_pipe_make_the_reader_fall(noise: bytes, kind: int, length: int) -> None:
    frames = Unframed("c")
    for data in (noise, b"SEWU" + bytes([kind]) + length.to_bytes(4, "big") + bytes(8) + noise):
        try:
            frames.take(data)
        except SewuError as error:
            assert isinstance(error, StreamBroken)
            frames = Unframed("c")


def test_a_length_beyond_the_bound_is_an_error_and_not_a_wait(tmp_path: Path) -> None:
    with pytest.raises(StreamBroken):
        Unframed("c").take(b"SEWU\2\xff\xff\xff\xff" + bytes(8))
