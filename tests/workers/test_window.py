"""A worker's window and the service's side of it: real sockets, real packets, played by PyAV."""

from __future__ import annotations

import asyncio
import io
import math
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.clock import SystemClock
from sewu.base.records import Packet
from sewu.connect.fragments import FragmentedMp4
from sewu.connect.ring import Ring
from sewu.workers.viewing import QUEUE_MESSAGES, Viewer, Viewing
from sewu.workers.window import Window, message, window_path
from tests.clips import number_of
from tests.connect.test_fragments import packets_of

STILL = b"\xff\xd8 a picture"


@contextmanager
def working(folder: Path, packets: Sequence[Packet], first: int) -> Iterator[tuple[Path, list[Window]]]:
    """A window whose worker has received `first` packets, and receives one more at every turn."""
    ring, path = Ring(60.0, 1 << 26), window_path(folder, 0)
    for packet in packets[:first]:
        ring.add(packet)
    window = Window(path, FragmentedMp4, lambda _camera: STILL, lambda camera: ring.clip(camera, math.inf, math.inf))
    stop, clock = threading.Event(), SystemClock()
    coming = iter(packets[first:])

    def work() -> None:
        while not stop.is_set():
            if window.watched_live:
                packet = next(coming, None)
                if packet is not None:
                    ring.add(packet)
                    window.take(packet.camera_id, [packet])
            window.turn()
            clock.sleep(0.002)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield path, [window]
    finally:
        stop.set()
        thread.join(5)
        window.close()


def test_two_viewers_share_one_stream_and_see_the_same_pictures_from_a_keyframe(tmp_path: Path) -> None:
    packets = packets_of(tmp_path, ".ts", "libx264", 0)

    async def look(path: Path) -> tuple[list[bytes], list[bytes], int]:
        viewing = Viewing(lambda: [path])
        async with viewing.watch("cam") as one, viewing.watch("cam") as two:
            seen = [await gathered(viewer, 17) for viewer in (one, two)]
            upstreams = viewing.upstreams
        await viewing.close()
        return seen[0], seen[1], upstreams

    with working(tmp_path, packets, 15) as (path, _):
        first, second, upstreams = asyncio.run(asyncio.wait_for(look(path), 20))
    assert first == second and upstreams == 1
    with av.open(io.BytesIO(b"".join(first)), "r") as container:
        numbers = [number_of(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)) for frame in container.decode(video=0)]
    key = max(index for index, packet in enumerate(packets[:15]) if packet.is_keyframe)
    assert numbers[0] == key and numbers == list(range(key, key + len(numbers))) and len(numbers) >= 20


async def gathered(viewer: Viewer, least: int) -> list[bytes]:
    parts: list[bytes] = []
    while len(parts) < least:
        found = await asyncio.wait_for(viewer.queue.get(), 10)
        assert found is not None and found[0] != b"e"
        if found[0] != b"m":
            parts.append(found[1])
    return parts[:least]


def test_a_still_is_asked_for_once_a_second_and_an_unknown_camera_has_none(tmp_path: Path) -> None:
    packets = packets_of(tmp_path, ".ts", "libx264", 0)

    async def look(path: Path) -> list[bytes | None]:
        viewing = Viewing(lambda: [path])
        found = await asyncio.gather(*(viewing.still("cam") for _ in range(20)), viewing.still("other"))
        await viewing.close()
        return list(found)

    with working(tmp_path, packets, 15) as (path, _):
        found = asyncio.run(asyncio.wait_for(look(path), 20))
    assert found == [STILL] * 20 + [None]


def test_a_viewer_learns_that_there_is_nothing(tmp_path: Path) -> None:
    async def look(paths: list[Path]) -> list[object]:
        viewing = Viewing(lambda: paths)
        async with viewing.watch("cam") as viewer:
            said = [await asyncio.wait_for(viewer.queue.get(), 10) for _ in range(2)]
        await viewing.close()
        return [*said, viewing.upstreams]

    assert asyncio.run(look([tmp_path / "none.sock"])) == [(b"e", b"no picture"), None, 0]
    assert asyncio.run(look([])) == [(b"e", b"no picture"), None, 0]


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=1500))
def test_any_request_is_answered_or_refused_and_the_next_one_is_served(request: bytes) -> None:
    path = window_path(Path("/tmp/sewu-test-window"), 0)
    path.parent.mkdir(exist_ok=True)
    window = Window(path, FragmentedMp4, lambda _camera: STILL, lambda _camera: [])
    try:
        for text in (request, b'{"camera": "cam", "want": "still"}\n'):
            with socket.socket(socket.AF_UNIX) as asker:
                asker.settimeout(5)
                asker.connect(str(path))
                asker.sendall(text)
                for _ in range(3):
                    window.turn()
        with socket.socket(socket.AF_UNIX) as asker:
            asker.settimeout(5)
            asker.connect(str(path))
            asker.sendall(b'{"camera": "cam", "want": "still"}\n')
            for _ in range(3):
                window.turn()
            assert asker.recv(100) == message(b"e", b"no picture")
    finally:
        window.close()


def test_a_viewer_who_does_not_keep_up_goes_on_at_the_newest_keyframe() -> None:
    async def look() -> tuple[int, list[object]]:
        viewer = Viewer()
        since = [(b"k", b"key"), (b"f", b"after")]
        for index in range(QUEUE_MESSAGES + 1):
            viewer.give((b"f", str(index).encode()), since)
        return viewer.lost, [viewer.queue.get_nowait() for _ in range(viewer.queue.qsize())]

    lost, left = asyncio.run(look())
    assert lost == QUEUE_MESSAGES and left == [(b"k", b"key"), (b"f", b"after")]


def test_a_long_folder_gets_a_socket_that_the_system_takes(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    assert len(str(window_path(folder, 3))) < 108
    assert window_path(folder, 3) != window_path(folder, 4) != window_path(tmp_path / ("other" * 40), 4)
