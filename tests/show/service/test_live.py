"""What a camera shows, over real sockets: within rights, masks burnt in, audited."""

from __future__ import annotations

import asyncio
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import av
import cv2
import httpx
import numpy as np
import pytest
import websockets
from websockets.asyncio.client import connect

from sewu.base.records import Packet
from sewu.base.rights import Scope
from sewu.connect.fragments import FragmentedMp4
from sewu.connect.ring import Ring
from sewu.show.service.guard import SESSION_COOKIE
from sewu.workers.window import Window, window_path
from tests.clips import number_of
from tests.connect.test_fragments import packets_of
from tests.show.service.place import CITY, Place, at, camera, stocked
from tests.show.service.test_changes import over_http, session


def white() -> bytes:
    done, data = cv2.imencode(".jpg", np.full((90, 160, 3), 255, np.uint8))
    assert done
    return data.tobytes()


async def watched(there: Place, packets: list[Packet]) -> tuple[Window, asyncio.Task[None]]:
    """A worker's window in the place's watch folder that has camera C1."""
    folder = there.parts.home.observations_folder
    (folder / "shard-0").mkdir(parents=True)
    ring = Ring(60.0, 1 << 26)
    for packet in packets:
        ring.add(replace(packet, camera_id="C1"))
    window = Window(window_path(folder, 0), FragmentedMp4, lambda _camera: white(), lambda camera: ring.clip(camera, math.inf, math.inf))

    async def turning() -> None:
        while True:
            window.turn()
            await asyncio.sleep(0.005)

    return window, asyncio.create_task(turning())


async def done(window: Window, task: asyncio.Task[None], there: Place) -> None:
    await there.parts.viewing.close()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    window.close()


def test_live_video_plays_for_who_may_see_the_camera_and_for_nobody_else(tmp_path: Path) -> None:
    packets = packets_of(tmp_path, ".ts", "libx264", 0)

    async def work(there: Place) -> None:
        await stocked(there)
        window, task = await watched(there, packets)

        async def over(url: str) -> None:
            live = url.replace("http", "ws") + "/api/v1/cameras/C1/live"
            cookie = {"Cookie": f"{SESSION_COOKIE}={await session(there, 'operator')}"}
            async with connect(live, additional_headers=cookie, origin=url) as socket:  # type: ignore[arg-type]
                first = json.loads(await asyncio.wait_for(socket.recv(), 10))
                assert first["mime"].startswith('video/mp4; codecs="avc1')
                data = b"".join([bytes(await asyncio.wait_for(socket.recv(), 10)) for _ in range(2)])  # type: ignore[arg-type]
            with av.open(io.BytesIO(data), "r") as container:
                shown = [number_of(np.asarray(f.to_ndarray(format="bgr24"), np.uint8)) for f in container.decode(video=0)]
            assert shown == list(range(20, 30))
            auditor = {"Cookie": f"{SESSION_COOKIE}={await session(there, 'auditor')}"}
            for headers, origin, path in (
                ({}, url, live),
                (auditor, url, live),
                (cookie, "http://evil.test", live),
                (cookie, url, live + "x"),
            ):
                with pytest.raises(websockets.exceptions.InvalidStatus):
                    await connect(path, additional_headers=headers, origin=origin)  # type: ignore[arg-type]
            other = live.replace("/C1/", "/C2/")
            async with connect(other, additional_headers=cookie, origin=url) as socket:  # type: ignore[arg-type]
                assert json.loads(await asyncio.wait_for(socket.recv(), 10))["kind"] == "unwatched"

        await over_http(there, over)
        await done(window, task, there)
        await there.parts.diary.flush()
        page = await (await there.of("admin")).get("audit?action=camera.live")
        assert {row["deed"]["subject"] for row in page.json()["rows"]} == {"C1", "C2"}

    at(tmp_path, work)


def test_a_still_has_its_masks_burnt_in_and_is_told_when_there_is_none(tmp_path: Path) -> None:
    packets = packets_of(tmp_path, ".ts", "libx264", 0)

    async def work(there: Place) -> None:
        await stocked(there)
        mask = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
        row = replace(camera("C1", "33.74.01.1001"), masks=(mask,))
        await there.parts.cameras.put(Scope((CITY,)), [row], there.clock.now_s())
        window, task = await watched(there, packets)
        browser = await there.of("operator")
        answer: httpx.Response = await browser.get("cameras/C1/still")
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
        picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None and picture[:, :70].max() < 40 and picture[:, 95:].min() > 200
        missing = await browser.get("cameras/C2/still")
        assert missing.status_code == 404 and missing.json()["type"].endswith("no-picture")
        assert (await (await there.of("auditor")).get("cameras/C1/still")).status_code == 403
        await done(window, task, there)

    at(tmp_path, work)
