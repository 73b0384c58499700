"""What the service registers flows out to the watch: a folder of files that `sewu watch` follows while they change.

HOME/watch/cameras.csv, HOME/watch/secrets.json (mode 0600), HOME/watch/zones/ID.toml, HOME/watch/rules.json;
`sewu watch --home HOME` follows them.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from sewu.base.drawn import RuleVersion, ZoneVersion
from sewu.base.errors import SewuError
from sewu.base.register import CameraFilter, Login, RegisteredCamera
from sewu.base.rights import Scope
from sewu.base.service import Home
from sewu.cameras.registerlist import write_register
from sewu.cameras.zonefile import ZoneFile, save_zone_file
from sewu.store.files import refused, safe_name
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.outbox import Outbox
from sewu.store.operations.rules import Rules
from sewu.store.operations.zones import Zones
from sewu.wiring.rulesflow import city_rules, write_rules

log = structlog.get_logger()
TOPICS = ("camera", "zone", "rule")
RULES = "rules.json"


def watch_folder(home: Home) -> Path:
    """Where the watch engine finds what it is to watch."""
    return home.folder / "watch"


@dataclass
class Outflow:
    """Writes the files anew when a camera, a drawing or a rule changed.

    Args:
        folder: where; only its owner may read it, since it holds passwords. city_code: the area of the whole city.
        tag: only cameras with this tag are watched; None: all.
    """

    folder: Path
    cameras: Cameras
    zones: Zones
    rules: Rules
    outbox: Outbox
    city_code: str
    tag: str | None = None
    _told: int | None = None

    async def step(self) -> bool:
        """Write what changed; says whether anything was written. Raises `StoreFull`, `StoreUnavailable`, `SewuError`."""
        newest = await self.outbox.newest_of(TOPICS)
        if newest == self._told:
            return False
        city = Scope((self.city_code,))
        found = await self.cameras.every(city, CameraFilter(tag=self.tag))
        ids = [camera.id for camera in found]
        logins, drawn = await self.cameras.logins(city, ids), await self.zones.in_force(city, ids)
        standing = await self.rules.standing(city)
        await asyncio.to_thread(self._write, found, logins, drawn)
        await asyncio.to_thread(self._write_rules, found, standing)
        self._told = newest
        return True

    def _write(self, found: Sequence[RegisteredCamera], logins: Mapping[str, Login], drawn: Mapping[str, ZoneVersion]) -> None:
        zones = self.folder / "zones"
        try:
            zones.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.chmod(0o700)
            _write_secret(self.folder / "secrets.json", {f"camera/{name}": login.password for name, login in logins.items()})
        except OSError as error:
            raise refused(self.folder, error) from error
        for camera_id, version in drawn.items():
            _draw(zones, camera_id, version)
        for path in zones.glob("*.toml"):
            if path.stem not in drawn:
                path.unlink(missing_ok=True)
        write_register(found, self.folder / "cameras.csv")

    def _write_rules(self, found: Sequence[RegisteredCamera], standing: Sequence[RuleVersion]) -> None:
        write_rules(city_rules(found, standing, self.city_code), self.folder / RULES)


def _draw(folder: Path, camera_id: str, version: ZoneVersion) -> None:
    """One camera's zones file, written only when it is different: the watch reads what changed."""
    if safe_name(camera_id) != camera_id:
        log.warning("zones of a camera whose id makes no file name are not watched", camera=camera_id)
        return
    path, fresh = folder / f"{camera_id}.toml", folder / f".{camera_id}.fresh"
    try:
        save_zone_file(ZoneFile.model_validate(dict(version.document)), fresh)
        if path.exists() and path.read_bytes() == fresh.read_bytes():
            return
        fresh.replace(path)
    except (ValueError, SewuError) as error:
        log.warning("zones could not be handed to the watch", camera=camera_id, reason=str(error)[:300])
    finally:
        fresh.unlink(missing_ok=True)


def _write_secret(path: Path, passwords: Mapping[str, str]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(passwords, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
