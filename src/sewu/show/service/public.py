"""What anybody may see: cameras that the city made public, small and masked, and how little of the city that is.

Everything is made once and kept for half a minute, so that however many look, the cameras and the stores are asked once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sewu.base.register import CameraFilter, Condition, ListedCamera
from sewu.base.rights import Scope
from sewu.show.mask import burn_masks
from sewu.store.query import Question, mean_by_camera

if TYPE_CHECKING:
    from sewu.show.service.parts import Parts

FRESH_S = 30.0
WIDEST_PX = 480
"""So few pixels that a face across a street is a few of them: nobody's head is found and blurred here."""
MOST_SHOWN = 500
TRAFFIC_S = 900.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A public camera. is_closed: its view may have moved, so its masks may no longer cover what they must.

    traffic: mean level of service, 1 (A) to 6 (F), and the share of the time that was looked at; None when not measured.
    """

    id: str
    name: str
    condition: Condition
    is_closed: bool
    traffic: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Facts:
    """at_s: when this was so. all: cameras of the city. counts: of the public ones, by condition."""

    at_s: float
    all: int
    counts: Mapping[str, int]
    cameras: tuple[Seen, ...]


class PublicView:
    """Facts and stills for everybody, each kept for `FRESH_S`."""

    def __init__(self) -> None:
        self._facts: tuple[float, asyncio.Task[Facts]] | None = None
        self._stills: dict[str, tuple[float, asyncio.Task[bytes | None]]] = {}

    async def facts(self, parts: Parts) -> Facts:
        """What the page tells, at most half a minute old."""
        now_s = parts.clock.steady_s()
        if self._facts is None or now_s - self._facts[0] >= FRESH_S or _failed(self._facts[1]):
            self._facts = (now_s, asyncio.create_task(_facts(parts)))
        return await asyncio.shield(self._facts[1])

    async def still(self, parts: Parts, camera_id: str) -> bytes | None:
        """A small still with the masks burnt in; None for a camera that is not public, is closed or has no picture.

        Whether it is public is read every time: what the city takes back is gone at once.
        """
        found = await parts.cameras.get(_city(parts), camera_id)
        if found is None or not found.camera.is_public or await _is_to_check(parts, camera_id) or _has_moved(found):
            self._stills.pop(camera_id, None)
            return None
        now_s = parts.clock.steady_s()
        kept = self._stills.get(camera_id)
        if kept is None or now_s - kept[0] >= FRESH_S or _failed(kept[1]):
            kept = self._stills[camera_id] = (now_s, asyncio.create_task(_still(parts, found)))
        return await asyncio.shield(kept[1])


async def _still(parts: Parts, found: ListedCamera) -> bytes | None:
    picture = await parts.viewing.still(found.camera.id)
    return None if picture is None else await asyncio.to_thread(burn_masks, picture, found.camera.masks, WIDEST_PX)


async def _facts(parts: Parts) -> Facts:
    scope, now_s = _city(parts), parts.clock.now_s()
    counted = await parts.cameras.count(scope, CameraFilter())
    public = CameraFilter(is_public=True)
    page = await parts.cameras.list(scope, public, None, MOST_SHOWN)
    traffic = await asyncio.to_thread(
        mean_by_camera,
        parts.home.observations_folder,
        Question("traffic", "service_level", TRAFFIC_S, "mean", None, None, now_s - TRAFFIC_S, now_s),
    )
    to_check = await _to_check(parts)
    cameras = tuple(
        Seen(row.camera.id, row.camera.name, row.condition, row.camera.id in to_check or _has_moved(row), traffic.get(row.camera.id))
        for row in page.rows
    )
    return Facts(now_s, sum(counted.values()), await parts.cameras.count(scope, public), cameras)


async def _to_check(parts: Parts) -> set[str]:
    found: set[str] = set()
    cursor: str | None = None
    while True:
        page = await parts.zones.to_check(_city(parts), cursor, 500)
        found |= {version.camera_id for version in page.rows}
        cursor = page.next_cursor
        if cursor is None:
            return found


async def _is_to_check(parts: Parts, camera_id: str) -> bool:
    zones = await parts.zones.get(_city(parts), camera_id)
    return zones is not None and zones.to_check_since_s is not None


def _has_moved(found: ListedCamera) -> bool:
    return found.state is not None and found.condition == "degraded" and found.state.reason == "moved"


def _city(parts: Parts) -> Scope:
    return Scope((parts.home.settings.city_code,))


def _failed(task: asyncio.Task[Facts] | asyncio.Task[bytes | None]) -> bool:
    """So that a failure is not what everybody gets for half a minute."""
    return task.done() and (task.cancelled() or task.exception() is not None)
