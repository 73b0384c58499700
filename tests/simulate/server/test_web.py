"""HLS, MJPEG, stills and commands over HTTP."""

from __future__ import annotations

import io
import re
import stat
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import httpx
import pytest

from sewu.base.errors import BadSettings, CameraUnreachable, Refused
from sewu.simulate.server import RunningServer, ServedCamera, ServerPlan, StreamFile, fault, serve_in_process, serve_in_thread
from sewu.simulate.server.control import ControlClient
from sewu.simulate.server.hls import package
from sewu.simulate.server.media import CLOCK_HZ, load_media
from sewu.simulate.server.mjpeg import decode_stills, thinned
from sewu.simulate.server.playing import Epoch
from tests.simulate.server.conftest import Clips

LATE_S = 5.0


@pytest.fixture(scope="module")
def server(clips: Clips) -> Iterator[RunningServer]:
    file = StreamFile(path=clips.h264)
    # Far into the loop, so that HLS has segments at once.
    cameras = (
        ServedCamera(id="open", main=file, sub=StreamFile(path=clips.hevc), phase_s=60.3),
        ServedCamera(id="locked", main=file, user="viewer", password="secret"),
        ServedCamera(id="broken", main=file, phase_s=60.0),
    )
    with serve_in_thread(ServerPlan(cameras=cameras)) as running:
        yield running


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=8) as client:
        yield client


@pytest.mark.parametrize("codec", ["h264", "hevc", "reordered"])
def test_segments_follow_each_other_without_a_gap_over_the_seam(clips: Clips, codec: str) -> None:
    media = load_media(getattr(clips, codec))
    packaged = package(media)
    numbers = range(3 * len(packaged.segments))
    data = packaged.init + b"".join(packaged.segment(number) or b"" for number in numbers)
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        packets = [p for p in container.demux(stream) if p.size]
        assert stream.time_base is not None
        times = sorted(round(float(p.pts * stream.time_base) * 10) for p in packets if p.pts is not None)
    assert times == list(range(times[0], times[0] + 60))
    assert packaged.segment(-1) is None


def test_the_playlist_slides_with_time_and_names_only_what_is_complete(clips: Clips) -> None:
    packaged = package(load_media(clips.h264))
    epoch = Epoch(0.0, 1_700_000_000.0)
    begin = packaged.playlist(CLOCK_HZ, epoch, 0)
    assert "segment" not in begin and begin.startswith("#EXTM3U\n")
    text = packaged.playlist(100 * CLOCK_HZ, epoch, 0)
    names = re.findall(r"segment(\d+)\.m4s", text)
    assert names == [str(number) for number in range(45, 50)]
    assert "#EXT-X-MEDIA-SEQUENCE:45" in text and "#EXT-X-TARGETDURATION:2\n" in text
    assert "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:14:50.000Z" in text


def test_playlist_and_segments_are_served_live(server: RunningServer, http: httpx.Client) -> None:
    url = server.url("open", "hls")
    first = http.get(url)
    assert first.headers["content-type"] == "application/vnd.apple.mpegurl"
    newest = re.findall(r"segment\d+\.m4s", first.text)[-1]
    segment = http.get(url.replace("live.m3u8", newest))
    init = http.get(url.replace("live.m3u8", "init.mp4"))
    with av.open(io.BytesIO(init.content + segment.content), "r") as container:
        assert sum(1 for _ in container.decode(video=0)) == 20
    number = int(re.sub(r"\D", "", newest.removesuffix(".m4s")))
    assert http.get(url.replace("live.m3u8", f"segment{number + 9}.m4s")).status_code == 404


def test_a_still_is_the_picture_of_now(server: RunningServer, http: httpx.Client) -> None:
    answer = http.get(server.url("open", "mjpeg").replace("video.mjpg", "still.jpg"))
    assert answer.headers["content-type"] == "image/jpeg" and answer.content[:2] == b"\xff\xd8"
    with av.open(io.BytesIO(answer.content), "r", format="jpeg_pipe") as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == (320, 180)


def test_stills_follow_the_loop(clips: Clips) -> None:
    stills = decode_stills(load_media(clips.h264), 2.0, threading.Event())
    assert stills.starts_ticks == (0, 45_000, 90_000, 135_000)
    assert [stills.jpegs.index(stills.at(ticks)) for ticks in (0, 44_999, 45_000, 179_000)] == [0, 0, 1, 3]


def test_a_thin_copy_has_the_same_pictures_and_keyframes_with_fewer_bits(clips: Clips, tmp_path: Path) -> None:
    for path in (clips.h264, clips.hevc):
        media = load_media(path)
        thin = thinned(media, 30.0, tmp_path, threading.Event())
        assert [(p.pts_ticks, p.is_keyframe) for p in thin.pictures] == [(p.pts_ticks, p.is_keyframe) for p in media.pictures]
        assert thin.codec == media.codec and thin.bit_rate < media.bit_rate / 2


