"""Events: a SQLite file for what is asked often, JSON Lines beside it for everybody else's tools."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path

from sewu.base.clock import iso_utc
from sewu.base.errors import BadInput, SewuError, StoreFull
from sewu.base.records import Event
from sewu.store.files import refused

VERSION = 1
SCHEMA = """
create table if not exists event (
    id text primary key,
    camera_id text not null,
    rule_id text not null,
    kind text not null,
    phase text not null,          -- start, update or end: the newest message
    severity text not null,
    started_at_s real not null,   -- UTC seconds at which the condition began to hold
    at_s real not null,           -- UTC seconds of the newest message
    ended_at_s real,
    value real not null,
    peak real not null,
    unit text not null,
    zone_id text,
    subject text,
    labels text not null,         -- JSON object
    box_px text                   -- JSON array x0, y0, x1, y1
) strict;
create index if not exists event_by_start on event (started_at_s);
"""
COLUMNS = tuple(Event.__dataclass_fields__)
UPSERT = f"""
insert into event ({", ".join(COLUMNS)}) values ({", ".join("?" * len(COLUMNS))})
on conflict (id) do update set {", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in {"id", "started_at_s"})}
where excluded.at_s >= event.at_s
"""  # noqa: S608 column names are ours


class EventStore:
    """Keeps the newest state of every event; an event whose `add` returned is on the disk."""

    def __init__(self, folder: Path) -> None:
        """Open or create `events.sqlite` and `events.jsonl`.

        Raises:
            StoreFull: the disk refused. BadInput: the file was written by a newer Sewu, or is no events file.
        """
        self.path, self._lines_path = folder / "events.sqlite", folder / "events.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=10.0, isolation_level=None, check_same_thread=False)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            with closing(self._db.execute("pragma user_version")) as rows:
                version = int(rows.fetchone()[0])
            if version > VERSION:
                raise BadInput(f"{self.path} was written by a newer Sewu (version {version}).", "Upgrade Sewu.")
            self._db.executescript(SCHEMA + f"pragma user_version = {VERSION};")
            self._lines = self._lines_path.open("ab", buffering=0)
            _cut_half_line(self._lines_path)
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error
        except OSError as error:
            raise refused(folder, error) from error

    def add(self, events: Iterable[Event]) -> None:
        """Store messages, all or none of them.

        Raises:
            StoreFull: the disk refused; nothing of this call is stored, and it can be called again.
        """
        chosen = list(events)
        if not chosen:
            return
        before = self._lines_path.stat().st_size
        try:
            self._db.execute("begin immediate")
            self._db.executemany(UPSERT, [_row(event) for event in chosen])
            text = "".join(json.dumps(as_json(event), ensure_ascii=False) + "\n" for event in chosen).encode()
            if self._lines.write(text) < len(text):
                raise OSError(28, "No space left on device")
            os.fdatasync(self._lines.fileno())
            self._db.execute("commit")
        except (sqlite3.Error, OSError) as error:
            with suppress(sqlite3.Error, OSError):
                os.ftruncate(self._lines.fileno(), before)
            with suppress(sqlite3.Error):
                self._db.execute("rollback")
            raise (refused(self._lines_path, error) if isinstance(error, OSError) else _explained(self.path, error)) from error

    def events(self) -> list[Event]:
        """The newest state of all events, in order of start."""
        with closing(self._db.execute(f"select {', '.join(COLUMNS)} from event order by started_at_s, id")) as rows:  # noqa: S608
            return [_event(row) for row in rows]

    def close(self) -> None:
        self._lines.close()
        self._db.close()


def _cut_half_line(path: Path) -> None:
    """Take away what a kill left of a last line: its event was not reported as stored, and the next must not be glued to it."""
    with path.open("r+b") as file:
        size = at = file.seek(0, os.SEEK_END)
        while at > 0:
            step = min(at, 4096)
            file.seek(at - step)
            newline = file.read(step).rfind(b"\n")
            if newline >= 0:
                at += newline + 1 - step
                break
            at -= step
        if at < size:
            file.truncate(at)


def as_json(event: Event) -> dict[str, object]:
    """An event for people and other programs: times also in ISO 8601."""
    row = asdict(event)
    row["labels"] = dict(event.labels)
    row["started_at"], row["at"] = iso_utc(event.started_at_s), iso_utc(event.at_s)
    row["ended_at"] = None if event.ended_at_s is None else iso_utc(event.ended_at_s)
    return row


def _row(event: Event) -> tuple[object, ...]:
    values = {name: getattr(event, name) for name in COLUMNS}
    values["labels"] = json.dumps(dict(event.labels), sort_keys=True)
    values["box_px"] = None if event.box_px is None else json.dumps(event.box_px)
    return tuple(values[name] for name in COLUMNS)


def _event(row: tuple[object, ...]) -> Event:
    values = dict(zip(COLUMNS, row, strict=True))
    values["labels"] = json.loads(str(values["labels"]))
    values["box_px"] = None if values["box_px"] is None else tuple(json.loads(str(values["box_px"])))
    return Event(**values)  # type: ignore[arg-type]  # columns are the record's fields


def _explained(path: Path, error: sqlite3.Error) -> SewuError:
    if "full" in str(error) or "I/O" in str(error):
        return StoreFull(f"{path} could not be written: {error}.", "Free some space; what was stored before is safe.")
    return BadInput(f"{path} cannot be used: {error}.", "Choose another folder, or move this file away.")
