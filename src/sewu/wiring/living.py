"""`sewu demo`: a city that lives. Simulated cameras over real RTSP, the watch engine, the service with its screens, each a process.

Whatever the screens show was measured by the pipeline on what these cameras send. The cameras' truth is in the folder beside it.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sewu.base.clock import Clock
from sewu.base.errors import SewuError
from sewu.base.records import Camera
from sewu.base.register import Login as CameraLogin
from sewu.base.register import RegisteredCamera
from sewu.base.rights import Scope
from sewu.base.service import Home, open_home
from sewu.base.settings import load_settings
from sewu.base.words import Words
from sewu.cameras.register import read_cameras
from sewu.cameras.zonefile import ZoneFile
from sewu.connect.rtsp.session import split_login
from sewu.show.service.parts import Parts
from sewu.simulate.city import CITY_CAMERAS, make_city
from sewu.simulate.server.control import ControlClient
from sewu.simulate.server.faults import fault
from sewu.store.operations.vault import open_vault
from sewu.wiring.demo_city import CITY_CODE, LIVE_TAG, Login, people, register_city
from sewu.wiring.outflow import watch_folder
from sewu.wiring.registering import make_home
from sewu.wiring.serving import build_outflow, build_parts, evidence_room, jobs_of, serve
from sewu.wiring.supervising import Job

SEED = 1
CAMERAS = 24
FAULT_AFTER_S = 40.0
STARTS_WITHIN_S = 900.0
"""Rendering the loops the first time is what takes long."""
GRACE_S = 8.0
OWN = "OWN-1"
"""Code of the user's own camera."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Where the demo lives and what it shows. `extra_url`: RTSP address of the user's own camera, watched beside the others."""

    folder: Path
    model: str
    host: str = "127.0.0.1"
    port: int = 8374
    cameras: int = CAMERAS
    extra_url: str | None = None


def living(options: DemoOptions, words: Words, say: Callable[[str], None], clock: Clock) -> None:
    """Run until interrupted.

    Raises:
        SewuError: a part did not start; its log is named.
    """
    folder = options.folder.absolute()
    (folder / "log").mkdir(parents=True, exist_ok=True)
    control = folder / "city" / "control.json"
    control.unlink(missing_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # both end the parts in order
    say(words("cli.demo_rendering"))
    with _child(folder, "city", _city_command(options, folder), shows=True) as city:
        _wait_for(control, city, clock, folder / "log" / "city.log")
        home = asyncio.run(_home(folder / "home", clock))
        asyncio.run(_filled(home, options, folder / "city", clock))
        with _child(folder, "watch", _watch_command(options, home)):
            asyncio.run(_served(home, options, control, words, say, clock))


async def _home(folder: Path, clock: Clock) -> Home:
    if (folder / "sewu.toml").exists():
        return open_home(folder)
    return await make_home(folder, {"city_name": "Kota Semarang (demo sintetis)", "watched_tag": LIVE_TAG}, clock.now_s())


async def _filled(home: Home, options: DemoOptions, served: Path, clock: Clock) -> None:
    """The register and the zones in the database, and from there in the files that the watch follows."""
    parts = build_parts(home, clock, open_vault(home.key_file))
    try:
        await parts.database.upgrade()
        live = {camera.id: camera for camera in read_cameras(served / "cameras.csv").cameras}
        await register_city(parts, make_city(SEED, max(CITY_CAMERAS, options.cameras)), live, clock.now_s())
        if options.extra_url is not None:
            await add_own(parts, options.extra_url, live, clock.now_s())
        for camera_id in live:
            path = served / "zones" / f"{camera_id}.toml"
            if path.exists():
                document = load_settings(ZoneFile, path).model_dump(mode="json")
                known = await parts.zones.get(Scope((CITY_CODE,)), camera_id)
                if known is None or known.document != document:
                    await parts.zones.put(Scope((CITY_CODE,)), camera_id, document, "demo", clock.now_s())
        await build_outflow(parts).step()
    finally:
        await parts.database.close()


async def add_own(parts: Parts, url: str, live: dict[str, Camera], now_s: float) -> None:
    """The user's own camera, placed beside the first served one."""
    place = next((camera.place for camera in live.values() if camera.place), None)
    address, found = split_login(url)
    login = None if found is None else CameraLogin(found.user, found.password)
    user = None if login is None else login.user
    name, area = "Kamera Anda / your camera", f"{CITY_CODE}.01"
    row = RegisteredCamera(OWN, name, address, area, user=user, place=place, tags=(LIVE_TAG,))
    await parts.cameras.put(Scope((CITY_CODE,)), [row], now_s, {} if login is None else {OWN: login})


