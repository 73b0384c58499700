"""The tracks of one camera as columns: one row per track, selected, appended, saved and restored together."""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sewu.base.errors import BadInput
from sewu.base.interfaces import State
from sewu.base.records import CLASSES, Bools, Doubles, Ints
from sewu.follow.kalman import POSITION, VAR, VAR_VELOCITY

MEMORY = 4
"""Observations kept per track: the direction of OC-SORT is taken over the last three steps."""

_SHAPES: MappingProxyType[str, tuple[type, tuple[int, ...]]] = MappingProxyType(
    {
        "ids": (np.int64, ()),
        "motion": (np.float64, (5, 4)),
        "updated_s": (np.float64, ()),
        "since_s": (np.float64, ()),
        "observed_px": (np.float64, (4,)),
        "path_px": (np.float64, (MEMORY, 2)),
        "votes": (np.float64, (len(CLASSES),)),
        "classes": (np.int64, ()),
        "scores": (np.float64, ()),
        "evidence": (np.float64, ()),
        "hits": (np.int64, ()),
        "misses": (np.int64, ()),
        "confirmed": (np.bool_, ()),
    }
)


@dataclass(slots=True)
class Population:
    """Columns of n tracks; rows are in order of birth.

    ids: int64 (n,). motion: float64 (n, 5, 4), filters as of `updated_s`, see `kalman`. updated_s, since_s: float64 (n,), last
    and first detection. observed_px: float64 (n, 4), last detection, xyxy. path_px: float64 (n, MEMORY, 2), centres of the
    last detections, oldest first. votes: float64 (n, classes), scores given to each class. classes: int64 (n,), the winner.
    scores: float64 (n,), of the last detection. evidence: float64 (n,), sum of scores. hits: int64 (n,), looks that saw it.
    misses: int64 (n,), looks in a row that did not. confirmed: bool (n,).
    """

    ids: Ints
    motion: Doubles
    updated_s: Doubles
    since_s: Doubles
    observed_px: Doubles
    path_px: Doubles
    votes: Doubles
    classes: Ints
    scores: Doubles
    evidence: Doubles
    hits: Ints
    misses: Ints
    confirmed: Bools

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def none(cls) -> Self:
        """Nobody."""
        return cls(**{name: np.empty((0, *shape), dtype) for name, (dtype, shape) in _SHAPES.items()})

    def select(self, keep: Bools | Ints) -> Self:
        """A copy of the rows that `keep` names."""
        return type(self)(**{name: getattr(self, name)[keep] for name in _SHAPES})

    def joined(self, others: Self) -> Self:
        """These rows, then the others."""
        return type(self)(**{name: np.concatenate([getattr(self, name), getattr(others, name)]) for name in _SHAPES})

    def state(self) -> State:
        """Columns as nested lists of plain numbers; doubles survive JSON exactly."""
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}

    @classmethod
    def from_state(cls, state: Any) -> Self:
        """Take back what `state` gave. Raises `BadInput` when it is not that."""
        advice = "Start without the saved state."
        if not isinstance(state, dict) or set(state) != set(_SHAPES):
            raise BadInput("The saved tracks do not have the columns this version writes.", advice)
        columns: dict[str, Any] = {}
        for name, (dtype, shape) in _SHAPES.items():
            try:
                column: NDArray[Any] = np.array(state[name], dtype)
                columns[name] = column.reshape((0, *shape)) if column.size == 0 else column
            except (TypeError, ValueError, OverflowError) as error:
                raise BadInput(f"The saved tracks' {name} cannot be read: {error}.", advice) from error
            count = columns["ids"].shape[:1]  # ids are the first column; a scalar has no length
            if columns[name].shape != (*count, *shape) or columns[name].ndim == 0 or not np.all(np.isfinite(columns[name])):
                raise BadInput(f"The saved tracks' {name} have the wrong shape or hold a number that is not finite.", advice)
        rows = cls(**columns)
        if len(np.unique(rows.ids)) != len(rows) or np.any((rows.classes < 0) | (rows.classes >= len(CLASSES))):
            raise BadInput("The saved tracks name an id twice or a class that does not exist.", advice)
        is_filter = (rows.motion[:, [VAR, VAR_VELOCITY]] >= 0).all() and (rows.motion[:, POSITION, 2:] > 0).all()
        if not is_filter or np.any(rows.since_s > rows.updated_s) or np.any(rows.misses < 0) or np.any(rows.hits < 1):
            raise BadInput("The saved tracks hold filters, times or counts that cannot be.", advice)
        return rows
