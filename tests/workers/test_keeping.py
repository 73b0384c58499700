"""What is found is stored; a disk that refuses is told, waited for, and does not stop anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from sewu.base.errors import StoreFull
from sewu.base.records import Detections, Event, Observation, Tracks
from sewu.flow import Ending, Look
from sewu.store.events import EventStore
from sewu.store.observations import ObservationStore, read_observations
from sewu.workers import keeping
from sewu.workers.keeping import Keeper
from tests.fakes import blank

FULL = StoreFull("The disk is full.", "Free some space.")


class FullEvents(EventStore):
    full = False

    def add(self, events: Iterable[Event]) -> None:
        if self.full:
            raise FULL
        super().add(events)


class FullObservations(ObservationStore):
    full = False

    def commit(self) -> None:
        if self.full:
            raise FULL
        super().commit()


def look(number: int, events: bool = True) -> Look:
    at_s = 1_700_000_000.0 + number
    event = Event(f"ev-{number}", "K1", "r", "intrusion", "start", "high", at_s, at_s, 1.0, 1.0, "persons")
    observation = Observation("K1", at_s, "crowd", "count", float(number), "persons")
    return Look(blank(at_s), Detections.none("K1", at_s), Tracks.none("K1", at_s), (observation,), (event,) if events else (), True)


def test_what_a_full_disk_refused_is_stored_when_there_is_room_again(tmp_path: Path) -> None:
    events, observations = FullEvents(tmp_path / "e"), FullObservations(tmp_path)
    keeper = Keeper(observations, events, None)
    events.full = observations.full = True
    for number in range(5):
        keeper.take(look(number))
        keeper.flush()
        assert str(keeper.fault) == str(FULL)
    events.full = observations.full = False
    keeper.flush()
    assert str(keeper.fault) == "None"
    keeper.ended("K1", 1_700_000_009.0, Ending(look(9).observations, ()))
    assert [event.id for event in events.events()] == [f"ev-{number}" for number in range(5)]
    keeper.close()
    assert sorted(row.value for row in read_observations(tmp_path)) == [0, 1, 2, 3, 4, 9]
    assert (keeper.started, keeper.lost) == (5, 0)


def test_what_waits_for_the_disk_is_bounded_and_the_loss_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MAX_WAITING", 10)
    events, observations = FullEvents(tmp_path / "e"), FullObservations(tmp_path)
    keeper = Keeper(observations, events, None)
    events.full = observations.full = True
    for number in range(30):
        keeper.take(look(number))
        keeper.flush()
    assert keeper.lost == 40
    events.full = observations.full = False
    keeper.flush()
    assert [event.id for event in events.events()] == [f"ev-{number}" for number in range(20, 30)]
    keeper.close()
    assert sorted(row.value for row in read_observations(tmp_path)) == list(range(20, 30))