async def _served(home: Home, options: DemoOptions, control: Path, words: Words, say: Callable[[str], None], clock: Clock) -> None:
    parts = build_parts(home, clock, open_vault(home.key_file))
    try:
        parts.room = evidence_room(parts)
        logins = await people(parts, clock.now_s())
        say(_greeting(words, logins, f"http://{options.host}:{options.port}", options.folder))
        breaker = _Breaker(control, clock)
        jobs = [*jobs_of(parts), Job("a camera fault", 5.0, breaker.turn)]
        await serve(parts, options.host, options.port, jobs)
    finally:
        await parts.database.close()


class _Breaker:
    """Breaks one served camera after a while, as cameras do, and another one later; the truth file is the server's."""

    KINDS = ("frozen", "drop")

    def __init__(self, control: Path, clock: Clock) -> None:
        self._control, self._clock, self._started_s, self._done = control, clock, clock.steady_s(), 0

    async def turn(self) -> None:
        """Break the next camera when its time has come."""
        if self._done < len(self.KINDS) and self._clock.steady_s() - self._started_s >= FAULT_AFTER_S * (1 + self._done):
            kind, self._done = self.KINDS[self._done], self._done + 1
            await asyncio.to_thread(self._break, kind, self._done)

    def _break(self, kind: str, number: int) -> None:
        listed = read_cameras(self._control.parent / "cameras.csv").cameras
        ControlClient(self._control).set_fault(listed[-number].id, fault(kind, {}))


def _greeting(words: Words, logins: list[Login], url: str, folder: Path) -> str:
    rows = [words("serve.login", login=one.login, password=one.password, role=one.role, area=one.area_code) for one in logins]
    return "\n".join([*rows, words("cli.demo_open_city", url=url, log=folder / "log")])


def _city_command(options: DemoOptions, folder: Path) -> list[str]:
    out = folder / "city"
    loops = str(resources.files("sewu.simulate").joinpath("data", "demo_loops.toml"))
    files = ["--out", str(out), "--control", str(out / "control.json")]
    return ["simulate", "city", "--cameras", str(options.cameras), "--port", "0", "--http-port", "0", "--mix", "--loops", loops, *files]


def _watch_command(options: DemoOptions, home: Home) -> list[str]:
    told = watch_folder(home)
    rules = str(resources.files("sewu.simulate").joinpath("data", "demo_rules.toml"))
    files = ["--cameras", str(told / "cameras.csv"), "--secrets", str(told / "secrets.json"), "--zones", str(told / "zones")]
    more = ["--main", "--model", options.model, "--rules", rules, "--out", str(home.observations_folder)]
    return ["watch", *files, *more, "--workers", str(max(1, min(2, (os.cpu_count() or 2) - 1)))]


@contextmanager
def _child(folder: Path, name: str, command: list[str], shows: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A part in a process of its own; its words go to a file. It is told to end, then made to."""
    with (folder / "log" / f"{name}.log").open("wb") as log:
        error = None if shows else log
        process = subprocess.Popen(
            [sys.executable, "-m", "sewu", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=error, preexec_fn=_end_with_parent
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(GRACE_S)


def _end_with_parent() -> None:
    """Ask the system to end this process when its parent is gone, however that happened (Linux: prctl PR_SET_PDEATHSIG)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)


def _wait_for(control: Path, city: subprocess.Popen[bytes], clock: Clock, log: Path) -> None:
    started_s = clock.steady_s()
    while not _is_written(control):
        if city.poll() is not None:
            raise SewuError(f"The simulated cameras ended with code {city.returncode}.", f"See {log}.")
        if clock.steady_s() - started_s > STARTS_WITHIN_S:
            raise SewuError(f"The simulated cameras were not ready after {STARTS_WITHIN_S:.0f} s.", f"See {log}.")
        clock.sleep(0.2)


def _is_written(control: Path) -> bool:
    try:
        return bool(json.loads(control.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return False
