"""The watch's stills and clips of an incident: shown at once within rights, masks burnt in, and kept as evidence by themselves."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from sewu.base.rights import Scope
from sewu.decode.recorder import VideoRecorder
from sewu.workers.exhibits import exhibit_name
from tests.show.service.place import CITY, Place, at, event, stocked

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
EVENT = event(0, "C1")


def taken(there: Place) -> tuple[Path, Path]:
    """What the watch would have written of the event on C1: white pictures."""
    folder = there.parts.home.observations_folder
    still, clip = folder / exhibit_name(EVENT, "still"), folder / exhibit_name(EVENT, "clip")
    still.parent.mkdir(parents=True)
    white = np.full((96, 128, 3), 255, np.uint8)
    still.write_bytes(cv2.imencode(".jpg", white)[1].tobytes())
    recorder = VideoRecorder(clip, (128, 96), 10.0)
    for number in range(10):
        recorder.add(white, number / 10)
    recorder.close()
    for path in (still, clip):
        os.utime(path, (there.clock.now_s(), there.clock.now_s()))
    return still, clip


def frame(data: bytes, path: Path) -> np.ndarray:
    path.write_bytes(data)
    read, image = cv2.VideoCapture(str(path)).read()
    assert read
    return np.asarray(image)


def test_an_incident_shows_its_own_still_and_clip_to_who_may_see_the_camera(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incident = (await stocked(there))["C1"]
        still, clip = taken(there)
        base = f"incidents/{incident}/events/{EVENT.id}"
        operator = await there.of("operator")
        answer = await operator.get(f"{base}/still")
        assert answer.status_code == 200 and answer.content == still.read_bytes()
        part = await operator.get(f"{base}/clip", headers={"Range": "bytes=0-99"})
        assert part.status_code == 206 and part.content == clip.read_bytes()[:100] and part.headers["content-type"] == "video/mp4"
        assert (await (await there.of("auditor")).get(f"{base}/still")).status_code == 403
        assert (await there.browser().get(f"{base}/clip")).status_code == 401
        clip.unlink()
        assert (await operator.get(f"{base}/clip")).json()["type"].endswith("no-picture")
        assert (await operator.get(f"incidents/{incident}/events/evt_none/still")).status_code == 404

    at(tmp_path, work)


def test_another_areas_event_does_not_exist_also_by_the_number_of_an_incident_of_ones_own(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incidents = await stocked(there)
        taken(there)
        camat = await there.of("camat")
        other = event(1, "C2")
        for incident in incidents.values():
            assert (await camat.get(f"incidents/{incident}/events/{other.id}/still")).status_code == 404

    at(tmp_path, work)


def test_masks_are_burnt_into_what_is_shown(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incident = (await stocked(there))["C1"]
        taken(there)
        scope = Scope((CITY,))
        found = await there.parts.cameras.get(scope, "C1")
        assert found is not None
        await there.parts.cameras.put(scope, [replace(found.camera, masks=(LEFT_HALF,))], there.clock.now_s())
        operator = await there.of("operator")
        for kind, suffix in (("still", ".jpg"), ("clip", ".mp4")):
            answer = await operator.get(f"incidents/{incident}/events/{EVENT.id}/{kind}")
            assert answer.status_code == 200, answer.text
            image = frame(answer.content, tmp_path / f"shown{suffix}")
            assert image[:, :56].max() < 60 and image[:, 72:].min() > 200

    at(tmp_path, work)
