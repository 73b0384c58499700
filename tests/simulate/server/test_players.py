"""FFmpeg, PyAV and GStreamer play every kind of stream, and what they decode is what the file holds."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from sewu.simulate.server import RunningServer, ServedCamera, ServerPlan, StreamFile, serve_in_thread
from tests.simulate.server.conftest import Clips

PICTURES = 8
WAIT_S = 25
FRAME_BYTES = 320 * 180 * 3 // 2

RTSP = {
    "tcp": ("h264", "tcp", None),
    "udp": ("h264", "udp", None),
    "hevc-tcp": ("hevc", "tcp", None),
    "hevc-udp": ("hevc", "udp", None),
    "basic": ("basic", "tcp", "viewer"),
    "digest": ("digest", "tcp", "viewer"),
    "digest-udp": ("digest", "udp", "viewer"),
    "any": ("any", "tcp", "viewer"),
    "reordered": ("reordered", "tcp", None),
    "sub": ("two", "tcp", None),
    "sub-udp": ("two", "udp", None),
}


@pytest.fixture(scope="module")
def server(clips: Clips) -> Iterator[RunningServer]:
    file = StreamFile(path=clips.h264)
    cameras = (
        ServedCamera(id="h264", main=file),
        ServedCamera(id="hevc", main=StreamFile(path=clips.hevc)),
        ServedCamera(id="two", main=StreamFile(path=clips.reordered), sub=file),
        ServedCamera(id="reordered", main=StreamFile(path=clips.reordered)),
        *(ServedCamera(id=auth, main=file, user="viewer", password="secret", auth=auth) for auth in ("basic", "digest", "any")),
    )
    with serve_in_thread(ServerPlan(cameras=cameras)) as running:
        yield running


@pytest.fixture(scope="module")
def truth(clips: Clips) -> dict[str, list[str]]:
    """MD5 of every decoded picture of each file, as planar YUV."""
    return {name: md5s(getattr(clips, name)) for name in ("h264", "hevc", "reordered")}


def md5s(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [hashlib.md5(frame.to_ndarray(format="yuv420p").tobytes()).hexdigest() for frame in container.decode(video=0)]


def assert_run_of(received: list[str], loop: list[str]) -> None:
    """What was received is a piece of the endless loop."""
    assert len(received) == PICTURES
    first = loop.index(received[0])
    assert received == [loop[(first + index) % len(loop)] for index in range(PICTURES)]


def loop_of(camera: str, truth: dict[str, list[str]]) -> list[str]:
    return truth.get(camera, truth["h264"])


def url_of(server: RunningServer, kind: str) -> str:
    return server.url(RTSP[kind][0], sub=kind.startswith("sub"))


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (tools/debian.sh tests installs it)")
    return found


class Program:
    """A player that was started. Its output goes to files, so that no pipe can fill or stay open."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.out, self.err = folder / "out", folder / "err"
        folder.mkdir(parents=True)
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def output(self) -> str:
        try:
            assert self.process.wait(WAIT_S) == 0, self.err.read_text()[-800:]
        finally:
            self.end()
        return self.out.read_text()

    def end(self) -> None:
        self.process.kill()
        self.process.wait(5)


def with_login(url: str, user: str | None) -> str:
    return url.replace("://", f"://{user}:secret@") if user else url


def framemd5(source: list[str], pictures: int = PICTURES) -> list[str]:
    """FFmpeg, told to print the MD5 of every decoded picture."""
    start = [tool("ffmpeg"), "-v", "error", "-analyzeduration", "600000", *source, "-frames:v", str(pictures)]
    return [*start, "-fps_mode", "passthrough", "-f", "framemd5", "-"]


def md5s_in(text: str) -> list[str]:
    return [line.rpartition(",")[2].strip() for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def by_ffmpeg(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Program]]:
    """FFmpeg on each kind; side by side, because players of live streams mostly wait."""
    folder = tmp_path_factory.mktemp("ffmpeg")
    programs = {
        kind: Program(framemd5(["-rtsp_transport", transport, "-i", with_login(url_of(server, kind), user)]), folder / kind)
        for kind, (_, transport, user) in RTSP.items()
    }
    yield programs
    for program in programs.values():
        program.end()


