"""How long to wait before trying again."""

from __future__ import annotations

import random


def backoff_s(attempt: int, chance: random.Random, first_s: float = 1.0, longest_s: float = 60.0) -> float:
    """How long to wait before attempt number `attempt` (from 1): doubling, at most `longest_s`, spread by half.

    The spread keeps ten thousand cameras from coming back in the same second after a power cut.
    """
    return float(min(longest_s, first_s * 2.0 ** min(attempt - 1, 30)) * chance.uniform(0.5, 1.0))
