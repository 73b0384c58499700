"""The truth against what is drawn: boxes beside masks of flat names, to the pixel; skipped where EGL is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from sewu.base.errors import Unavailable
from sewu.base.records import Doubles, Floats
from sewu.simulate.loops import LoopRecipe, build_world
from sewu.simulate.scenes.actors import Actor, bag, in_view, moving, person
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.happenings import able
from sewu.simulate.scenes.layout import LAYOUTS
from sewu.simulate.scenes.light import LIGHTING
from sewu.simulate.scenes.mesh import ASPHALT, ground
from sewu.simulate.scenes.people import any_looks
from sewu.simulate.scenes.place import SceneKind
from sewu.simulate.scenes.render import Moving, Renderer, open_context
from sewu.simulate.scenes.truth import Observer
from sewu.simulate.scenes.vehicles import LENGTH_M, VehicleKind, model
from tests.simulate.scenes.places import place, scripted

SIZE_PX = (960, 540)
CAMERA = PoleCamera(0.0, 0.0, 6.0, 90.0, 16.0, 60.0)
ROAD = ground(-40, -10, 40, 100, 0.0, (0.1, 0.1, 0.1), ASPHALT)
WELL_VISIBLE = 0.985
MIN_SIDE_PX = 16
"""Of smaller boxes one pixel of the grid is a tenth."""


@pytest.fixture(scope="module", autouse=True)
def egl() -> None:
    try:
        open_context().release()
    except Unavailable as error:
        pytest.skip(str(error))


def tight(mask: Floats, name: int) -> tuple[Doubles, int]:
    """Box and number of the pixels that bear a name."""
    rows, columns = np.nonzero(mask == name)
    if not len(rows):
        return np.zeros(4), 0
    return np.asarray([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float64), len(rows)


def iou(one: Doubles, other: Doubles) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    both = float(np.prod(np.maximum(high - low, 0)))
    return both / float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - both)


def only(drawn: Moving, name: int) -> Moving:
    return replace(drawn, faces=drawn.faces[drawn.vertices[drawn.faces[:, 0], 11] == name])


def agreement(renderer: Renderer, camera: PoleCamera, actors: list[Actor]) -> Iterator[tuple[str, float, float]]:
    """Of each thing in view: its kind, the share of it that is seen, and how far its box agrees with its mask when drawn alone."""
    drawn, placed = moving(in_view(actors, camera))
    everything = renderer.masks(drawn)
    kinds = {actor.id + thing: actor.kind if not thing else "rider" for actor, _ in placed for thing in range(actor.riders + 1)}
    for seen in Observer(camera, renderer.size_px).see(placed, renderer.names(drawn)):
        box = np.asarray(seen.box_px)
        if min(box[2:] - box[:2]) >= MIN_SIDE_PX:
            _, shown = tight(everything, seen.id + 1)
            mask, whole = tight(renderer.masks(only(drawn, seen.id + 1), alone=True), seen.id + 1)
            yield kinds[seen.id], shown / max(1, whole), iou(box, mask) if whole else 0.0


@pytest.mark.parametrize("k1", [-0.2, 0.1])
def test_boxes_and_pixels_bend_alike(k1: float) -> None:
    camera = replace(CAMERA, k1=k1)
    people = [
        person(2 * n, any_looks(np.random.default_rng(n)), x, y) for n, (x, y) in enumerate(((-5.0, 12.0), (4.6, 11.0), (0, 9), (3.5, 17)))
    ]
    with Renderer(ROAD, camera, LIGHTING["day"], SIZE_PX) as renderer:
        rows = list(agreement(renderer, camera, people))
    assert len(rows) == len(people)
    assert all(share > 0.9 and agree > 0.9 for _, share, agree in rows)
    straight = CAMERA.to_picture_px(np.asarray([[-5.0, 12.0, 0.0]]), SIZE_PX)[0, 0]
    bent = camera.to_picture_px(np.asarray([[-5.0, 12.0, 0.0]]), SIZE_PX)[0, 0]
    assert abs(bent - straight) > 5 and (bent > straight) == (k1 < 0)


@pytest.fixture(scope="module")
def views() -> Iterator[dict[SceneKind, Renderer]]:
    """Each place, empty."""
    with ExitStack() as opened:
        yield {
            kind: opened.enter_context(Renderer(at.still, at.camera, LIGHTING["day"], SIZE_PX, at.lamps))
            for kind, at in ((kind, place(kind)) for kind in LAYOUTS)
        }


@pytest.mark.parametrize("kind", LAYOUTS)
def test_boxes_of_a_scene_agree_with_what_is_drawn(kind: SceneKind, views: dict[SceneKind, Renderer]) -> None:
    layout, world, _ = build_world(LoopRecipe(kind, 2, 30), 30.0)
    rows: list[tuple[str, float, float]] = []
    with views[kind].current():
        for _ in range(2):
            for _ in range(30):
                world.step(0.1)
            rows += agreement(views[kind], layout.camera, world.actors)
    assert len([row for row in rows if row[1] > WELL_VISIBLE]) >= 3
    assert [row for row in rows if row[2] <= 0.9] == []


@pytest.mark.parametrize("scene", LAYOUTS)
def test_boxes_of_those_who_make_something_happen_agree_with_what_is_drawn(scene: SceneKind, views: dict[SceneKind, Renderer]) -> None:
    seen: dict[str, set[str]] = {}
    for happening in able(place(scene)):
        _, script = scripted(scene, happening)
        for event in script.events[:1]:
            actors = script.present((event.start_s + event.end_s) / 2)
            with views[scene].current():
                rows = list(agreement(views[scene], place(scene).camera, actors))
            assert [row for row in rows if row[2] <= 0.9] == [], happening
            seen[happening] = {kind for kind, share, _ in rows if share > 0.5}
    # Water and stalls have no boxes; what there is of a stall's people is behind it.
    assert {"person"} <= seen["person_down"] and {"person"} <= seen["fight"] and {"person"} <= seen["crowd_surge"]
    assert "rubbish" not in seen or "heap" in seen["rubbish"]
    assert "street_trader" not in seen or "pushcart" in seen["street_trader"]


@pytest.mark.parametrize("kind", ["person", "bag", *LENGTH_M])
def test_boxes_of_every_kind_agree_with_what_is_drawn_also_at_the_edges_of_the_picture(kind: str) -> None:
    random = np.random.default_rng(5)
    seen: set[str] = set()
    with Renderer(ROAD, CAMERA, LIGHTING["day"], SIZE_PX) as renderer:
        # In the middle, cut by the left and the right edge, cut by the lower edge, and half behind the camera.
        for x_m, y_m in ((0.0, 14.0), (-7.0, 13.0), (6.2, 12.0), (1.0, 8.6), (0.3, 2.5)):
            for yaw_rad in (0.4, 1.57, 2.6):
                one = _some(kind, random)
                one.place(x_m, y_m, yaw_rad)
                for name, share, agree in agreement(renderer, CAMERA, [one]):
                    assert agree > 0.9, (name, x_m, y_m, yaw_rad, share, agree)
                    seen.add(name)
    assert seen == {kind} | ({"rider"} if kind in ("motorcycle", "bicycle", "pushcart") else set())


def _some(kind: str, random: np.random.Generator) -> Actor:
    if kind == "person":
        return person(7, any_looks(random))
    if kind == "bag":
        return bag(7)
    made = model(next(known for known in LENGTH_M if known == kind), random)
    return Actor(7, made.kind, made.mesh, riders=made.riders)


def test_what_stands_before_somebody_hides_him_in_the_mask() -> None:
    kind: VehicleKind = "bus"
    behind, before = person(1, any_looks(np.random.default_rng(1)), 0.0, 30.0), Actor(3, kind, model(kind, np.random.default_rng(1)).mesh)
    before.place(0.0, 20.0, 0.0)
    drawn, _ = moving([behind, before])
    with Renderer(ROAD, CAMERA, LIGHTING["day"], SIZE_PX) as renderer:
        assert tight(renderer.masks(drawn), 2)[1] == 0
        assert tight(renderer.masks(only(drawn, 2)), 2)[1] > 100
