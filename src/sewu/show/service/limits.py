"""How often one caller may ask: token buckets in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` requests at once, then `per_s` a second."""

    burst: float
    per_s: float


class Limiter:
    """One bucket per key; the key that was quiet longest is forgotten when there are too many.

    Args:
        rate: of each key. keys: how many are remembered.
    """

    def __init__(self, rate: Rate, keys: int = 20_000) -> None:
        self._rate, self._keys = rate, keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str, steady_s: float) -> float:
        """Take one token: 0 when there was one, else the seconds until there will be (nothing is taken then)."""
        tokens, at_s = self._buckets.pop(key, (self._rate.burst, steady_s))
        tokens = min(self._rate.burst, tokens + max(0.0, steady_s - at_s) * self._rate.per_s)
        wait_s = 0.0 if tokens >= 1 else (1 - tokens) / self._rate.per_s
        self._buckets[key] = (tokens - 1 if wait_s == 0 else tokens, steady_s)
        while len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        return wait_s

    def __len__(self) -> int:
        return len(self._buckets)
