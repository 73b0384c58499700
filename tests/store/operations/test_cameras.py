"""The register of cameras on both databases: idempotent, within rights, no password ever returned."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from sewu.base.errors import Conflict, NotFound
from sewu.base.records import Place
from sewu.base.register import CameraEdit, CameraFilter, Login, RegisteredCamera
from sewu.base.rights import Scope
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.tables import changes
from sewu.store.operations.vault import Vault
from tests.store.operations.test_database import run

CITY, CENTRE, NORTH = Scope(("33.74",)), Scope(("33.74.01",)), Scope(("33.74.02",))
FULL = RegisteredCamera(
    "K001", "Simpang Lima É", "rtsp://10.0.0.1/main", "33.74.01.1001", "rtsp://10.0.0.1/sub", "atcs", "Dishub", "PKS 12/2025",
    Place(-6.99, 110.42), 90.0, 60.0, 6.5, "operator", "2024-01-31", "2027-01-31", ("lampu", "simpang"),
    (((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)),), True, "lalu lintas",
)  # fmt: skip
OTHER = RegisteredCamera("K002", "RT 01", "rtsp://10.0.0.2/main", "33.74.02.1001")


def cameras_of(database: Database) -> Cameras:
    return Cameras(database, Vault((Fernet.generate_key().decode(),)))


def test_a_camera_reads_back_as_it_was_written(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        cameras = cameras_of(database)
        await cameras.put(CITY, [FULL, OTHER], 5.0)
        return await cameras.get(CITY, "K001"), await cameras.get(CITY, "K002"), await cameras.get(NORTH, "K001")

    full, other, hidden = run(database_url, work)
    assert full.camera == replace(FULL, changed_at_s=5.0) and full.condition == "unknown"
    assert other.camera == replace(OTHER, changed_at_s=5.0)
    assert hidden is None


def test_writing_the_same_again_changes_nothing_and_a_difference_counts_one_version(database_url: str) -> None:
    logins = {"K001": Login("admin", "rahasia")}

    async def work(database: Database) -> tuple[Any, ...]:
        cameras = cameras_of(database)
        written = [
            await cameras.put(CITY, rows, at_s, logins)
            for at_s, rows in ((1.0, [FULL, OTHER]), (2.0, [FULL, OTHER]), (3.0, [replace(FULL, name="Baru"), OTHER]))
        ]
        told = await database.newest_change()
        return written, told, await cameras.get(CITY, "K001"), await cameras.get(CITY, "K002")

    written, told, renamed, kept = run(database_url, work)
    assert written == [("K001", "K002"), (), ("K001",)] and told == 3
    assert (renamed.camera.name, renamed.camera.version, renamed.camera.changed_at_s) == ("Baru", 2, 3.0)
    assert kept.camera.version == 1


def test_a_password_is_kept_encrypted_and_given_to_the_engine_alone(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        cameras = cameras_of(database)
        await cameras.put(CITY, [FULL, OTHER], 1.0, {"K001": Login("admin", "rahasia")})
        changed = await cameras.put(CITY, [FULL], 2.0, {"K001": Login("admin", "rahasia2")})
        async with database.reading() as connection:
            raw = "".join(str(row) for row in await connection.exec_driver_sql("select * from camera_secret"))
        return (
            await cameras.get(CITY, "K001"),
            changed,
            raw,
            await cameras.logins(CITY, ["K001", "K002"]),
            await cameras.logins(NORTH, ["K001"]),
        )

    listed, changed, raw, logins, hidden = run(database_url, work)
    assert listed.camera.has_secret and listed.camera.user == "admin" and "rahasia" not in repr(listed)
    assert changed == ("K001",) and "rahasia" not in raw
    assert logins == {"K001": Login("admin", "rahasia2")} and hidden == {} and "rahasia" not in repr(logins)


def test_nobody_writes_outside_of_their_areas(database_url: str) -> None:
    async def work(database: Database) -> list[Any]:
        cameras = cameras_of(database)
        await cameras.put(CITY, [FULL], 1.0)
        for rows in ([OTHER, FULL], [replace(FULL, area_code="33.74.02.1001")], [FULL]):
            with pytest.raises(NotFound):
                await cameras.put(NORTH, rows, 2.0)
        with pytest.raises(NotFound):
            await cameras.edit(CENTRE, ["K001"], CameraEdit(area_code="33.74.02.1001"), 2.0)
        with pytest.raises(NotFound):
            await cameras.edit(NORTH, ["K001"], CameraEdit(owner="X"), 2.0)
        assert await cameras.delete(NORTH, ["K001"], 2.0) == ()
        return [row.camera.version for row in await cameras.some(CITY, ["K001", "K002"])]

    assert run(database_url, work) == [1]


def test_a_change_on_an_old_version_is_refused(database_url: str) -> None:
    async def work(database: Database) -> str:
        cameras = cameras_of(database)
        await cameras.put(CITY, [FULL], 1.0)
        await cameras.put_at(CITY, replace(FULL, name="Satu"), 1, 2.0)
        with pytest.raises(Conflict, match="version 2"):
            await cameras.put_at(CITY, replace(FULL, name="Dua"), 1, 3.0)
        with pytest.raises(NotFound):
            await cameras.put_at(CITY, OTHER, 1, 3.0)
        found = await cameras.get(CITY, "K001")
        assert found is not None
        return found.camera.name

    assert run(database_url, work) == "Satu"


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (CameraFilter(), ["K001", "K002"]),
        (CameraFilter(area_code="33.74.02"), ["K002"]),
        (CameraFilter(owner_class="atcs"), ["K001"]),
        (CameraFilter(owner="Dishub"), ["K001"]),
        (CameraFilter(tag="lampu"), ["K001"]),
        (CameraFilter(tag="lamp"), []),
        (CameraFilter(tag="%"), []),
        (CameraFilter(text="LIMA é"), ["K001"]),
        (CameraFilter(text="k00"), ["K001", "K002"]),
        (CameraFilter(text="K_01"), []),
        (CameraFilter(is_public=True), ["K001"]),
        (CameraFilter(condition="unknown", owner_class="rt"), ["K002"]),
        (CameraFilter(condition="up"), []),
    ],
)
def test_filters_find_what_they_say(database_url: str, wanted: CameraFilter, ids: list[str]) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        cameras = cameras_of(database)
        await cameras.put(CITY, [FULL, OTHER], 1.0)
        return await cameras.list(CITY, wanted), await cameras.count(CITY, wanted), await cameras.list(Scope(), wanted)

    page, count, nothing = run(database_url, work)
    assert [row.camera.id for row in page.rows] == ids and page.next_cursor is None
    assert sum(count.values()) == len(ids) and nothing.rows == ()


def test_a_list_goes_on_from_its_cursor(database_url: str) -> None:
    rows = [replace(OTHER, id=f"K{number:03d}") for number in range(25)]

    async def work(database: Database) -> list[str]:
        cameras = cameras_of(database)
        await cameras.put(CITY, rows, 1.0)
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await cameras.list(CITY, CameraFilter(), cursor, 10)
            seen += [row.camera.id for row in page.rows]
            if (cursor := page.next_cursor) is None:
                return seen

    assert run(database_url, work) == [row.id for row in rows]


def test_a_bulk_edit_changes_what_it_names_for_all_or_none(database_url: str) -> None:
    change = CameraEdit(owner="Kecamatan", add_tags=("banjir",), remove_tags=("lampu",))

    async def work(database: Database) -> tuple[Any, ...]:
        cameras = cameras_of(database)
        await cameras.put(CITY, [FULL, OTHER], 1.0)
        with pytest.raises(NotFound):
            await cameras.edit(CITY, ["K001", "K404"], change, 2.0)
        first = await cameras.edit(CITY, ["K001", "K002"], change, 2.0)
        return first, await cameras.edit(CITY, ["K001"], change, 3.0), await cameras.every(CITY)

    first, again, cameras = run(database_url, work)
    assert first == ("K001", "K002") and again == ()
    assert [(c.owner, c.tags, c.agreement) for c in cameras] == [
        ("Kecamatan", ("banjir", "simpang"), "PKS 12/2025"),
        ("Kecamatan", ("banjir",), None),
    ]


def test_a_deleted_camera_is_found_no_more_until_it_is_imported_again(database_url: str) -> None:
    async def work(database: Database) -> tuple[Any, ...]:
        cameras = cameras_of(database)
        await cameras.put(CITY, [FULL], 1.0)
        gone = await cameras.delete(CITY, ["K001", "K404"], 2.0)
        missing = await cameras.get(CITY, "K001")
        again = await cameras.delete(CITY, ["K001"], 3.0)
        back = await cameras.put(CITY, [FULL], 4.0)
        return gone, missing, again, back, await cameras.get(CITY, "K001")

    gone, missing, again, back, found = run(database_url, work)
    assert gone == back == ("K001",) and missing is None and again == () and found.camera.version == 3


def test_a_camera_that_changes_its_area_is_told_to_both(database_url: str) -> None:
    async def work(database: Database) -> list[Any]:
        cameras = cameras_of(database)
        await cameras.put(CITY, [FULL], 1.0)
        await cameras.put(CITY, [replace(FULL, area_code="33.74.02.1001")], 2.0)
        async with database.reading() as connection:
            return [
                tuple(row) for row in await connection.execute(select(changes.c.topic, changes.c.area_code).where(changes.c.at_s == 2.0))
            ]

    assert run(database_url, work) == [("camera", "33.74.01.1001"), ("camera", "33.74.02.1001")]


def test_two_imports_at_once_do_not_block_each_other(database_url: str) -> None:
    rows = [replace(OTHER, id=f"K{number:03d}") for number in range(300)]

    async def work(database: Database) -> list[int]:
        cameras = cameras_of(database)
        await cameras.put(CITY, rows, 1.0)
        batches = [[replace(row, name=f"Kamera {turn}") for row in (rows if turn % 2 else rows[::-1])] for turn in range(6)]
        return [len(ids) for ids in await asyncio.gather(*(cameras.put(CITY, batch, 2.0) for batch in batches))]

    assert run(database_url, work) == [300] * 6
