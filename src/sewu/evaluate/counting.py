"""Counting error: how far a count is off, and to which side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sewu.base.records import Doubles, Ints
from sewu.evaluate.mot_files import Boxes


@dataclass(frozen=True, slots=True)
class CountError:
    """Error over `looks` counts.

    mae: mean absolute error. bias: mean of counted minus true, negative when too few. rmse: root mean square. p95: the error
    that 95 % of looks do not exceed. relative: sum of absolute errors over the sum of true counts (WAPE); None when nothing
    was there.
    """

    looks: int
    mae: float
    bias: float
    rmse: float
    p95: float
    relative: float | None


def count_error(true: ArrayLike, counted: ArrayLike) -> CountError:
    """Compare counts of the same looks, (n,) each.

    Raises:
        ValueError: lengths differ, no look at all, or a count that is not finite.
    """
    truth, said = np.asarray(true, np.float64), np.asarray(counted, np.float64)
    if truth.shape != said.shape or truth.ndim != 1 or not len(truth):
        raise ValueError(f"true and counted must be of one length, at least 1; they are {truth.shape} and {said.shape}")
    if not (np.all(np.isfinite(truth)) and np.all(np.isfinite(said))):
        raise ValueError("a count is not finite")
    error = said - truth
    absolute = np.abs(error)
    total = float(truth.sum())
    return CountError(
        len(truth),
        float(absolute.mean()),
        float(error.mean()),
        float(np.sqrt((error * error).mean())),
        float(np.quantile(absolute, 0.95, method="inverted_cdf")),
        float(absolute.sum()) / total if total > 0 else None,
    )


def counts_per_frame(boxes: Boxes, frames: Ints) -> Doubles:
    """How many boxes each of `frames` has, 0 where there are none. (n,) -> (n,)."""
    ordered = np.sort(boxes.frames)
    return (np.searchsorted(ordered, frames, "right") - np.searchsorted(ordered, frames, "left")).astype(np.float64)
