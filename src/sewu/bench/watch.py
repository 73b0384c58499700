"""What watching many cameras costs, whether each kept its interval, and what the usual ways cost beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np

from sewu.base.records import Doubles
from sewu.bench.usual import WAYS, UsualCost

TOLERATED = 1.5
"""A picture later than this many intervals after the one before is a broken promise."""
STAGES = ("receive", "decode", "look", "flow", "other")


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, and (largest - smallest) / median, of several rounds."""

    middle: float
    spread: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        middle = median(values)
        return cls(middle, (max(values) - min(values)) / middle if middle else 0.0)


@dataclass(frozen=True, slots=True)
class Kept:
    """How the cameras kept their intervals.

    gaps: between two pictures of one camera. late: those longer than 1.5 intervals. worst_s: the longest.
    silent: cameras of which fewer than two pictures came.
    """

    cameras: int
    gaps: int
    late: int
    worst_s: float
    median_s: float
    silent: int

    @property
    def share(self) -> float | None:
        """Of gaps kept; None before two pictures came."""
        return 1 - self.late / self.gaps if self.gaps else None


def kept(times_s: Mapping[str, Sequence[float]], interval_s: float, from_s: float = 0.0) -> Kept:
    """From the capture times of each camera's looks. `from_s`: what came earlier (start-up) does not count."""
    gaps: list[Doubles] = []
    silent = 0
    for seen in times_s.values():
        ordered = np.unique(np.asarray(seen, np.float64))
        ordered = ordered[ordered >= from_s]
        silent += len(ordered) < 2
        gaps.append(np.diff(ordered))
    every = np.concatenate(gaps) if gaps else np.empty(0)
    late = int(np.count_nonzero(every > TOLERATED * interval_s))
    worst_s, median_s = (float(every.max()), float(np.median(every))) if len(every) else (0.0, 0.0)
    return Kept(len(times_s), len(every), late, worst_s, median_s, silent)


@dataclass(frozen=True, slots=True)
class WatchRound:
    """One span of watching. Costs in processor milliseconds per camera and second; resources of all processes together.

    stages_ms: by `STAGES`. memory_bytes: resident, summed over the workers, at the span's begin and end.
    """

    seconds: float
    ms_per_camera_s: float
    stages_ms: Mapping[str, float]
    looks: Mapping[str, int]
    stretch: float
    memory_bytes: tuple[int, int]
    descriptors: tuple[int, int]
    threads: tuple[int, int]


@dataclass(frozen=True, slots=True)
class WatchCost:
    """Result of one run; `usual`: one entry for each round and way."""

    cameras: int
    bad: int
    interval_s: float
    rounds: tuple[WatchRound, ...]
    usual: tuple[UsualCost, ...]
    good: Kept
    conditions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sewu(self) -> Spread:
        return Spread.of([one.ms_per_camera_s for one in self.rounds])

    def way(self, name: str) -> Spread | None:
        """What this way costs; None when it was not measured."""
        costs = [one.ms_per_camera_s for one in self.usual if one.way == name]
        return Spread.of(costs) if costs else None

    @property
    def memory_per_camera_bytes(self) -> float:
        return self.rounds[-1].memory_bytes[1] / self.cameras

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        ways = {name: cost for name in WAYS if (cost := self.way(name)) is not None}
        stages = {stage: round(median(one.stages_ms[stage] for one in self.rounds), 3) for stage in STAGES}
        demux = ways.get("demux")
        return {
            "cameras": self.cameras,
            "bad": self.bad,
            "interval_s": self.interval_s,
            "sewu_ms_per_camera_s": round(self.sewu.middle, 3),
            "sewu_spread": round(self.sewu.spread, 3),
            "stages_ms_per_camera_s": stages,
            "pyav_ms_per_camera_s": None if demux is None else round(demux.middle, 3),
            "ratio": None if "usual" not in ways else round(ways["usual"].middle / self.sewu.middle, 2),
            "ways_ms_per_camera_s": {name: {"median": round(c.middle, 3), "spread": round(c.spread, 3)} for name, c in ways.items()},
            "good_cameras": self.good.cameras,
            "late": self.good.late,
            "gaps": self.good.gaps,
            "kept": self.good.share,
            "worst_interval_s": round(self.good.worst_s, 3),
            "silent": self.good.silent,
            "stretch": max(one.stretch for one in self.rounds),
            "memory_mib_per_camera": round(self.memory_per_camera_bytes / 2**20, 2),
            "memory_mib": [[round(value / 2**20, 1) for value in one.memory_bytes] for one in self.rounds],
            "descriptors": [list(one.descriptors) for one in self.rounds],
            "threads": [list(one.threads) for one in self.rounds],
            "looks": [dict(one.looks) for one in self.rounds],
            **self.conditions,
        }


def report(cost: WatchCost) -> str:
    """The result as text."""
    said = cost.as_json()
    lines = [
        f"{cost.cameras} cameras ({cost.bad} bad) every {cost.interval_s:g} s, {len(cost.rounds)} rounds of {cost.rounds[0].seconds:.0f} s",
        f"  Sewu: {cost.sewu.middle:.2f} ms a camera-second (spread {cost.sewu.spread:.0%}); "
        + ", ".join(f"{stage} {value:.2f}" for stage, value in said["stages_ms_per_camera_s"].items()),
    ]
    names = {"demux": "PyAV, demuxing only", "decode": "PyAV, full decode", "usual": "every picture read, detector at 5 a second"}
    lines += [f"  {names[n]}: {c.middle:.2f} (spread {c.spread:.0%})" for n in WAYS if (c := cost.way(n)) is not None]
    share = "-" if cost.good.share is None else f"{cost.good.share:.2%}"
    lines += [
        f"  good cameras: {share} of {cost.good.gaps} intervals kept within {TOLERATED:g} x, longest {cost.good.worst_s:.2f} s, "
        f"{cost.good.silent} silent; stretched {said['stretch']:.2f}",
        f"  memory {said['memory_mib_per_camera']:.1f} MiB a camera, {said['memory_mib']} MiB; descriptors {said['descriptors']}, "
        f"threads {said['threads']}; looks {said['looks']}",
    ]
    return "\n".join(lines)
