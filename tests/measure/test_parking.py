"""Parking on hand-made tracks and rendered bays, exact to the look; and on the labelled car park seen from above."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from sewu.base.records import CLASS_IDS, Frame, Image, Observation, Tracks
from sewu.base.space import Scene, Zone
from sewu.measure.parking import Parking, ParkingSettings
from sewu.measure.parking.bays import assigned, footprint_px
from tests.fakes import CAMERA, blank, labelled_data, tracks

SIZE_PX = (320, 240)
STRIP = Zone("strip", "no_parking", ((0.0, 60.0), (320.0, 60.0), (320.0, 200.0), (0.0, 200.0)))


def parking(zones: tuple[Zone, ...] = (STRIP,), size_px: tuple[int, int] = SIZE_PX, **settings: Any) -> Parking:
    return Parking(CAMERA, Scene(size_px, zones), ParkingSettings(**settings))


def car(x: float, y: float, width: float = 60.0, height: float = 40.0) -> tuple[float, float, float, float]:
    return x - width / 2, y - height, x + width / 2, y


def one(at_s: float, box: Sequence[float], number: int = 1, seen: bool = True) -> Tracks:
    return Tracks(
        CAMERA,
        at_s,
        np.array([box], np.float32),
        np.array([0.9], np.float32),
        np.array([CLASS_IDS["car"]]),
        np.array([number]),
        np.array([0.0]),
        np.array([seen]),
    )


def of(found: Sequence[Observation], metric: str) -> list[tuple[float, float]]:
    return [(o.at_s, o.value) for o in found if o.metric == metric]


def look(analytic: Parking, looked: Tracks) -> list[Observation]:
    return analytic.update(looked, blank(looked.at_s))


def test_a_standing_car_is_clocked_from_the_look_it_stopped_at() -> None:
    analytic, found = parking(), []
    for tenth in range(400):
        at_s = tenth / 10
        found += look(analytic, one(at_s, car(min(160.0, 40.0 + 60 * at_s), 150)))
    at_s, dwell_s = of(found, "stationary_s")[-1]
    assert at_s - dwell_s == pytest.approx(2.0, abs=0.3), "it stopped at 2.0 s; a quarter of its size at 60 px/s is 0.2 s"
    assert {o.subject for o in found} == {next(o.subject for o in found)}
    first = next(o for o in found if o.metric == "stationary_s")
    assert first.value >= 10.0 and first.zone_id == "strip" and first.labels["class"] == "car" and first.box_px


def test_a_car_that_drives_slowly_through_is_not_standing() -> None:
    analytic, found = parking(), []
    for tenth in range(600):
        found += look(analytic, one(tenth / 10, car(20.0 + 4 * tenth / 10, 150)))
    assert found == []


def test_detector_jitter_does_not_restart_the_clock() -> None:
    analytic, found = parking(), []
    noise = np.random.default_rng(1).normal(0, 2.5, (1200, 4))
    for tenth in range(1200):
        found += look(analytic, one(tenth / 10, np.array(car(160, 150)) + noise[tenth]))
    assert of(found, "stationary_s")[-1][1] == pytest.approx(119.0, abs=1.0)
    assert len({o.subject for o in found}) == 1


def test_a_single_wild_box_does_not_restart_the_clock_and_driving_off_ends_it() -> None:
    analytic, found = parking(), []
    for second in range(80):
        x = 160.0 if second != 30 and second < 60 else 200.0 if second == 30 else 160.0 + 20 * (second - 59)
        found += look(analytic, one(float(second), car(x, 150)))
    assert of(found, "stop_s") == [(61.0, 59.0)], "two looks elsewhere are a move"
    assert of(found, "stationary_s")[-1] == (61.0, 0.0)
    assert len({o.subject for o in found}) == 1


def test_the_clock_outlasts_hiding_and_a_new_id_at_the_same_place() -> None:
    analytic, found = parking(), []
    for second in range(200):
        if second < 50:
            found += look(analytic, one(float(second), car(160, 150)))
        elif second < 110:
            found += look(analytic, Tracks.none(CAMERA, float(second), np.array([1] if second == 60 else [], np.int64)))
        else:
            found += look(analytic, one(float(second), car(163, 151), number=9))
    assert of(found, "stationary_s")[-1] == (199.0, 199.0)
    assert len({o.subject for o in found}) == 1
    assert {o.labels["seen"] for o in found} == {"yes", "no"}


def test_a_car_half_hidden_by_a_bus_keeps_its_clock() -> None:
    analytic, found = parking(), []
    for second in range(100):
        box = car(160, 150) if second < 30 or second > 60 else (130.0, 110.0, 155.0, 150.0)
        found += look(analytic, one(float(second), box))
    assert of(found, "stationary_s")[-1] == (99.0, 99.0)


def test_after_the_memory_the_place_is_forgotten() -> None:
    analytic, found = parking(memory_s=30.0), []
    for second in range(60):
        found += look(analytic, one(float(second), car(160, 150)) if second < 20 else Tracks.none(CAMERA, float(second)))
    assert of(found, "stop_s") == [(50.0, 19.0)]
    assert analytic.state()["standing"]["spots"] == [] and analytic.state()["stops"] == []


@pytest.mark.parametrize("jump_s", [600.0, -600.0])
def test_a_gap_adds_nothing_and_a_clock_set_back_loses_nothing(jump_s: float) -> None:
    analytic, found = parking(), []
    for second in range(100):
        found += look(analytic, one(1000.0 + second + (jump_s if second >= 50 else 0.0), car(160, 150)))
    assert of(found, "stationary_s")[-1][1] == 98.0, "fifty looks before, fifty after, nothing between"


@pytest.mark.parametrize("every_s", [0.04, 1.0, 30.0])
def test_dwell_does_not_depend_on_the_look_rate(every_s: float) -> None:
    analytic, found = parking(), []
    for index in range(round(120 / every_s) + 1):
        found += look(analytic, one(index * every_s, car(160, 150)))
    assert of(found, "stationary_s")[-1][1] == pytest.approx(120.0, abs=1.0)


def test_people_and_cars_elsewhere_are_not_reported() -> None:
    analytic, found = parking(), []
    for second in range(60):
        looked = tracks(float(second), (1, "person", car(160, 150)), (2, "car", car(160, 40)))
        found += look(analytic, looked)
    assert found == []


def test_a_queue_at_a_light_is_excused_for_its_time_and_no_longer() -> None:
    analytic, found = parking(queue_vehicles=3, queue_s=60.0), []
    for second in range(100):
        found += look(analytic, tracks(float(second), *((i, "car", car(50 + 80 * i, 150)) for i in range(3))))
    assert max(value for _, value in of(found, "queued_s")) == 59.0
    assert min(value for _, value in of(found, "stationary_s")) == 60.0


def test_without_the_option_nothing_is_excused() -> None:
    analytic, found = parking(), []
    for second in range(100):
        found += look(analytic, tracks(float(second), *((i, "car", car(50 + 80 * i, 150)) for i in range(3))))
    assert of(found, "queued_s") == [] and len(of(found, "stationary_s")) == 3 * 90


# --- bays ---


def bay(name: str, x: float, y: float, width: float = 40.0, height: float = 60.0) -> Zone:
    return Zone(name, "bay", ((x, y), (x + width, y), (x + width, y + height), (x, y + height)))


def test_a_vehicle_belongs_to_the_bay_its_foot_is_in_though_its_box_covers_the_one_behind() -> None:
    near, behind = bay("near", 100, 150, 60, 30), bay("behind", 100, 120, 60, 30)
    box = (100.0, 110.0, 160.0, 180.0)
    assert assigned([box], [behind.polygon, near.polygon]) == {1: 0}
    assert footprint_px(np.array(box), 30.0) == (100.0, 150.0, 160.0, 180.0)


def test_two_vehicles_never_share_a_bay() -> None:
    bays = [bay("a", 100, 100).polygon, bay("b", 140, 100).polygon]
    assert assigned([(100.0, 100.0, 140.0, 160.0), (125.0, 100.0, 175.0, 160.0)], bays) == {0: 0, 1: 1}
    assert assigned([], bays) == {}


def test_tracks_alone_fill_and_empty_a_bay_with_the_right_dwell() -> None:
    analytic, found = parking((bay("a", 140, 90),), bay_source="tracks", memory_s=5.0, window_s=200.0), []
    for second in range(201):
        looked = one(float(second), (140.0, 90.0, 180.0, 150.0)) if 20 <= second < 120 else Tracks.none(CAMERA, float(second))
        found += look(analytic, looked)
    changes = [(o.at_s, o.value) for o in found if o.metric == "occupied"]
    assert changes[0] == (0.0, 0.0)
    (visit,) = [o for o in found if o.metric == "visit_s"]
    assert visit.value == pytest.approx(100.0, abs=2.0) and visit.labels["start"] == "seen"
    (share,) = [o for o in found if o.metric == "occupied_share"]
    assert share.value == pytest.approx(0.5, abs=0.03) and share.coverage == 1.0
    assert of(found, "turnover") == [(200.0, 18.0)]


ROWS, COLUMNS = 2, 8
LOT_PX = (480, 240)
LOT = tuple(bay(f"{r}-{c}", 40 + 50 * c, 40 + 100 * r) for r in range(ROWS) for c in range(COLUMNS))


def lot(full: set[str], seed: int = 0, light: float = 1.0, shift: tuple[int, int] = (0, 0)) -> Image:
    """A rendered car park seen from above: grainy asphalt with a crack and lines, cars with windows."""
    random = np.random.default_rng(7)
    image = np.full((LOT_PX[1], LOT_PX[0], 3), 110.0)
    cv2.polylines(image, [np.array([[0, 20], [200, 28], [470, 15]], np.int32)], False, (80, 80, 80), 2)
    for zone in LOT:
        (x0, y0), _, (x1, y1), _ = ((int(x), int(y)) for x, y in zone.points_px)
        cv2.rectangle(image, (x0, y0), (x1, y1), (190, 190, 190), 2)
        paint = random.integers(20, 235, 3).tolist()
        if zone.id in full:
            cv2.rectangle(image, (x0 + 7, y0 + 5), (x1 - 7, y1 - 5), paint, -1)
            cv2.rectangle(image, (x0 + 10, y0 + 15), (x1 - 10, y0 + 24), (30, 30, 30), -1)
            cv2.rectangle(image, (x0 + 10, y1 - 20), (x1 - 10, y1 - 14), (35, 35, 35), -1)
    image = np.roll(image, shift[::-1], axis=(0, 1)) * light + np.random.default_rng(seed).normal(0, 3, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def at_lot(analytic: Parking, at_s: float, image: Image) -> list[Observation]:
    return analytic.update(Tracks.none(CAMERA, at_s), Frame(CAMERA, at_s, image))


def full_bays(analytic: Parking) -> set[str]:
    return {name for name, row in analytic.state()["bays"].items() if row[0]}


ALL = {zone.id for zone in LOT}
HALF = {zone.id for zone in LOT[::2]} | {"1-7"}


@pytest.mark.parametrize("full", [HALF, ALL, set(), {"0-0"}, ALL - {"1-3"}], ids=["half", "full", "empty", "one", "one free"])
def test_occupancy_is_read_from_the_very_first_picture(full: set[str]) -> None:
    analytic = parking(LOT, LOT_PX)
    found = at_lot(analytic, 0.0, lot(full))
    assert full_bays(analytic) == full
    assert of(found, "bays_occupied") == [(0.0, float(len(full)))]


def test_bays_fill_and_empty_under_drift_changing_light_and_a_restart() -> None:
    analytic, found = parking(LOT, LOT_PX, bay_report_s=1000.0), []
    now = set(HALF)
    for second in range(120):
        if second == 40:
            now -= {"0-0"}
        if second == 80:
            now |= {"0-1"}
        shift, light = (second // 12, -second // 30), 1.0 - 0.3 * second / 120
        found += at_lot(analytic, float(second), lot(now, second, light, shift))
        if second == 60:
            saved, analytic = json.loads(json.dumps(analytic.state())), parking(LOT, LOT_PX, bay_report_s=1000.0)
            analytic.restore(saved)
    changes = [(o.at_s, o.zone_id, o.value) for o in found if o.metric == "occupied" and o.at_s > 0]
    assert changes == [(43.0, "0-0", 0.0), (83.0, "0-1", 1.0)]
    (visit,) = [o for o in found if o.metric == "visit_s"]
    assert (visit.zone_id, visit.value, visit.labels["start"]) == ("0-0", 40.0, "before")


def test_when_the_last_car_has_left_the_lot_is_empty_and_somebody_walking_through_is_no_car() -> None:
    analytic = parking(LOT, LOT_PX)
    for second in range(60):
        image = lot(HALF if second < 20 else set(), second)
        if second in (40, 41):
            image[60:80, 60:66] = 250
        at_lot(analytic, float(second), image)
        if second > 30:
            assert full_bays(analytic) == set()


def test_a_bay_hidden_by_a_vehicle_that_stands_elsewhere_keeps_its_state() -> None:
    zones = (bay("near", 140, 150, 60, 50), bay("behind", 140, 95, 60, 50))
    analytic = parking(zones)
    empty = np.full((SIZE_PX[1], SIZE_PX[0], 3), 110, np.uint8)
    analytic.update(Tracks.none(CAMERA, 0.0), Frame(CAMERA, 0.0, empty))
    truck = np.array(empty)
    truck[90:200:4, 140:200] = 255
    for second in range(1, 40):
        analytic.update(one(float(second), (140.0, 90.0, 200.0, 200.0)), Frame(CAMERA, float(second), truck if second > 7 else empty))
    assert full_bays(analytic) == {"near"}


def test_the_labelled_car_park_is_read_right() -> None:
    data = labelled_data() / "parking"
    truth = json.loads((data / "carpark_bays.json").read_text(encoding="utf-8"))
    zones = tuple(bay(name, *box) for name, box in truth["bays_xywh"].items())
    video = cv2.VideoCapture(str(data / truth["video"]))
    analytic, visits = parking(zones, (1100, 720)), []
    wrong: dict[int, set[str]] = {}
    for index in range(351):
        if not (video.grab() and (index % 25 == 0 or index == 350)):
            continue
        visits += of(at_lot(analytic, index / 24, np.asarray(video.retrieve()[1], np.uint8)), "visit_s")
        if index in (0, 350):
            free = {str(number) for number in truth["free_at_frame"][str(index)]}
            wrong[index] = ({zone.id for zone in zones} - free) ^ full_bays(analytic)
    video.release()
    assert len(wrong[0]) <= 0.05 * len(zones) and len(wrong[350]) <= 0.05 * len(zones), wrong
    assert len(visits) == 2, "two cars leave"
