"""`sewu bench service`: a service of its own with a full database, asked over a loopback socket by a process of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn

from sewu.base.clock import SystemClock
from sewu.base.errors import BadSettings
from sewu.base.places import Area
from sewu.base.register import RegisteredCamera
from sewu.base.rights import Grant, Scope
from sewu.base.service import Home, ServiceSettings
from sewu.bench import service as bench
from sewu.show.service.app import create_app
from sewu.show.service.guard import SESSION_COOKIE
from sewu.show.service.limits import Limiter, Rate
from sewu.show.service.parts import Parts
from sewu.simulate.city import make_city
from sewu.store.operations.people import NewUser
from sewu.store.operations.vault import create_key, open_vault
from sewu.wiring.demo_city import registered
from sewu.wiring.serving import Server, build_desk, build_parts

STATES, EVENTS_A_BATCH = 11_000, 200


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """How full the database is, how often each question is asked, how many streams listen."""

    cameras: int = 10_693
    incidents: int = 100_000
    events: int = 1_000_000
    rounds: int = 100
    batches: int = 20
    listeners: int = 200
    database_url: str | None = None


def bench_service(options: BenchOptions) -> bench.ServiceCost:
    """Fill, ask, write, listen. With `database_url` an empty database is needed; else a SQLite file in a temporary folder.

    Raises:
        BadSettings: the database holds people already.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="sewu-bench-") as folder:
        return asyncio.run(_whole(Path(folder), options))


async def _whole(folder: Path, options: BenchOptions) -> bench.ServiceCost:
    create_key(folder / "sewu.key")
    home = Home(folder, ServiceSettings(database_url=options.database_url))
    parts, cameras = await _filled(home, options)
    try:
        everybody = await _cookies(parts, _areas(cameras, options.listeners))
        with _serving(home) as port:
            url, cookie = f"http://127.0.0.1:{port}", everybody[0]
            answers = await bench.ask(url, {"Cookie": cookie}, _questions(cameras, parts.clock.now_s()), options.rounds)
            writes = await _writes(parts, cameras, options.batches)
            streams = None if options.listeners == 0 else await _streams(parts, cameras, options, (port, everybody))
        return bench.ServiceCost(
            parts.database.kind,
            len(cameras),
            options.incidents,
            options.events,
            answers,
            writes,
            streams,
            ("server and client share this machine",),
        )
    finally:
        await parts.database.close()


async def _filled(home: Home, options: BenchOptions) -> tuple[Parts, list[RegisteredCamera]]:
    parts = build_parts(home, SystemClock(), open_vault(home.key_file))
    await parts.database.upgrade()
    if await parts.people.count():
        raise BadSettings("This database is in use.", "Name an empty one; the benchmark fills it with invented rows.")
    now_s, city = parts.clock.now_s(), make_city(1, options.cameras)
    await parts.areas.put([Area(a.code, a.level, a.name, a.parent_code, a.place, a.area_km2, a.is_synthetic) for a in city.areas], now_s)
    cameras = list(registered(city, {}))
    await parts.cameras.put(Scope((home.settings.city_code,)), cameras, now_s)
    await bench.fill(parts.database, cameras, (options.incidents, options.events), now_s)
    return parts, cameras


def _areas(cameras: list[RegisteredCamera], listeners: int) -> list[str]:
    """Whose screens listen: the city first, then kelurahan by kelurahan."""
    kelurahan = sorted({".".join(camera.area_code.split(".")[:4]) for camera in cameras})
    return ["33.74", *(kelurahan[number % len(kelurahan)] for number in range(max(0, listeners - 1)))]


async def _cookies(parts: Parts, areas: list[str]) -> list[str]:
    """A person with a session for each of these areas."""
    found, now_s = [], parts.clock.now_s()
    for number, area in enumerate(areas):
        user = await parts.people.add(NewUser(f"bench{number}", "Bench"), now_s)
        await parts.people.grant(user.id, Grant("operator", area), None, now_s)
        _, secret = await parts.sessions.begin(user.id, now_s)
        found.append(f"{SESSION_COOKIE}={secret}")
    return found


