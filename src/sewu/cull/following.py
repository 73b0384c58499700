"""Who is seen several times a second, how fast, and who must wait: following lives on what the promised looks leave over.

Following a camera costs decoding every picture, whatever the rate, and looking at some. So in an overload the rates
are stretched first, by one factor for all; when that does not help, the newest followed cameras fall back to their
promised looks. Nothing here ever stretches a promise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from sewu.base.records import Event

MAX_STRETCH = 5.0
"""Five pictures a second become one; slower than that following is no better than looking."""
RECOVERY_PER_S = 0.05
"""How fast the factor may fall; it rises at once."""
BEHIND_STRETCH = 1.5
"""How much more is stretched when pictures had to be left out, whatever the measured load."""
FORGET_PER_S = 0.01
"""How fast the cost of a followed camera is forgotten while none is, so that it is tried again in the end."""


@dataclass(frozen=True, slots=True)
class Load:
    """Processor seconds a second: decoding every picture, and looking at the due ones."""

    decode: float
    look: float


@dataclass
class Following:
    """The cameras of one process that want to be followed.

    Args:
        fps: pictures a second of a followed camera while there is room.
        event_kinds: an event of these kinds has its camera followed while it is open.
        event_s: at most so long per event: a person who stays for hours is looked at, not followed.

    `wanted` holds, in order of age, each camera with the reasons to follow it: reason -> until when (None: always).
    `allowed`: how many of them there is room for.
    """

    fps: float = 5.0
    event_kinds: frozenset[str] = frozenset()
    event_s: float = 60.0
    stretch: float = 1.0
    allowed: int = 1_000_000
    wanted: dict[str, dict[str, float | None]] = field(default_factory=dict)
    _balanced_at_s: float | None = None
    _each: float = 0.0

    def always(self, camera_id: str, wanted: bool) -> None:
        """Follow a camera for as long as it is watched, or no longer."""
        if wanted:
            self.wanted.setdefault(camera_id, {})["always"] = None
        else:
            self._drop(camera_id, "always")

    def take(self, events: Iterable[Event], now_s: float) -> None:
        """Events of a camera: the open ones may have it followed. `now_s`: steady time, because cameras' clocks disagree."""
        for event in events:
            if event.kind not in self.event_kinds:
                continue
            if event.phase == "end":
                self._drop(event.camera_id, event.id)
            else:
                self.wanted.setdefault(event.camera_id, {}).setdefault(event.id, now_s + self.event_s)

    def forget(self, camera_id: str) -> None:
        """The camera is not watched any more."""
        self.wanted.pop(camera_id, None)

    def at(self, now_s: float) -> list[str]:
        """The cameras to follow now, those wanted longest first, as many as are allowed.

        A reason that is over is not forgotten while its event is open, so that its next update does not begin it anew.
        """
        live = [name for name, reasons in self.wanted.items() if any(until is None or now_s < until for until in reasons.values())]
        return live[: self.allowed]

    @property
    def step_s(self) -> float:
        """Seconds between two looks at a followed camera."""
        return self.stretch / self.fps

    def balance(self, now_s: float, room: float, load: Load, followed: int, behind: bool = False) -> None:
        """Fit following into what the promised looks leave over; call it every few seconds.

        Args:
            room: processor seconds a second left over. load: what following took of them since the last call.
            followed: cameras followed meanwhile. behind: whether pictures had to be left out.
        """
        elapsed_s = 0.0 if self._balanced_at_s is None else max(0.0, now_s - self._balanced_at_s)
        self._balanced_at_s = now_s
        floor = max(1.0, self.stretch * (1 - RECOVERY_PER_S * elapsed_s))
        if followed == 0:
            self._each *= max(0.0, 1 - FORGET_PER_S * elapsed_s)
            self.stretch = floor
            self.allowed = max(self.allowed, 1) if room > self._each else 0
            return
        needed = load.look * self.stretch / (room - load.decode) if room > load.decode else math.inf
        if behind:
            needed = max(needed, self.stretch * BEHIND_STRETCH)
        self._each = (load.decode + load.look * self.stretch / MAX_STRETCH) / followed
        self.stretch = min(MAX_STRETCH, needed if needed > self.stretch else max(needed, floor))
        if needed > MAX_STRETCH:
            self.allowed = min(self.allowed, followed - 1 if room > 0 else 0)
        elif self.allowed <= followed and room > load.decode + load.look + self._each:
            self.allowed = followed + 1

    def _drop(self, camera_id: str, reason: str) -> None:
        reasons = self.wanted.get(camera_id, {})
        reasons.pop(reason, None)
        if not reasons:
            self.wanted.pop(camera_id, None)
