"""`sewu watch`: a fleet of workers over a camera list and a folder of zones, both followed while they change."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import structlog

from sewu.base.clock import Clock
from sewu.base.errors import BadSettings, SewuError
from sewu.cameras.register import read_cameras
from sewu.wiring.sharding import WatchOptions
from sewu.workers.fleet import Fleet, shard_of
from sewu.workers.status import ShardStatus, total

log = structlog.get_logger()


def tasks_from(cameras: Path, secrets: Path | None, shards: int, sub_streams: bool) -> tuple[dict[int, object], tuple[str, ...]]:
    """Each shard's cameras, and what was wrong with the list.

    Raises:
        BadSettings: the list or the secrets file cannot be read, or holds no usable camera.
    """
    listed = read_cameras(cameras)
    passwords = _secrets(secrets)
    tasks: dict[int, list[dict[str, str]]] = {shard: [] for shard in range(shards)}
    others: list[str] = []
    for camera in listed.cameras:
        login = listed.credentials.get(camera.id)
        url = camera.sub_stream_url if sub_streams and camera.sub_stream_url else camera.stream_url
        if urlsplit(url).scheme not in {"rtsp", "rtsps"}:
            others.append(f"{camera.id}: only rtsp and rtsps cameras are watched; use `sewu analyze` for others")
            continue
        row = {"id": camera.id, "url": url}
        if login is not None:
            row |= {"user": login.user, "password": login.password or passwords.get(f"camera/{camera.id}", "")}
        tasks[shard_of(camera.id, shards)].append(row)
    faults = (*(f"row {fault.row} ({fault.camera_id or 'no id'}): {fault.reason}" for fault in listed.faults), *others)
    if not any(tasks.values()):
        why = f": {'; '.join(faults[:3])}" if faults else ""
        raise BadSettings(f"{cameras} holds no usable camera{why}.", "Correct these rows." if faults else "Add cameras.")
    return {shard: {"cameras": rows} for shard, rows in tasks.items()}, faults


def _secrets(path: Path | None) -> Mapping[str, str]:
    if path is None:
        return {}
    try:
        secrets: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return secrets
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path} cannot be read as JSON: {type(error).__name__}.", "Give a file of name: password.") from None


def watch(  # noqa: PLR0913 one parameter per decision of the caller
    cameras: Path,
    secrets: Path | None,
    shards: int,
    options: WatchOptions,
    on_status: Callable[[ShardStatus, Sequence[ShardStatus], tuple[str, ...]], None],
    stop: threading.Event,
    clock: Clock,
    sub_streams: bool = True,
) -> None:
    """Run the fleet until `stop`; the camera list is read again when it changes. Raises `BadSettings` at the start only."""
    tasks, faults = tasks_from(cameras, secrets, shards, sub_streams)
    cores = sorted(psutil.Process().cpu_affinity() or [])
    fleet = Fleet(lambda shard: _command(shard, options), shards, options.out / "log", clock, cores if shards <= len(cores) else ())
    fleet.assign(tasks)
    changed = cameras.stat().st_mtime_ns
    try:
        while not stop.is_set():
            fleet.check()
            statuses = fleet.statuses()
            on_status(total(statuses), statuses, faults)
            clock.sleep(0.25)
            newest = cameras.stat().st_mtime_ns if cameras.exists() else changed
            if newest != changed:
                changed = newest
                try:
                    tasks, faults = tasks_from(cameras, secrets, shards, sub_streams)
                    fleet.assign(tasks)
                except SewuError as error:
                    log.warning("the changed camera list was not taken", reason=error.what)
    finally:
        fleet.stop()


def _command(shard: int, options: WatchOptions) -> list[str]:
    rules = [] if options.rules is None else ["--rules", str(options.rules)]
    numbers = ["--interval", str(options.interval_s), "--whole", str(options.whole_s), "--capacity", str(options.capacity)]
    return [sys.executable, "-m", "sewu", "watch-shard", str(shard), "--out", str(options.out), "--model", options.model, *numbers, *rules]
