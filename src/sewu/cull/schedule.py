"""Who is looked at next: promised intervals first, then value, within a budget of processor time.

The promise is an interval: every camera's picture is taken at least every `interval_s`. When the work promised
needs more processor time than there is, all intervals are stretched by one factor, which is published; no
camera is dropped in silence. When the load falls the factor returns to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

TOLERANCE = 0.05
"""A keyframe this much (of the interval) after its due time still keeps the promise; cameras do not send on our clock."""
COST_MEMORY = 0.1
"""Weight of the newest cost in a camera's running mean."""
LEAST_COST_S = 1e-6
"""Below what a processor clock can tell."""
RECOVERY_PER_S = 0.02
"""How fast the stretch factor may fall; it rises at once."""


@dataclass(slots=True)
class Promise:
    """One camera's interval and how it was kept.

    `taken_at_s` is None until the first picture is taken. `cost_s` is the running mean of processor seconds
    that one taken picture needs. `value` ranks cameras that are equally due. `asked`: a look before it is due is wanted.
    """

    interval_s: float
    since_s: float
    cost_s: float
    value: float = 1.0
    taken_at_s: float | None = None
    taken: int = 0
    late: int = 0
    worst_s: float = 0.0
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A keyframe that could be taken now: when it was captured and when the next one may be expected (seconds later)."""

    at_s: float
    gop_s: float


@dataclass(slots=True)
class Schedule:
    """Promises of all cameras of one process.

    Args:
        capacity: processor seconds a second that may be spent, for example 0.85 of one core.
        first_cost_s: what a picture is assumed to cost until it was measured.

    `demand`: processor seconds a second that the unstretched promises need. `extra`: looks taken before they were due.
    `share`: of the processor time asked for, how much this process gets; less than 1 when others use the core.
    `taken`, `late`: pictures, and those that came after more than 1.5 intervals, since the start.
    """

    capacity: float
    first_cost_s: float = 0.006
    stretch: float = 1.0
    overhead: float = 0.0
    demand: float = 0.0
    share: float = 1.0
    extra: int = 0
    taken: int = 0
    late: int = 0
    promises: dict[str, Promise] = field(default_factory=dict)
    _updated_at_s: float | None = None

    def add(self, camera_id: str, interval_s: float, now_s: float, value: float = 1.0) -> None:
        """Promise to take this camera's picture at least every `interval_s` from now on; changes a promise already made."""
        known = self.promises.get(camera_id)
        if known is not None:
            known.interval_s, known.value = interval_s, value
        else:
            self.promises[camera_id] = Promise(interval_s, now_s, self.first_cost_s, value)

    def remove(self, camera_id: str) -> None:
        """Promise nothing more."""
        self.promises.pop(camera_id, None)

    def choose(self, ready: Mapping[str, Ready], budget_s: float) -> list[str]:
        """The cameras whose waiting keyframe is taken now, most overdue first, as long as `budget_s` lasts.

        A keyframe is taken when waiting for the next one would break the (stretched) promise. At least one
        due camera is always taken, so that a budget smaller than one picture still moves on.
        """
        due = [(self._urgency(camera_id, offer), camera_id) for camera_id, offer in ready.items() if self.is_due(camera_id, offer)]
        due.sort(key=lambda item: (-item[0], -self.promises[item[1]].value / self.promises[item[1]].cost_s, item[1]))
        chosen: list[str] = []
        for _, camera_id in due:
            budget_s -= self.promises[camera_id].cost_s
            if budget_s < 0 and chosen:
                return chosen
            chosen.append(camera_id)
            self.promises[camera_id].asked = False
        return chosen + self._asked(ready, {*chosen}, budget_s)

    def ask(self, camera_id: str) -> None:
        """Want one look earlier than promised; it is taken when time is left over, or forgotten at the next promised look."""
        promise = self.promises.get(camera_id)
        if promise is not None:
            promise.asked = True

    def _asked(self, ready: Mapping[str, Ready], chosen: set[str], budget_s: float) -> list[str]:
        """The cameras that get the look they asked for; none while promises are stretched."""
        if self.stretch > 1.0:
            return []
        found: list[str] = []
        for camera_id, offer in ready.items():
            promise = self.promises.get(camera_id)
            if promise is None or not promise.asked or camera_id in chosen or offer.at_s <= (promise.taken_at_s or 0.0):
                continue
            budget_s -= promise.cost_s
            if budget_s < 0:
                break
            found.append(camera_id)
            promise.asked = False
        self.extra += len(found)
        return found

    def is_due(self, camera_id: str, offer: Ready) -> bool:
        """Whether waiting for the keyframe after this one would break the promise."""
        promise = self.promises.get(camera_id)
        if promise is None:
            return False
        if promise.taken_at_s is None or offer.at_s < promise.taken_at_s - promise.interval_s:
            return True  # first picture, or the camera's clock was set back
        limit_s = promise.taken_at_s + promise.interval_s * self.stretch * (1 + TOLERANCE)
        return offer.at_s > promise.taken_at_s and offer.at_s + offer.gop_s > limit_s

    def took(self, camera_id: str, at_s: float, cost_s: float) -> None:
        """Record that the picture captured at `at_s` was taken, and what it cost in processor seconds."""
        promise = self.promises.get(camera_id)
        if promise is None:
            return
        self.saw(camera_id, at_s)
        promise.taken += 1
        self.taken += 1
        cost_s = max(cost_s, LEAST_COST_S)
        promise.cost_s += (cost_s - promise.cost_s) * (1.0 if promise.taken == 1 else COST_MEMORY)

    def saw(self, camera_id: str, at_s: float) -> None:
        """Record that a picture captured at `at_s` was looked at for another reason: it keeps the promise all the same."""
        promise = self.promises.get(camera_id)
        if promise is None:
            return
        if promise.taken_at_s is not None and at_s > promise.taken_at_s:
            gap_s = at_s - promise.taken_at_s
            promise.worst_s = max(promise.worst_s, gap_s)
            is_late = gap_s > promise.interval_s * 1.5
            promise.late += is_late
            self.late += is_late
        promise.taken_at_s = at_s

    def balance(self, now_s: float, overhead: float, watched: Iterable[str] | None = None) -> float:
        """Set the stretch factor so that the promised work fits; call it every few seconds.

        Args:
            overhead: processor seconds a second that receiving and everything unscheduled takes.
            watched: cameras that send pictures; a dead camera costs nothing and must not stretch the others.

        Returns:
            The factor now in force.
        """
        names = self.promises.keys() if watched is None else [name for name in watched if name in self.promises]
        self.demand = sum(self.promises[name].cost_s / self.promises[name].interval_s for name in names)
        capacity = self.capacity * self.share
        wanted = max(1.0, self.demand / max(capacity - overhead, 0.02 * capacity))
        elapsed_s = 0.0 if self._updated_at_s is None else max(0.0, now_s - self._updated_at_s)
        self._updated_at_s, self.overhead = now_s, overhead
        floor = max(1.0, self.stretch * (1 - RECOVERY_PER_S * elapsed_s))
        self.stretch = wanted if wanted > self.stretch else max(wanted, floor)
        return self.stretch

    def _urgency(self, camera_id: str, offer: Ready) -> float:
        promise = self.promises[camera_id]
        since_s = promise.since_s - promise.interval_s if promise.taken_at_s is None else promise.taken_at_s
        return (offer.at_s - since_s) / (promise.interval_s * self.stretch)