def test_a_login_is_asked_for_and_digest_and_basic_pass(server: RunningServer, http: httpx.Client) -> None:
    url = server.url("locked", "mjpeg").replace("video.mjpg", "still.jpg")
    assert http.get(url).status_code == 401
    assert http.get(url, auth=("viewer", "wrong")).status_code == 401
    assert http.get(url, auth=("viewer", "secret")).status_code == 200
    assert http.get(url, auth=httpx.DigestAuth("viewer", "secret")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/open", "/open/main", "/open/main/x", "/nobody/main/live.m3u8", "/open/third/live.m3u8"])
def test_unknown_pages_are_not_found(server: RunningServer, http: httpx.Client, path: str) -> None:
    assert http.get(f"http://127.0.0.1:{server.server.http_port}{path}").status_code == 404


def test_faults_reach_http_too(server: RunningServer, http: httpx.Client) -> None:
    url = server.url("broken", "hls")
    assert http.get(url).status_code == 200
    try:
        for kind in ("refuse", "garbage"):
            server.set_fault("broken", fault(kind))
            with pytest.raises(httpx.TransportError):
                http.get(url)
        server.set_fault("broken", fault("offline"))
        with pytest.raises(httpx.ReadTimeout):
            http.get(url, timeout=0.5)
        server.set_fault("broken", fault("redirect"))
        assert http.get(url).headers["location"] == "/broken/main/live.m3u8?hop=1"
        with pytest.raises(httpx.TooManyRedirects):
            http.get(url, follow_redirects=True)
        server.set_fault("broken", fault("wrong_password"))
        assert http.get(url).status_code == 401
        server.set_fault("broken", fault("stall"))
        assert http.get(url).text == http.get(url).text
    finally:
        server.set_fault("broken", None)
    assert http.get(url).status_code == 200


def test_a_running_server_is_commanded_through_its_control_file(server: RunningServer, tmp_path: Path) -> None:
    file = tmp_path / "run" / "control.json"
    server.server.write_control_file(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    client = ControlClient(file)
    client.set_fault("broken", fault("drop", {"share": 0.25}))
    assert client.faults()["broken"]["share"] == 0.25
    client.set_fault("broken", None)
    assert client.faults() == {}
    assert client.status()["cameras"] == 3
    with pytest.raises(BadSettings, match="nobody"):
        client.set_fault("nobody", fault("stall"))


def test_a_command_without_the_token_or_a_server_is_refused(server: RunningServer, tmp_path: Path) -> None:
    file = tmp_path / "control.json"
    server.server.write_control_file(file)
    text = file.read_text()
    file.write_text(text.replace(server.server.control_token, "guess"))
    with pytest.raises(Refused):
        ControlClient(file).status()
    file.write_text(text.replace(f'"control_port": {server.server.control_port}', '"control_port": 9'))
    with pytest.raises(CameraUnreachable):
        ControlClient(file).status()
    with pytest.raises(BadSettings):
        ControlClient(tmp_path / "missing.json")


def test_a_malformed_command_is_explained(server: RunningServer, http: httpx.Client) -> None:
    url = f"http://127.0.0.1:{server.server.control_port}/faults/open"
    headers = {"Authorization": f"Bearer {server.server.control_token}"}
    for body in (b"", b"[]", b"{", b'{"kind": 3}', b'{"kind": "explode"}', b'{"kind": "drop", "share": 7}'):
        answer = http.put(url, content=body, headers=headers)
        assert answer.status_code == 400 and answer.json()["advice"]
    assert http.get(url.replace("faults/open", "nothing"), headers=headers).status_code == 404


def test_a_server_in_its_own_process_starts_and_stops(clips: Clips) -> None:
    plan = ServerPlan(cameras=(ServedCamera(id="cam", main=StreamFile(path=clips.h264)),))
    with serve_in_process(plan) as client:
        assert client.status()["cpu_s"] > 0
    began = time.monotonic()
    with pytest.raises(CameraUnreachable):
        client.status()
    assert time.monotonic() - began < LATE_S


def test_segments_carry_rising_sequence_numbers(clips: Clips) -> None:
    packaged = package(load_media(clips.h264))
    numbers = []
    for number in range(4):
        data = packaged.segment(number) or b""
        numbers += [struct.unpack_from(">I", data, match.start() + 8)[0] for match in re.finditer(rb"mfhd", data)]
    assert numbers == sorted(set(numbers)) and len(numbers) == 16
