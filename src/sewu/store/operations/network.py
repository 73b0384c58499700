"""What the cameras hang on: uplinks, switches, Wi-Fi points, and which cameras fail together when one of them does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Double, ForeignKey, Integer, RowMapping, Select, Table, Text, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.assets import NetworkAsset
from sewu.base.errors import BadInput, Conflict, NotFound
from sewu.base.records import Place
from sewu.base.rights import Scope
from sewu.store.operations.camera_tables import cameras
from sewu.store.operations.database import Database
from sewu.store.operations.tables import metadata, new_id, within
from sewu.store.operations.upserts import in_batches, overwrite

assets = Table(
    "network_asset",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("area_code", Text, nullable=False, index=True),
    Column("parent_id", Text, ForeignKey("network_asset.id"), index=True),
    Column("provider", Text),
    Column("lat_deg", Double),
    Column("lon_deg", Double),
    Column("version", Integer, nullable=False),
    Column("changed_at_s", Double, nullable=False),
)

asset_cameras = Table(
    "network_asset_camera",
    metadata,
    Column("camera_id", Text, ForeignKey("camera.id"), primary_key=True),
    Column("asset_id", Text, ForeignKey("network_asset.id"), nullable=False, index=True),
)
"""The part of the network that each camera is plugged into; one per camera."""

MAX_DEPTH = 16
PLAIN = tuple(name for name in NetworkAsset.__dataclass_fields__ if name != "place")


class Network:
    """The parts of the network; each read and change within a scope."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, scope: Scope, asset: NetworkAsset, now_s: float) -> NetworkAsset:
        """Store a new part; it is given its id. Raises `NotFound` when its area or parent lies outside the scope."""
        fresh = replace(asset, id=new_id("net", now_s), version=1, changed_at_s=now_s)
        async with self.database.writing() as connection:
            await _must_fit(connection, scope, fresh)
            await connection.execute(insert(assets).values(_row(fresh)))
            await self.database.record(connection, [_change(fresh, fresh.area_code)])
        return fresh

    async def change(self, scope: Scope, asset: NetworkAsset, version: int, now_s: float) -> NetworkAsset:
        """Replace one as it was read at `version`.

        Raises:
            NotFound: there is none of this id in the scope, or its new area or parent is not. Conflict: changed meanwhile.
            BadInput: it would depend on itself.
        """
        async with self.database.writing() as connection:
            old = await _locked(connection, scope, asset.id)
            if old.version != version:
                raise Conflict(f"{old.name} was changed meanwhile.", "Read it again, then change it.")
            fresh = replace(asset, version=version + 1, changed_at_s=now_s)
            await _must_fit(connection, scope, fresh)
            await connection.execute(update(assets).where(assets.c.id == fresh.id).values(_row(fresh)))
            await self.database.record(connection, [_change(fresh, area) for area in sorted({old.area_code, fresh.area_code})])
        return fresh

    async def delete(self, scope: Scope, asset_id: str, now_s: float) -> None:
        """Take a part away; its cameras hang on nothing known then. Raises `Conflict` while other parts depend on it."""
        async with self.database.writing() as connection:
            old = await _locked(connection, scope, asset_id)
            if (await connection.execute(select(assets.c.id).where(assets.c.parent_id == asset_id).limit(1))).first() is not None:
                raise Conflict(f"Other parts of the network depend on {old.name}.", "Let them depend on another part first.")
            await connection.execute(delete(asset_cameras).where(asset_cameras.c.asset_id == asset_id))
            await connection.execute(delete(assets).where(assets.c.id == asset_id))
            await self.database.record(connection, [_change(replace(old, changed_at_s=now_s), old.area_code)])

    async def list(self, scope: Scope) -> tuple[NetworkAsset, ...]:
        """All parts of a scope, by name."""
        async with self.database.reading() as connection:
            rows = await connection.execute(_reading(scope).order_by(assets.c.name, assets.c.id))
            return tuple(_asset(row) for row in rows.mappings())

    async def get(self, scope: Scope, asset_id: str) -> NetworkAsset | None:
        """The part; None when there is none in the scope."""
        async with self.database.reading() as connection:
            row = (await connection.execute(_reading(scope).where(assets.c.id == asset_id))).mappings().first()
        return None if row is None else _asset(row)

    async def plug(self, scope: Scope, asset_id: str, camera_ids: Sequence[str], now_s: float) -> None:
        """Say that these cameras hang on a part, and on no other. Raises `NotFound`; then nothing was changed."""
        wanted = sorted(set(camera_ids))
        async with self.database.writing() as connection:
            asset = await _locked(connection, scope, asset_id)
            known: set[str] = set()
            for part in in_batches(wanted):
                query = select(cameras.c.id).where(
                    cameras.c.id.in_(part), within(cameras.c.area_code, scope), cameras.c.deleted_at_s.is_(None)
                )
                known.update((await connection.execute(query)).scalars())
            if missing := [camera_id for camera_id in wanted if camera_id not in known]:
                raise NotFound(f"There is no camera {missing[0]} in these areas.", "Check the codes and the areas.")
            await overwrite(connection, asset_cameras, [{"camera_id": camera_id, "asset_id": asset_id} for camera_id in wanted])
            await self.database.record(connection, [_change(replace(asset, changed_at_s=now_s), asset.area_code)])

    async def cameras(self, scope: Scope, asset_id: str) -> tuple[str, ...]:
        """Codes of the cameras that fail when this part does: those plugged into it or into what depends on it."""
        async with self.database.reading() as connection:
            if (await connection.execute(_reading(scope).where(assets.c.id == asset_id))).first() is None:
                return ()
            below = select(assets.c.id).where(assets.c.id == asset_id).cte("below", recursive=True)
            below = below.union(select(assets.c.id).join(below, assets.c.parent_id == below.c.id))
            query = select(cameras.c.id).join(asset_cameras, asset_cameras.c.camera_id == cameras.c.id)
            query = query.join(below, below.c.id == asset_cameras.c.asset_id)
            query = query.where(within(cameras.c.area_code, scope), cameras.c.deleted_at_s.is_(None)).order_by(cameras.c.id)
            return tuple((await connection.execute(query)).scalars())

    async def uplinks(self, scope: Scope) -> Mapping[str, NetworkAsset]:
        """For each camera of a scope that is plugged in: the uplink it hangs on in the end (else the topmost part known).

        What fails together: `CameraFacts.group_key` is "uplink:" and the id.
        """
        async with self.database.reading() as connection:
            every = {row["id"]: _asset(row) for row in (await connection.execute(select(assets))).mappings()}
            query = select(asset_cameras.c.camera_id, asset_cameras.c.asset_id).join(cameras, cameras.c.id == asset_cameras.c.camera_id)
            plugged = await connection.execute(query.where(within(cameras.c.area_code, scope), cameras.c.deleted_at_s.is_(None)))
            return {camera_id: _top(every, asset_id) for camera_id, asset_id in plugged}


