"""Reads what a running watch writes, from where the last reading ended: events, and which start of the worker wrote them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sewu.base.errors import SewuError
from sewu.base.records import Event

LINES = 2000
LONGEST_LINE = 1 << 20
FIELDS = tuple(Event.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Tail:
    """Some events, and where the next reading begins. `faulty`: lines that are no event; they are passed over."""

    events: tuple[Event, ...]
    position: int
    faulty: int = 0


def read_events(path: Path, position: int, lines: int = LINES) -> Tail:
    """The messages after a byte position of an `events.jsonl`, whole lines only.

    A file that is shorter than the position was begun anew: it is read from its start, and whoever takes the events knows
    those it has already.

    Raises:
        SewuError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = position if position <= size else 0
            file.seek(start)
            events: list[Event] = []
            faulty = 0
            for _ in range(lines):
                line = file.readline(LONGEST_LINE)
                if not line.endswith(b"\n"):
                    if len(line) < LONGEST_LINE:
                        break
                    file.readline()  # the rest of a line that is no event
                start = file.tell()
                event = event_of(line)
                if event is None:
                    faulty += 1
                else:
                    events.append(event)
    except FileNotFoundError:
        return Tail((), position)
    except OSError as error:
        raise SewuError(f"{path} cannot be read: {error.strerror}.", "Check the folder and its permissions.") from error
    return Tail(tuple(events), start, faulty)


def event_of(line: bytes) -> Event | None:
    """The event of a line that `store.events` wrote; None for anything else."""
    try:
        row = json.loads(line)
        values = {name: row[name] for name in FIELDS}
        values["box_px"] = None if values["box_px"] is None else tuple(float(v) for v in values["box_px"])
        values["labels"] = {str(key): str(value) for key, value in values["labels"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return Event(**values) if _sound(values) else None


def _sound(values: dict[str, Any]) -> bool:
    texts = ("id", "camera_id", "rule_id", "kind", "severity", "unit")
    numbers = ("started_at_s", "at_s", "value", "peak")
    right = all(isinstance(values[name], str) and "\0" not in values[name] for name in texts)
    right = right and all(isinstance(values[name], int | float) and abs(values[name]) < 1e15 for name in numbers)
    optional = all(values[name] is None or isinstance(values[name], str) for name in ("zone_id", "subject"))
    return right and optional and values["phase"] in ("start", "update", "end") and isinstance(values["ended_at_s"], int | float | None)


def epoch_of(path: Path) -> int:
    """The newest start of a worker that saved into this `states.sqlite`; 1 where there is none yet."""
    if not path.exists():
        return 1
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
            found = database.execute("select max(epoch) from checkpoint").fetchone()
    except sqlite3.Error as error:
        raise SewuError(f"{path} cannot be read: {error}.", "It is read again at the next turn.") from error
    return int(found[0] or 1)


def open_events(path: Path, kinds: Collection[str]) -> list[tuple[str, str]]:
    """(camera, kind) of the events of these kinds that have not ended, from an `events.sqlite`; none where there is no file."""
    if not path.exists():
        return []
    marks = ", ".join("?" * len(kinds))
    query = f"select camera_id, kind from event where ended_at_s is null and kind in ({marks})"  # noqa: S608 only marks
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
            return [(str(camera), str(kind)) for camera, kind in database.execute(query, tuple(kinds))]
    except sqlite3.Error as error:
        raise SewuError(f"{path} cannot be read: {error}.", "It is read again at the next turn.") from error
