"""The poller against a real RTSP server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

import av
import pytest

from sewu.base.clock import SystemClock
from sewu.connect.annexb import as_annexb
from sewu.connect.file import FileSource
from sewu.connect.remux import write_clip
from sewu.connect.rtsp import Login, RtspPoller
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, serve_in_thread
from tests.connect.rtsp.conftest import Clips, listen


@pytest.fixture
def poller() -> Iterator[RtspPoller]:
    poller = RtspPoller(SystemClock())
    yield poller
    poller.close()


def served(path: Path, camera_id: str = "a", **more: str) -> ServedCamera:
    return ServedCamera.model_validate({"id": camera_id, "main": StreamFile(path=path), **more})


def test_received_pictures_go_into_a_clip_that_can_be_decoded(poller: RtspPoller, clips: Clips, tmp_path: Path) -> None:
    with serve_in_thread(ServerPlan(cameras=(served(clips.hevc),))) as server:
        poller.add("a", server.url("a"))
        packets = listen(poller, lambda heard: len(heard.get("a", [])) >= 6)["a"]
    write_clip(packets, tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert len(list(container.decode(video=0))) == len(packets)


def slices(data: bytes, codec: str) -> list[bytes]:
    """The coded pictures' NAL units of Annex B data, without parameter sets and messages."""
    units = [unit for part in data.split(b"\0\0\0\1") for unit in part.split(b"\0\0\1") if unit]
    return [unit for unit in units if ((unit[0] & 0x1F) <= 5 if codec == "h264" else (unit[0] >> 1 & 0x3F) <= 31)]


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_the_coded_pictures_are_the_files_bit_for_bit(poller: RtspPoller, clips: Clips, codec: Literal["h264", "hevc"]) -> None:
    path = clips.h264 if codec == "h264" else clips.hevc
    with serve_in_thread(ServerPlan(cameras=(served(path),))) as server:
        poller.add("a", server.url("a"))
        packets = listen(poller, lambda heard: len(heard.get("a", [])) >= 12)["a"]
        now_s = SystemClock().now_s()
    source = FileSource(path, "a", 0.0)
    pictures = [slices(as_annexb(packet), codec) for packet in source]
    source.close()
    got = [slices(packet.data, codec) for packet in packets]
    start = pictures.index(got[0])
    assert got == [pictures[(start + index) % len(pictures)] for index in range(len(got))]
    assert packets[0].is_keyframe
    assert packets[0].stream.codec == codec
    assert [packet.is_keyframe for packet in packets] == [(start + index) % 5 == 0 for index in range(len(packets))]
    assert all(later.pts - earlier.pts == 9000 for earlier, later in pairwise(packets))
    assert abs(packets[-1].at_s - now_s) < 2.0
    assert (packets[-1].stream.width_px, packets[-1].stream.height_px) == (320, 180)
    assert poller.states()["a"].name == "playing"


@pytest.mark.parametrize("scheme", ["basic", "digest", "digest-sha256", "any"])
def test_it_logs_in_with_each_scheme(poller: RtspPoller, clips: Clips, scheme: str) -> None:
    camera = served(clips.h264, user="u", password="p:ä", auth=scheme)
    with serve_in_thread(ServerPlan(cameras=(camera,))) as server:
        poller.add("a", server.url("a"), Login("u", "p:ä"))
        listen(poller, lambda heard: len(heard.get("a", [])) >= 2)


def test_a_wrong_password_is_refused_once_and_not_tried_again(poller: RtspPoller, clips: Clips) -> None:
    camera = served(clips.h264, user="u", password="p")
    with serve_in_thread(ServerPlan(cameras=(camera,))) as server:
        poller.add("a", server.url("a"), Login("u", "wrong"))
        listen(poller, lambda _: poller.states()["a"].name == "refused")
        state = poller.states()["a"]
        assert "log-in" in state.reason
        assert "wrong" not in state.reason
