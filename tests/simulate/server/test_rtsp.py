"""The server over real sockets, asked by the tests' own player."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.clock import ManualClock
from sewu.simulate.server import RunningServer, ServedCamera, ServerPlan, ServerSettings, StreamFile, fault, serve_in_thread
from sewu.simulate.server.faults import FAULT_KINDS
from sewu.simulate.server.hub import FileKey, Hub
from sewu.simulate.server.media import Media, load_media, packet_ranges
from sewu.simulate.server.playing import NTP_OFFSET_S
from sewu.simulate.server.rtsp import RtspConnection, offers, target_of
from tests.simulate.server.conftest import Clips
from tests.simulate.server.player import Player


def cameras(clips: Clips) -> tuple[ServedCamera, ...]:
    main, sub = StreamFile(path=clips.h264), StreamFile(path=clips.hevc)
    login = {"user": "viewer", "password": 's3cret: "x"'}
    return (
        ServedCamera(id="open", main=main, sub=sub, phase_s=0.7),
        ServedCamera(id="single", main=main),
        ServedCamera(id="basic", main=main, auth="basic", **login),  # type: ignore[arg-type]
        ServedCamera(id="digest", main=main, auth="digest", **login),  # type: ignore[arg-type]
        ServedCamera(id="sha", main=main, auth="digest-sha256", **login),  # type: ignore[arg-type]
        *(ServedCamera(id=f"broken{index}", main=main) for index in range(12)),
    )


@pytest.fixture(scope="module")
def server(clips: Clips) -> Iterator[RunningServer]:
    before = threading.active_count()
    with serve_in_thread(ServerPlan(cameras=cameras(clips))) as running:
        yield running
    assert threading.active_count() <= before


def test_options_names_the_methods_without_a_login(server: RunningServer) -> None:
    with Player(server.url("digest")) as player:
        answer = player.ask("OPTIONS")
        assert answer.status == 200 and "GET_PARAMETER" in answer.headers["public"]


def test_describe_gives_the_stream(server: RunningServer) -> None:
    with Player(server.url("open")) as player:
        answer = player.ask("DESCRIBE", Accept="application/sdp")
        assert answer.status == 200 and answer.headers["content-type"] == "application/sdp"
        assert answer.headers["content-base"] == server.url("open") + "/"
        assert b"H264/90000" in answer.body and b"sprop-parameter-sets=" in answer.body
        assert b"H265/90000" in player.ask("DESCRIBE", server.url("open", sub=True)).body


@pytest.mark.parametrize("path", ["nobody/main", "open/other", "single/sub", "open", "open/main/trackID=2", "%2e%2e/main"])
def test_unknown_paths_are_not_found(server: RunningServer, path: str) -> None:
    with Player(server.url("open")) as player:
        assert player.ask("DESCRIBE", server.url("open").replace("open/main", path)).status == 404


@pytest.mark.parametrize("camera", ["open", "basic", "digest", "sha"])
def test_pictures_arrive_unchanged_over_tcp(server: RunningServer, clips: Clips, camera: str) -> None:
    with Player(server.url(camera), "viewer", 's3cret: "x"') as player:
        player.play()
        pictures = player.pictures(21)
    media = load_media(clips.h264)
    templates = [[p.template[start + 12 : end] for start, end in packet_ranges(p)] for p in media.pictures]
    received = [[packet[12:] for packet in picture] for picture in pictures]
    first = templates.index(received[0])
    assert first % 5 == 0
    assert received == [templates[(first + index) % 20] for index in range(21)]
    sequences = [int.from_bytes(packet[2:4], "big") for picture in pictures for packet in picture]
    assert all((b - a) & 0xFFFF == 1 for a, b in pairwise(sequences))
    assert {packet[8:12] for picture in pictures for packet in picture} == {pictures[0][0][8:12]}


def test_reports_and_truth_agree_on_the_time_of_every_picture(server: RunningServer, clips: Clips) -> None:
    with Player(server.url("open")) as player:
        player.play()
        picture = player.pictures(1)[0]
        report = next(data for channel, data in player.packets if channel == 1)
    seconds, fraction, at_report = struct.unpack_from(">III", report, 8)
    (timestamp,) = struct.unpack_from(">I", picture[0], 4)
    at_s = seconds - NTP_OFFSET_S + fraction / 2**32 + ((timestamp - at_report + 2**31) % 2**32 - 2**31) / 90_000
    assert abs(at_s - time.time()) < 1.5
    moment = server.server.moment("open", at_s)
    media = load_media(clips.h264)
    wanted = [packet[12:] for packet in picture]
    shown = next(p for p in media.pictures if [p.template[a + 12 : b] for a, b in packet_ranges(p)] == wanted)
    # Half a microsecond of rounding may put the moment just before the seam.
    assert (moment.media_s - shown.pts_ticks / 90_000 + 1) % 2.0 == pytest.approx(1.0, abs=1e-4)


def test_pictures_arrive_over_udp_and_a_report_with_them(server: RunningServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp:
        for sock in (rtp, rtcp):
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(8)
        ports = f"{rtp.getsockname()[1]}-{rtcp.getsockname()[1]}"
        with Player(server.url("single")) as player:
            setup = player.play(f"RTP/AVP;unicast;client_port={ports}")
            assert f"client_port={ports}" in setup.headers["transport"] and "server_port=" in setup.headers["transport"]
            sequences = [int.from_bytes(rtp.recv(2048)[2:4], "big") for _ in range(40)]
            assert rtcp.recv(2048)[1] == 200
            assert player.ask("TEARDOWN").status == 200
    assert all((b - a) & 0xFFFF == 1 for a, b in pairwise(sequences))


def test_several_clients_of_one_stream_get_the_same_packets(server: RunningServer) -> None:
    with Player(server.url("single")) as a, Player(server.url("single")) as b:
        a.play()
        b.play("RTP/AVP/TCP;unicast;interleaved=4-5")
        mine = {p[2:4]: p for p in a.rtp(60)}
        theirs: list[bytes] = []
        until = time.monotonic() + 10
        while len(theirs) < 30 and time.monotonic() < until:
            item = b._item()
            if isinstance(item, tuple) and item[0] == 4:
                theirs.append(item[1])
        shared = [p for p in theirs if p[2:4] in mine]
        assert len(shared) > 10 and all(mine[p[2:4]] == p for p in shared)


def test_pause_stops_and_play_goes_on(server: RunningServer) -> None:
    with Player(server.url("single")) as player:
        player.play()
        player.rtp(5)
        assert player.ask("PAUSE").status == 200
        assert player.is_silent(0.4)
        assert player.ask("PLAY").status == 200
        assert len(player.rtp(5)) == 5
        assert player.ask("GET_PARAMETER").status == 200
        assert player.ask("SET_PARAMETER").status == 200
        assert player.ask("TEARDOWN").status == 200
        assert player.ask("PLAY").status == 454


def test_requests_out_of_order_are_refused(server: RunningServer) -> None:
    with Player(server.url("single")) as player:
        assert player.ask("PLAY").status == 454
        assert player.ask("SETUP", Transport="RTP/AVP;multicast").status == 461
        assert player.ask("SETUP", Transport="RTP/AVP;unicast;client_port=80-81").status == 461
        assert player.ask("SETUP").status == 461
        assert player.ask("RECORD").status == 501
        player.play()
        assert player.ask("SETUP", Transport="RTP/AVP/TCP;interleaved=2-3").status == 455
        assert player.ask("PAUSE", server.url("open")).status == 454


def test_a_session_belongs_to_its_connection(server: RunningServer) -> None:
    with Player(server.url("single")) as owner, Player(server.url("single")) as thief:
        owner.play()
        thief.session = owner.session
        assert thief.ask("TEARDOWN").status == 454
        assert len(owner.rtp(3)) == 3


@pytest.mark.parametrize("camera", ["basic", "digest", "sha"])
def test_a_wrong_password_stays_outside(server: RunningServer, camera: str) -> None:
    with Player(server.url(camera), "viewer", "wrong") as player:
        assert player.ask("DESCRIBE").status == 401
        assert player.ask("SETUP", Transport="RTP/AVP/TCP").status == 401


def test_noise_ends_the_connection_and_nothing_else(server: RunningServer) -> None:
    with Player(server.url("single")) as player:
        player.sock.sendall(b"\x00\x01\x02 nonsense\r\n\r\n")
        assert player.ends()
    with Player(server.url("single")) as player:
        assert player.ask("DESCRIBE").status == 200


def test_refuse_resets_players_and_newcomers(server: RunningServer) -> None:
    with Player(server.url("broken0")) as player:
        player.play()
        server.set_fault("broken0", fault("refuse"))
        assert player.ends()
    with Player(server.url("broken0")) as player, pytest.raises(ConnectionError):
        player.ask("DESCRIBE")
    server.set_fault("broken0", None)
    with Player(server.url("broken0")) as player:
        assert player.ask("DESCRIBE").status == 200


def test_an_offline_camera_says_nothing_and_closes_nothing(server: RunningServer) -> None:
    server.set_fault("broken1", fault("offline"))
    with Player(server.url("broken1")) as player:
        player.send("DESCRIBE")
        assert player.is_silent(0.5)


def test_a_half_open_camera_falls_silent_after_play(server: RunningServer) -> None:
    server.set_fault("broken2", fault("half_open"))
    with Player(server.url("broken2")) as player:
        player.play()
        player.send("GET_PARAMETER")
        assert player.is_silent(0.7)


def test_a_stalled_camera_still_answers(server: RunningServer) -> None:
    with Player(server.url("broken3")) as player:
        player.play()
        player.rtp(3)
        server.set_fault("broken3", fault("stall"))
        assert player.ask("GET_PARAMETER").status == 200
        player._rest = b""
        assert player.is_silent(0.5)


def test_a_changed_password_refuses_everybody(server: RunningServer) -> None:
    server.set_fault("digest", fault("wrong_password"))
    try:
        with Player(server.url("digest"), "viewer", 's3cret: "x"') as player:
            assert player.ask("DESCRIBE").status == 401
    finally:
        server.set_fault("digest", None)


def test_redirects_have_no_end(server: RunningServer) -> None:
    server.set_fault("broken4", fault("redirect"))
    with Player(server.url("broken4")) as player:
        seen, url = set(), server.url("broken4")
        for _ in range(5):
            answer = player.ask("DESCRIBE", url)
            url = answer.headers["location"]
            assert answer.status == 302 and url not in seen
            seen.add(url)


def test_a_huge_description_is_huge(server: RunningServer) -> None:
    server.set_fault("broken5", fault("8k-sdp"))
    with Player(server.url("broken5")) as player:
        body = player.ask("DESCRIBE").body
        assert len(body) > 8192 and b"7680,4320" in body


def test_a_slow_camera_answers_late(server: RunningServer) -> None:
    server.set_fault("broken6", fault("slow", {"delay_s": 0.4}))
    with Player(server.url("broken6")) as player:
        began = time.monotonic()
        assert player.ask("DESCRIBE").status == 200
        assert time.monotonic() - began >= 0.4


def test_garbage_is_no_rtsp(server: RunningServer) -> None:
    server.set_fault("broken7", fault("garbage"))
    with Player(server.url("broken7")) as player:
        player.send("DESCRIBE")
        assert len(player.sock.recv(600)) > 0


def test_flapping_resets_players_when_it_goes_down(server: RunningServer) -> None:
    with Player(server.url("broken8")) as player:
        player.play()
        server.set_fault("broken8", fault("flapping", {"up_s": 0.3, "down_s": 60}))
        assert player.ends()


def test_a_collapsed_bit_rate_keeps_the_times_and_loses_the_bits(server: RunningServer) -> None:
    with Player(server.url("broken9")) as player:
        player.play()
        before = sum(len(p) for picture in player.pictures(20) for p in picture)
        server.set_fault("broken9", fault("bitrate_collapse", {"kbit_s": 30}))
        thin = before
        for _ in range(6):
            pictures = player.pictures(10)
            thin = min(thin, 2 * sum(len(p) for picture in pictures for p in picture))
            if thin < before * 0.6:
                break
        assert thin < before * 0.6
        stamps = [struct.unpack_from(">I", picture[0], 4)[0] for picture in player.pictures(10)]
        assert all((b - a) & 0xFFFFFFFF == 9000 for a, b in pairwise(stamps))


def test_a_silent_player_is_dropped_and_one_that_reports_is_not(clips: Clips) -> None:
    plan = ServerPlan(cameras=(ServedCamera(id="cam", main=StreamFile(path=clips.h264)),), server=ServerSettings(session_timeout_s=1.0))
    with serve_in_thread(plan) as server, Player(server.url("cam")) as silent, Player(server.url("cam")) as alive:
        assert "timeout=1" in silent.play().headers["session"]
        alive.play()
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            alive.rtp(1)
            alive.sock.sendall(b"$\x01\x00\x08" + bytes([0x80, 201, 0, 1, 0, 0, 0, 0]))
        assert silent.ends()
        assert len(alive.rtp(5)) == 5


def test_streams_are_played_over_tls_but_not_over_udp_then(clips: Clips, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    plan = ServerPlan(cameras=(ServedCamera(id="cam", main=StreamFile(path=clips.h264)),))
    with serve_in_thread(plan, tls=context) as server, Player(server.url("cam", "rtsps"), tls=trusting) as player:
        assert player.ask("SETUP", f"{player.url}/trackID=1", Transport="RTP/AVP;unicast;client_port=5000-5001").status == 461
        player.play()
        assert len(player.pictures(5)) == 5


def self_signed(folder: Path) -> Path:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, timeout=20, stdin=subprocess.DEVNULL, capture_output=True)
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate


def test_transport_offers_are_read_in_order() -> None:
    found = offers("RTP/AVP;multicast;port=1-2, RTP/AVP;unicast;client_port=5000, RTP/AVP/TCP;unicast;interleaved=2-3, X, RTP/AVP/TCP")
    assert [(offer.numbers, offer.is_tcp) for offer in found] == [((5000, 5001), False), ((2, 3), True), ((0, 1), True)]


def test_addresses_are_read_with_track_and_hops() -> None:
    target = target_of("rtsp://h:1/cam%201/sub/trackID=1?hop=4")
    assert target is not None
    assert (target.camera_id, target.quality, target.is_track, target.base, target.hops) == (
        "cam 1",
        "sub",
        True,
        "rtsp://h:1/cam%201/sub",
        4,
    )
    assert target_of("*") is None and target_of("rtsp://[/x/main") is None


class Wire:
    """A transport that only remembers, for fuzzing the connection without sockets."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return ("127.0.0.1", 5000)


