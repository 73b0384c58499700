"""Columns made from buffers equal those that pyarrow makes from lists, and need no pandas."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.store.columns import boxes, maps, numbers, strings

texts = st.text(max_size=8)


@given(st.lists(st.none() | texts, max_size=40))
@settings(deadline=None)
def test_text_is_the_same(values: list[str | None]) -> None:
    column = strings(values)
    column.validate(full=True)
    assert column.equals(pa.array(values, pa.string()))


@given(st.lists(st.floats(allow_nan=False), max_size=40))
@settings(deadline=None)
def test_numbers_are_the_same(values: list[float]) -> None:
    assert numbers(values, pa.float64()).equals(pa.array(values, pa.float64()))


@given(st.lists(st.integers(-(2**60), 2**60), max_size=40))
@settings(deadline=None)
def test_times_are_the_same(values: list[int]) -> None:
    kind = pa.timestamp("us", tz="UTC")
    assert numbers(values, kind).equals(pa.array(values, pa.int64()).cast(kind))


@given(st.lists(st.dictionaries(texts, texts, max_size=4), max_size=20))
@settings(deadline=None)
def test_maps_are_the_same(values: list[dict[str, str]]) -> None:
    column = maps(values)
    column.validate(full=True)
    assert column.equals(pa.array([sorted(value.items()) for value in values], pa.map_(pa.string(), pa.string())))


@given(st.lists(st.none() | st.lists(st.floats(width=32, allow_nan=False), min_size=4, max_size=4), max_size=20))
@settings(deadline=None)
def test_boxes_are_the_same(values: list[list[float] | None]) -> None:
    column = boxes(values)
    column.validate(full=True)
    assert column.equals(pa.array(values, pa.list_(pa.float32())))


def test_sealing_observations_does_not_load_pandas() -> None:
    program = (
        "import sys, tempfile; from pathlib import Path; from sewu.base.records import Observation; "
        "from sewu.store.observations import ObservationStore; store = ObservationStore(Path(tempfile.mkdtemp())); "
        "store.add([Observation('c', 1e9, 'crowd', 'count', 3.0, 'persons', labels={'a': 'b'}, box_px=(0, 0, 1, 1))]); store.close(); "
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
