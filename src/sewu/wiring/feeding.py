"""The watch and the service meet: events and conditions come from the watch's folder into the database, within two seconds.

The feeder remembers nothing that matters: events are read from a position that is saved after they are stored, and the
desk knows each by its id. A worker of an older start is refused by the database itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import structlog

from sewu.base.clock import Clock
from sewu.base.errors import Refused
from sewu.base.incidents import HEALTH_KINDS
from sewu.base.records import Event
from sewu.base.register import CameraState
from sewu.respond.desk import Desk
from sewu.store.checkpoints import STATES
from sewu.store.operations.exhibits import ExhibitList
from sewu.store.operations.positions import Positions
from sewu.store.operations.states import States
from sewu.store.tail import epoch_of, open_events, read_events
from sewu.wiring.collecting import exhibits_of
from sewu.wiring.reporting import ShardReport, read_report

log = structlog.get_logger()
DEGRADING = tuple(kind for kind in HEALTH_KINDS if kind != "camera_down")
"""Events of these kinds mean that a picture comes, but not a good one."""
FRESH_S = 10.0
"""A report that is older says nothing of now."""


class WatchFeeder:
    """Reads one watch folder.

    Args:
        folder: what `sewu watch --out` names. desk: takes events. states: takes conditions. exhibits: files of events are noted there.
    """

    def __init__(
        self, folder: Path, desk: Desk, states: States, positions: Positions, clock: Clock, exhibits: ExhibitList | None = None
    ) -> None:
        self._folder, self._desk, self._states, self._positions, self._clock = folder, desk, states, positions, clock
        self._exhibits = exhibits
        self._bad: dict[str, str] | None = None
        self.faulty = 0

    async def events(self) -> int:
        """Take what is new of every shard; returns how many messages."""
        count = 0
        for part in sorted(self._folder.glob("shard-*/")):
            source, shard = str(part.absolute()), part.name
            position = await self._positions.of(source)
            tail = await asyncio.to_thread(read_events, part / "events.jsonl", position)
            if tail.position == position:
                continue
            self.faulty += tail.faulty
            if tail.events:
                epoch = await asyncio.to_thread(epoch_of, self._folder / STATES)
                try:
                    await self._desk.take(self._name(shard), epoch, tail.events, self._clock.now_s())
                except Refused as error:
                    log.warning("events of a worker that was replaced are left out", shard=shard, reason=error.what)
                if self._exhibits is not None:
                    await self._exhibits.note(exhibits_of(tail.events, self._folder, self._clock.now_s()))
                self._note(tail.events)
                count += len(tail.events)
            await self._positions.save(source, tail.position, self._clock.now_s())
        return count

    async def conditions(self) -> int:
        """Take how every watched camera is; returns how many were told."""
        if self._bad is None:
            found = [await asyncio.to_thread(open_events, path, DEGRADING) for path in sorted(self._folder.glob("shard-*/events.sqlite"))]
            self._bad = {camera: kind for rows in found for camera, kind in rows}
        count, now_s = 0, self._clock.now_s()
        for report in await asyncio.to_thread(read_report, self._folder):
            if now_s - report.at_s > FRESH_S:
                continue
            shard = f"shard-{report.shard}"
            epoch = await asyncio.to_thread(epoch_of, self._folder / STATES)
            try:
                await self._states.write(self._name(shard), epoch, states_of(report, self._bad), now_s)
            except Refused as error:
                log.warning("conditions of a worker that was replaced are left out", shard=shard, reason=error.what)
            count += len(report.camera_ids)
        return count

    def _name(self, shard: str) -> str:
        return f"{self._folder.absolute().name}/{shard}"

    def _note(self, events: Iterable[Event]) -> None:
        if self._bad is None:
            return
        for event in events:
            if event.kind in DEGRADING and event.phase != "end":
                self._bad[event.camera_id] = event.kind
            elif self._bad.get(event.camera_id) == event.kind:
                del self._bad[event.camera_id]


def states_of(report: ShardReport, bad: dict[str, str]) -> list[CameraState]:
    """A report as conditions: down with its reason, degraded while an event says so, else up."""
    rows = []
    for camera_id in report.camera_ids:
        reason = report.down.get(camera_id)
        if reason is not None:
            rows.append(CameraState(camera_id, "down", report.at_s, reason))
        elif camera_id in bad:
            rows.append(CameraState(camera_id, "degraded", report.at_s, bad[camera_id].removeprefix("camera_"), report.at_s))
        else:
            rows.append(CameraState(camera_id, "up", report.at_s, None, report.at_s))
    return rows
