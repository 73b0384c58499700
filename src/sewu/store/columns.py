"""Arrow columns made from buffers.

`pyarrow.array` imports pandas wherever pandas happens to be installed, which costs a long-running process 60 MiB at its
first file; and a list is turned into a column faster by NumPy than object by object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from sewu.base.records import Bools, Ints

Box = tuple[float, float, float, float]


def numbers(values: Sequence[float] | Sequence[int], kind: pa.DataType) -> pa.Array:
    """A column of float64, or of int64 read as `kind` (a timestamp); no value may be missing."""
    floating = pa.types.is_floating(kind)
    data = np.asarray(values, np.float64 if floating else np.int64)
    return pa.Array.from_buffers(kind, len(data), [None, pa.py_buffer(data)])


def strings(values: Sequence[str | None]) -> pa.Array:
    """A column of UTF-8 text; None is null."""
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = _offsets([len(text) for text in encoded])
    validity = _validity(np.array([value is not None for value in values], np.bool_))
    return pa.Array.from_buffers(pa.string(), len(values), [validity, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))])


def maps(values: Sequence[Mapping[str, str]]) -> pa.Array:
    """A column of text-to-text maps, keys sorted."""
    pairs = [sorted(value.items()) for value in values]
    offsets = _offsets([len(each) for each in pairs])
    column = pa.Array.from_buffers(pa.int32(), len(offsets), [None, pa.py_buffer(offsets)])
    keys, texts = ([pair[place] for each in pairs for pair in each] for place in (0, 1))
    return pa.MapArray.from_arrays(column, strings(keys), strings(texts))


def boxes(values: Sequence[Box | Sequence[float] | None]) -> pa.Array:
    """A column of lists of float32; None is null."""
    offsets = _offsets([0 if value is None else len(value) for value in values])
    flat = np.array([number for value in values if value is not None for number in value], np.float32)
    child = pa.Array.from_buffers(pa.float32(), len(flat), [None, pa.py_buffer(flat)])
    validity = _validity(np.array([value is not None for value in values], np.bool_))
    return pa.Array.from_buffers(pa.list_(pa.float32()), len(values), [validity, pa.py_buffer(offsets)], children=[child])


def _offsets(lengths: Sequence[int]) -> Ints:
    """Where each value begins, and where the last one ends. int32 (n + 1,)"""
    ends = np.cumsum(np.asarray(lengths, np.int64)) if len(lengths) else np.empty(0, np.int64)
    if len(ends) and ends[-1] > np.iinfo(np.int32).max:
        raise OverflowError("a column holds at most 2 GiB")
    return np.concatenate([[0], ends]).astype(np.int32)


def _validity(present: Bools) -> pa.Buffer | None:
    """A bit for each value; nothing when none is missing."""
    return None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little"))