METHODS = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN", "ANNOUNCE"]
PATHS = ["open/main", "open/main/trackID=1", "open/sub", "basic/main", "x/main", "*", "//", "open/main?hop=9", "%ff/main"]
LINES = ["Session: {s}", "Session: x", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Transport: RTP/AVP;client_port=9000",
         "Transport: ,;=", "Authorization: Basic !", "Authorization: Digest nonce=", "Range: npt=now-", "CSeq: x"]  # fmt: skip
ASKED = st.tuples(st.sampled_from(METHODS), st.sampled_from(PATHS), st.lists(st.sampled_from(LINES), max_size=4))
MEDIA: dict[FileKey, Media] = {}
BROKEN = st.sampled_from([None, *FAULT_KINDS])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(ASKED, BROKEN), max_size=25))
def test_requests_and_faults_in_any_order_never_break_the_server(
    clips: Clips, steps: list[tuple[str, str, list[str]] | str | None]
) -> None:
    async def play() -> None:
        hub = Hub(ServerPlan(cameras=cameras(clips)), ManualClock(), MEDIA)
        hub.load()
        wire = Wire()
        connection = RtspConnection(hub, None, set())
        connection.connection_made(cast(asyncio.BaseTransport, wire))
        for step in steps:
            if step is None or isinstance(step, str):
                hub.set_fault("open", fault(step) if step else None)
                continue
            method, path, lines = step
            session = next(iter(hub.sessions), "none")
            head = "".join(line.replace("{s}", session) + "\r\n" for line in lines)
            before = len(wire.sent)
            connection.data_received(f"{method} rtsp://h/{path} RTSP/1.0\r\n{head}\r\n".encode())
            cast(ManualClock, hub.clock).advance(0.3)
            for stream in list(hub._playing.values()):
                stream.send_due(hub.clock.steady_s())
            active = hub.faults.get("open")
            silent = active is not None and active.kind in ("offline", "half_open", "slow", "garbage", "refuse")
            assert wire.closed or silent or wire.sent[before:].startswith(b"RTSP/1.0 ")
        connection.connection_lost(None)
        hub.sweep()
        assert not hub.sessions and not any(stream.sinks for stream in hub._playing.values())
        hub.pacer.stop()

    asyncio.run(play())
