"""One camera's life with a scripted model: order, suspension, restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from sewu.base.interfaces import Analytic, Metric, State
from sewu.base.records import Detections, Event, Frame, Observation, Tracks
from sewu.base.settings import Settings
from sewu.base.space import Scene
from sewu.flow import CameraFlow, Ending, Parts, looks
from tests.fakes import blank, detections


class Everyone:
    """A tracker that gives each detection the next id."""

    def __init__(self) -> None:
        self.next_id = 1

    def update(self, found: Detections) -> Tracks:
        count = len(found)
        ids = np.arange(self.next_id, self.next_id + count)
        self.next_id += count
        seen = np.ones(count, np.bool_)
        return Tracks(found.camera_id, found.at_s, found.boxes_px, found.scores, found.classes, ids, np.full(count, found.at_s), seen)

    def state(self) -> State:
        return {"next_id": self.next_id}

    def restore(self, state: State) -> None:
        self.next_id = state["next_id"]


class Counting:
    name: ClassVar[str] = "counting"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("count", "objects", "objects now"),)
    zone_kinds: ClassVar[Mapping[str, str]] = {}
    uses_lines: ClassVar[bool] = False
    needs_motion: ClassVar[bool] = False
    Settings: ClassVar[type[Settings]] = Settings

    def __init__(self, camera_id: str, scene: Scene, settings: Any) -> None:
        self.total = 0

    def update(self, tracks: Tracks, frame: Frame) -> list[Observation]:
        self.total += len(tracks)
        return [Observation(tracks.camera_id, tracks.at_s, self.name, "count", float(len(tracks)), "objects")]

    def state(self) -> State:
        return {"total": self.total}

    def restore(self, state: State) -> None:
        self.total = state["total"]


class Guard(Counting):
    """Says that the view is wrong between seconds 2 and 4."""

    name: ClassVar[str] = "guard"

    def __init__(self, camera_id: str, scene: Scene, settings: Any) -> None:
        super().__init__(camera_id, scene, settings)
        self.view_ok = True

    def update(self, tracks: Tracks, frame: Frame) -> list[Observation]:
        self.view_ok = not 2 <= frame.at_s < 4
        return []


class Silent:
    def __init__(self) -> None:
        self.flushed_at_s: list[float] = []

    def update(self, observations: Sequence[Observation], at_s: float) -> list[Event]:
        return []

    def flush(self, at_s: float) -> list[Event]:
        self.flushed_at_s.append(at_s)
        return []

    def state(self) -> State:
        return {}

    def restore(self, state: State) -> None:
        return None


class Passing:
    """A decoder whose packets are frames already."""

    def decode(self, packet: Any) -> list[Frame]:
        return [packet]

    def flush(self) -> list[Frame]:
        return []


class OneCar:
    name = "one car"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        self.batches.append(len(frames))
        return [detections(frame.at_s, ("car", (0, 0, 9, 9), 0.9)) for frame in frames]

    def forget(self, camera_id: str) -> None:
        return None


def build(size_px: tuple[int, int]) -> Parts:
    scene = Scene(size_px)
    analytics: dict[str, Analytic] = {"counting": Counting("cam", scene, None), "guard": Guard("cam", scene, None)}
    return Parts(scene, Everyone(), analytics, Silent(), guard="guard")


def test_while_the_view_is_wrong_the_other_analytics_rest() -> None:
    flow = CameraFlow("cam", build)
    seen = [flow.look(blank(at), detections(at, ("car", (0, 0, 9, 9), 0.9))) for at in range(6)]
    assert [look.view_ok for look in seen] == [True, True, False, False, True, True]
    assert [len(look.observations) for look in seen] == [1, 1, 0, 0, 1, 1]


def test_a_restored_flow_goes_on_where_the_saved_one_stood() -> None:
    first, second = CameraFlow("cam", build), CameraFlow("cam", build)
    for at in range(3):
        first.look(blank(at), detections(at, ("car", (0, 0, 9, 9), 0.9)))
    second.restore(first.state())
    assert second.state() == first.state()
    look = second.look(blank(5), detections(5, ("car", (0, 0, 9, 9), 0.9)))
    assert look.tracks.ids.tolist() == [4]
    assert second.state()["analytics"]["counting"]["total"] == 3


def test_a_state_of_another_picture_size_is_dropped() -> None:
    flow = CameraFlow("cam", build)
    flow.look(blank(0), detections(0, ("car", (0, 0, 9, 9), 0.9)))
    other = CameraFlow("cam", build)
    other.restore(flow.state())
    look = other.look(blank(1, size_px=(64, 48)), detections(1, ("car", (0, 0, 9, 9), 0.9)))
    assert look.tracks.ids.tolist() == [1]


@pytest.mark.parametrize("batch", [1, 2, 3, 10])
def test_batches_give_the_same_looks_in_the_same_order(batch: int) -> None:
    detector = OneCar()
    frames: list[Any] = [blank(at) for at in range(5)]
    seen = list(looks(frames, Passing(), detector, CameraFlow("cam", build), batch))
    assert [look.frame.at_s for look in seen] == [0, 1, 2, 3, 4]
    assert sum(detector.batches) == 5
    assert max(detector.batches) == min(batch, 5)


def test_finishing_before_the_first_picture_is_harmless() -> None:
    assert CameraFlow("cam", build).finish(0.0) == Ending((), ())
