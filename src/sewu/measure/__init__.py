"""What is measured: one file or package per analytic, registered here."""

from __future__ import annotations

from collections.abc import Mapping

from sewu.base.interfaces import Analytic
from sewu.measure.health import Health
from sewu.measure.order import Order

ANALYTICS: Mapping[str, type[Analytic]] = {
    "health": Health,
    "order": Order,
}
