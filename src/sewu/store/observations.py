"""Observations: a journal for the last minutes, Parquet files by UTC day for the rest.

`observations/day=2026-11-24/<writer>-000001.parquet` and `observations/<writer>-000002.journal`. Any number of writers (worker
processes) share a folder, each under its own name. Any tool that reads hive-partitioned Parquet reads it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sewu.base.records import Observation
from sewu.store.columns import boxes, maps, numbers, strings
from sewu.store.files import refused, safe_name, sync_folder
from sewu.store.journal import Journal, records

SCHEMA = pa.schema(
    [
        pa.field("camera_id", pa.string(), nullable=False),
        pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("analytic", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("zone_id", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("window_s", pa.float64(), nullable=False),
        pa.field("coverage", pa.float64(), nullable=False),
        pa.field("labels", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("box_px", pa.list_(pa.float32())),
    ]
)
MAKERS: Mapping[str, Callable[[Any], pa.Array]] = {"labels": maps, "box_px": boxes}
NAMES = tuple(field.name for field in fields(Observation))
COMMIT_ROWS = 2000
DAY_S = 86_400
LAST_S = 253_402_300_800
"""The year 10000, which no calendar date can name."""
SEAL_ROWS = 20_000
"""A Parquet file for so many rows: 1 MiB or so."""


class ObservationStore:
    """Takes observations; `commit` makes them safe; they are sealed into Parquet now and then and at the end.

    Journals are numbered, and the Parquet files made from journal 7 are called 7: sealing it twice, because a kill came
    between sealing and deleting it, writes the same files again. So nothing is lost and nothing is doubled. Opening a
    store seals what a killed writer of the same name left.

    `stored`: rows made safe. `late`: those of a day before the newest one; they are stored in their own day.
    `undated`: rows dropped because their time is no time between 1970 and 9999.
    """

    def __init__(self, folder: Path, writer: str = "main", seal_rows: int = SEAL_ROWS) -> None:
        """Raises `Unavailable` when another process writes under the same name; `StoreFull`, `SewuError`."""
        self.folder = folder / "observations"
        self._writer, self._seal_rows = safe_name(writer), seal_rows
        pq.write_table(_table([]), pa.BufferOutputStream(), compression="zstd")  # loads now what the first seal would load
        self._waiting: list[Observation] = []
        self._newest_day = 0
        self.stored = 0
        self.late = 0
        self.undated = 0
        left = sorted(self.folder.glob(f"{self._writer}-*.journal"), key=_number)
        sealed = self.folder.glob(f"day=*/{self._writer}-*.parquet")
        self._generation = max((_number(path) for path in (*left, *sealed)), default=0)
        for path in left:
            journal = Journal(path)
            self._seal(journal, _number(path))
        self._open_next()

    def add(self, observations: Iterable[Observation]) -> None:
        """Take observations; they are stored at the next `commit`, which comes by itself when many are waiting."""
        for observation in observations:
            if not 0 <= observation.at_s < LAST_S:
                self.undated += 1
                continue
            day = int(observation.at_s // DAY_S)
            self.late += day < self._newest_day
            self._newest_day = max(day, self._newest_day)
            self._waiting.append(observation)
        if len(self._waiting) >= COMMIT_ROWS:
            self.commit()

    def commit(self) -> None:
        """Make everything taken so far safe. Raises `StoreFull`; nothing is lost then, and commit can be tried again."""
        if self._waiting:
            rows = [[getattr(o, name) if name != "labels" else dict(o.labels) for name in NAMES] for o in self._waiting]
            self._journal.append(json.dumps(rows, separators=(",", ":")).encode())
            self._journalled += len(rows)
            self.stored += len(rows)
            self._waiting.clear()
        if self._journalled >= self._seal_rows:
            self.seal()

    def seal(self) -> None:
        """Move the journal into Parquet files, one per day. Raises `StoreFull`; the journal is kept then."""
        if self._journalled:
            self._seal(self._journal, self._generation)
            self._open_next()

    def close(self) -> None:
        """Commit and seal."""
        self.commit()
        self._seal(self._journal, self._generation)

    def _open_next(self) -> None:
        self._generation += 1
        self._journal = Journal(self.folder / f"{self._writer}-{self._generation:06}.journal")
        self._journalled = 0

    def _seal(self, journal: Journal, generation: int) -> None:
        # Record by record into columns: all rows at once as objects would cost ten times the memory, which stays taken.
        by_day: dict[str, list[pa.Table]] = {}
        for record in journal:
            rows: dict[str, list[Observation]] = {}
            for row in json.loads(record):
                observation = Observation(**dict(zip(NAMES, row, strict=True)))
                day = datetime.fromtimestamp(observation.at_s, UTC).strftime("%Y-%m-%d")
                rows.setdefault(day, []).append(observation)
            for day, observations in rows.items():
                by_day.setdefault(day, []).append(_table(observations))
        for day, tables in by_day.items():
            write_parquet(pa.concat_tables(tables), self.folder / f"day={day}" / f"{self._writer}-{generation:06}.parquet")
        by_day.clear()
        pa.default_memory_pool().release_unused()
        journal.close()
        journal.path.unlink()


def _number(path: Path) -> int:
    digits = path.stem.rsplit("-", 1)[-1]
    return int(digits) if digits.isdigit() else 0


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write one Parquet file, whole or not at all. Raises `StoreFull` or `SewuError`."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.combine_chunks(), part, compression="zstd")
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise refused(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def read_observations(folder: Path) -> Iterator[Observation]:
    """All observations below a store's folder, by file: the sealed ones, then those still in a journal. Each once."""
    sealed, journals = observation_files(folder)
    for path in sealed:
        yield from _rows(pq.read_table(path, schema=SCHEMA, partitioning=None))
    yield from _journalled(journals)


