"""All cameras on a map, and those near a place: answered from columns in memory that follow the outbox.

Before every answer the outbox says which cameras changed since the last one; only those are read again. So an answer is
never older than what was committed when it was asked, and ten thousand cameras take milliseconds.
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.records import Doubles, Place
from sewu.base.register import ListedCamera, NearCamera
from sewu.base.rights import Scope, is_within
from sewu.base.space import EARTH_RADIUS_M
from sewu.store.operations.camera_tables import cameras
from sewu.store.operations.cameras import listed, listing
from sewu.store.operations.database import Database
from sewu.store.operations.tables import changes
from sewu.store.operations.upserts import in_batches

TOPICS = ("camera", "state")
MAX_CHANGES = 3000
"""More changes than this, and all cameras are read again."""
LEFT_LAST = ("down", "unknown")
"""A camera in such a condition helps nobody now: it comes after those that show something."""


@dataclass(frozen=True, slots=True)
class MapAnswer:
    """A GeoJSON FeatureCollection (RFC 7946). `version` differs whenever a camera or its condition has changed."""

    version: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Columns:
    """The cameras in the order of their areas: what lies below an area is one range. Degrees; NaN where not known."""

    rows: list[ListedCamera]
    areas: Sequence[str]
    features: list[bytes]
    index: Mapping[str, int]
    lat_deg: Doubles
    lon_deg: Doubles


class CameraMap:
    """The map of one database; one per process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._fresh = asyncio.Lock()
        self._known: dict[str, tuple[ListedCamera, bytes]] = {}
        self._sequence = -1
        self._version = 0
        self._columns = _columns({})

    async def geojson(self, scope: Scope) -> MapAnswer:
        """All cameras of a scope as points, with condition and heading, without stream addresses."""
        columns = await self._current()
        parts = [feature for start, end in ranges(columns.areas, scope) for feature in columns.features[start:end]]
        return MapAnswer(self._version, b'{"type":"FeatureCollection","features":[' + b",".join(parts) + b"]}")

    async def nearest(
        self, scope: Scope, place: Place, limit: int = 8, must_face: bool = False, within_m: float = 2000.0
    ) -> tuple[NearCamera, ...]:
        """The nearest cameras of a scope: those that show something first, then by distance.

        Args:
            must_face: only those whose field of view is known to hold the place's direction.
        """
        columns = await self._current()
        spans = [np.arange(start, end) for start, end in ranges(columns.areas, scope)]
        rows = np.concatenate(spans) if spans else np.empty(0, np.int64)
        east_m = np.radians(place.lon_deg - columns.lon_deg[rows]) * np.cos(np.radians(place.lat_deg)) * EARTH_RADIUS_M
        north_m = np.radians(place.lat_deg - columns.lat_deg[rows]) * EARTH_RADIUS_M
        distance_m = np.hypot(east_m, north_m)
        bearing_deg = np.degrees(np.arctan2(east_m, north_m)) % 360
        found: list[NearCamera] = []
        for index in np.flatnonzero(distance_m <= within_m):
            row = columns.rows[rows[index]]
            sees = faces(row.camera.heading_deg, row.camera.field_of_view_deg, float(bearing_deg[index]), float(distance_m[index]))
            if sees or not must_face:
                found.append(NearCamera(row.camera, row.state, float(distance_m[index]), float(bearing_deg[index]), sees))
        found.sort(key=lambda near: (near.state is None or near.state.condition in LEFT_LAST, near.distance_m, near.camera.id))
        return tuple(found[: max(1, limit)])

    async def _current(self) -> Columns:
        async with self._fresh, self.database.reading() as connection:
            newest, fewest = (await connection.execute(select(func.max(changes.c.sequence), func.min(changes.c.sequence)))).one()
            if self._sequence >= 0 and (newest is None or newest == self._sequence):
                return self._columns
            changed = await self._changed(connection, fewest)
            if changed is None:
                rows = await connection.execute(listing(None))
                self._known = {row["id"]: _entry(listed(row)) for row in rows.mappings()}
                self._columns = _columns(self._known)
            elif changed:
                await self._follow(connection, changed)
            if changed is None or changed:
                self._version = newest or 0
            self._sequence = newest or 0
            return self._columns

    async def _follow(self, connection: AsyncConnection, changed: list[str]) -> None:
        """Read these cameras again. As long as none came, went or moved, they are put where they were."""
        stays = True
        for part in in_batches(changed):
            rows = await connection.execute(listing(None).where(cameras.c.id.in_(part)))
            fresh = {row["id"]: _entry(listed(row)) for row in rows.mappings()}
            for camera_id in part:
                old, new = self._known.pop(camera_id, None), fresh.get(camera_id)
                if new is not None:
                    self._known[camera_id] = new
                stays = stays and old is not None and new is not None and _where(old[0]) == _where(new[0])
        if not stays:
            self._columns = _columns(self._known)
            return
        for camera_id in changed:
            index = self._columns.index[camera_id]
            self._columns.rows[index], self._columns.features[index] = self._known[camera_id]

    async def _changed(self, connection: AsyncConnection, fewest: int | None) -> list[str] | None:
        """Ids changed since the last answer; None when all must be read."""
        if self._sequence < 0 or (fewest is not None and fewest > self._sequence + 1):
            return None  # never read, or the outbox no longer reaches back so far
        query = select(changes.c.subject_id).where(changes.c.sequence > self._sequence, changes.c.topic.in_(TOPICS)).limit(MAX_CHANGES + 1)
        ids = (await connection.execute(query)).scalars().all()
        return None if len(ids) > MAX_CHANGES else sorted(set(ids))


