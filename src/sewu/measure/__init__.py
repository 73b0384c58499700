"""Tracks, Frame -> Observation: one analytic per entry, each in a file or folder of its own."""

from __future__ import annotations

from collections.abc import Mapping

from sewu.base.interfaces import Analytic
from sewu.measure.crowd import Crowd
from sewu.measure.health import Health
from sewu.measure.order import Order
from sewu.measure.parking import Parking
from sewu.measure.traffic import Traffic

ANALYTICS: Mapping[str, type[Analytic]] = {
    "crowd": Crowd,
    "health": Health,
    "order": Order,
    "parking": Parking,
    "traffic": Traffic,
}
