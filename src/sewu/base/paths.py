"""Where each object came from: its last positions, its speed, and which object a new id really is.

Shared by the analytics that need motion. Times on the watched axis of `WatchedTime`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sewu.base.interfaces import State
from sewu.base.records import CLASS_IDS, CLASSES, Doubles

UNNAMED = CLASS_IDS["object"]
MAX_POINTS = 64
NEEDED_POINTS = 3
NORMAL_MAD = 1.4826
"""Turns a median absolute deviation into a standard deviation, for normal errors."""


@dataclass
class Path:
    """One object: its last boxes (x0, y0, x1, y1) with their times, and votes for its class.

    `sides` keeps, per line, the side it last was clear on (-1, 1), where along the line it last changed sides, and its
    last distance and place along.
    `ridden` and `looks` count in how many looks it sat on a two-wheeler, of how many. `slow_s`: per zone, slow since when.
    """

    id: int
    points: list[list[float]] = field(default_factory=list)
    votes: dict[int, float] = field(default_factory=dict)
    sides: dict[str, list[float | None]] = field(default_factory=dict)
    looks: int = 0
    ridden: int = 0
    slow_s: dict[str, float] = field(default_factory=dict)

    def see(self, now_s: float, box: Sequence[float], kind: int, score: float, keep_s: float) -> None:
        """Add a box that was detected now; forget those older than `keep_s`, but keep the last few."""
        self.points.append([now_s, *(float(v) for v in box)])
        while len(self.points) > MAX_POINTS or (len(self.points) > NEEDED_POINTS and self.points[0][0] < now_s - keep_s):
            self.points.pop(0)
        self.votes[kind] = self.votes.get(kind, 0.0) + score
        self.looks += 1

    @property
    def kind(self) -> int:
        """The class that most of its detections, weighted by score, gave it.

        "object" says that nobody could name it, so it only stands where no detection gave a name. Of two equal
        ones the earlier in `CLASSES`.
        """
        return max(sorted(self.votes), key=lambda kind: (kind != UNNAMED, self.votes[kind]))

    @property
    def is_rider(self) -> bool:
        """A person who sat on a two-wheeler in most looks."""
        return CLASSES[self.kind] == "person" and 2 * self.ridden > self.looks

    @property
    def size_px(self) -> float:
        """Square root of the area of the last box."""
        _, x0, y0, x1, y1 = self.points[-1]
        return math.sqrt(max(1.0, (x1 - x0) * (y1 - y0)))

    @property
    def seen_s(self) -> float:
        return self.points[-1][0]

    def feet_px(self) -> Doubles:
        """(n, 3): time, x, y of the middle of the lower edge."""
        rows = np.asarray(self.points, np.float64)
        return np.column_stack([rows[:, 0], (rows[:, 1] + rows[:, 3]) / 2, rows[:, 4]])

    def recent_px(self, span_s: float) -> Doubles:
        """Feet of the last `span_s`, at least the last three of the last five times that."""
        feet = self.feet_px()
        recent: Doubles = feet[feet[:, 0] >= feet[-1, 0] - span_s]
        if len(recent) < NEEDED_POINTS:
            feet = feet[-NEEDED_POINTS:]
            recent = feet[feet[:, 0] >= feet[-1, 0] - 5 * span_s]
        return recent

    def leg_px(self, span_s: float) -> tuple[float, float, float, float, float, float]:
        """From the first third of the last `span_s` to the last third: time, x, y of the feet at both ends, means."""
        points = self.points
        first = len(points) - 1
        while first > 0 and (points[first - 1][0] >= points[-1][0] - span_s or len(points) - first < 2):
            first -= 1
        some = max(1, (len(points) - first) // 3)
        return *_mean_feet(points[first : first + some]), *_mean_feet(points[-some:])

    def expected_px(self, now_s: float) -> tuple[float, float]:
        """Where its feet should be now if it went on as before."""
        feet = self.recent_px(1.0)
        velocity, _ = robust_velocity(feet)
        if not np.all(np.isfinite(velocity)):
            velocity = np.zeros(2)
        x, y = feet[-1, 1:] + velocity * (now_s - feet[-1, 0])
        return float(x), float(y)

    def row(self) -> State:
        """Plain numbers, to be saved."""
        return {
            "id": self.id,
            "points": [list(point) for point in self.points],
            "votes": [[kind, weight] for kind, weight in self.votes.items()],
            "sides": {line: list(side) for line, side in self.sides.items()},
            "looks": self.looks,
            "ridden": self.ridden,
            "slow_s": dict(self.slow_s),
        }

    @classmethod
    def of(cls, row: State) -> Path:
        """The path that `row` was made of."""
        votes = {int(kind): weight for kind, weight in row["votes"]}
        points = [list(point) for point in row["points"]]
        sides = {line: list(side) for line, side in row["sides"].items()}
        return cls(row["id"], points, votes, sides, row["looks"], row["ridden"], dict(row["slow_s"]))


def _mean_feet(points: list[list[float]]) -> tuple[float, float, float]:
    count = len(points)
    return sum(p[0] for p in points) / count, sum(p[1] + p[3] for p in points) / (2 * count), sum(p[4] for p in points) / count


def robust_velocity(points: Doubles) -> tuple[Doubles, float]:
    """Velocity through (n, 3) rows of time, x, y, and its standard error, in units of x and y per second.

    Medians of the slopes between all pairs of points (Theil 1950, Sen 1968), each axis by itself: up to 29 % of the
    points may be wild. The error is that of a straight fit whose noise is the median residual. NaN with fewer than
    two points in time; the error is NaN with fewer than three.
    """
    points = points[np.isfinite(points).all(axis=1)]
    first, second = np.triu_indices(len(points), 1)
    gap_s = points[second, 0] - points[first, 0]
    usable = gap_s > 1e-6
    if not usable.any():
        return np.full(2, math.nan), math.nan
    slopes = (points[second, 1:] - points[first, 1:])[usable] / gap_s[usable, None]
    velocity = np.median(slopes, axis=0)
    times = points[:, 0] - points[:, 0].mean()
    spread = float((times**2).sum())
    if len(points) < NEEDED_POINTS or spread <= 0:
        return velocity, math.nan
    residuals = points[:, 1:] - times[:, None] * velocity
    residuals -= np.median(residuals, axis=0)
    noise = NORMAL_MAD * float(np.median(np.abs(residuals), axis=0).max()) * math.sqrt(len(points) / (len(points) - 2))
    return velocity, noise / math.sqrt(spread)


def slip_px(one: Path, other: Path) -> float:
    """How far the two moved apart over the last second, or over the time both were seen."""
    a, b = one.recent_px(1.0), other.recent_px(1.0)
    span_s = min(a[-1, 0] - a[0, 0], b[-1, 0] - b[0, 0], 1.0)
    if span_s <= 0:
        return 0.0
    (va, _), (vb, _) = robust_velocity(a), robust_velocity(b)
    return math.dist(va, vb) * float(span_s)
