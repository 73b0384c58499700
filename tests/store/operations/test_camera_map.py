"""The map follows every change, shows nobody more than their areas, and finds the camera that faces a place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from sewu.base.records import Place
from sewu.base.register import CameraState, RegisteredCamera
from sewu.base.rights import Scope, is_within
from sewu.base.space import bearing_deg, distance_m, moved
from sewu.store.operations.camera_map import CameraMap, faces, ranges
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.states import States
from sewu.store.operations.tables import changes
from tests.store.operations.test_database import run

CITY, NORTH = Scope(("33.74",)), Scope(("33.74.02",))
HERE = Place(-6.99, 110.42)


def camera(number: int, east_m: float = 0.0, heading_deg: float | None = None, area: str = "33.74.01.1001") -> RegisteredCamera:
    place = moved(HERE, east_m, 0.0)
    return RegisteredCamera(f"K{number}", "Ö", "rtsp://h/rahasia", area, place=place, heading_deg=heading_deg, field_of_view_deg=60.0)


def ids(answer: Any) -> list[str]:
    return [feature["id"] for feature in json.loads(answer.body)["features"]]


def test_the_map_follows_every_kind_of_change(database_url: str) -> None:
    async def work(database: Database) -> list[Any]:
        cameras, states, shown = Cameras(database), States(database), CameraMap(database)
        seen = [await shown.geojson(CITY)]
        await cameras.put(CITY, [camera(1), camera(2)], 1.0)
        seen.append(await shown.geojson(CITY))
        seen.append(await shown.geojson(CITY))
        await states.write("s", 1, [CameraState("K1", "down", 2.0, "dark")], 2.0)
        seen.append(await shown.geojson(CITY))
        await cameras.put(CITY, [replace(camera(1), area_code="33.74.02.1001", place=None)], 3.0)
        seen += [await shown.geojson(CITY), await shown.geojson(NORTH)]
        await cameras.delete(CITY, ["K2"], 4.0)
        seen.append(await shown.geojson(CITY))
        return seen

    seen = run(database_url, work)
    assert [ids(answer) for answer in seen] == [[], ["K1", "K2"], ["K1", "K2"], ["K1", "K2"], ["K2", "K1"], ["K1"], ["K1"]]
    assert seen[1].version == seen[2].version < seen[3].version < seen[4].version < seen[6].version
    properties = json.loads(seen[3].body)["features"][0]["properties"]
    assert (properties["condition"], properties["reason"], properties["name"]) == ("down", "dark", "Ö")
    assert b"rahasia" not in seen[3].body and json.loads(seen[5].body)["features"][0]["geometry"] is None


def test_a_map_that_missed_part_of_the_outbox_reads_all_again(database_url: str) -> None:
    async def work(database: Database) -> list[str]:
        cameras, shown = Cameras(database), CameraMap(database)
        await cameras.put(CITY, [camera(1)], 1.0)
        await shown.geojson(CITY)
        await cameras.put(CITY, [camera(2)], 2.0)
        await cameras.put(CITY, [camera(3)], 3.0)
        async with database.writing() as connection:
            await connection.execute(delete(changes).where(changes.c.at_s <= 2.0))
        return ids(await shown.geojson(CITY))

    assert run(database_url, work) == ["K1", "K2", "K3"]


def test_the_nearest_camera_that_faces_the_place_is_found(database_url: str) -> None:
    rows = [
        camera(1, east_m=-30, heading_deg=270.0),  # nearest, looks away
        camera(2, east_m=-50, heading_deg=100.0),  # looks here
        camera(3, east_m=70),  # heading not known
        camera(4, east_m=20, heading_deg=270.0),  # looks here, but is down
        camera(5, east_m=5000, heading_deg=270.0),
        replace(camera(6), place=None),
        camera(7, east_m=10, heading_deg=270.0, area="33.74.02.1001"),
    ]

    async def work(database: Database) -> tuple[Any, ...]:
        await Cameras(database).put(CITY, rows, 1.0)
        await States(database).write("s", 1, [CameraState(f"K{n}", "down" if n == 4 else "up", 1.0) for n in (1, 2, 3, 4, 7)], 1.0)
        shown, centre = CameraMap(database), Scope(("33.74.01",))
        return (
            await shown.nearest(centre, HERE),
            await shown.nearest(centre, HERE, must_face=True),
            await shown.nearest(CITY, HERE, 1),
            await shown.nearest(Scope(), HERE),
        )

    every, facing, first, nothing = run(database_url, work)
    assert [(near.camera.id, near.faces) for near in every] == [("K1", False), ("K2", True), ("K3", None), ("K4", True)]
    assert [near.camera.id for near in facing] == ["K2", "K4"]
    assert [near.camera.id for near in first] == ["K7"] and nothing == ()
    assert abs(every[0].distance_m - 30) < 0.1 and abs(every[0].bearing_deg - 90) < 0.1
    for near in every:
        assert near.camera.place is not None
        assert abs(near.distance_m - distance_m(near.camera.place, HERE)) < 0.1
        assert abs((near.bearing_deg - bearing_deg(near.camera.place, HERE) + 180) % 360 - 180) < 0.5


@given(st.floats(0, 359.9), st.floats(1, 359), st.floats(-179, 179))
def test_a_direction_is_faced_when_it_lies_within_half_the_field_of_view(heading: float, view: float, off: float) -> None:
    if abs(abs(off) - view / 2) > 1e-6:
        assert faces(heading, view, (heading + off) % 360, 50.0) is (abs(off) < view / 2)
    assert faces(None, view, 0.0, 50.0) is None and faces(heading, None, 0.0, 50.0) is None
    assert faces(None, 360.0, 0.0, 50.0) is True


codes = st.lists(st.sampled_from(["33", "74", "01", "011", "1001"]), min_size=1, max_size=4).map(".".join)


@given(st.lists(codes, max_size=12), st.lists(codes, max_size=4))
def test_ranges_are_what_lies_within_the_scope_and_nothing_twice(areas: list[str], scope: list[str]) -> None:
    ordered = sorted(areas)
    found = [index for start, end in ranges(ordered, Scope(tuple(dict.fromkeys(scope)))) for index in range(start, end)]
    assert sorted(found) == [i for i, code in enumerate(ordered) if any(is_within(code, area) for area in scope)]
