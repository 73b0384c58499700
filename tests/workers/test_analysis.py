"""Many sources: a bad one is reported and disturbs no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from sewu.base.errors import SewuError, StoreFull, StreamBroken
from sewu.base.records import Frame, Packet, StreamInfo
from sewu.flow import CameraFlow, Ending, Look
from sewu.workers.analysis import Job, Progress, analyse
from tests.fakes import blank
from tests.test_flow import OneCar, build

STREAM = StreamInfo("h264", Fraction(1, 10))


class Scripted:
    """A source of empty packets, one a second, that may break."""

    duration_s = 10.0
    stream = STREAM

    def __init__(self, camera_id: str, breaks_after: int | None = None, error: Exception | None = None) -> None:
        self.camera_id, self.breaks_after, self.error = camera_id, breaks_after, error
        self.closed = False
        self.faults = ("one packet was lost",)

    def __iter__(self) -> Iterator[Packet]:
        for index in range(10):
            if index == self.breaks_after and self.error:
                raise self.error
            yield Packet(self.camera_id, STREAM, b"", index, index, float(index), True)

    def close(self) -> None:
        self.closed = True


class Painter:
    def decode(self, packet: Packet) -> list[Frame]:
        return [blank(packet.at_s, camera_id=packet.camera_id)]

    def flush(self) -> list[Frame]:
        return []


class Remembering:
    def __init__(self, fails: bool = False) -> None:
        self.looks: list[float] = []
        self.ended_at_s: list[float] = []
        self.fails = fails

    def on_packet(self, packet: Packet) -> None:
        return None

    def on_look(self, look: Look) -> None:
        if self.fails:
            raise StoreFull("The disk is full.", "Free some space.")
        self.looks.append(look.frame.at_s)

    def on_end(self, at_s: float, ending: Ending) -> None:
        self.ended_at_s.append(at_s)


def job(source: Scripted, *listeners: Remembering) -> Job:
    flow = CameraFlow(source.camera_id, build)
    return Job(source.camera_id, lambda: source, lambda stream: Painter(), OneCar, flow, lambda: listeners)


def run(*jobs: Job, stop: threading.Event | None = None, on_progress: Any = lambda progress: None) -> list[Any]:
    return analyse(jobs, on_progress, stop or threading.Event(), at_once=2)


def test_a_broken_source_is_reported_and_the_others_finish() -> None:
    bad, good = Scripted("bad", 4, StreamBroken("It broke.", "Wait.")), Scripted("good")
    heard_bad, heard_good = Remembering(), Remembering()
    first, second = run(job(bad, heard_bad), job(good, heard_good))
    assert isinstance(first.error, StreamBroken)
    assert first.looks == 4
    assert heard_bad.ended_at_s == [3.0], "what was seen before the break is closed properly"
    assert bad.closed
    assert second.error is None
    assert second.looks == 10
    assert second.faults == ("one packet was lost",)
    assert heard_good.looks == [float(at) for at in range(10)]


def test_an_internal_error_becomes_a_readable_one() -> None:
    (outcome,) = run(job(Scripted("odd", 2, ZeroDivisionError("division by zero")), Remembering()))
    assert type(outcome.error) is SewuError
    assert "ZeroDivisionError" in outcome.error.what


def test_a_full_disk_stops_its_own_source_and_still_ends_every_listener() -> None:
    first, second = Remembering(fails=True), Remembering()
    (outcome,) = run(job(Scripted("full"), first, second))
    assert isinstance(outcome.error, StoreFull)
    assert len(first.ended_at_s) == len(second.ended_at_s) == 1


def test_stopping_ends_early_and_in_order() -> None:
    stop, heard = threading.Event(), Remembering()

    def stop_at_third(progress: Progress) -> None:
        if progress.looks == 3:
            stop.set()

    (outcome,) = run(job(Scripted("cam"), heard), stop=stop, on_progress=stop_at_third)
    assert outcome.stopped
    assert outcome.error is None
    assert heard.looks == [0.0, 1.0, 2.0]
    assert heard.ended_at_s == [2.0]


@pytest.mark.parametrize("count", [1, 5])
def test_progress_tells_how_far_each_source_is(count: int) -> None:
    told: list[Progress] = []
    run(*[job(Scripted(f"c{index}"), Remembering()) for index in range(count)], on_progress=told.append)
    for index in range(count):
        assert max(p.done_s for p in told if p.camera_id == f"c{index}") == 9.0
