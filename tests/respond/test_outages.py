"""A camera that stays down is an incident, once; many of one uplink are one; back again, their events end; on both databases."""

from __future__ import annotations

from sewu.base.assets import NetworkAsset
from sewu.base.clock import ManualClock
from sewu.base.incidents import IncidentFilter
from sewu.base.records import Place
from sewu.base.register import CameraState, RegisteredCamera
from sewu.base.words import Words
from sewu.respond.desk import Desk
from sewu.respond.outages import OutageWatch
from sewu.respond.policy import DeskSettings
from sewu.store.operations.areas import Areas
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.network import Network
from sewu.store.operations.states import States
from sewu.wiring.locating import Locator
from tests.respond.desks import CITY, NOW_S, run

COUNT = 30


async def city(database: Database, plugged: int) -> tuple[OutageWatch, States]:
    """Cameras K0 to K29 of RTs in one kelurahan, the first `plugged` of them on one uplink."""
    cameras, network = Cameras(database), Network(database)
    rows = [
        RegisteredCamera(f"K{n}", f"Kamera {n}", "rtsp://h/1", f"33.74.01.1001.{n % 3:03d}", place=Place(-7, 110.4)) for n in range(COUNT)
    ]
    await cameras.put(CITY, rows, NOW_S)
    if plugged:
        uplink = await network.add(CITY, NetworkAsset("net_1", "uplink", "Menara Tugu", "33.74.01"), NOW_S)
        await network.plug(CITY, uplink.id, [f"K{n}" for n in range(plugged)], NOW_S)
    locate = Locator(cameras, Areas(database), network, CITY, ManualClock())
    desk = Desk(database, DeskSettings(storm_cameras=20), locate, Words("id"))
    return OutageWatch(desk, grace_s=120.0), States(database)


def states(condition: str, since_s: float, *numbers: int) -> list[CameraState]:
    reason = "timeout" if condition == "down" else None
    return [CameraState(f"K{n}", condition, since_s, reason) for n in numbers]  # type: ignore[arg-type]


def test_a_camera_that_stays_down_is_told_once_and_ends_when_it_is_back(database_url: str) -> None:
    async def work(database: Database) -> None:
        watch, kept = await city(database, 0)
        await kept.write("s1", 1, states("up", NOW_S, *range(COUNT)), NOW_S)
        await kept.write("s1", 1, states("down", NOW_S + 10, 1, 2), NOW_S + 10)
        assert await watch.look(NOW_S + 100) is None  # within the grace time
        await kept.write("s1", 1, states("up", NOW_S + 110, 2), NOW_S + 110)
        taken = await watch.look(NOW_S + 131)
        assert taken is not None and (taken.stored, len(taken.opened)) == (1, 1)
        assert await watch.look(NOW_S + 200) is None
        incident = await Incidents(database).get(CITY, taken.opened[0])
        assert incident is not None and incident.title == "Kamera mati: Kamera 1" and incident.going_on == 1
        assert incident.began_at_s == NOW_S + 10 and incident.agency == "diskominfo"
        await kept.write("s1", 1, states("up", NOW_S + 300, 1), NOW_S + 300)
        await watch.look(NOW_S + 301)
        incident = await Incidents(database).get(CITY, taken.opened[0])
        assert incident is not None and incident.going_on == 0 and await watch.look(NOW_S + 302) is None

    run(database_url, work)


def test_an_uplink_that_takes_its_cameras_down_is_one_incident(database_url: str) -> None:
    async def work(database: Database) -> None:
        watch, kept = await city(database, 25)
        await kept.write("s1", 1, states("down", NOW_S, *range(25)), NOW_S)
        taken = await watch.look(NOW_S + 121)
        assert taken is not None and taken.stored == 25 and len(taken.opened) == 1
        (storm,) = (await Incidents(database).list(CITY, IncidentFilter(states=("open",)))).rows
        assert storm.title == "Uplink Menara Tugu putus: 25 kamera" and storm.camera_count == 25

    run(database_url, work)


def test_cameras_without_a_known_uplink_gather_by_their_kelurahan(database_url: str) -> None:
    async def work(database: Database) -> None:
        watch, kept = await city(database, 0)
        await kept.write("s1", 1, states("down", NOW_S, *range(COUNT)), NOW_S)
        await watch.look(NOW_S + 121)
        (storm,) = (await Incidents(database).list(CITY, IncidentFilter(states=("open",)))).rows
        assert storm.kind == "area_down" and storm.group_key == "area:33.74.01.1001" and storm.camera_count == COUNT

    run(database_url, work)
