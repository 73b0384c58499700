"""What the desk must know of a camera: where it is, and what it fails together with."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sewu.base.assets import NetworkAsset
from sewu.base.clock import Clock
from sewu.base.incidents import CameraFacts
from sewu.base.register import RegisteredCamera
from sewu.base.rights import Scope
from sewu.store.operations.areas import Areas
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.network import Network

UPLINKS_EVERY_S = 30.0
"""Which camera hangs on which uplink is read again so often."""
KELURAHAN_PARTS = 4


class Locator:
    """Looks cameras up in the register; a camera fails together with those of its uplink, else of its kelurahan.

    Args:
        city: the whole city's scope: events are placed for everybody, each reader's rights apply later.
    """

    def __init__(self, cameras: Cameras, areas: Areas, network: Network, city: Scope, clock: Clock) -> None:
        self._cameras, self._areas, self._network, self._city, self._clock = cameras, areas, network, city, clock
        self._uplinks: Mapping[str, NetworkAsset] = {}
        self._names: dict[str, str] = {}
        self._read_s: float | None = None

    async def __call__(self, ids: Collection[str]) -> Mapping[str, CameraFacts]:
        """Facts of these cameras; those that are not registered are left out."""
        now_s = self._clock.steady_s()
        if self._read_s is None or now_s - self._read_s >= UPLINKS_EVERY_S:
            self._uplinks = await self._network.uplinks(self._city)
            self._names = {area.code: area.name for area in await self._areas.every(self._city, "kelurahan")}
            self._read_s = now_s
        found = await self._cameras.some(self._city, ids)
        return {row.camera.id: self._facts(row.camera) for row in found}

    def _facts(self, camera: RegisteredCamera) -> CameraFacts:
        uplink = self._uplinks.get(camera.id)
        if uplink is not None:
            group, called = f"uplink:{uplink.id}", uplink.name
        else:
            code = ".".join(camera.area_code.split(".")[:KELURAHAN_PARTS])
            group, called = f"area:{code}", self._names.get(code, code)
        return CameraFacts(camera.id, camera.name, camera.area_code, camera.place, group, called)