def ranges(areas: Sequence[str], scope: Scope) -> Iterator[tuple[int, int]]:
    """The ranges of sorted area codes that lie within a scope; none twice."""
    for area in scope.areas:
        if any(other != area and is_within(area, other) for other in scope.areas):
            continue
        yield bisect_left(areas, area), bisect_right(areas, area)
        yield bisect_left(areas, f"{area}."), bisect_left(areas, f"{area}/")  # "/" follows "." in ASCII


def faces(heading_deg: float | None, field_of_view_deg: float | None, bearing_deg: float, distance_m: float) -> bool | None:
    """Whether a direction lies in a camera's field of view; None when its heading or field of view is not known."""
    if distance_m < 1.0 or (field_of_view_deg is not None and field_of_view_deg >= 360):
        return True
    if heading_deg is None or field_of_view_deg is None:
        return None
    off_deg = abs((bearing_deg - heading_deg + 180) % 360 - 180)
    return off_deg <= field_of_view_deg / 2


def _entry(row: ListedCamera) -> tuple[ListedCamera, bytes]:
    camera, state, place = row.camera, row.state, row.camera.place
    properties = {
        "id": camera.id, "name": camera.name, "owner_class": camera.owner_class, "area_code": camera.area_code,
        "heading_deg": camera.heading_deg, "field_of_view_deg": camera.field_of_view_deg, "is_public": camera.is_public,
        "tags": camera.tags, "condition": row.condition, "reason": state and state.reason, "since_s": state and state.since_s,
    }  # fmt: skip
    geometry = None if place is None else {"type": "Point", "coordinates": (place.lon_deg, place.lat_deg)}
    feature = {"type": "Feature", "id": camera.id, "geometry": geometry, "properties": properties}
    return row, json.dumps(feature, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _columns(known: dict[str, tuple[ListedCamera, bytes]]) -> Columns:
    ordered = sorted(known.values(), key=lambda entry: (entry[0].camera.area_code, entry[0].camera.id))
    places = [row.camera.place for row, _ in ordered]
    lat = np.array([np.nan if place is None else place.lat_deg for place in places], np.float64)
    lon = np.array([np.nan if place is None else place.lon_deg for place in places], np.float64)
    rows = [row for row, _ in ordered]
    index = {row.camera.id: number for number, row in enumerate(rows)}
    return Columns(rows, [row.camera.area_code for row in rows], [feature for _, feature in ordered], index, lat, lon)


def _where(row: ListedCamera) -> tuple[str, Place | None]:
    return row.camera.area_code, row.camera.place
