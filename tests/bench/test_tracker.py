"""The tracker against plain SORT on the public detections, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest

from sewu.base.interfaces import Tracker
from sewu.bench.sort import PlainSort
from sewu.bench.tracker import TimedTracker, time_looks
from sewu.evaluate.tracker_alone import AloneRow, public_looks, tracker_alone
from sewu.follow import ByteOcTracker
from tests.fakes import detections, labelled_data
from tests.follow.world import make_world


def test_ours_beats_plain_sort_on_each_public_sequence() -> None:
    data = labelled_data()
    rows = tracker_alone(
        data, {"sewu": lambda sequence: ByteOcTracker(size_px=sequence.size_px), "plain SORT": lambda sequence: PlainSort()}
    )
    by_name: dict[tuple[str, str], AloneRow] = {(row.sequence, row.tracker): row for row in rows}
    names = sorted({row.sequence for row in rows})
    assert names == ["PETS09-S2L1", "TUD-Campus", "TUD-Stadtmitte"]
    for name in names:
        ours, sort = by_name[name, "sewu"].score, by_name[name, "plain SORT"].score
        assert ours.clear.mota is not None
        assert sort.clear.mota is not None
        assert ours.identity.f1 is not None
        assert sort.identity.f1 is not None
        assert ours.clear.mota > sort.clear.mota
        assert ours.identity.f1 > sort.identity.f1
        assert ours.clear.switches < sort.clear.switches


def test_700_looks_a_second_on_the_public_sequences() -> None:
    for name in ("PETS09-S2L1", "TUD-Campus", "TUD-Stadtmitte"):
        rate = time_looks(ByteOcTracker, public_looks(labelled_data() / "tracking" / name))
        assert rate is not None
        assert rate >= 700


def test_plain_sort_follows_a_walker_and_forgets_who_is_hidden() -> None:
    sort = PlainSort()
    shown = [sort.update(detections(step, ("person", (step * 2.0, 0, step * 2.0 + 20, 40), 0.9))) for step in range(10)]
    assert {number for tracks in shown for number in tracks.ids.tolist()} == {1}
    assert [len(tracks) for tracks in shown[:3]] == [0, 0, 1]
    gone = [sort.update(detections(10 + step)) for step in range(3)]
    assert [tracks.ended.tolist() for tracks in gone] == [[], [1], []]


@pytest.mark.parametrize("make", [ByteOcTracker, PlainSort])
def test_every_tracker_goes_on_from_its_saved_state(make: type[ByteOcTracker] | type[PlainSort]) -> None:
    looks = make_world(9, 5, 10.0, people=5).looks
    first: Tracker = make()
    second: Tracker = make()
    for look in looks[:25]:
        first.update(look)
    second.restore(first.state())
    for look in looks[25:]:
        a, b = first.update(look), second.update(look)
        assert a.ids.tolist() == b.ids.tolist()
        assert np.array_equal(a.boxes_px, b.boxes_px)


def test_a_timed_tracker_says_what_the_other_says_and_adds_up_its_time() -> None:
    timed, plain = TimedTracker(ByteOcTracker()), ByteOcTracker()
    for look in make_world(9, 10, 20.0, people=20).looks:
        assert timed.update(look).ids.tolist() == plain.update(look).ids.tolist()
    assert timed.looks == 200
    assert timed.cpu_s > 0
