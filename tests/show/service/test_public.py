"""The public page: only what the city made public, small, masked, and closed by itself when a view may have moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from sewu.base.records import Observation
from sewu.base.register import CameraState
from sewu.base.rights import Scope
from sewu.show.service.public import FRESH_S, WIDEST_PX
from sewu.store.observations import ObservationStore
from sewu.store.operations.zones import mark_to_check
from tests.show.service.place import CITY, Place, at, stocked

MASK = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


class Window:
    """A worker with one white picture; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def still(self, camera_id: str) -> bytes:
        self.asked.append(camera_id)
        _, data = cv2.imencode(".jpg", np.full((720, 1280, 3), 255, np.uint8))
        return data.tobytes()


async def opened(there: Place, monkeypatch: pytest.MonkeyPatch) -> Window:
    """C1 is public and has a mask over its left half; C2 is not public. Both are up."""
    await stocked(there)
    scope, now_s = Scope((CITY,)), there.clock.now_s()
    found = await there.parts.cameras.get(scope, "C1")
    assert found is not None
    await there.parts.cameras.put(scope, [replace(found.camera, is_public=True, public_reason="jalan raya", masks=(MASK,))], now_s)
    await there.parts.states.write("watch/shard-0", 1, [CameraState(name, "up", now_s) for name in ("C1", "C2")], now_s)
    window = Window()
    monkeypatch.setattr(there.parts.viewing, "still", window.still)
    return window


def picture(answer: httpx.Response) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return np.asarray(image)


def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Place, Window], object]) -> None:
    async def whole(there: Place) -> None:
        window = await opened(there, monkeypatch)
        await work(there, window)  # type: ignore[misc]

    at(tmp_path, whole)


def test_anybody_sees_a_public_still_small_and_masked_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(there: Place, window: Window) -> None:
        browser = there.browser()
        answer = await browser.get("/public/stills/C1.jpg")
        assert answer.status_code == 200 and answer.headers["cache-control"] == "public, max-age=30"
        image = picture(answer)
        assert image.shape[1] == WIDEST_PX and image[:, : WIDEST_PX // 2 - 4].max() < 20 and image[:, WIDEST_PX // 2 + 4 :].min() > 235
        for hidden in ("C2", "C3", "c1"):
            assert (await browser.get(f"/public/stills/{hidden}.jpg")).status_code == 404
        assert (await browser.get("cameras/C1/still")).status_code == 401
        for _ in range(5):
            await browser.get("/public/stills/C1.jpg")
        assert window.asked == ["C1"]
        there.clock.advance(FRESH_S)
        await browser.get("/public/stills/C1.jpg")
        assert window.asked == ["C1", "C1"]

    tried(tmp_path, monkeypatch, work)


def test_a_camera_that_is_no_longer_public_is_gone_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(there: Place, _window: Window) -> None:
        browser, scope = there.browser(), Scope((CITY,))
        assert (await browser.get("/public/stills/C1.jpg")).status_code == 200
        found = await there.parts.cameras.get(scope, "C1")
        assert found is not None
        await there.parts.cameras.put(scope, [replace(found.camera, is_public=False, public_reason=None)], there.clock.now_s())
        assert (await browser.get("/public/stills/C1.jpg")).status_code == 404

    tried(tmp_path, monkeypatch, work)


@pytest.mark.parametrize("why", ["moved", "zones"])
def test_a_camera_whose_view_may_have_moved_closes_itself_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    async def work(there: Place, window: Window) -> None:
        browser, now_s = there.browser(), there.clock.now_s()
        assert "Closed for now" not in (await browser.get("/public?lang=en")).text
        if why == "moved":
            await there.parts.states.write("watch/shard-0", 1, [CameraState("C1", "degraded", now_s, "moved")], now_s)
        else:
            await there.parts.zones.put(Scope((CITY,)), "C1", {"zones": []}, "admin", now_s)
            async with there.parts.database.writing() as connection:
                await mark_to_check(connection, ["C1"], now_s)
        assert (await browser.get("/public/stills/C1.jpg")).status_code == 404 and window.asked == []
        there.clock.advance(FRESH_S)
        text = (await browser.get("/public?lang=en")).text
        assert "Closed for now" in text and "/public/stills/" not in text

    tried(tmp_path, monkeypatch, work)


def test_the_page_says_how_much_it_shows_and_what_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(there: Place, _window: Window) -> None:
        browser = there.browser()
        answer = await browser.get("/public")
        assert answer.status_code == 200 and answer.headers["cache-control"] == "public, max-age=30"
        assert "script-src 'none'" in answer.headers["content-security-policy"] and "<script" not in answer.text
        assert "1 dari 2 kamera ditampilkan" in answer.text and answer.text.count("tidak diukur") == 3
        assert "Kamera C1" in answer.text and "Kamera C2" not in answer.text
        there.clock.advance(FRESH_S)
        now_s = there.clock.now_s()
        store = ObservationStore(there.parts.home.observations_folder, "shard-0")
        store.add([Observation("C1", now_s - 60, "traffic", "service_level", 5.0, "1", window_s=60.0, coverage=0.8)])
        store.close()
        english = (await browser.get("/public?lang=en")).text
        assert "measured at 1 of the 1 cameras shown" in english and "congested (80 % of the time seen)" in english
        assert english.count("not measured") == 1

    tried(tmp_path, monkeypatch, work)
