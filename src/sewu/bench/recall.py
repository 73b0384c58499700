"""What looking less often costs in events, and what it saves in processor time.

The same packets go through the exhaustive pipeline (every picture at a fixed rate, whole looks) and through the watch
pipeline at several intervals; each event of the truth is either found or not. Who runs the pipelines is given from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

EXHAUSTIVE = "exhaustive"


@dataclass(frozen=True, slots=True)
class Tally:
    """Events of one kind: how many happened, how many of those were found, how many reports fit none of them.

    What fits none is no false alarm by itself: traffic and passers-by do things that nobody scripted.
    """

    truths: int = 0
    found: int = 0
    unmatched: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.truths + other.truths, self.found + other.found, self.unmatched + other.unmatched)

    @property
    def recall(self) -> float | None:
        """None when nothing happened."""
        return self.found / self.truths if self.truths else None


@dataclass(frozen=True, slots=True)
class Pass:
    """One pipeline over all loops.

    interval_s: None for the exhaustive one. cpu_s: processor seconds, user and system, of decoding, looking, tracking,
    analytics and rules (not of receiving). camera_s: seconds of video, summed over cameras. looks: pictures decoded and
    measured; whole, parts, carried: how they were looked at. tallies: by kind of event.
    """

    name: str
    interval_s: float | None
    cpu_s: float
    camera_s: float
    looks: int
    whole: int
    parts: int
    carried: int
    tallies: dict[str, Tally] = field(default_factory=dict)

    @property
    def ms_per_camera_s(self) -> float:
        return 1e3 * self.cpu_s / self.camera_s

    @property
    def total(self) -> Tally:
        return sum(self.tallies.values(), Tally())


@dataclass(frozen=True, slots=True)
class RecallCurve:
    """The exhaustive pass and one pass per interval. `conditions`: what was measured on what, for the record."""

    passes: tuple[Pass, ...]
    cameras: int
    seconds: float
    conditions: dict[str, Any]

    @property
    def exhaustive(self) -> Pass:
        return next(one for one in self.passes if one.interval_s is None)

    def relative(self, one: Pass, kind: str | None = None) -> float | None:
        """Found by this pass as a share of what the exhaustive one found; None when that found nothing."""
        base = self.exhaustive.total if kind is None else self.exhaustive.tallies.get(kind, Tally())
        mine = one.total if kind is None else one.tallies.get(kind, Tally())
        return mine.found / base.found if base.found else None

    def as_json(self) -> dict[str, Any]:
        """For `--json`: one entry per interval, the exhaustive pipeline beside it."""
        rows = [self._row(one) for one in self.passes]
        return {"cameras": self.cameras, "seconds": self.seconds, **self.conditions, "curve": rows}

    def _row(self, one: Pass) -> dict[str, Any]:
        return {
            "pipeline": one.name,
            "interval_s": one.interval_s,
            "sewu_ms_per_camera_s": round(one.ms_per_camera_s, 3),
            "ratio": round(self.exhaustive.ms_per_camera_s / one.ms_per_camera_s, 2),
            "recall": one.total.recall,
            "recall_of_exhaustive": self.relative(one),
            "looks": one.looks,
            "whole": one.whole,
            "parts": one.parts,
            "carried": one.carried,
            "kinds": {kind: {"truths": t.truths, "found": t.found, "unmatched": t.unmatched} for kind, t in sorted(one.tallies.items())},
        }


def kinds_of(passes: Iterable[Pass]) -> list[str]:
    """Kinds that happened, in order of name."""
    return sorted({kind for one in passes for kind, tally in one.tallies.items() if tally.truths})


def table(curve: RecallCurve) -> str:
    """The curve as text: found of true by kind, one column per pipeline; then what fits no scripted event, and cost."""
    head = ["", *(EXHAUSTIVE if one.interval_s is None else f"{one.interval_s:g} s" for one in curve.passes)]
    rows: list[Sequence[str]] = [head]
    for kind in kinds_of(curve.passes):
        tallies = [one.tallies.get(kind, Tally()) for one in curve.passes]
        rows.append([kind, *(f"{tally.found}/{tally.truths}" for tally in tallies)])
    rows.append(["all", *(f"{one.total.found}/{one.total.truths}" for one in curve.passes)])
    rows.append(["unmatched reports", *(str(one.total.unmatched) for one in curve.passes)])
    rows.append(["ms a camera-second", *(f"{one.ms_per_camera_s:.2f}" for one in curve.passes)])
    rows.append(["looks", *(str(one.looks) for one in curve.passes)])
    rows.append(["whole/parts/none", *(f"{one.whole}/{one.parts}/{one.carried}" for one in curve.passes)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
