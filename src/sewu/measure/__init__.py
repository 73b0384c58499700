"""Tracks, Frame -> Observation: one analytic per entry, each in a file or folder of its own."""

from __future__ import annotations

from sewu.base.interfaces import Analytic
from sewu.measure.crowd import Crowd
from sewu.measure.parking import Parking
from sewu.measure.traffic import Traffic

ANALYTICS: dict[str, type[Analytic]] = {
    "crowd": Crowd,
    "parking": Parking,
    "traffic": Traffic,
}
