"""Cameras that fail together are told together: by uplink where it is known, else by kelurahan."""

from __future__ import annotations

from sewu.base.assets import NetworkAsset
from sewu.base.clock import ManualClock
from sewu.base.incidents import IncidentFilter
from sewu.base.places import real_areas
from sewu.base.rights import Scope
from sewu.base.words import Words
from sewu.respond.desk import Desk
from sewu.respond.policy import DeskSettings
from sewu.store.operations.areas import Areas
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.network import Network
from sewu.wiring.locating import UPLINKS_EVERY_S, Locator
from tests.show.service.place import CITY, camera, event
from tests.store.operations.test_database import run

SCOPE = Scope((CITY,))


def test_an_uplink_that_fails_is_one_incident_not_one_per_camera(database_url: str) -> None:
    async def work(database: Database) -> None:
        clock, areas, cameras, network = ManualClock(), Areas(database), Cameras(database), Network(database)
        await areas.put(real_areas(), 0.0)
        await cameras.put(SCOPE, [camera(f"C{n}", f"33.74.0{n % 3 + 1}.1001") for n in range(30)], 0.0)
        locate = Locator(cameras, areas, network, SCOPE, clock)
        assert (await locate(["C0", "C1", "none"]))["C1"].group_key == "area:33.74.02.1001" and len(await locate(["none"])) == 0
        uplink = await network.add(SCOPE, NetworkAsset("", "uplink", "FO Pemuda", CITY), 0.0)
        await network.plug(SCOPE, uplink.id, [f"C{n}" for n in range(30)], 0.0)
        clock.advance(UPLINKS_EVERY_S)
        assert (await locate(["C1"]))["C1"].group_key == f"uplink:{uplink.id}"
        desk = Desk(database, DeskSettings(), locate, Words("en"))
        await desk.take("s", 1, [event(n, f"C{n}", "camera_down") for n in range(30)], clock.now_s())
        page = await Incidents(database).list(SCOPE, IncidentFilter(states=("open",)))
        assert [(row.kind, row.camera_count) for row in page.rows] == [("uplink_down", 30)] and "FO Pemuda" in page.rows[0].title

    run(database_url, work)
