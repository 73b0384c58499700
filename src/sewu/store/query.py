"""Questions to stored observations: a metric over time, in buckets, answered by DuckDB over the Parquet files.

What is still in a journal, because its writer runs or was killed, is answered too; each row counts once.
"""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa

from sewu.base.errors import BadInput, SewuError
from sewu.base.records import Doubles, Ints
from sewu.store.observations import SCHEMA, observation_files, unsealed_table

How = Literal["mean", "max", "min", "sum", "last"]
HOWS: dict[How, str] = {
    "mean": "avg(value)",
    "max": "max(value)",
    "min": "min(value)",
    "sum": "sum(value)",
    "last": "arg_max(value, at_us)",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask.

    Args:
        analytic, metric: what was measured. how: what becomes of the values of one bucket.
        bucket_s: length of a bucket; buckets begin at multiples of it since 1970, UTC.
        camera_id, zone_id: only this camera or zone; all when left out.
        from_s, to_s: only observations of this time, the end not included, UTC seconds.
    """

    analytic: str
    metric: str
    bucket_s: float
    how: How = "mean"
    camera_id: str | None = None
    zone_id: str | None = None
    from_s: float | None = None
    to_s: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.bucket_s) and self.bucket_s >= 1e-3):
            raise BadInput(f"A bucket of {self.bucket_s} s is no length of time.", "Give at least 0.001 s.")
        if self.how not in HOWS:
            raise BadInput(f"{self.how!r} is no way to sum up a bucket.", f"Choose one of {', '.join(HOWS)}.")


@dataclass(frozen=True, slots=True)
class Series:
    """A metric over time; buckets without an observation are not in it: nobody looked, which is not zero.

    starts_s: float64 (n,), beginning of each bucket, rising. values: float64 (n,). coverage: float64 (n,), mean of the
    observations' own. rows: int64 (n,), observations in the bucket. unit: None when there is no row.
    """

    starts_s: Doubles
    values: Doubles
    coverage: Doubles
    rows: Ints
    unit: str | None

    def __len__(self) -> int:
        return len(self.starts_s)


def series(folder: Path, question: Question) -> Series:
    """Answer `question` from the store in `folder`.

    Raises:
        BadInput: the rows are of several units, or a file is damaged. SewuError: a file cannot be read.
    """
    chosen, values = _where(question)
    bucket_us = round(question.bucket_s * 1e6)
    inner = f'select epoch_us("at") as at_us, value, coverage, unit from stored where {chosen}'  # noqa: S608 our own text
    bucket, summed = f"cast(floor(at_us / {bucket_us}) as bigint)", HOWS[question.how]
    columns = f"{bucket} as bucket, {summed}, avg(coverage), count(*), min(unit), max(unit)"
    outer = f"select {columns} from ({inner}) group by bucket order by bucket"  # noqa: S608 our own text
    try:
        with closing(stored_in(folder)) as database:
            found = database.execute(outer, values).fetchall()
    except duckdb.IOException as error:
        raise SewuError(f"{folder} cannot be read: {error}.", "Check the folder and its permissions.") from error
    except duckdb.InvalidInputException as error:
        raise BadInput(f"{folder} holds a damaged observations file: {error}.", "Move that file away.") from error
    units = {unit for row in found for unit in row[4:]}
    if len(units) > 1:
        raise BadInput(
            f"{question.analytic}.{question.metric} was stored in several units: {', '.join(sorted(units))}.", "Ask for one zone."
        )
    columns_found = list(zip(*found, strict=True)) if found else [()] * 6
    return Series(
        np.asarray(columns_found[0], np.float64) * (bucket_us / 1e6),
        np.asarray(columns_found[1], np.float64),
        np.asarray(columns_found[2], np.float64),
        np.asarray(columns_found[3], np.int64),
        units.pop() if units else None,
    )


def mean_by_camera(folder: Path, question: Question) -> dict[str, tuple[float, float]]:
    """The question over its whole span, for every camera at once: camera -> mean value and mean coverage; `how` is not asked.

    Raises:
        BadInput: a file is damaged. SewuError: a file cannot be read.
    """
    chosen, values = _where(question)
    text = f"select camera_id, avg(value), avg(coverage) from stored where {chosen} group by camera_id"  # noqa: S608 our own text
    try:
        with closing(stored_in(folder)) as database:
            found = database.execute(text, values).fetchall()
    except duckdb.IOException as error:
        raise SewuError(f"{folder} cannot be read: {error}.", "Check the folder and its permissions.") from error
    except duckdb.InvalidInputException as error:
        raise BadInput(f"{folder} holds a damaged observations file: {error}.", "Move that file away.") from error
    return {camera: (float(value), float(coverage)) for camera, value, coverage in found}


def _where(question: Question) -> tuple[str, list[object]]:
    wanted: list[tuple[str, object]] = [("analytic = ?", question.analytic), ("metric = ?", question.metric)]
    if question.camera_id is not None:
        wanted.append(("camera_id = ?", question.camera_id))
    if question.zone_id is not None:
        wanted.append(("zone_id = ?", question.zone_id))
    if question.from_s is not None:
        wanted.append(('"at" >= make_timestamptz(?)', round(question.from_s * 1e6)))
    if question.to_s is not None:
        wanted.append(('"at" < make_timestamptz(?)', round(question.to_s * 1e6)))
    return " and ".join(text for text, _ in wanted), [value for _, value in wanted]


def stored_in(folder: Path) -> duckdb.DuckDBPyConnection:
    """A database whose view `stored` is everything stored in `folder`. Fetches no extension, uses one core."""
    database = duckdb.connect(
        config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False, "memory_limit": "1GB"}
    )
    sealed, journals = observation_files(folder)
    live: pa.Table = unsealed_table(journals)
    database.register("live", live)
    parts = ["select * from live"]
    if sealed:
        names = ", ".join("'" + str(path).replace("'", "''") + "'" for path in sealed)
        columns = ", ".join(f'"{name}"' for name in SCHEMA.names)
        parts.append(f"select {columns} from read_parquet([{names}], hive_partitioning = false)")  # noqa: S608 names of files, quoted
    database.execute(f"create view stored as {' union all '.join(parts)}")
    return database
