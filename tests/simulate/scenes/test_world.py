"""What moves, without drawing it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.simulate.loops import LoopRecipe, build_world
from sewu.simulate.scenes.actors import moving
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.happenings import HappeningKind
from sewu.simulate.scenes.layout import LAYOUTS
from sewu.simulate.scenes.people import any_looks, body, pose, posed
from sewu.simulate.scenes.place import SceneKind
from sewu.simulate.scenes.traffic import _length
from sewu.simulate.scenes.vehicles import LENGTH_M, WIDTH_M, VehicleKind, model
from sewu.simulate.scenes.world import World
from tests.simulate.scenes.places import scripted

SIZE_PX = (160, 90)


SHORT_S = 25.0
"""Of warming up, where it does not matter how full the place is."""


@pytest.mark.parametrize("kind", LAYOUTS)
def test_the_same_recipe_gives_the_same_world(kind: SceneKind) -> None:
    def places() -> list[tuple[int, float, float]]:
        _, world, _ = build_world(LoopRecipe(kind, 5, 30), SHORT_S)
        for _ in range(25):
            world.step(0.04)
        return [(actor.id, actor.x_m, actor.y_m) for actor in world.actors]

    first = places()
    assert len(first) > 5
    assert first == places()


def test_another_seed_gives_another_world() -> None:
    worlds = [build_world(LoopRecipe("street", seed, 30), SHORT_S)[1] for seed in (1, 2)]
    assert [(a.x_m, a.y_m) for a in worlds[0].actors] != [(a.x_m, a.y_m) for a in worlds[1].actors]


@dataclass(frozen=True, slots=True)
class Drive:
    """One vehicle at one moment."""

    id: int
    kind: VehicleKind
    lane: int
    s_m: float
    offset_m: float


@pytest.fixture(scope="module")
def driven() -> tuple[World, list[tuple[float, list[Drive]]]]:
    """The junction and who drove where, ten times a second for 50 s."""
    _, world, _ = build_world(LoopRecipe("junction", 3, 60), 40.0)
    log = []
    for _ in range(500):
        world.step(0.1)
        # Only vehicles drive.
        log.append((world.t_s, [Drive(d.actor.id, d.actor.kind, d.lane, d.s_m, d.offset_m) for d in world.traffic.drivers]))  # type: ignore[arg-type]
    return world, log


def test_vehicles_of_one_lane_do_not_drive_through_each_other(driven: tuple[World, list[tuple[float, list[Drive]]]]) -> None:
    pairs = 0
    for _, drives in driven[1]:
        for one, other in itertools.pairwise(sorted(drives, key=lambda d: (d.lane, d.s_m))):
            if one.lane == other.lane:
                beside = abs(one.offset_m - other.offset_m) >= (WIDTH_M[one.kind] + WIDTH_M[other.kind]) / 2
                assert beside or other.s_m - one.s_m > (LENGTH_M[one.kind] + LENGTH_M[other.kind]) / 2 - 0.3
                pairs += 1
    assert pairs > 1000


def test_nobody_passes_a_red_light_who_could_stop(driven: tuple[World, list[tuple[float, list[Drive]]]]) -> None:
    world, log = driven
    passed = 0
    for (t_s, before), (_, after) in itertools.pairwise(log):
        was_m = {d.id: d.s_m for d in before}
        for drive in after:
            lane, front = world.traffic.lanes[drive.lane], LENGTH_M[drive.kind] / 2
            if lane.stop_m is not None and was_m.get(drive.id, 0.0) + front < lane.stop_m <= drive.s_m + front:
                passed += 1
                # Yellow is not modelled: who is too near to stop at the change goes on for a moment.
                assert any(world.traffic.is_green(lane.phase, t_s - back) for back in (0.0, 1.0, 2.0, 3.0))
    assert passed > 5
    assert all(d.s_m <= _length(world.traffic.lanes[d.lane]) for d in log[-1][1])


@pytest.mark.parametrize(
    ("scene", "kind"), [("street", "illegal_parking"), ("carpark", "illegal_parking"), ("junction", "illegal_parking")]
)
def test_a_car_rests_in_the_zone_exactly_while_the_truth_says_so(scene: SceneKind, kind: HappeningKind) -> None:
    layout, script = scripted(scene, kind)
    event, area = script.event, next(a for a in layout.areas if a.id == script.event.zone)
    corners = np.asarray(area.corners_m)
    for t_s in np.arange(event.start_s + 0.1, event.end_s, 0.5):
        (car,) = script.present(float(t_s))
        assert (corners.min(axis=0) <= (car.x_m, car.y_m)).all() and ((car.x_m, car.y_m) <= corners.max(axis=0)).all()
    at = [(script.present(t)[0].x_m, script.present(t)[0].y_m) for t in (event.start_s - 1, event.start_s, event.end_s, event.end_s + 1)]
    assert math.dist(at[0], at[1]) > 0.3 and math.dist(at[1], at[2]) < 1e-6 and math.dist(at[2], at[3]) > 0.3


@pytest.mark.parametrize("kind", ["intrusion", "loitering", "gathering", "abandoned_bag"])
@pytest.mark.parametrize("scene", LAYOUTS)
def test_those_whom_an_event_names_are_in_its_zone(scene: SceneKind, kind: HappeningKind) -> None:
    layout, script = scripted(scene, kind)
    event = script.event
    area = next(a for a in layout.areas if a.id == event.zone)
    low, high = np.asarray(area.corners_m).min(axis=0), np.asarray(area.corners_m).max(axis=0)
    assert 0 <= event.start_s < event.end_s <= 60
    for t_s in np.linspace(event.start_s + 0.02, event.end_s - 0.02, 20):
        named = [a for a in script.present(float(t_s)) if a.id in event.ids]
        assert len(named) == len(event.ids)
        assert all((low <= (a.x_m, a.y_m)).all() and ((a.x_m, a.y_m) <= high).all() for a in named)


def test_a_queue_grows_while_the_light_stays_red() -> None:
    _, world, (script,) = build_world(LoopRecipe("junction", 6, 60, ("queue",)), SHORT_S)
    while world.t_s < script.event.end_s - 1:
        world.step(0.1)
    waiting = [d for d in world.traffic.drivers if world.traffic.lanes[d.lane].phase == 0 and d.v_mps < 0.3]
    assert len(waiting) >= 4


def test_what_a_scene_cannot_show_is_refused() -> None:
    with pytest.raises(BadSettings, match="queue cannot happen"):
        build_world(LoopRecipe("market", 1, 60, ("queue",)))
    with pytest.raises(BadSettings, match="no light"):
        LoopRecipe("market", light="dawn")  # type: ignore[arg-type]
    with pytest.raises(BadSettings, match="does not fit"):
        build_world(LoopRecipe("street", 1, 5, ("loitering",)))


@given(st.floats(-20, 20), st.floats(6, 80))
def test_the_ground_comes_back_from_the_picture(x_m: float, y_m: float) -> None:
    camera = PoleCamera(0, 0, 6, 85, 15, 60)
    pixel = camera.ground_to_picture((1920, 1080)) @ (x_m, y_m, 1.0)
    back = np.linalg.inv(camera.ground_to_picture((1920, 1080))) @ pixel
    assert np.allclose(back[:2] / back[2], (x_m, y_m), atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 3), st.sampled_from(["walk", "stand"]))
def test_a_body_stays_whole_and_on_the_ground(seed: int, phase: float, kind: str) -> None:
    looks = any_looks(np.random.default_rng(seed))
    mesh = posed(body(looks), *pose(kind, phase, looks.scale))  # type: ignore[arg-type]
    assert -0.12 < mesh.at_m[:, 2].min() < 0.08
    assert 1.35 < mesh.at_m[:, 2].max() < 2.05
    assert np.abs(mesh.at_m[:, :2]).max() < 1.0


@pytest.mark.parametrize("kind", LENGTH_M)
def test_a_vehicle_has_the_size_that_traffic_believes(kind: VehicleKind) -> None:
    made = model(kind, np.random.default_rng(1), riders=0)
    size = np.ptp(made.mesh.at_m, axis=0)
    assert abs(size[0] - LENGTH_M[kind]) < 0.35
    assert abs(size[1] - WIDTH_M[kind]) < 0.35


def test_nothing_at_all_can_be_drawn() -> None:
    drawn, placed = moving([])
    assert len(drawn.vertices) == 0 and placed == []
