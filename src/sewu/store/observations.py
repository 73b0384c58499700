"""Observations: a journal for the last minutes, Parquet files by UTC day for the rest.

`observations/day=2026-11-24/<writer>-000001.parquet` and `observations/<writer>-000002.journal`. Any number of writers (worker
processes) share a folder, each under its own name. Any tool that reads hive-partitioned Parquet reads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sewu.base.records import Observation
from sewu.store.files import refused, safe_name, sync_folder
from sewu.store.journal import Journal

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
NAMES = tuple(field.name for field in fields(Observation))
COMMIT_ROWS = 2000
SEAL_ROWS = 200_000


class ObservationStore:
    """Takes observations; `commit` makes them safe; they are sealed into Parquet now and then and at the end.

    Journals are numbered, and the Parquet files made from journal 7 are called 7: sealing it twice, because a kill came
    between sealing and deleting it, writes the same files again. So nothing is lost and nothing is doubled. Opening a
    store seals what a killed writer of the same name left.
    """

    def __init__(self, folder: Path, writer: str = "main", seal_rows: int = SEAL_ROWS) -> None:
        self.folder = folder / "observations"
        self._writer, self._seal_rows = safe_name(writer), seal_rows
        self._waiting: list[Observation] = []
        self.stored = 0
        left = sorted(self.folder.glob(f"{self._writer}-*.journal"), key=_number)
        sealed = self.folder.glob(f"day=*/{self._writer}-*.parquet")
        self._generation = max((_number(path) for path in (*left, *sealed)), default=0)
        for path in left:
            journal = Journal(path)
            self._seal(journal, _number(path))
        self._open_next()

    def add(self, observations: Iterable[Observation]) -> None:
        """Take observations; they are stored at the next `commit`, which comes by itself when many are waiting."""
        self._waiting += observations
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
        by_day: dict[str, list[Observation]] = {}
        for record in journal:
            for row in json.loads(record):
                observation = Observation(**dict(zip(NAMES, row, strict=True)))
                day = datetime.fromtimestamp(observation.at_s, UTC).strftime("%Y-%m-%d")
                by_day.setdefault(day, []).append(observation)
        for day, rows in by_day.items():
            write_parquet(rows, self.folder / f"day={day}" / f"{self._writer}-{generation:06}.parquet")
        journal.close()
        journal.path.unlink()


def _number(path: Path) -> int:
    digits = path.stem.rsplit("-", 1)[-1]
    return int(digits) if digits.isdigit() else 0


def write_parquet(observations: Sequence[Observation], path: Path) -> None:
    """Write one Parquet file, whole or not at all. Raises `StoreFull` or `SewuError`."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(_table(observations), part, compression="zstd")
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise refused(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def read_observations(folder: Path) -> Iterator[Observation]:
    """All sealed observations below a store's folder, by file."""
    for path in sorted((folder / "observations").glob("day=*/*.parquet")):
        yield from _rows(pq.read_table(path, schema=SCHEMA))


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
    rows: list[dict[str, Any]] = []
    for observation in observations:
        row = asdict(observation)
        row["at"] = round(row.pop("at_s") * 1e6)
        row["labels"] = sorted(row["labels"].items())
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _rows(table: pa.Table) -> Iterator[Observation]:
    for row in table.to_pylist():
        row["at_s"] = row.pop("at").timestamp()
        row["labels"] = dict(row["labels"])
        row["box_px"] = tuple(row["box_px"]) if row["box_px"] is not None else None
        yield Observation(**row)
