"""Loops, drawn small and short; skipped where EGL is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import av
import moderngl
import numpy as np
import pytest

from sewu.base.errors import Unavailable
from sewu.cameras import load_scene
from sewu.simulate.casting import find_loops
from sewu.simulate.loops import Loop, LoopRecipe, render_loop
from sewu.simulate.scenes.happenings import ZONE_KIND
from sewu.simulate.scenes.layout import LAYOUTS
from sewu.simulate.scenes.render import open_context

RECIPE = LoopRecipe("street", 1, 2.0, size_px=(160, 92), rate_fps=15)
KINDS = {*ZONE_KIND.values(), "bay"}


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    try:
        open_context().release()
    except Unavailable as error:
        pytest.skip(str(error))
    return render_loop(RECIPE, tmp_path_factory.mktemp("loops"))


def packets(path: Path) -> Iterator[tuple[int, bool]]:
    with av.open(str(path)) as container:
        yield from ((packet.pts, packet.is_keyframe) for packet in container.demux(video=0) if packet.pts is not None)


def test_a_loop_is_what_the_city_looks_for(loop: Loop) -> None:
    (found,) = find_loops(loop.folder.parent)
    assert found.duration_s == 2.0
    assert set(found.streams) == {"main", "sub"} and found.truth == loop.truth
    with av.open(str(loop.streams["main"])) as main, av.open(str(loop.streams["sub"])) as sub:
        assert (main.streams.video[0].width, main.streams.video[0].frames) == (160, 30) and main.streams.video[0].average_rate == 15
        assert (sub.streams.video[0].width, sub.streams.video[0].frames) == (640, 20) and sub.streams.video[0].average_rate == 10


def test_pictures_come_in_order_and_begin_with_a_keyframe(loop: Loop) -> None:
    for path in loop.streams.values():
        rows = list(packets(path))
        assert rows[0][1]
        assert [pts for pts, _ in rows] == sorted(pts for pts, _ in rows)


def test_a_loop_is_rendered_once(loop: Loop) -> None:
    with mock.patch("sewu.simulate.loops.Renderer", side_effect=AssertionError("rendered again")):
        assert render_loop(RECIPE, loop.folder.parent) == loop


def test_the_zones_file_is_one_that_sewu_reads(loop: Loop) -> None:
    scene = load_scene(loop.folder / "scene.toml", KINDS)
    assert scene.size_px == (160, 92) and scene.zones and scene.lines
    assert scene.ground is not None
    camera = LAYOUTS["street"](np.random.default_rng(1)).camera
    pixel = camera.to_picture_px(np.asarray([[0.0, 20.0, 0.0]]), (160, 92))[:, :2]
    assert np.allclose(scene.ground.to_ground_m(pixel), [[0.0, 20.0]], atol=0.3)


def test_the_truth_has_a_box_in_every_picture_and_none_outside(loop: Loop) -> None:
    rows = np.loadtxt(loop.truth / "gt.txt", delimiter=",")
    assert set(rows[:, 0]) == set(range(1, 31))
    assert (rows[:, 2:4] >= 0).all() and (rows[:, 2] + rows[:, 4] <= 160.1).all() and (rows[:, 3] + rows[:, 5] <= 92.1).all()
    assert ((rows[:, 8] >= 0) & (rows[:, 8] <= 1)).all()
    assert json.loads((loop.folder / "loop.json").read_text())["synthetic"] is True
    assert (loop.truth / "counts.csv").read_text().startswith("minute,measure,place,class,value\n")


def test_without_egl_the_error_says_what_to_install() -> None:
    with (
        mock.patch.object(moderngl, "create_standalone_context", side_effect=Exception("libEGL.so.1: cannot open shared object file")),
        pytest.raises(Unavailable, match="libegl1 libgl1-mesa-dri"),
    ):
        open_context()
