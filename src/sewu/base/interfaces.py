"""What the stages promise each other: small protocols, so that any detector, tracker or analytic fits.

Implementations live in the stages; fakes for tests live in `tests/fakes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from sewu.base.records import Detections, Frame, Observation, Packet, StreamInfo, Tracks
from sewu.base.settings import Settings
from sewu.base.space import Scene

State = dict[str, Any]
"""What a restartable part hands out and takes back: plain numbers, strings, lists, dicts (JSON-safe)."""


class Source(Protocol):
    """Gives one camera's packets, in decoding order, until the stream ends.

    Raises while iterating: `StreamBroken` (try again), `Refused`, `BadSource`.
    """

    camera_id: str

    @property
    def duration_s(self) -> float | None:
        """How long a file is; None for a live stream or when unknown."""
        ...

    @property
    def stream(self) -> StreamInfo:
        """What is known of the stream; complete once opened."""
        ...

    def __iter__(self) -> Iterator[Packet]: ...

    def close(self) -> None: ...


@runtime_checkable
class Detector(Protocol):
    """Finds objects in frames, several cameras at a time.

    Args of `detect`: frames of any sizes. Returns one `Detections` per frame, in order, boxes in the
    frame's own pixels. A stateful detector (motion) keeps its state per `camera_id`.
    """

    name: str

    def detect(self, frames: Sequence[Frame]) -> list[Detections]: ...

    def forget(self, camera_id: str) -> None:
        """Drop what is remembered of a camera."""
        ...


@runtime_checkable
class Tracker(Protocol):
    """Follows objects of one camera. One instance per camera."""

    def update(self, detections: Detections) -> Tracks: ...

    def state(self) -> State: ...

    def restore(self, state: State) -> None: ...


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that an analytic emits, for forms, stores, charts and docs."""

    name: str
    unit: str
    meaning: str


class Analytic(Protocol):
    """Turns tracks and frames of one camera into observations. One instance per camera.

    Class attributes declare what it reads and emits; the registry, the forms, the zone file and the docs
    are made from them. `Settings` is its settings model; every zone may override fields of it.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    zone_kinds: ClassVar[Mapping[str, str]]
    """Zone kinds it reads, each with one sentence on what to draw."""
    uses_lines: ClassVar[bool]
    needs_motion: ClassVar[bool]
    """True when it needs several frames a second (the follow level), False when looks seconds apart are enough."""
    Settings: ClassVar[type[Settings]]

    def __init__(self, camera_id: str, scene: Scene, settings: Any) -> None: ...

    def update(self, tracks: Tracks, frame: Frame) -> list[Observation]:
        """Take one look. `tracks.at_s == frame.at_s`, never earlier than the last."""
        ...

    def state(self) -> State: ...

    def restore(self, state: State) -> None: ...
