"""A yes-or-no that does not flicker."""

from __future__ import annotations

from sewu.base.interfaces import State

MIN_LOOKS = 3


class Latch:
    """Goes up when a condition has held for `on_s` and three looks, down when it has not held for `off_s`.

    Three looks, because at looks half a minute apart a duration alone would be one look's word.
    """

    def __init__(self, on_s: float, off_s: float) -> None:
        self.on_s, self.off_s = on_s, off_s
        self.up = False
        self._since_s: float | None = None
        self._looks = 0

    def update(self, holds: bool, at_s: float) -> bool:
        """Take one look's opinion; returns whether the latch is up."""
        if holds == self.up:
            self._since_s, self._looks = None, 0
            return self.up
        if self._since_s is None:
            self._since_s = at_s
        self._looks += 1
        enough = self._looks >= (1 if self.up else MIN_LOOKS)
        if enough and at_s - self._since_s >= (self.off_s if self.up else self.on_s):
            self.up, self._since_s, self._looks = holds, None, 0
        return self.up

    def state(self) -> State:
        return {"up": self.up, "since_s": self._since_s, "looks": self._looks}

    def restore(self, state: State) -> None:
        self.up, self._since_s, self._looks = bool(state["up"]), state["since_s"], int(state["looks"])
