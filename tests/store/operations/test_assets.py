"""Obligations and the network on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sewu.base.assets import Letter, NetworkAsset, Obligation
from sewu.base.errors import BadInput, Conflict, NotFound
from sewu.base.records import Place
from sewu.base.register import RegisteredCamera
from sewu.base.rights import Scope
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.network import Network
from sewu.store.operations.obligations import Obligations
from tests.store.operations.test_database import run

CITY, CENTRE, NORTH = Scope(("33.74",)), Scope(("33.74.01",)), Scope(("33.74.02",))
CAMERA = RegisteredCamera("K1", "Satu", "rtsp://h/x", "33.74.01.1001")
HOTEL = Obligation(
    "", "building", "Hotel Melati", "PT Melati", "33.74.01.1001", "parkir di badan jalan", place=Place(-6.98, 110.41),
    letters=(Letter("request", "2026-01-10", "2026-01-09"), Letter("reminder", "2026-02-10")),
)  # fmt: skip


def test_an_obligation_goes_from_letter_to_approved_view(database_url: str) -> None:
    async def work(database: Database) -> list[Any]:
        await Cameras(database).put(CITY, [CAMERA], 1.0)
        register = Obligations(database)
        first = await register.add(CENTRE, HOTEL, 1.0)
        seen: list[Any] = [first, await register.get(CITY, first.id), await register.get(NORTH, first.id)]
        seen.append([o.id for o in await register.due(CITY, "2026-02-09")])
        seen.append([o.id for o in await register.due(CITY, "2026-02-10")])
        proven = replace(first, status="approved", camera_id="K1", view_approved_by="ani", view_approved_at_s=2.0)
        with pytest.raises(NotFound):
            await register.change(CITY, replace(proven, camera_id="K404"), 1, 2.0)
        await register.change(CITY, proven, 1, 2.0)
        with pytest.raises(Conflict):
            await register.change(CITY, proven, 1, 2.0)
        with pytest.raises(NotFound):
            await register.change(NORTH, proven, 2, 2.0)
        with pytest.raises(NotFound):
            await register.add(NORTH, HOTEL, 2.0)
        seen += [await register.due(CITY, "2030-01-01"), await register.unproven(CITY)]
        await Cameras(database).delete(CITY, ["K1"], 3.0)
        return [*seen, [o.id for o in await register.unproven(CITY)]]

    first, read, hidden, early, due, settled, proven, unproven = run(database_url, work)
    assert read == first and hidden is None and first.next_letter_on == "2026-02-10"
    assert early == [] and due == [first.id] and settled == () and proven == () and unproven == [first.id]


def test_obligations_are_listed_by_page_status_and_text(database_url: str) -> None:
    async def work(database: Database) -> list[Any]:
        register = Obligations(database)
        for number in range(3):
            await register.add(CITY, replace(HOTEL, name=f"Menara {number}", status="asked" if number else "open"), float(number + 1))
        page = await register.list(CITY, limit=2)
        rest = await register.list(CITY, page.next_cursor, 2)
        asked, named = await register.list(CITY, status="asked"), await register.list(CITY, text="MENARA 1")
        return [[o.name for o in some.rows] for some in (page, rest, asked, named, await register.list(NORTH))]

    assert run(database_url, work) == [["Menara 0", "Menara 1"], ["Menara 2"], ["Menara 1", "Menara 2"], ["Menara 1"], []]


def test_cameras_fail_with_what_they_hang_on(database_url: str) -> None:
    async def work(database: Database) -> list[Any]:
        rows = [replace(CAMERA, id=f"K{n}", area_code="33.74.02.1001" if n == 3 else "33.74.01.1001") for n in range(1, 5)]
        await Cameras(database).put(CITY, rows, 1.0)
        network = Network(database)
        up = await network.add(CITY, NetworkAsset("", "uplink", "Serat utara", "33.74"), 1.0)
        wifi = await network.add(CITY, NetworkAsset("", "wifi_point", "RW 1", "33.74.01.1001", up.id), 2.0)
        alone = await network.add(CITY, NetworkAsset("", "switch", "Sakelar", "33.74.01.1001", place=Place(-7, 110)), 3.0)
        await network.plug(CITY, wifi.id, ["K1", "K3"], 4.0)
        await network.plug(CITY, up.id, ["K2"], 4.0)
        await network.plug(CITY, alone.id, ["K4", "K1"], 4.0)
        await network.plug(CITY, wifi.id, ["K1"], 5.0)
        for scope, asset, camera in ((CENTRE, up.id, "K1"), (CENTRE, wifi.id, "K3"), (CITY, "net_x", "K1")):
            with pytest.raises(NotFound):
                await network.plug(scope, asset, [camera], 6.0)
        groups = {camera: asset.id for camera, asset in (await network.uplinks(CITY)).items()}
        seen = [await network.cameras(scope, asset.id) for scope, asset in ((CITY, up), (CENTRE, wifi), (CENTRE, up), (CITY, alone))]
        return [up.id, wifi.id, alone.id, groups, await network.uplinks(NORTH), seen, await network.get(CENTRE, alone.id), alone]

    up, _, alone, groups, north, seen, read, stored = run(database_url, work)
    assert groups == {"K1": up, "K2": up, "K3": up, "K4": alone} and list(north) == ["K3"]
    assert seen == [("K1", "K2", "K3"), ("K1",), (), ("K4",)] and read == stored


def test_no_part_of_the_network_depends_on_itself_and_none_is_left_hanging(database_url: str) -> None:
    async def work(database: Database) -> list[str]:
        await Cameras(database).put(CITY, [CAMERA], 1.0)
        network = Network(database)
        top = await network.add(CITY, NetworkAsset("", "uplink", "A", "33.74"), 1.0)
        middle = await network.add(CITY, NetworkAsset("", "switch", "B", "33.74", top.id), 2.0)
        low = await network.add(CITY, NetworkAsset("", "wifi_point", "C", "33.74", middle.id), 3.0)
        for above in (low.id, top.id):
            with pytest.raises(BadInput):
                await network.change(CITY, replace(top, parent_id=above), 1, 4.0)
        with pytest.raises(Conflict):
            await network.delete(CITY, middle.id, 5.0)
        await network.plug(CITY, low.id, ["K1"], 5.0)
        await network.delete(CITY, low.id, 6.0)
        await network.change(CITY, replace(middle, name="B2", parent_id=None), 1, 7.0)
        with pytest.raises(Conflict):
            await network.change(CITY, middle, 1, 8.0)
        assert await network.uplinks(CITY) == {}
        return [asset.name for asset in await network.list(CITY)]

    assert run(database_url, work) == ["A", "B2"]
