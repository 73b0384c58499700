"""What was acknowledged survives a killed process; what was not is there whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from sewu.base.errors import StoreFull
from sewu.base.register import RegisteredCamera
from sewu.base.rights import Scope
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from tests.store.operations.test_migrations import run

CITY = Scope(("33.74",))
COUNT = 200
WAIT_S = 40.0


def fleet(number: int) -> list[RegisteredCamera]:
    return [RegisteredCamera(f"K{n:03d}", f"Putaran {number}", "rtsp://h/x", "33.74.01.1001") for n in range(COUNT)]


async def write_for_ever(url: str) -> None:
    """The child: change the whole fleet again and again, and say each time when the database has acknowledged it."""
    database = Database(url)
    number = 0
    while True:
        number += 1
        await Cameras(database).put(CITY, fleet(number), float(number))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def test_a_killed_process_loses_nothing_acknowledged_and_leaves_nothing_half(database_url: str, tmp_path: Path) -> None:
    async def prepare(database: Database) -> None:
        await database.upgrade()

    run(database_url, prepare)
    said = tmp_path / "said"
    code = f"import asyncio; from tests.store.operations.test_killed import write_for_ever; asyncio.run(write_for_ever({database_url!r}))"
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    with said.open("wb") as out:
        child = subprocess.Popen([sys.executable, "-c", code], stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=root)
        try:
            end_s = time.monotonic() + WAIT_S
            while len(said.read_bytes().splitlines()) < 3 and time.monotonic() < end_s and child.poll() is None:
                time.sleep(0.01)
            time.sleep(0.015)  # into the middle of the next one
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(10)
    acknowledged = [int(line) for line in said.read_text().splitlines()]
    assert len(acknowledged) >= 3, said.read_text()

    async def check(database: Database) -> tuple[set[str], int]:
        names = {camera.name for camera in await Cameras(database).every(CITY)}
        await Cameras(database).put(CITY, fleet(0), 1e6)  # and it can be written again
        return names, await database.newest_change()

    names, told = run(database_url, check)
    (name,) = names
    stored = int(name.split()[1])
    assert acknowledged[-1] <= stored <= acknowledged[-1] + 1
    assert told >= COUNT * (stored + 1)  # each change was told with it; PostgreSQL leaves out numbers


def test_a_full_database_is_said_and_keeps_what_it_had(tmp_path: Path) -> None:
    async def work(database: Database) -> Any:
        await database.upgrade()
        cameras = Cameras(database)
        await cameras.put(CITY, fleet(1), 1.0)
        big = [RegisteredCamera(f"G{n:05d}", "G" * 300, "rtsp://h/x", "33.74.01.1001") for n in range(4000)]
        async with database.engine.connect() as connection:  # the limit stays with the pool's only connection
            pages = (await connection.execute(text("pragma page_count"))).scalar_one()
            await connection.execute(text(f"pragma max_page_count = {pages + 20}"))
        with pytest.raises(StoreFull):
            await cameras.put(CITY, big, 2.0)
        return [len(await cameras.every(CITY)), await database.newest_change()]

    assert run(f"sqlite:///{tmp_path / 'x.sqlite'}", work) == [COUNT, COUNT]
