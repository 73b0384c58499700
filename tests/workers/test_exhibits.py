"""Evidence: from before the event to after it, bit for bit, bounded, and no disk can stop the watch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from sewu.base.clock import ManualClock
from sewu.base.records import Detections, Event, Packet, Tracks
from sewu.connect.file import FileSource
from sewu.connect.ring import Ring, last_run
from sewu.flow import Look
from sewu.workers import exhibits
from sewu.workers.exhibits import Exhibits
from tests.clips import Clip, number_of, write
from tests.fakes import blank

START_S = 1_700_000_000.0
DAY = "2023-11-14"


@pytest.fixture(scope="module")
def packets(tmp_path_factory: pytest.TempPathFactory) -> list[Packet]:
    """Forty seconds, ten pictures a second, a keyframe each second."""
    source = FileSource(write(tmp_path_factory.mktemp("clip") / "s.ts", Clip(frames=400)), "K1", START_S)
    found = list(source)
    source.close()
    return found


def look(at_s: float, phase: Any = "start", event_id: str = "ev-1") -> Look:
    ended_s = at_s if phase == "end" else None
    event = Event(event_id, "K1", "r", "intrusion", phase, "high", START_S + 5, at_s, 1.0, 1.0, "persons", ended_s, "yard")
    frame = blank(at_s, size_px=(64, 36), camera_id="K1")
    return Look(frame, Detections.none("K1", at_s), Tracks.none("K1", at_s), (), (event,), True)


class Scene:
    """A camera whose packets arrive in the ring while evidence is worked on four times a second."""

    def __init__(self, folder: Path, packets: list[Packet], **options: Any) -> None:
        self.clock, self.ring, self.left = ManualClock(START_S), Ring(keep_s=12.0), list(packets)
        self.kept = Exhibits(folder, self.ring, self.clock, before_s=3.0, after_s=4.0, **options)

    def run(self, until_s: float, budget_bytes: int = 1 << 20) -> None:
        while self.clock.now_s() < START_S + until_s:
            self.clock.advance(0.25)
            while self.left and self.left[0].at_s <= self.clock.now_s():
                self.ring.add(self.left.pop(0))
            self.kept.work(budget_bytes)


def numbers(path: Path) -> list[int]:
    with av.open(str(path), "r") as container:
        return [number_of(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)) for frame in container.decode(video=0)]


def test_a_clip_reaches_from_before_the_event_to_after_it_and_its_name_is_in_the_event(tmp_path: Path, packets: list[Packet]) -> None:
    scene = Scene(tmp_path, packets)
    scene.run(15.5)
    (event,) = scene.kept.take(look(START_S + 15.0))
    assert event.labels == {"still": f"evidence/{DAY}/ev-1.jpg", "clip": f"evidence/{DAY}/ev-1.mp4"}
    scene.run(18.0)
    assert (tmp_path / event.labels["still"]).read_bytes().startswith(b"\xff\xd8")
    assert numbers(tmp_path / event.labels["clip"])[:2] == [120, 121], "what is there already can be played"
    scene.run(25.0)
    assert numbers(tmp_path / event.labels["clip"]) == list(range(120, 191)), "from the keyframe at 12 s to 19 s"
    assert (scene.kept.clips, scene.kept.stills, scene.kept.missed) == (1, 1, 0)
    (end,) = scene.kept.take(look(START_S + 30.0, "end"))
    assert end.labels == event.labels


def test_an_event_that_ends_soon_is_shown_to_its_end(tmp_path: Path, packets: list[Packet]) -> None:
    scene = Scene(tmp_path, packets)
    scene.run(10.0)
    scene.kept.take(look(START_S + 10.0))
    scene.run(13.0)
    scene.kept.take(look(START_S + 13.0, "end"))
    scene.run(25.0)
    assert numbers(tmp_path / "evidence" / DAY / "ev-1.mp4") == list(range(70, 171))


def test_a_camera_that_goes_silent_leaves_a_clip_that_is_closed(tmp_path: Path, packets: list[Packet]) -> None:
    scene = Scene(tmp_path, packets[:110])
    scene.run(11.0)
    scene.kept.take(look(START_S + 10.0))
    scene.run(60.0)
    assert scene.kept.clips == 1
    assert numbers(tmp_path / "evidence" / DAY / "ev-1.mp4") == list(range(70, 110))


def test_a_reconnected_camera_does_not_mix_two_connections(tmp_path: Path, packets: list[Packet]) -> None:
    again = [replace(packet, pts=packet.pts + 10**9, dts=packet.dts + 10**9) for packet in packets[125:]]
    assert last_run([*packets[:125], *again]) == again[5:], "from the first keyframe of the new connection"
    scene = Scene(tmp_path, [*packets[:125], *again])
    scene.run(11.0)
    scene.kept.take(look(START_S + 11.0))
    scene.run(20.0)
    assert numbers(tmp_path / "evidence" / DAY / "ev-1.mp4") == list(range(80, 125))
    scene.kept.take(look(START_S + 14.0, event_id="ev-2"))
    scene.run(30.0)
    assert numbers(tmp_path / "evidence" / DAY / "ev-2.mp4")[0] == 130


def test_only_so_much_is_written_per_tick(tmp_path: Path, packets: list[Packet]) -> None:
    scene = Scene(tmp_path, packets)
    scene.run(10.0)
    for number in range(20):
        scene.kept.take(look(START_S + 10.0, event_id=f"ev-{number}"))
    written = []
    for _ in range(3):
        scene.kept.work(1 << 20)
        written.append(len(list((tmp_path / "evidence" / DAY).glob("ev-*"))))
    assert written == [4, 8, 12], "stills first, four a tick of this size"
    scene.run(30.0)
    assert scene.kept.clips == 20


def test_what_waits_is_bounded_and_the_rest_is_counted(tmp_path: Path, packets: list[Packet], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibits, "MAX_WAITING_BYTES", 3 * sum(len(packet.data) for packet in packets[70:100]))
    scene = Scene(tmp_path, packets)
    scene.run(10.0)
    events = [scene.kept.take(look(START_S + 10.0, event_id=f"ev-{number}"))[0] for number in range(9)]
    assert 1 <= sum("clip" in event.labels for event in events) <= 3
    assert scene.kept.missed == 9 - sum("clip" in event.labels for event in events)
    assert all("still" in event.labels for event in events)


def test_a_full_disk_is_told_and_the_watch_goes_on(tmp_path: Path, packets: list[Packet]) -> None:
    scene = Scene(tmp_path, packets)
    scene.run(10.0)
    (event,) = scene.kept.take(look(START_S + 10.0))
    clip = tmp_path / event.labels["clip"]
    clip.parent.mkdir(parents=True, exist_ok=True)
    clip.symlink_to("/dev/full")
    scene.kept.work(0)
    scene.run(10.25)
    assert "full" in str(scene.kept.fault)
    assert scene.kept.missed == 1
    scene.kept.take(look(START_S + 12.0, event_id="ev-2"))
    scene.run(20.0)
    assert str(scene.kept.fault) == "None", "there is room again"
    assert scene.kept.clips == 1


def test_an_event_from_before_a_restart_keeps_the_names_of_what_was_written(tmp_path: Path, packets: list[Packet]) -> None:
    first = Scene(tmp_path, packets)
    first.run(10.0)
    (event,) = first.kept.take(look(START_S + 10.0))
    first.run(20.0)
    second = Scene(tmp_path, [])
    (later,) = second.kept.take(look(START_S + 60.0, "update"))
    assert later.labels == event.labels
    (other,) = second.kept.take(look(START_S + 60.0, "update", event_id="ev-unknown"))
    assert other.labels == {}
