"""`sewu watch`: a fleet of workers over a camera list, a folder of zones and a file of rules, all followed while they change."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import structlog

from sewu.base.clock import Clock
from sewu.base.errors import BadSettings, SewuError
from sewu.cameras.register import read_cameras
from sewu.store.checkpoints import STATES, Checkpoints
from sewu.wiring.reporting import write_report
from sewu.wiring.roster import Row
from sewu.wiring.ruling import RulesFile
from sewu.wiring.sharding import WatchOptions
from sewu.wiring.zoning import ZonesFolder
from sewu.workers.fleet import Fleet, shard_of
from sewu.workers.status import ShardStatus, total

LISTS_EVERY_S = 1.0
"""How often camera list and zones are checked for changes."""
TELL_EVERY_S = 1.0

log = structlog.get_logger()


@dataclass
class CityList:
    """The camera list and what belongs to it, read again when a file changes.

    Args:
        secrets: JSON of {"camera/ID": password}. zones: folder of a zones file per camera. sub_streams: watch these where there are any.
        rules: which rules each camera has; without it those that ship with Sewu.
    """

    cameras: Path
    secrets: Path | None = None
    zones: ZonesFolder | None = None
    sub_streams: bool = True
    rules: RulesFile | None = None
    _seen: tuple[int | None, ...] = ()

    def changed(self) -> bool:
        """Whether anything is different since the last call; true at the first."""
        seen = tuple(_version(path) for path in (self.cameras, self.secrets) if path is not None)
        # A list that is away for a moment, while an editor replaces it, is no change.
        changed = seen != self._seen and None not in seen
        self._seen = seen if changed else self._seen
        drawn = self.zones is not None and self.zones.refresh()
        ruled = self.rules is not None and self.rules.refresh()
        return changed or drawn or ruled

    def standing_faults(self) -> tuple[str, ...]:
        """What is wrong with the zones and the rules now."""
        ruled = () if self.rules is None or self.rules.fault is None else (self.rules.fault,)
        return ruled if self.zones is None else (*ruled, *self.zones.faults.values())


def tasks_from(city: CityList, shards: int) -> tuple[dict[int, object], tuple[str, ...]]:
    """Each shard's cameras and their rules, and what was wrong with the list.

    Raises:
        BadSettings: the list or the secrets file cannot be read, or holds no usable camera.
    """
    listed = read_cameras(city.cameras)
    passwords = _secrets(city.secrets)
    tasks: dict[int, list[Row]] = {shard: [] for shard in range(shards)}
    others: list[str] = []
    for camera in listed.cameras:
        login = listed.credentials.get(camera.id)
        url = camera.sub_stream_url if city.sub_streams and camera.sub_stream_url else camera.stream_url
        if urlsplit(url).scheme not in {"rtsp", "rtsps"}:
            others.append(f"{camera.id}: only rtsp and rtsps cameras are watched; use `sewu analyze` for others")
            continue
        row: Row = {"id": camera.id, "url": url}
        if login is not None:
            row |= {"user": login.user, "password": login.password or passwords.get(f"camera/{camera.id}", "")}
        drawn = None if city.zones is None else city.zones.document(camera.id)
        if drawn is not None:
            row["zones"] = drawn
        rules = None if city.rules is None else city.rules.name_of(camera.id)
        if rules is not None:
            row["rules"] = rules
        tasks[shard_of(camera.id, shards)].append(row)
    faults = (*(f"row {fault.row} ({fault.camera_id or 'no id'}): {fault.reason}" for fault in listed.faults), *others)
    if not any(tasks.values()):
        why = f": {'; '.join(faults[:3])}" if faults else ""
        raise BadSettings(f"{city.cameras} holds no usable camera{why}.", "Correct these rows." if faults else "Add cameras.")
    return {shard: _task(rows, city.rules) for shard, rows in tasks.items()}, faults + _unheard(city, {one.id for one in listed.cameras})


def _task(rows: list[Row], rules: RulesFile | None) -> dict[str, object]:
    """What a shard is told: each set of rules once, however many cameras have it."""
    if rules is None:
        return {"cameras": rows}
    return {"cameras": rows, "rules": rules.documents(row["rules"] for row in rows if "rules" in row)}


def _unheard(city: CityList, camera_ids: set[str]) -> tuple[str, ...]:
    """Zones and rules of cameras that are not in the list."""
    drawn = () if city.zones is None else city.zones.strangers(camera_ids)
    ruled = () if city.rules is None else city.rules.strangers(camera_ids)
    named = (*(f"zones of {name}" for name in drawn), *(f"rules of {name}" for name in ruled))
    return tuple(f"{what}: there is no such camera in the list" for what in named)


def _secrets(path: Path | None) -> Mapping[str, str]:
    if path is None:
        return {}
    try:
        secrets: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return secrets
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path} cannot be read as JSON: {type(error).__name__}.", "Give a file of name: password.") from None


def _version(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


OnStatus = Callable[[ShardStatus, Sequence[ShardStatus], tuple[str, ...]], None]
"""Told a few times a second: all shards as one, each shard, and what is wrong with list, zones and rules."""


def watch(city: CityList, shards: int, options: WatchOptions, on_status: OnStatus, stop: threading.Event, clock: Clock) -> None:
    """Run the fleet until `stop`; lists and zones are read again when they change. Raises `BadSettings` at the start only."""
    city.changed()
    tasks, faults = tasks_from(city, shards)
    standing: tuple[str, ...] = ()
    Checkpoints(options.out / STATES).close()  # made here once, not by all workers at the same moment
    cores = sorted(psutil.Process().cpu_affinity() or [])
    pinned = cores if shards <= len(cores) else ()
    fleet = Fleet(lambda shard: _command(shard, options), shards, options.out / "log", clock, pinned, spare=True)
    fleet.assign(tasks)
    checked_s = clock.steady_s()
    told_s = checked_s
    try:
        while not stop.is_set():
            fleet.check()
            statuses = fleet.statuses()
            standing = _warned(city.standing_faults(), standing)
            on_status(total(statuses), statuses, (*faults, *standing))
            if clock.steady_s() - told_s >= TELL_EVERY_S:
                told_s = clock.steady_s()
                _tell(options.out, statuses, tasks)
            clock.sleep(0.25)
            if clock.steady_s() - checked_s < LISTS_EVERY_S:
                continue
            checked_s = clock.steady_s()
            if city.changed():
                try:
                    tasks, faults = tasks_from(city, shards)
                    fleet.assign(tasks)
                except SewuError as error:
                    log.warning("the changed camera list was not taken", reason=error.what)
    finally:
        fleet.stop()


def _warned(standing: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """Log what is newly wrong with zones or rules: nobody may be looking at the dashboard."""
    for fault in standing:
        if fault not in before:
            log.warning("a changed file was not taken", reason=fault[:500])
    return standing


def _tell(out: Path, statuses: Sequence[ShardStatus], tasks: Mapping[int, object]) -> None:
    """Tell the service; a disk that refuses must not stop the watch."""
    try:
        write_report(out, statuses, tasks)
    except SewuError as error:
        log.warning("the watch could not be reported", reason=error.what)


def _command(shard: int, options: WatchOptions) -> list[str]:
    return [sys.executable, "-m", "sewu", "watch-shard", "--options", options.text(), "--", str(shard)]
