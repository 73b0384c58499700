"""Public order: intrusion, loitering, objects left behind. Never an identity."""

from sewu.measure.order.analytic import Order

__all__ = ["Order"]