def _questions(cameras: list[RegisteredCamera], now_s: float) -> dict[str, list[str]]:
    places = [camera.place for camera in cameras[:: max(1, len(cameras) // 40)] if camera.place is not None]
    areas = sorted({".".join(camera.area_code.split(".")[:3]) for camera in cameras})
    since_s = now_s - 30 * 86_400
    return {
        "incidents, newest": ["/api/v1/incidents?limit=50"],
        "incidents, open": ["/api/v1/incidents?state=open&state=acknowledged&limit=50"],
        "incidents, of an area and kind": [f"/api/v1/incidents?area_code={area}&kind=illegal_parking&limit=50" for area in areas],
        "incidents, of an agency since": [f"/api/v1/incidents?agency=dishub&opened_from_s={since_s}&limit=50"],
        "incidents, of a camera": [
            f"/api/v1/incidents?camera_id={camera.id}&limit=50" for camera in cameras[:: max(1, len(cameras) // 40)]
        ],
        "incidents, with a word": [f"/api/v1/incidents?search={word}&limit=50" for word in ("simpang", "Miroto", "RW 03", "Gedung 012")],
        "cameras, first page": ["/api/v1/cameras?limit=100"],
        "cameras, of an area and condition": [f"/api/v1/cameras?area_code={area}&condition=down&limit=100" for area in areas],
        "cameras, with a word": ["/api/v1/cameras?search=ATCS&limit=100", "/api/v1/cameras?search=miroto&limit=100"],
        "cameras, counts": ["/api/v1/cameras/counts"],
        "cameras, nearest": [f"/api/v1/cameras/nearest?lat={place.lat_deg}&lon={place.lon_deg}" for place in places],
        "cameras, GeoJSON of all": ["/api/v1/cameras/geojson"],
    }


async def _writes(parts: Parts, cameras: list[RegisteredCamera], batches: int) -> dict[str, bench.Timed]:
    ids, desk, clock = [camera.id for camera in cameras][:STATES], build_desk(parts), parts.clock

    async def states(turn: int) -> None:
        now_s = clock.now_s()
        await parts.states.write("bench", 1, bench.conditions(ids, turn, now_s), now_s)

    async def events(turn: int) -> None:
        now_s = clock.now_s()
        await desk.take("bench-events", 1, bench.happenings(ids, turn, EVENTS_A_BATCH, now_s), now_s)

    return {
        f"{len(ids)} states": await bench.repeat(states, batches),
        f"{EVENTS_A_BATCH} events": await bench.repeat(events, batches),
    }


async def _streams(parts: Parts, cameras: list[RegisteredCamera], options: BenchOptions, at: tuple[int, list[str]]) -> bench.Heard:
    port, cookies = at
    ids, areas = [camera.id for camera in cameras][:STATES], _areas(cameras, options.listeners)
    area_of = {camera.id: camera.area_code for camera in cameras}

    async def cause() -> dict[int, set[str]]:
        now_s = parts.clock.now_s()
        written = await parts.states.write("bench", 1, bench.conditions(ids, options.batches + 7, now_s), now_s)
        return {
            number: {camera_id for camera_id in written.changed if area_of[camera_id].startswith(area)} for number, area in enumerate(areas)
        }

    return await bench.listen("127.0.0.1", port, cookies, cause)


@contextmanager
def _serving(home: Home) -> Iterator[int]:
    """The web service on a thread of its own, without limits on how often it may be asked."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    parts = build_parts(home, SystemClock(), open_vault(home.key_file))
    parts.limits.known = Limiter(Rate(1e9, 1e9))
    config = uvicorn.Config(create_app(parts), log_level="error", access_log=False, timeout_graceful_shutdown=2)
    server = Server(config, parts.feed)

    async def run() -> None:
        try:
            await server.serve(sockets=[listening])
        finally:
            await parts.database.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="bench-service", daemon=True)
    thread.start()
    try:
        clock = SystemClock()
        until_s = clock.steady_s() + 30
        while not server.started and clock.steady_s() < until_s:
            clock.sleep(0.05)
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(15)
        listening.close()
