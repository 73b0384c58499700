"""What the service knows flows out to the watch engine as files: cameras, their log-ins, their zones. The watch follows the files.

HOME/watch/cameras.csv      the cameras to be watched
HOME/watch/secrets.json     their passwords, mode 0600
HOME/watch/zones/ID.toml    the zones in force
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from sewu.base.errors import SewuError
from sewu.base.register import CameraFilter
from sewu.base.rights import Scope
from sewu.base.service import Home
from sewu.base.settings import validate
from sewu.cameras.registerlist import write_register
from sewu.cameras.zonefile import ZoneFile, save_zone_file
from sewu.show.service.parts import Parts

log = structlog.get_logger()
TOPICS = ("camera", "zone")


def watch_folder(home: Home) -> Path:
    """Where the watch engine finds what it is to watch."""
    return home.folder / "watch"


class Outflow:
    """Writes the files when cameras or zones have changed, and then only those files whose content differs.

    Args:
        parts: of the service. tag: only cameras with this tag are watched; None: all.
    """

    def __init__(self, parts: Parts, tag: str | None = None) -> None:
        self._parts, self._tag, self._folder = parts, tag, watch_folder(parts.home)
        self._seen: int | None = None

    async def follow(self) -> bool:
        """Write what changed since the last call; returns whether there was anything to look at."""
        newest = await self._parts.database.newest_change(TOPICS)
        if newest == self._seen:
            return False
        await self.write()
        self._seen = newest
        return True

    async def write(self) -> None:
        """Write everything that is to be watched. Raises `StoreFull`, `StoreUnavailable`."""
        parts = self._parts
        scope = Scope((parts.home.settings.city_code,))
        cameras = await parts.cameras.every(scope, CameraFilter(tag=self._tag))
        ids = [camera.id for camera in cameras]
        logins = await parts.cameras.logins(scope, ids)
        drawn = await parts.zones.in_force(scope, ids)
        secrets = {f"camera/{camera_id}": login.password for camera_id, login in logins.items()}
        documents = {camera_id: version.document for camera_id, version in drawn.items()}
        await asyncio.to_thread(self._write, cameras, secrets, documents)

    def _write(self, cameras: Any, secrets: Mapping[str, str], documents: Mapping[str, Mapping[str, Any]]) -> None:
        folder = self._folder
        (folder / "zones").mkdir(parents=True, exist_ok=True, mode=0o700)
        for camera_id, document in documents.items():
            try:
                save_zone_file(validate(ZoneFile, dict(document), f"the zones of {camera_id}"), folder / "zones" / f"{camera_id}.toml")
            except SewuError as error:  # one camera's zones must not keep the others' from being watched
                log.warning("zones were left out", camera=camera_id, reason=error.what)
        for path in (folder / "zones").glob("*.toml"):
            if path.stem not in documents:
                path.unlink()
        _private(folder / "secrets.json", json.dumps(secrets).encode())
        write_register(cameras, folder / "cameras.csv")  # last: with it the watch looks at the others


def _private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, never readable by others for a moment."""
    with os.fdopen(os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    path.with_suffix(".new").replace(path)
