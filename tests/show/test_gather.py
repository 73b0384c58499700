"""Nobody's head leaves in a still: neither whom the detector found, nor whom only the tracker still knows, nor what only moved."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sewu.base.records import Detections, Event, Frame, Image, Tracks
from sewu.flow import Look
from sewu.show.gather import Gathered
from tests.fakes import CAMERA, detections, tracks

BOX = (100.0, 60.0, 160.0, 220.0)
HEAD = (slice(64, 104), slice(104, 156))


def noisy() -> Image:
    return np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)


def still_of(found: Detections, followed: Tracks) -> Image:
    event = Event("e", CAMERA, "r", "gathering", "start", "low", 1.0, 1.0, 5.0, 5.0, "persons")
    gathered = Gathered(None, {})
    gathered.on_look(Look(Frame(CAMERA, 1.0, noisy()), found, followed, (), (event,), True))
    still = gathered.events()[0].still_jpeg
    assert still is not None
    return np.asarray(cv2.imdecode(np.frombuffer(still, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def roughness(image: Image) -> float:
    return float(np.abs(np.diff(image[HEAD].astype(np.float64), axis=1)).mean())


@pytest.mark.parametrize("kind", ["person", "bicycle", "motorcycle", "object"])
def test_a_detected_head_is_hidden(kind: str) -> None:
    assert roughness(still_of(detections(1.0, (kind, BOX, 0.9)), Tracks.none(CAMERA, 1.0))) < 15


def test_the_head_of_one_who_is_followed_but_missed_is_hidden() -> None:
    assert roughness(still_of(Detections.none(CAMERA, 1.0), tracks(1.0, (1, "person", BOX)))) < 15


def test_a_car_stays_as_it_is() -> None:
    assert roughness(still_of(detections(1.0, ("car", BOX, 0.9)), Tracks.none(CAMERA, 1.0))) > 30
