"""What the desk asks of the register: where a camera is, and what it fails together with."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sewu.base.assets import NetworkAsset
from sewu.base.clock import Clock
from sewu.base.incidents import CameraFacts
from sewu.base.rights import Scope
from sewu.respond.desk import Locate
from sewu.store.operations.areas import Areas
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.network import Network

FRESH_S = 60.0
"""Uplinks and names of areas change seldom; they are read again after this time."""
KELURAHAN_PARTS = 4
"""33.74.01.1001: the codes of RW and RT below it have more parts."""


class Locator:
    """Facts of cameras for one city. A camera fails with its uplink where that is known, else with its kelurahan."""

    def __init__(self, cameras: Cameras, network: Network, areas: Areas, city: Scope, clock: Clock) -> None:
        self._cameras, self._network, self._areas = cameras, network, areas
        self._city, self._clock = city, clock
        self._uplinks: Mapping[str, NetworkAsset] = {}
        self._names: dict[str, str] = {}
        self._read_at_s: float | None = None

    async def __call__(self, ids: Collection[str]) -> Mapping[str, CameraFacts]:
        """Those of these cameras that are registered."""
        await self._refresh()
        found = {}
        for row in await self._cameras.some(self._city, ids):
            camera = row.camera
            key, name = self._group(camera.id, camera.area_code)
            found[camera.id] = CameraFacts(camera.id, camera.name, camera.area_code, camera.place, key, name)
        return found

    def _group(self, camera_id: str, area_code: str) -> tuple[str, str]:
        uplink = self._uplinks.get(camera_id)
        if uplink is not None:
            return f"uplink:{uplink.id}", uplink.name
        kelurahan = ".".join(area_code.split(".")[:KELURAHAN_PARTS])
        return f"area:{kelurahan}", self._names.get(kelurahan, kelurahan)

    async def _refresh(self) -> None:
        now_s = self._clock.steady_s()
        if self._read_at_s is not None and now_s - self._read_at_s < FRESH_S:
            return
        self._uplinks = await self._network.uplinks(self._city)
        self._names = {area.code: area.name for area in await self._areas.every(self._city, "kelurahan")}
        self._read_at_s = now_s


def locate_in(cameras: Cameras, network: Network, areas: Areas, city: Scope, clock: Clock) -> Locate:
    """The register as the desk asks it."""
    return Locator(cameras, network, areas, city, clock)
