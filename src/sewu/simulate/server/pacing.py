"""One timer for all cameras: streams wait in buckets of one tick, and each tick sends what is due."""

from __future__ import annotations

import asyncio
import math

from sewu.base.clock import Clock
from sewu.simulate.server.playing import Playing


class Pacer:
    """Sends due pictures of every stream that somebody watches. Runs in one event loop."""

    def __init__(self, clock: Clock, tick_s: float) -> None:
        self._clock = clock
        self._tick_s = tick_s
        self._buckets: dict[int, list[Playing]] = {}
        self._waiting: set[Playing] = set()
        self._last_tick = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, playing: Playing) -> None:
        """Send this stream's pictures from now on, until it has no clients left."""
        if playing in self._waiting:
            return
        now_s = self._clock.steady_s()
        if not self._waiting:
            self._last_tick = math.floor(now_s / self._tick_s)
        self._waiting.add(playing)
        playing.seek(now_s)
        self._put(playing)
        if self._timer is None:
            self._arm()

    def stop(self) -> None:
        """Forget everything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._buckets.clear()
        self._waiting.clear()

    def _put(self, playing: Playing) -> None:
        tick = max(self._last_tick + 1, math.ceil(playing.due_s() / self._tick_s))
        self._buckets.setdefault(tick, []).append(playing)

    def _arm(self) -> None:
        wait_s = (self._last_tick + 1) * self._tick_s - self._clock.steady_s()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, wait_s), self._tick)

    def _tick(self) -> None:
        self._timer = None
        until = math.floor(self._clock.steady_s() / self._tick_s)
        for tick in range(self._last_tick + 1, until + 1):
            self._last_tick = tick
            for playing in self._buckets.pop(tick, ()):
                if playing.sinks:
                    playing.send_due(self._clock.steady_s())
                    self._put(playing)
                else:
                    self._waiting.discard(playing)
        if self._waiting:
            self._arm()
