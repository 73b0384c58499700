"""Is this number usual? What was measured in the same hour of the week, in the weeks before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from sewu.store.query import Series

WEEKS = 8
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Typical:
    """Values of the same hour on earlier days of the same kind (workday, weekend): quartiles over `days` of them.

    None where fewer than three days were measured: then nothing is usual yet.
    """

    days: int
    low: float | None
    middle: float | None
    high: float | None
    unit: str | None


def typical_of(hours: Series, at_s: float, zone: ZoneInfo) -> Typical:
    """From hourly values, what is usual at a time. The hour itself is left out."""
    now = datetime.fromtimestamp(at_s, zone)
    chosen = []
    for start_s, value in zip(hours.starts_s.tolist(), hours.values.tolist(), strict=True):
        then = datetime.fromtimestamp(start_s, zone)
        same_kind = (then.weekday() >= 5) == (now.weekday() >= 5)
        if then.hour == now.hour and same_kind and start_s + HOUR_S <= at_s:
            chosen.append(value)
    if len(chosen) < 3:
        return Typical(len(chosen), None, None, None, hours.unit)
    low, middle, high = (float(value) for value in np.percentile(chosen, [25, 50, 75]))
    return Typical(len(chosen), low, middle, high, hours.unit)
