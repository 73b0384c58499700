"""How each camera fares: the newest state in place, the history of conditions as intervals, availability from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, Double, ForeignKey, Index, RowMapping, Table, Text, bindparam, case, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sewu.base.register import CameraState, Condition
from sewu.base.rights import Scope
from sewu.store.operations.camera_tables import camera_states, cameras
from sewu.store.operations.database import Database
from sewu.store.operations.shards import fence
from sewu.store.operations.tables import metadata, within
from sewu.store.operations.upserts import in_batches, overwrite

condition_spans = Table(
    "condition_span",
    metadata,
    Column("camera_id", Text, ForeignKey("camera.id"), primary_key=True),
    Column("since_s", Double, primary_key=True),
    Column("until_s", Double),
    Column("condition", Text, nullable=False),
    Column("reason", Text),
    Column("area_code", Text, nullable=False),
    Index("ix_condition_span_area_code_since_s", "area_code", "since_s"),
    Index("ix_condition_span_until_s", "until_s"),
    Index(
        "ix_condition_span_open", "camera_id", unique=True, postgresql_where=text("until_s IS NULL"), sqlite_where=text("until_s IS NULL")
    ),
)
"""One row from each change of condition to the next; the open one has no end."""


@dataclass(frozen=True, slots=True)
class StatesWritten:
    """What became of a batch: cameras whose condition or reason changed, and ids that are not registered."""

    changed: tuple[str, ...]
    unregistered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConditionSpan:
    """A camera was in a condition, until now when `until_s` is None."""

    camera_id: str
    since_s: float
    until_s: float | None
    condition: Condition
    reason: str | None


@dataclass(frozen=True, slots=True)
class Availability:
    """Camera-seconds of an area in a span of time. `known_s` leaves out what nobody watched."""

    area_code: str
    cameras: int
    up_s: float
    degraded_s: float
    down_s: float

    @property
    def known_s(self) -> float:
        return self.up_s + self.degraded_s + self.down_s

    @property
    def share(self) -> float | None:
        """Share of the known time in which a picture came, good or degraded; None when nothing is known."""
        return (self.up_s + self.degraded_s) / self.known_s if self.known_s > 0 else None


class States:
    """States of cameras: written by the watch engine in batches, read within a scope."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def write(self, shard: str, epoch: int, states: Sequence[CameraState], now_s: float) -> StatesWritten:
        """Store the newest states of a shard's cameras, all or none; only changes of condition or reason are told.

        Raises:
            Refused: a newer epoch of the shard has written already; the worker must stop.
        """
        async with self.database.writing() as connection:
            await fence(connection, shard, epoch)
            return await self._write(connection, states, now_s)

    async def expire(self, now_s: float, silent_s: float) -> StatesWritten:
        """Cameras that no worker has written of for `silent_s` are in no known condition any more."""
        query = select(camera_states.c.camera_id).where(
            camera_states.c.written_at_s < now_s - silent_s, camera_states.c.condition != "unknown"
        )
        async with self.database.writing() as connection:
            ids = (await connection.execute(query)).scalars().all()
            return await self._write(connection, [CameraState(i, "unknown", now_s, "not_watched") for i in ids], now_s, keep=True)

    async def spans(self, scope: Scope, camera_id: str, from_s: float, to_s: float) -> tuple[ConditionSpan, ...]:
        """What a camera's condition was between two times, oldest first."""
        row = condition_spans.c
        query = select(row.camera_id, row.since_s, row.until_s, row.condition, row.reason).where(row.camera_id == camera_id)
        query = query.where(row.since_s < to_s, or_(row.until_s.is_(None), row.until_s > from_s), within(row.area_code, scope))
        async with self.database.reading() as connection:
            return tuple(ConditionSpan(**found) for found in (await connection.execute(query.order_by(row.since_s))).mappings())

    async def availability(self, scope: Scope, from_s: float, to_s: float) -> tuple[Availability, ...]:
        """How long the cameras of each area were up, degraded and down between two times; by the area in which a camera stands.

        Roll up by the codes: 33.74.01 is the sum of what begins with 33.74.01.
        """
        row = condition_spans.c
        end, start = func.coalesce(row.until_s, to_s), row.since_s
        inside = case((end > to_s, to_s), else_=end) - case((start < from_s, from_s), else_=start)
        sums = [func.sum(case((row.condition == name, inside), else_=0.0)) for name in ("up", "degraded", "down")]
        query = select(row.area_code, func.count(row.camera_id.distinct()), *sums)
        query = query.where(row.since_s < to_s, or_(row.until_s.is_(None), row.until_s > from_s), within(row.area_code, scope))
        async with self.database.reading() as connection:
            rows = await connection.execute(query.group_by(row.area_code).order_by(row.area_code))
            return tuple(Availability(str(area), int(count), float(a), float(b), float(c)) for area, count, a, b, c in rows)

    async def _write(self, connection: AsyncConnection, states: Sequence[CameraState], now_s: float, keep: bool = False) -> StatesWritten:
        """keep: what the camera showed last stays; only its condition changes."""
        before = await _before(connection, [state.camera_id for state in states])
        rows, changed = [], []
        for state in sorted(states, key=lambda one: one.camera_id):  # one order: two writers wait, and never block each other
            old = before.get(state.camera_id)
            if old is None:
                continue
            same = (old["condition"], old["reason"]) == (state.condition, state.reason)
            since_s = old["since_s"] if same else max(state.since_s, old["since_s"] or state.since_s)
            if not same:
                changed.append(replace(state, since_s=since_s))
            rows.append(_row(state, since_s, now_s) | ({n: old[n] for n in ("last_frame_at_s", "still_ref", "measures")} if keep else {}))
        await overwrite(connection, camera_states, rows)
        await _add_spans(connection, changed, before)
        told = [(state.camera_id, before[state.camera_id]["area_code"]) for state in changed]
        await self.database.record(
            connection, [{"at_s": now_s, "topic": "state", "subject_id": i, "area_code": area, "agency": None} for i, area in told]
        )
        return StatesWritten(tuple(i for i, _ in told), tuple(state.camera_id for state in states if state.camera_id not in before))


