"""`sewu demo`: a model to look with; and the quick look, at a painted street whose truth is known."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import platformdirs

from sewu.base.errors import SewuError
from sewu.detect.shelf import DEFAULT, Shelf, default_detector
from sewu.simulate.painted.street import Street, write_street
from sewu.store.events import EventStore
from sewu.wiring.analysis import Analysed, AnalyzeOptions, Looking, analyze
from sewu.workers.analysis import Progress

PULL_PATIENCE_S = 90.0


@dataclass(frozen=True)
class Demonstration:
    """What was found of what is true: events, and crossings of the line."""

    analysed: Analysed
    found: int
    false: int
    true: int
    crossings_true: int


def fetch_model(on_text: Callable[[str], None]) -> tuple[str, str]:
    """Make sure that a model is here if it can be had; returns its name and the sentence that says what will look."""
    shelf = Shelf()
    detector, reason = default_detector(shelf=shelf)
    if detector.name != "motion":
        return detector.name, reason
    on_text(f"Fetching {DEFAULT} ...")
    failure: list[SewuError] = []

    def pull() -> None:
        try:
            shelf.pull(DEFAULT)
        except SewuError as error:
            failure.append(error)

    worker = threading.Thread(target=pull, daemon=True)
    worker.start()
    worker.join(timeout=PULL_PATIENCE_S)
    if failure:
        on_text(failure[0].what)
    detector, reason = default_detector(shelf=shelf)
    return detector.name, reason


def demonstrate(
    out: Path, on_paint: Callable[[float], None], on_progress: Callable[[Progress], None], stop: threading.Event
) -> Demonstration:
    """Analyse the painted street. Raises `BadInput` and what `analyze` raises."""
    street = Street()
    folder = platformdirs.user_cache_path("sewu") / "demo"
    clip = write_street(folder, street, on_paint)
    rules = folder / "rules.toml"
    rules.write_text(resources.files("sewu.simulate.painted").joinpath("demo_rules.toml").read_text(encoding="utf-8"), encoding="utf-8")
    options = AnalyzeOptions((str(clip),), out, zones=folder / "zones.toml", rules=rules, looking=Looking(rate_fps=None))
    (analysed,) = analyze(replace(options, video=True), on_progress, stop)
    found, false = _compare(analysed, street)
    return Demonstration(analysed, found, false, len(street.truth()), street.crossings())


def _compare(analysed: Analysed, street: Street) -> tuple[int, int]:
    """How many true happenings have an event of their kind that overlaps them in time, and how many events match none."""
    store = EventStore(analysed.folder)
    events = store.events()
    store.close()
    zero_s = analysed.outcome.first_at_s or 0.0

    def matches(kind: str, start_s: float, end_s: float) -> list[str]:
        chosen = [event for event in events if event.kind == kind]
        return [e.id for e in chosen if e.started_at_s - zero_s < end_s and (e.ended_at_s or e.at_s) - zero_s > start_s]

    hits = [matches(row["kind"], row["start_s"], row["end_s"]) for row in street.truth()]
    matched = {event_id for ids in hits for event_id in ids}
    return sum(bool(ids) for ids in hits), len(events) - len(matched)
