"""What is registered reaches the watch's list, its passwords file and its folder of zones."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from cryptography.fernet import Fernet

from sewu.base.register import Login
from sewu.cameras.register import read_cameras
from sewu.cameras.zonefile import load_scene
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.outbox import Outbox
from sewu.store.operations.rules import Rules
from sewu.store.operations.vault import Vault
from sewu.store.operations.zones import Zones
from sewu.wiring.flows import zone_kinds
from sewu.wiring.outflow import Outflow
from tests.show.service.place import CITY, camera
from tests.store.operations.test_database import run
from tests.wiring.test_feeding import SCOPE

ZONE = {"size_px": [640, 360], "zones": [{"id": "z1", "kind": "crowd", "points_px": [[10, 10], [200, 10], [200, 200]]}]}


def test_cameras_passwords_and_zones_are_written_when_they_change(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        cameras, zones = Cameras(database, Vault((Fernet.generate_key().decode(),))), Zones(database)
        folder = tmp_path / "watch"
        roster = Outflow(folder, cameras, zones, Rules(database), Outbox(database), CITY)
        await cameras.put(SCOPE, [camera("C1", "33.74.01"), camera("C2", "33.74.02")], 1.0, {"C1": Login("root", "s3cret")})
        assert await roster.step() and not await roster.step()
        listed = read_cameras(folder / "cameras.csv")
        assert [one.id for one in listed.cameras] == ["C1", "C2"] and not listed.faults
        assert listed.credentials["C1"].user == "root" and "s3cret" not in (folder / "cameras.csv").read_text()
        assert json.loads((folder / "secrets.json").read_text()) == {"camera/C1": "s3cret"}
        assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600 and stat.S_IMODE(folder.stat().st_mode) == 0o700
        await zones.put(SCOPE, "C1", ZONE, "usr_1", 2.0)
        assert await roster.step()
        scene = load_scene(folder / "zones" / "C1.toml", zone_kinds())
        assert [zone.id for zone in scene.zones] == ["z1"]
        before = (folder / "zones" / "C1.toml").stat().st_mtime_ns
        await cameras.delete(SCOPE, ["C2"], 3.0)
        assert await roster.step() and (folder / "zones" / "C1.toml").stat().st_mtime_ns == before
        await cameras.delete(SCOPE, ["C1"], 4.0)
        assert await roster.step() and not list((folder / "zones").iterdir())

    run(database_url, work)
