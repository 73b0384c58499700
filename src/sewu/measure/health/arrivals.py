"""How many pictures a second arrive, against the camera's own habit."""

from __future__ import annotations

from collections import deque

from sewu.base.interfaces import State

MAX_TIMES = 512
LEARN_S = 10.0
TAU_S = 600.0


class Arrivals:
    """Rate over the last `window_s` and its usual value. Bounded: above 512 pictures a window the window is shorter."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._times_s: deque[float] = deque(maxlen=MAX_TIMES)
        self._usual_fps: float | None = None
        self._known_s = 0.0

    @property
    def usual_fps(self) -> float | None:
        """The habit; None until ten seconds are known."""
        return self._usual_fps if self._known_s >= LEARN_S else None

    @property
    def rate_fps(self) -> float | None:
        """Pictures per second of the window; None before three pictures came."""
        if len(self._times_s) < 3 or self._times_s[-1] <= self._times_s[0]:
            return None
        return (len(self._times_s) - 1) / (self._times_s[-1] - self._times_s[0])

    def arrive(self, at_s: float) -> None:
        """A picture came."""
        passed_s = at_s - self._times_s[-1] if self._times_s else 0.0
        self._times_s.append(at_s)
        while len(self._times_s) > 3 and at_s - self._times_s[0] > self._window_s:
            self._times_s.popleft()
        rate = self.rate_fps
        if rate is None or at_s - self._times_s[0] < self._window_s / 2:
            return
        # The habit follows slowly, and hardly at all while the rate is far below it: a collapse must not become the habit.
        slow = self.usual_fps is not None and rate < 0.5 * (self._usual_fps or 0.0)
        self._known_s = min(self._known_s + passed_s, TAU_S)
        weight = min(1.0, passed_s / max(self._known_s, 1e-3)) * (0.02 if slow else 1.0)
        self._usual_fps = rate if self._usual_fps is None else self._usual_fps + weight * (rate - self._usual_fps)

    def state(self) -> State:
        return {"usual_fps": self._usual_fps, "known_s": self._known_s}

    def restore(self, state: State) -> None:
        self._usual_fps, self._known_s = state["usual_fps"], float(state["known_s"])