@pytest.mark.parametrize("kind", RTSP)
def test_ffmpeg_plays_rtsp(by_ffmpeg: dict[str, Program], truth: dict[str, list[str]], kind: str) -> None:
    assert_run_of(md5s_in(by_ffmpeg[kind].output()), loop_of(RTSP[kind][0], truth))


@pytest.mark.parametrize("camera", ["h264", "hevc"])
def test_ffmpeg_plays_hls(server: RunningServer, truth: dict[str, list[str]], tmp_path: Path, camera: str) -> None:
    text = Program(framemd5(["-i", server.url(camera, "hls")]), tmp_path / "run").output()
    assert_run_of(md5s_in(text), truth[camera])


def test_ffprobe_reads_codec_size_and_rate(server: RunningServer, tmp_path: Path) -> None:
    entries = "stream=codec_name,width,height,avg_frame_rate"
    command = [tool("ffprobe"), "-v", "error", "-rtsp_transport", "tcp", "-show_entries", entries, "-of", "csv=p=0", server.url("hevc")]
    assert Program(command, tmp_path / "run").output().strip() == "hevc,320,180,10/1"


@pytest.mark.parametrize("kind", ["tcp", "udp", "hevc-tcp", "digest", "sub"])
def test_pyav_plays_rtsp(server: RunningServer, truth: dict[str, list[str]], kind: str) -> None:
    camera, transport, user = RTSP[kind]
    options = {"rtsp_transport": transport, "analyzeduration": "600000"}
    received = []
    with av.open(with_login(url_of(server, kind), user), options=options, timeout=(10, 10)) as container:
        for frame in container.decode(video=0):
            received.append(hashlib.md5(frame.to_ndarray(format="yuv420p").tobytes()).hexdigest())
            if len(received) == PICTURES:
                break
    assert_run_of(received, loop_of(camera, truth))


def test_ffmpeg_plays_mjpeg(server: RunningServer, tmp_path: Path) -> None:
    played = Program(framemd5(["-f", "mpjpeg", "-i", server.url("h264", "mjpeg")], 3), tmp_path / "run")
    assert len(md5s_in(played.output())) == 3


def test_pyav_plays_mjpeg(server: RunningServer) -> None:
    with av.open(server.url("h264", "mjpeg"), format="mpjpeg", timeout=(10, 10)) as container:
        sizes = [(frame.width, frame.height) for frame, _ in zip(container.decode(video=0), range(3), strict=False)]
    assert sizes == [(320, 180)] * 3


@pytest.fixture(scope="module")
def by_gstreamer(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Program]]:
    """GStreamer on each kind; decoded pictures go to `raw` beside the output."""
    name, folder = tool("gst-launch-1.0"), tmp_path_factory.mktemp("gstreamer")
    programs = {kind: Program([name, "-q", "-e", *pipeline(server, kind, folder / f"{kind}.raw")], folder / kind) for kind in RTSP}
    yield programs
    for program in programs.values():
        program.end()


def pipeline(server: RunningServer, kind: str, out: Path) -> list[str]:
    camera, transport, user = RTSP[kind]
    codec = "h265" if camera == "hevc" else "h264"
    login = ["user-id=viewer", "user-pw=secret"] if user else []
    source = ["rtspsrc", f"location={url_of(server, kind)}", f"protocols={transport}", "latency=200", *login]
    decode = f"! rtp{codec}depay ! {codec}parse ! avdec_{codec} max-threads=1 ! identity eos-after={PICTURES + 1} ! filesink location={out}"
    return [*source, *decode.split()]


@pytest.mark.parametrize("kind", RTSP)
def test_gstreamer_plays_rtsp(by_gstreamer: dict[str, Program], truth: dict[str, list[str]], kind: str) -> None:
    program = by_gstreamer[kind]
    program.output()
    data = program.out.parent.with_suffix(".raw").read_bytes()
    assert len(data) >= PICTURES * FRAME_BYTES and len(data) % FRAME_BYTES == 0
    received = [hashlib.md5(data[at : at + FRAME_BYTES]).hexdigest() for at in range(0, PICTURES * FRAME_BYTES, FRAME_BYTES)]
    assert_run_of(received, loop_of(RTSP[kind][0], truth))
