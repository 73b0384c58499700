"""What every analytic promises, checked for every entry of the registry."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.base.interfaces import Analytic
from sewu.base.records import CLASSES, Observation, Tracks
from sewu.base.settings import Settings, validate
from sewu.base.space import Homography, Line, Scene, Zone
from sewu.measure import ANALYTICS
from tests.fakes import CAMERA, blank, box_at, tracks

DOCS = Path(__file__).parents[2] / "docs" / "analytics"
EVERY = pytest.mark.parametrize("name", sorted(ANALYTICS))
SIZE_PX = (320, 240)
CORNERS = ((20.0, 60.0), (300.0, 60.0), (300.0, 230.0), (20.0, 230.0))


def scene_of(kind: type[Analytic]) -> Scene:
    """A zone of every kind that the analytic reads, a line, and a ground of 0.1 m to the pixel."""
    zones = tuple(Zone(f"zone-{zone_kind}", zone_kind, CORNERS) for zone_kind in kind.zone_kinds)
    ground = Homography(np.diag([0.1, 0.1, 1.0]))
    return Scene(SIZE_PX, zones, (Line("line", (0.0, 120.0), (319.0, 120.0)),), ground)


def made(name: str) -> Analytic:
    kind = ANALYTICS[name]
    return kind(CAMERA, scene_of(kind), kind.Settings())


def busy(at_s: float, first_id: int = 1, count: int = 8) -> Tracks:
    """People and vehicles, some walking down over the line, some standing."""
    rows = []
    for index in range(count):
        x, y = 30 + 35 * index, 70 + (20 * at_s % 140 if index % 2 else 60)
        rows.append((first_id + index, CLASSES[index % len(CLASSES)], box_at(x, y)))
    return tracks(at_s, *rows)


def life(analytic: Analytic, times_s: list[float]) -> list[list[Observation]]:
    return [analytic.update(busy(at_s), blank(at_s)) for at_s in times_s]


@EVERY
def test_the_registry_name_is_the_analytics_own(name: str) -> None:
    assert ANALYTICS[name].name == name


@EVERY
def test_observations_are_declared_and_finite(name: str) -> None:
    units = {metric.name: metric.unit for metric in ANALYTICS[name].metrics}
    scene = scene_of(ANALYTICS[name])
    places = {zone.id for zone in scene.zones} | {line.id for line in scene.lines} | {None}
    seen = [observation for look in life(made(name), [0.5 * i for i in range(400)]) for observation in look]
    assert seen, "two hundred busy seconds and nothing to say"
    for observation in seen:
        assert units.get(observation.metric) == observation.unit, observation
        assert math.isfinite(observation.value)
        assert 0.0 <= observation.coverage <= 1.0 + 1e-9
        assert observation.zone_id in places
        assert (observation.analytic, observation.camera_id) == (name, CAMERA)


@EVERY
def test_zone_kinds_and_metrics_are_explained(name: str) -> None:
    kind = ANALYTICS[name]
    assert all(text.strip() for text in kind.zone_kinds.values())
    assert all(metric.meaning.strip() and metric.unit for metric in kind.metrics)
    assert len({metric.name for metric in kind.metrics}) == len(kind.metrics)


@EVERY
def test_settings_are_strict_and_described(name: str) -> None:
    model: type[Settings] = ANALYTICS[name].Settings
    for field_name, field in model.model_fields.items():
        assert field.description, f"{field_name} needs a description: it becomes the form"
    with pytest.raises(BadSettings):
        validate(model, {"no_such_setting": 1}, "a test")


@EVERY
def test_a_zone_with_a_wrong_setting_is_refused_by_name(name: str) -> None:
    kind = ANALYTICS[name]
    for zone_kind in kind.zone_kinds:
        scene = Scene(SIZE_PX, (Zone("the-zone", zone_kind, CORNERS, settings={"no_such_setting": 1}),))
        with pytest.raises(BadSettings, match="the-zone"):
            kind(CAMERA, scene, kind.Settings())


@EVERY
def test_nobody_there_is_no_error(name: str) -> None:
    analytic = made(name)
    for at_s in (0.0, 0.04, 30.0, 31.0):
        for observation in analytic.update(Tracks.none(CAMERA, at_s), blank(at_s)):
            assert math.isfinite(observation.value)


@EVERY
def test_a_scene_with_nothing_drawn_is_no_error(name: str) -> None:
    kind = ANALYTICS[name]
    analytic = kind(CAMERA, Scene(SIZE_PX), kind.Settings())
    life(analytic, [0.0, 1.0, 2.0, 70.0])
    json.dumps(analytic.state())


def lasting(observations: list[Observation]) -> list[Observation]:
    """Without the frame rate: it is measured anew after a restart, because nobody counted what arrived in between."""
    return [observation for observation in observations if observation.metric != "frame_rate"]


@EVERY
def test_state_is_json_and_goes_on_as_if_never_interrupted(name: str) -> None:
    times_s = [0.4 * i for i in range(300)]
    whole, first, second = made(name), made(name), made(name)
    expected = life(whole, times_s)
    assert life(first, times_s[:137]) == expected[:137]
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    assert [lasting(seen) for seen in life(second, times_s[137:])] == [lasting(seen) for seen in expected[137:]]


@EVERY
def test_state_stays_small_after_a_thousand_ended_ids(name: str) -> None:
    analytic = made(name)
    sizes: list[int] = []
    for round_number in range(130):
        at_s = 2.0 * round_number
        first_id = 1 + 8 * round_number
        ended = list(range(first_id - 8, first_id)) if round_number else []
        now = busy(at_s, first_id)
        looked = Tracks(CAMERA, at_s, now.boxes_px, now.scores, now.classes, now.ids, now.since_s, now.seen, np.array(ended, np.int64))
        analytic.update(looked, blank(at_s))
        sizes.append(len(json.dumps(analytic.state())))
    assert sizes[-1] <= 1.2 * max(sizes[40:90]) + 200, "what ended is not forgotten"


@EVERY
def test_time_that_jumps_back_or_far_ahead_is_survived(name: str) -> None:
    analytic = made(name)
    life(analytic, [1000.0 + 0.5 * i for i in range(150)])
    for at_s in [400.0, 400.5, 401.0, 90_000.0, 90_000.5]:
        for observation in analytic.update(busy(at_s), blank(at_s)):
            assert math.isfinite(observation.value)
            assert 0.0 <= observation.coverage <= 1.0
    json.dumps(analytic.state(), allow_nan=False)


rows = st.tuples(
    st.integers(1, 9),
    st.sampled_from(CLASSES),
    st.floats(-400, 700),
    st.floats(-400, 700),
    st.floats(0, 300),
    st.floats(0, 300),
    st.booleans(),
)
scripts = st.lists(st.tuples(st.floats(-100, 100), st.lists(rows, max_size=6, unique_by=lambda row: row[0])), min_size=1, max_size=25)


@EVERY
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts)
def test_no_script_of_boxes_and_times_breaks_it(name: str, script: list[tuple[float, list[Any]]]) -> None:
    analytic, at_s, units = made(name), 5000.0, {metric.name: metric.unit for metric in ANALYTICS[name].metrics}
    for step_s, boxes in script:
        at_s += step_s
        whole = tracks(at_s, *((number, kind, (x, y, x + width, y + height)) for number, kind, x, y, width, height, _ in boxes))
        seen = np.array([row[-1] for row in boxes], np.bool_)
        now = Tracks(CAMERA, at_s, whole.boxes_px, whole.scores, whole.classes, whole.ids, whole.since_s, seen)
        for observation in analytic.update(now, blank(at_s)):
            assert units[observation.metric] == observation.unit
            assert math.isfinite(observation.value) and observation.value >= 0.0
            assert 0.0 <= observation.coverage <= 1.0
    json.dumps(analytic.state(), allow_nan=False)


@EVERY
def test_arrays_handed_in_are_left_alone(name: str) -> None:
    analytic = made(name)
    looked, frame = busy(0.0), blank(0.0)
    boxes, image = looked.boxes_px.copy(), frame.image.copy()
    analytic.update(looked, frame)
    assert np.array_equal(looked.boxes_px, boxes)
    assert np.array_equal(frame.image, image)


@EVERY
def test_the_docs_page_states_the_measured_error(name: str) -> None:
    page = DOCS / f"{name}.md"
    assert page.is_file(), f"write docs/analytics/{name}.md"
    text = page.read_text(encoding="utf-8")
    assert "## Measured error" in text
    missing = [metric.name for metric in ANALYTICS[name].metrics if f"`{metric.name}`" not in text]
    missing += [field for field in ANALYTICS[name].Settings.model_fields if f"`{field}`" not in text]
    missing += [kind for kind in ANALYTICS[name].zone_kinds if f"`{kind}`" not in text]
    assert not missing, f"not on the page: {missing}"
