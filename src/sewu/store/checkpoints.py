"""Saved states of watched cameras: dwell clocks, tracks, open events, backgrounds.

One row per camera, replaced at every save, so the file does not grow with time. Epochs fence off a worker that was
thought dead: a save with an older epoch than the one on record is refused.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

import structlog

from sewu.base.errors import StoreFull
from sewu.base.interfaces import State

log = structlog.get_logger()

STATES = "states.sqlite"
"""One file for all workers of a folder: a camera that moves to another worker, because their number changed, goes on from its state."""

SCHEMA = """
create table if not exists checkpoint (
    camera_id text primary key,
    epoch integer not null,   -- number of the worker's start that wrote it; never falls
    at_s real not null,       -- UTC seconds of the newest picture in it
    state blob not null       -- zlib of JSON
) strict
"""
SAVE = """
insert into checkpoint (camera_id, epoch, at_s, state) values (?, ?, ?, ?)
on conflict (camera_id) do update set epoch = excluded.epoch, at_s = excluded.at_s, state = excluded.state
where excluded.epoch >= checkpoint.epoch
"""


class Checkpoints:
    """A SQLite file of states; several processes may use one file, each for its own cameras."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises `StoreFull` when the disk refuses."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
            self._db.execute("pragma journal_mode = wal")
            # A power cut may lose the last second of clocks, never the file: they are saved again within seconds.
            self._db.execute("pragma synchronous = normal")
            self._db.execute(SCHEMA)
        except sqlite3.Error as error:
            raise _refused(path, error) from error
        self._path = path

    def next_epoch(self) -> int:
        """A number greater than any that wrote here before."""
        with closing(self._db.execute("select coalesce(max(epoch), 0) + 1 from checkpoint")) as rows:
            return int(rows.fetchone()[0])

    def save(self, epoch: int, states: Mapping[str, State], at_s: float) -> int:
        """Write states in one transaction; returns how many were taken (those of an older epoch are not).

        Raises:
            StoreFull: the disk refused; what was saved before is intact.
        """
        rows = [(camera_id, epoch, at_s, _packed(state)) for camera_id, state in states.items()]
        try:
            self._db.execute("begin immediate")
            before = self._db.total_changes
            self._db.executemany(SAVE, rows)
            self._db.execute("commit")
            return self._db.total_changes - before
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise _refused(self._path, error) from error

    def load(self, camera_ids: Iterable[str]) -> dict[str, State]:
        """The saved states of these cameras; one that cannot be read any more is left out and logged."""
        states: dict[str, State] = {}
        for camera_id in camera_ids:
            with closing(self._db.execute("select state from checkpoint where camera_id = ?", (camera_id,))) as rows:
                row = rows.fetchone()
            try:
                if row is not None:
                    states[camera_id] = json.loads(zlib.decompress(row[0]))
            except (zlib.error, ValueError) as error:
                log.warning("a saved state is damaged; the camera starts afresh", camera=camera_id, reason=str(error))
        return states

    def close(self) -> None:
        self._db.close()


def _packed(state: State) -> bytes:
    return zlib.compress(json.dumps(state, separators=(",", ":"), allow_nan=False).encode(), level=1)


def _refused(path: Path, error: sqlite3.Error) -> StoreFull:
    return StoreFull(f"{path} could not be written: {error}.", "Free some space or choose another folder; saved clocks are kept.")
