"""What holds for any stream of detections: ids, endings, state."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadInput
from sewu.base.records import Detections, Tracks
from sewu.bench.sort import PlainSort
from sewu.evaluate.tracker_alone import follow_looks
from sewu.evaluate.tracking import score_tracking
from sewu.follow import ByteOcTracker, TrackerSettings
from tests.fakes import detections
from tests.follow.world import make_world

STREAMS = st.lists(
    st.tuples(
        st.one_of(st.sampled_from([0.0, 0.04, 0.1, 0.5, 2.0, 70.0, 400.0, -0.5, -30.0])),
        st.lists(
            st.tuples(st.integers(0, 6), st.integers(0, 3), st.sampled_from([0.05, 0.3, 0.7, 0.95]), st.sampled_from([0, 3, 4, 5])),
            max_size=6,
        ),
    ),
    max_size=25,
)


def stream(steps: list[tuple[float, list[tuple[int, int, float, int]]]]) -> list[Detections]:
    at_s, looks = 1000.0, []
    for gap_s, rows in steps:
        at_s += gap_s
        boxes = np.array([[20 * x, 30 * y, 20 * x + 25, 30 * y + 50] for x, y, _, _ in rows], np.float32).reshape(-1, 4)
        looks.append(Detections("cam", at_s, boxes, np.array([row[2] for row in rows]), np.array([row[3] for row in rows], np.int64)))
    return looks


def same(a: Tracks, b: Tracks) -> bool:
    names = ("boxes_px", "scores", "classes", "ids", "since_s", "seen", "ended")
    return a.at_s == b.at_s and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


@given(STREAMS)
@settings(max_examples=60, deadline=None)
def test_every_shown_id_ends_at_most_once_and_never_comes_back(steps: list[tuple[float, list[tuple[int, int, float, int]]]]) -> None:
    tracker, shown, ended = ByteOcTracker(size_px=(160, 160)), set[int](), set[int]()
    for look in stream(steps):
        tracks = tracker.update(look)
        now, over = set(tracks.ids.tolist()), tracks.ended.tolist()
        assert len(set(over)) == len(over)
        assert ended.isdisjoint(over), "ended twice"
        assert shown.issuperset(over), "ended without having been shown"
        ended |= set(over)
        assert ended.isdisjoint(now), "came back"
        shown |= now
        assert np.all(np.isfinite(tracks.boxes_px))
        assert np.all(tracks.boxes_px[:, :2] < tracks.boxes_px[:, 2:])
        assert np.all(tracks.since_s <= tracks.at_s + 1.0)


@given(STREAMS, st.integers(0, 24))
@settings(max_examples=60, deadline=None)
def test_a_restored_tracker_goes_on_exactly_as_the_first(steps: list[tuple[float, list[tuple[int, int, float, int]]]], cut: int) -> None:
    looks = stream(steps)
    first = ByteOcTracker()
    for look in looks[:cut]:
        first.update(look)
    second = ByteOcTracker()
    second.restore(json.loads(json.dumps(first.state())))
    assert all(same(first.update(look), second.update(look)) for look in looks[cut:])
    assert first.state() == second.state()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_detections_does_not_matter(seed: int) -> None:
    rng, one, other = np.random.default_rng(seed), ByteOcTracker(), ByteOcTracker()
    for look in make_world(seed, 5, 20.0, people=8).looks:
        a, b = one.update(look), other.update(look.select(rng.permutation(len(look))))
        assert np.array_equal(np.sort(a.boxes_px, axis=0), np.sort(b.boxes_px, axis=0))


def busy_state() -> dict[str, Any]:
    tracker = ByteOcTracker()
    for look in make_world(3, 5, 4.0, people=3).looks:
        tracker.update(look)
    state: dict[str, Any] = json.loads(json.dumps(tracker.state()))
    return state


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_a_damaged_state_is_refused_or_usable_but_never_crashes_later(data: st.DataObject) -> None:
    state = busy_state()
    target = data.draw(st.sampled_from([state, state["tracks"]]))
    key = data.draw(st.sampled_from(sorted(target)))
    junk = st.one_of(
        st.none(), st.integers(-5, 5), st.text(max_size=3), st.lists(st.integers(0, 3), max_size=4), st.just({}), st.just(float("nan"))
    )
    target[key] = data.draw(junk)
    tracker = ByteOcTracker()
    try:
        tracker.restore(state)
    except BadInput as error:
        assert "Start without" in error.advice
        assert tracker.state() == ByteOcTracker().state(), "a refused state changes nothing"
    for step in range(4):
        tracker.update(detections(4.2 + step, ("person", (100, 100, 140, 200), 0.9), camera_id=tracker.state()["camera_id"] or "cam"))


def test_state_of_another_version_is_refused() -> None:
    with pytest.raises(BadInput, match="version"):
        ByteOcTracker().restore({"version": 0})


@pytest.mark.parametrize(
    ("rate_fps", "min_idf1", "min_mota"), [(25, 0.7, 0.7), (10, 0.7, 0.7), (5, 0.65, 0.7), (2, 0.6, 0.6), (1, 0.4, 0.45), (0.5, 0.25, 0.25)]
)
def test_the_synthetic_street_is_followed_better_than_by_plain_sort(rate_fps: float, min_idf1: float, min_mota: float) -> None:
    world = make_world(21, rate_fps, 20 if rate_fps > 5 else 90, people=10, cars=2)
    ours = score_tracking(world.truth, follow_looks(ByteOcTracker(), world.looks))
    sort = score_tracking(world.truth, follow_looks(PlainSort(), world.looks))
    assert ours.identity.f1 is not None
    assert ours.clear.mota is not None
    assert sort.identity.f1 is not None
    assert sort.clear.mota is not None
    assert ours.identity.f1 > max(sort.identity.f1, min_idf1)
    assert ours.clear.mota > max(sort.clear.mota, min_mota)


def test_state_stays_bounded_while_people_come_and_go() -> None:
    tracker = ByteOcTracker()
    sizes = []
    for look in make_world(5, 5, 120.0, people=8).looks:
        tracker.update(look)
        sizes.append(len(tracker.state()["tracks"]["ids"]))
    assert max(sizes) < 60
    assert max(sizes[-100:]) < 2 * max(sizes[100:200]) + 10


def test_settings_are_kept_apart_from_state() -> None:
    tracker = ByteOcTracker(TrackerSettings(lost_s=9.0))
    tracker.restore(busy_state())
    assert tracker.settings.lost_s == 9.0
