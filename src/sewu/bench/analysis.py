"""What `sewu analyze` costs beside decoding and inference alone, and whether its memory stays flat."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from sewu.base.interfaces import Source
from sewu.base.records import Packet

Work = Callable[[Path], int]
"""Goes through a clip; returns the number of pictures looked at."""


@dataclass(frozen=True, slots=True)
class AnalysisCost:
    """Processor milliseconds per look: medians over rounds that alternate; `spread` is (largest - smallest) / median of the ratios."""

    clip: str
    looks: int
    rounds: int
    sewu_ms_per_look: float
    bare_ms_per_look: float
    ratio: float
    spread: float


def measure_analysis(clip: Path, full: Work, bare: Work, rounds: int = 5) -> AnalysisCost:
    """Run both over the clip in turn. `bare` decodes and infers, nothing else; `full` does all that `sewu analyze` does."""
    full(clip)
    bare(clip)
    pairs: list[tuple[float, float]] = []
    looks = 0
    for turn in range(rounds):
        order = ((0, full), (1, bare)) if turn % 2 == 0 else ((1, bare), (0, full))
        cost = [0.0, 0.0]
        for place, work in order:
            started_s = time.process_time()
            looks = work(clip)
            cost[place] = 1000 * (time.process_time() - started_s) / max(1, looks)
        pairs.append((cost[0], cost[1]))
    ratios = [ours / theirs for ours, theirs in pairs]
    ratio = statistics.median(ratios)
    ours_ms, bare_ms = (statistics.median(column) for column in zip(*pairs, strict=True))
    return AnalysisCost(clip.name, looks, rounds, ours_ms, bare_ms, ratio, (max(ratios) - min(ratios)) / ratio)


class Repeated:
    """A source played over and over, its times carried on, until `duration_s` is reached."""

    def __init__(self, open_once: Callable[[], Source], duration_s: float) -> None:
        self._open_once, self.duration_s = open_once, duration_s
        first = open_once()
        self.camera_id, self.stream = first.camera_id, first.stream
        first.close()

    def __iter__(self) -> Iterator[Packet]:
        ticks, stream = 0, self.stream
        tick_s = float(stream.time_base)
        step = max(1, round(1 / (stream.rate_fps or 25.0) / stream.time_base))
        zero_s: float | None = None
        while True:
            source, length = self._open_once(), 0
            for packet in source:
                zero_s = packet.at_s if zero_s is None else zero_s
                at_s = packet.at_s + ticks * tick_s
                if at_s - zero_s > self.duration_s:
                    source.close()
                    return
                length = max(length, packet.pts + step)
                yield replace(packet, stream=stream, pts=packet.pts + ticks, dts=packet.dts + ticks, at_s=at_s)
            source.close()
            if length == 0:
                return
            ticks += length

    def close(self) -> None:
        """Nothing is held open between repeats."""


@dataclass(frozen=True, slots=True)
class MemoryGrowth:
    """Resident memory after the first quarter of a long run and at its end, MiB."""

    minutes: float
    quarter_mib: float
    end_mib: float
    peak_mib: float

    @property
    def growth_mib(self) -> float:
        return self.end_mib - self.quarter_mib


def resident_mib() -> float:
    """Memory of this process that is in RAM."""
    return float(psutil.Process().memory_info().rss) / 2**20
