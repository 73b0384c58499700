"""One camera's life, top to bottom, on one page.

    source -> Packet -> decoder -> Frame -> detector -> Detections -> tracker -> Tracks
           -> analytics -> Observation -> notice -> Event

`CameraFlow` is the part after detection, with all of one camera's state, so that a clip, a live stream and
a saved state all go through the same lines. `looks` is the part before it, for one source at a time; the
watch engine batches that part over many cameras instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol, runtime_checkable

from sewu.base.interfaces import Analytic, Detector, State, Tracker
from sewu.base.records import Detections, Event, Frame, Observation, Packet, Tracks
from sewu.base.space import Scene


class ViewGuard(Protocol):
    """The analytic that knows whether the camera still looks where its zones were drawn."""

    @property
    def view_ok(self) -> bool: ...


@runtime_checkable
class Windowed(Protocol):
    """An analytic that counts over windows and can close one early."""

    def finish(self) -> list[Observation]: ...


class Noticing(Protocol):
    """Rules applied to one camera's observations."""

    def update(self, observations: Sequence[Observation], at_s: float) -> list[Event]: ...

    def flush(self, at_s: float) -> list[Event]: ...

    def state(self) -> State: ...

    def restore(self, state: State) -> None: ...


class FrameDecoder(Protocol):
    """Packets of one camera in, frames out; `flush` gives what is still inside."""

    def decode(self, packet: Packet) -> Iterable[Frame]: ...

    def flush(self) -> Iterable[Frame]: ...


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that one decoded picture led to."""

    frame: Frame
    detections: Detections
    tracks: Tracks
    observations: tuple[Observation, ...]
    events: tuple[Event, ...]
    view_ok: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """What the end of a stream led to: the last windows, and the ends of open events."""

    observations: tuple[Observation, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What one camera needs, built for its picture size by the wiring.

    `guard`, if any, is one of `analytics`: it runs first, and while it says that the view is not the one the
    zones were drawn on, the others rest.
    """

    scene: Scene
    tracker: Tracker
    analytics: Mapping[str, Analytic]
    notice: Noticing
    guard: str | None = None


class CameraFlow:
    """One camera from detections to events. Its whole state can be saved and restored."""

    def __init__(self, camera_id: str, build: Callable[[tuple[int, int]], Parts]) -> None:
        """`build` makes the parts for a picture size (width, height); called at the first frame."""
        self.camera_id = camera_id
        self._build = build
        self._parts: Parts | None = None
        self._size_px: tuple[int, int] | None = None
        self._restored: State | None = None

    def look(self, frame: Frame, detections: Detections) -> Look:
        """Take in one picture with what was found on it."""
        parts = self._parts_for(frame.size_px)
        tracks = parts.tracker.update(detections)
        observations: list[Observation] = []
        view_ok = True
        if parts.guard is not None:
            guard = parts.analytics[parts.guard]
            observations += guard.update(tracks, frame)
            view_ok = guard.view_ok if hasattr(guard, "view_ok") else True
        for name, analytic in parts.analytics.items():
            if view_ok and name != parts.guard:
                observations += analytic.update(tracks, frame)
        events = parts.notice.update(observations, frame.at_s)
        return Look(frame, detections, tracks, tuple(observations), tuple(events), view_ok)

    def finish(self, at_s: float) -> Ending:
        """The stream ended: close the counting windows with the coverage they have, end the events still open."""
        if self._parts is None:
            return Ending((), ())
        closing = [analytic for analytic in self._parts.analytics.values() if isinstance(analytic, Windowed)]
        observations = [observation for analytic in closing for observation in analytic.finish()]
        events = [*self._parts.notice.update(observations, at_s), *self._parts.notice.flush(at_s)]
        return Ending(tuple(observations), tuple(events))

    def state(self) -> State:
        """All that must outlive a restart: tracks, dwell clocks, backgrounds, open events. JSON-safe."""
        if self._parts is None:
            return self._restored or {}
        parts = self._parts
        return {
            "size_px": list(self._size_px or ()),
            "tracker": parts.tracker.state(),
            "analytics": {name: analytic.state() for name, analytic in parts.analytics.items()},
            "notice": parts.notice.state(),
        }

    def restore(self, state: State) -> None:
        """Go on from a saved state, at the next frame; a state of another picture size is dropped."""
        self._restored, self._parts = state, None

    def notice_by(self, notice: Noticing, build: Callable[[tuple[int, int]], Parts]) -> None:
        """Other rules from the next picture on, as `build` makes them too; all else, and what the old rules left open, stays.

        Raises:
            BadInput: `notice` cannot go on from the state of the present rules.
        """
        if self._parts is not None:
            notice.restore(self._parts.notice.state())
            self._parts = replace(self._parts, notice=notice)
        self._build = build

    def _parts_for(self, size_px: tuple[int, int]) -> Parts:
        if self._parts is None or self._size_px != size_px:
            self._parts, self._size_px = self._build(size_px), size_px
            if self._restored and tuple(self._restored.get("size_px", ())) == size_px:
                self._parts.tracker.restore(self._restored["tracker"])
                for name, saved in self._restored["analytics"].items():
                    if name in self._parts.analytics:
                        self._parts.analytics[name].restore(saved)
                self._parts.notice.restore(self._restored["notice"])
            self._restored = None
        return self._parts


def looks(packets: Iterable[Packet], decoder: FrameDecoder, detector: Detector, flow: CameraFlow, batch_frames: int = 1) -> Iterator[Look]:
    """Run one source through its flow; ends with the packets. Detection is done `batch_frames` at a time."""
    waiting: list[Frame] = []
    for frame in chain(chain.from_iterable(decoder.decode(packet) for packet in packets), decoder.flush()):
        waiting.append(frame)
        if len(waiting) >= batch_frames:
            yield from _look_at(waiting, detector, flow)
            waiting = []
    yield from _look_at(waiting, detector, flow)


def _look_at(frames: list[Frame], detector: Detector, flow: CameraFlow) -> Iterator[Look]:
    found = detector.detect(frames) if frames else []
    for frame, detections in zip(frames, found, strict=True):
        yield flow.look(frame, detections)
