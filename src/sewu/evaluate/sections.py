"""What an evaluation protocol hands back, and how it is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sewu.base.records import Event
from sewu.base.space import Scene
from sewu.flow import Look

Verdict = Literal["met", "not met", "no bar"]


@dataclass(frozen=True)
class Run:
    """A clip to run through the pipeline, and how.

    `rate_fps` None looks at every frame. `settings` overrides analytics' settings by analytic name. `rules` are rule
    tables as in a rules file; none means that only observations are wanted.
    """

    clip: Path
    analytics: tuple[str, ...] = ()
    scene: Scene | None = None
    rate_fps: float | None = None
    model: str = "yolox-nano"
    input_px: tuple[int, int] | None = None
    rules: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


Runner = Callable[[Run], Iterator[Look]]
"""Given by the wiring: runs a clip, yields every look. The ends of open events come with the last look."""


@dataclass(frozen=True)
class Section:
    """One protocol's result: a table, the bar, and whether it was met."""

    key: str
    title: str
    truth: Literal["real", "simulated"]
    data: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bar: str
    verdict: Verdict
    notes: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)


class EventLog:
    """Keeps the last state of every event of a run; holds no picture."""

    def __init__(self) -> None:
        self._latest: dict[str, Event] = {}
        self._raised_s: dict[str, float] = {}
        self.start_s: float | None = None
        self.looks = 0

    def add(self, look: Look) -> float:
        """Take in a look; returns the seconds since the run's first."""
        self.start_s = look.frame.at_s if self.start_s is None else self.start_s
        self.looks += 1
        self._latest.update({event.id: event for event in look.events})
        self._raised_s.update({event.id: event.at_s for event in look.events if event.phase == "start"})
        return look.frame.at_s - self.start_s

    def events(self) -> list[Event]:
        """In order of start."""
        return sorted(self._latest.values(), key=lambda event: (event.started_at_s, event.id))

    def raised_s(self) -> list[float]:
        """When each alarm was given, seconds since the run's first look; the condition may have begun earlier."""
        return sorted(at_s - (self.start_s or 0.0) for at_s in self._raised_s.values())

    def intervals_s(self) -> list[tuple[float, float]]:
        """Start and end of each event, seconds since the run's first look."""
        zero = self.start_s or 0.0
        return [(event.started_at_s - zero, (event.ended_at_s or event.at_s) - zero) for event in self.events()]


def as_markdown(sections: Iterable[Section], header: str) -> str:
    """All sections as one page; real and simulated truth stand apart."""
    chosen = list(sections)
    parts = [header.rstrip(), ""]
    for truth, title in (("real", "Real labelled footage"), ("simulated", "Simulated scenes, exact truth")):
        own = [section for section in chosen if section.truth == truth]
        if own:
            parts += [f"## {title}", ""]
        for section in own:
            parts += [f"### {section.title}", "", f"Data: {section.data}. Bar: {section.bar}. **{section.verdict.capitalize()}.**", ""]
            parts += ["| " + " | ".join(section.head) + " |", "|" + "---|" * len(section.head)]
            parts += ["| " + " | ".join(row) + " |" for row in section.rows]
            parts += [""] + [f"- {note}" for note in section.notes] + ([""] if section.notes else [])
    return "\n".join(parts).rstrip() + "\n"
