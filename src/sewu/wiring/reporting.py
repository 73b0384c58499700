"""What a running watch tells the service: a file in its folder, written anew every second, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sewu.base.errors import SewuError
from sewu.store.files import write_whole
from sewu.workers.status import ShardStatus

NAME = "status.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class ShardReport:
    """One worker at a time: the cameras it watches, and which of them are down and why."""

    shard: int
    at_s: float
    camera_ids: tuple[str, ...]
    down: Mapping[str, str]


def write_report(folder: Path, statuses: Sequence[ShardStatus], tasks: Mapping[int, object]) -> None:
    """Tell how the watch goes. tasks: shard -> {"cameras": [{"id": ...}, ...]}. Raises `StoreFull`, `SewuError`."""
    rows = [{"shard": s.shard, "at_s": s.at_s, "cameras": _ids(tasks.get(s.shard)), "down": s.down} for s in statuses]
    write_whole(folder / NAME, json.dumps({"schema": SCHEMA, "shards": rows}, separators=(",", ":")).encode())


def read_report(folder: Path) -> tuple[ShardReport, ...]:
    """The newest report; () when the watch has not written any.

    Raises:
        SewuError: the file is none of ours, or cannot be read.
    """
    try:
        told = json.loads((folder / NAME).read_bytes())
        if told["schema"] != SCHEMA:
            raise ValueError(told["schema"])
        return tuple(_report(row) for row in told["shards"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SewuError(
            f"{folder / NAME} cannot be read: {type(error).__name__}.", "See that the watch and the service are of one version."
        ) from error


def _report(row: Any) -> ShardReport:
    down = {str(camera): str(reason)[:200] for camera, reason in row["down"].items()}
    return ShardReport(int(row["shard"]), float(row["at_s"]), tuple(str(camera) for camera in row["cameras"]), down)


def _ids(task: object) -> list[str]:
    cameras: Iterable[Any] = task.get("cameras", ()) if isinstance(task, dict) else ()
    return [str(row["id"]) for row in cameras]