def _top(every: Mapping[str, NetworkAsset], asset_id: str) -> NetworkAsset:
    asset = every[asset_id]
    for _ in range(MAX_DEPTH):
        if asset.kind == "uplink" or asset.parent_id is None:
            break
        asset = every[asset.parent_id]
    return asset


async def _must_fit(connection: AsyncConnection, scope: Scope, asset: NetworkAsset) -> None:
    if not scope.reaches(asset.area_code):
        raise NotFound(f"Area {asset.area_code} is none of these areas.", "Choose an area within your own.")
    above = asset.parent_id
    if above is not None and (await connection.execute(_reading(scope).where(assets.c.id == above))).first() is None:
        raise NotFound(f"There is no part {above} in these areas.", "Check the id and the area.")
    for _ in range(MAX_DEPTH):
        if above is None:
            return
        if above == asset.id:
            break
        above = (await connection.execute(select(assets.c.parent_id).where(assets.c.id == above))).scalar()
    raise BadInput(f"{asset.name} would depend on itself, or through more than {MAX_DEPTH} parts.", "Choose another part above it.")


async def _locked(connection: AsyncConnection, scope: Scope, asset_id: str) -> NetworkAsset:
    row = (await connection.execute(_reading(scope).where(assets.c.id == asset_id).with_for_update())).mappings().first()
    if row is None:
        raise NotFound(f"There is no part {asset_id} in these areas.", "Check the id and the area.")
    return _asset(row)


def _reading(scope: Scope) -> Select[Any]:
    return select(assets).where(within(assets.c.area_code, scope))


def _asset(row: RowMapping) -> NetworkAsset:
    place = None if row["lat_deg"] is None or row["lon_deg"] is None else Place(row["lat_deg"], row["lon_deg"])
    return NetworkAsset(**{name: row[name] for name in PLAIN}, place=place)


def _row(asset: NetworkAsset) -> dict[str, Any]:
    place = asset.place
    where = {"lat_deg": None if place is None else place.lat_deg, "lon_deg": None if place is None else place.lon_deg}
    return {name: getattr(asset, name) for name in PLAIN} | where


def _change(asset: NetworkAsset, area_code: str) -> dict[str, Any]:
    return {"at_s": asset.changed_at_s, "topic": "network", "subject_id": asset.id, "area_code": area_code, "agency": None}