def observation_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The Parquet files and journals that together hold every stored row once.

    While a journal is there, the Parquet files of its number are not counted: they hold the same rows, or some of them.
    """
    home = folder / "observations"
    # Journals are listed first. One that is sealed in between is gone when it is opened, and read from its Parquet files then.
    journals = sorted(home.glob("*.journal"))
    same = {path.stem for path in journals}
    return [path for path in sorted(home.glob("day=*/*.parquet")) if path.stem not in same], journals


def unsealed_table(journals: Iterable[Path]) -> pa.Table:
    """The rows of these journals as a table of `SCHEMA`."""
    return _table(list(_journalled(journals)))


def _journalled(journals: Iterable[Path]) -> Iterator[Observation]:
    for path in journals:
        try:
            with path.open("rb") as file:
                for record in records(file):
                    for row in json.loads(record):
                        yield Observation(**dict(zip(NAMES, row, strict=True)))
        except FileNotFoundError:
            # Sealed since it was listed: its rows are in the Parquet files that its writer has just made.
            for sealed in sorted(path.parent.glob(f"day=*/{path.stem}.parquet")):
                yield from _rows(pq.read_table(sealed, schema=SCHEMA, partitioning=None))


def export_parquet(folder: Path, path: Path) -> int:
    """All sealed observations as one file, in order of time; returns the number of rows."""
    tables = [pq.read_table(part, schema=SCHEMA) for part in sorted((folder / "observations").glob("day=*/*.parquet"))]
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    part = path.with_name(f".{path.name}.part")
    try:
        pq.write_table(table.sort_by("at"), part, compression="zstd")
        part.replace(path)
    except OSError as error:
        raise refused(path, error) from error
    return int(table.num_rows)


def _table(observations: Sequence[Observation]) -> pa.Table:
    def column(field: pa.Field) -> pa.Array:
        if field.name == "at":
            return numbers([round(o.at_s * 1e6) for o in observations], field.type)
        values: list[Any] = [getattr(o, field.name) for o in observations]
        make: Callable[[Any], pa.Array] = MAKERS.get(field.name, strings)
        return numbers(values, field.type) if pa.types.is_floating(field.type) else make(values)

    return pa.Table.from_arrays([column(field) for field in SCHEMA], schema=SCHEMA)


def _rows(table: pa.Table) -> Iterator[Observation]:
    for row in table.to_pylist():
        row["at_s"] = row.pop("at").timestamp()
        row["labels"] = dict(row["labels"])
        row["box_px"] = tuple(row["box_px"]) if row["box_px"] is not None else None
        yield Observation(**row)
