"""Drawing only what changed gives the same picture as drawing everything; skipped where EGL is missing."""

from __future__ import annotations

import numpy as np
import pytest

from sewu.base.errors import Unavailable
from sewu.simulate.scenes.actors import Actor, moving, person
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.light import LIGHTING, Light
from sewu.simulate.scenes.mesh import ASPHALT, PLASTER, box, ground, merged
from sewu.simulate.scenes.people import any_looks
from sewu.simulate.scenes.render import NOTHING, Renderer, open_context
from sewu.simulate.scenes.sensor import Sensor, smaller
from sewu.simulate.scenes.tiles import quads, touched
from sewu.simulate.scenes.vehicles import model

SIZE_PX = (480, 272)
CAMERA = PoleCamera(0.0, 0.0, 6.0, 90.0, 16.0, 60.0)
PLACE = merged([ground(-40, -10, 40, 100, 0.0, (0.1, 0.1, 0.1), ASPHALT), box((4, 20, 0), (9, 30, 5), (0.4, 0.3, 0.2), PLASTER)])
LAMPS = ((3.0, 15.0, 6.0),)


def open_renderer(light: Light) -> Renderer:
    try:
        open_context().release()
    except Unavailable as error:
        pytest.skip(str(error))
    return Renderer(PLACE, CAMERA, LIGHTING[light], SIZE_PX, LAMPS)


def some() -> list[Actor]:
    random = np.random.default_rng(3)
    car = Actor(5, "car", model("car", random).mesh)
    return [person(1, any_looks(random)), car]


@pytest.mark.parametrize("light", ["day", "night"])
def test_what_moved_leaves_nothing_behind(light: Light) -> None:
    walker, car = some()
    with open_renderer(light) as moved, open_renderer(light) as fresh:
        empty = moved.draw(NOTHING).copy()
        for step in range(4):
            walker.place(-2.0 + step * 0.8, 12.0 + step, 0.3 * step)
            car.place(1.5, 4.0 + 7 * step, 1.57)
            last = moved.draw(moving([walker, car])[0])
        assert np.abs(last.astype(int) - fresh.draw(moving([walker, car])[0])).max() <= 1
        assert np.abs(last.astype(int) - empty).max() > 50
        assert np.abs(moved.draw(NOTHING).astype(int) - empty).max() <= 1


def test_everything_that_differs_lies_in_touched_tiles() -> None:
    walker, car = some()
    walker.place(-2.0, 10.0, 0.2)
    car.place(2.0, 3.0, 1.2)
    drawn, _ = moving([walker, car])
    grid = touched(drawn, CAMERA.matrix(SIZE_PX), LIGHTING["day"].sun, SIZE_PX)
    with open_renderer("day") as renderer:
        empty = renderer.draw(NOTHING).astype(int)
    with open_renderer("day") as renderer:
        differs = np.abs(renderer.draw(drawn).astype(int) - empty).max(axis=2) > 1
    tiles = np.kron(grid, np.ones((32, 32), np.bool_))[: SIZE_PX[1], : SIZE_PX[0]]
    assert differs.sum() > 500
    assert not (differs & ~tiles).any()
    assert 0.02 < grid.mean() < 0.9


def test_triangles_cover_just_the_tiles_asked_for() -> None:
    grid = np.zeros((3, 4), np.bool_)
    grid[0, 1:3] = grid[2, 3] = True
    corners = quads(grid, (120, 90)).reshape(-1, 6, 2)
    assert np.allclose(corners.min(axis=1), [[32 / 120, 1 - 32 / 90], [96 / 120, 0]])
    assert np.allclose(corners.max(axis=1), [[96 / 120, 1], [1, 1 - 64 / 90]])


@pytest.mark.parametrize("light", LIGHTING)
def test_grain_is_the_same_for_the_same_tick_and_leaves_the_mean_alone(light: Light) -> None:
    sensor, grey = Sensor(LIGHTING[light], (64, 48)), np.full((48, 64, 3), 128, np.uint8)
    first = sensor.planes(grey, 4)
    assert first.shape == (72, 64) and np.array_equal(first, sensor.planes(grey, 4))
    assert not np.array_equal(first, sensor.planes(grey, 5))
    luma = np.concatenate([sensor.planes(grey, tick)[:48] for tick in range(20)])
    assert luma.std() > 0.4
    assert abs(float(luma.mean()) - 126) < (8 if light == "rain" else 1)
    half = smaller(first, (64, 48), (32, 24))
    assert half.shape == (36, 32) and abs(float(half[:24].mean()) - float(first[:48].mean())) < 1