async def _before(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, RowMapping]:
    columns = [camera_states.c[name] for name in ("condition", "reason", "since_s", "last_frame_at_s", "still_ref", "measures")]
    query = select(cameras.c.id, cameras.c.area_code, *columns).select_from(cameras.outerjoin(camera_states))
    found: dict[str, RowMapping] = {}
    for part in in_batches(ids):
        rows = await connection.execute(query.where(cameras.c.id.in_(part), cameras.c.deleted_at_s.is_(None)))
        found.update({row["id"]: row for row in rows.mappings()})
    return found


async def _add_spans(connection: AsyncConnection, changed: Sequence[CameraState], before: dict[str, RowMapping]) -> None:
    """End the open span of each camera and begin another; one of no length is replaced, not kept."""
    fresh = [
        {
            "camera_id": s.camera_id, "since_s": s.since_s, "until_s": None, "condition": s.condition, "reason": s.reason,
            "area_code": before[s.camera_id]["area_code"],
        }
        for s in changed
    ]  # fmt: skip
    if fresh:
        ended = update(condition_spans).where(condition_spans.c.camera_id == bindparam("ended_id"), condition_spans.c.until_s.is_(None))
        ends = [{"ended_id": span["camera_id"], "ended_at_s": span["since_s"]} for span in fresh]
        await connection.execute(ended.values(until_s=bindparam("ended_at_s")), ends)
        await overwrite(connection, condition_spans, fresh)


def _row(state: CameraState, since_s: float, now_s: float) -> dict[str, Any]:
    return {
        "camera_id": state.camera_id, "condition": state.condition, "reason": state.reason, "since_s": since_s,
        "last_frame_at_s": state.last_frame_at_s, "still_ref": state.still_ref, "measures": dict(state.measures), "written_at_s": now_s,
    }  # fmt: skip
