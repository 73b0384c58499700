"""Stored observations once more, in the order in which a camera made them: to try rules on what really was."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from sewu.base.errors import BadInput, SewuError
from sewu.base.records import Observation
from sewu.store.query import stored_in

ROWS = 20_000
"""Rows held as objects at once."""
COLUMNS = 'camera_id, epoch_us("at"), analytic, metric, value, unit, zone_id, subject, window_s, coverage, labels, box_px'


def replay(
    folder: Path,
    metrics: Collection[tuple[str, str]],
    from_s: float | None = None,
    to_s: float | None = None,
    camera_ids: Collection[str] | None = None,
    longest_s: float | None = None,
) -> Iterator[Observation]:
    """Observations of these (analytic, metric) below a store's folder, camera by camera, each in order of time.

    Args:
        from_s, to_s: only of this time, the end not included, UTC seconds. camera_ids: only of these cameras.
        longest_s: how long the store may take, the caller's own time between rows included.

    Raises:
        BadInput: a file is damaged, or it took longer than that. SewuError: a file cannot be read.
    """
    if not metrics or (camera_ids is not None and not camera_ids):
        return
    wanted = sorted(set(metrics))
    chosen = [f"({' or '.join(['(analytic = ? and metric = ?)'] * len(wanted))})"]
    values: list[object] = [part for pair in wanted for part in pair]
    for condition, at_s in (('"at" >= make_timestamptz(?)', from_s), ('"at" < make_timestamptz(?)', to_s)):
        if at_s is not None:
            chosen.append(condition)
            values.append(round(at_s * 1e6))
    if camera_ids is not None:
        chosen.append("list_contains(?, camera_id)")
        values.append(sorted(camera_ids))
    try:
        with closing(stored_in(folder)) as database, interrupted_after(longest_s, database):
            text = f'select {COLUMNS} from stored where {" and ".join(chosen)} order by camera_id, "at"'  # noqa: S608 our own text
            found = database.execute(text, values)
            while rows := found.fetchmany(ROWS):
                yield from map(_observation, rows)
    except duckdb.InterruptException:
        raise BadInput(f"The store took longer than {longest_s} s.", "Ask for fewer cameras or a shorter time.") from None
    except duckdb.IOException as error:
        raise SewuError(f"{folder} cannot be read: {error}.", "Check the folder and its permissions.") from error
    except duckdb.InvalidInputException as error:
        raise BadInput(f"{folder} holds a damaged observations file: {error}.", "Move that file away.") from error


@contextmanager
def interrupted_after(longest_s: float | None, database: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Break off whatever the database is doing after so long; never when None."""
    if longest_s is None:
        yield
        return
    timer = threading.Timer(longest_s, database.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it must not reach for a database that is closed


def _observation(row: Sequence[Any]) -> Observation:
    camera_id, at_us, analytic, metric, value, unit, zone_id, subject, window_s, coverage, labels, box_px = row
    box = None if box_px is None else (box_px[0], box_px[1], box_px[2], box_px[3])
    return Observation(camera_id, at_us / 1e6, analytic, metric, value, unit, zone_id, subject, window_s, coverage, dict(labels or {}), box)
