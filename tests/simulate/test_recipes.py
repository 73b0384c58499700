"""Files that list loops; rendering is skipped where EGL is missing."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from sewu.base.errors import BadSettings, Unavailable
from sewu.simulate.loop_cache import make_room
from sewu.simulate.loops import LoopRecipe
from sewu.simulate.recipes import load_recipes, loops_held, names_recipes
from sewu.simulate.rendering import Share
from sewu.simulate.scenes.happenings import make_script
from sewu.simulate.scenes.layout import LAYOUTS
from sewu.simulate.scenes.light import LIGHTING
from sewu.simulate.scenes.render import open_context

TINY = '[[loops]]\nscene = "carpark"\nseconds = 1\nseed = {seed}\nsize_px = [64, 64]\nrate_fps = 10\n'


def test_the_default_set_shows_every_place_and_light_and_all_its_happenings_fit() -> None:
    recipes = load_recipes(Path("default"))
    assert {recipe.kind for recipe in recipes} == set(LAYOUTS)
    assert {recipe.light for recipe in recipes} == set(LIGHTING)
    assert 6 <= len(recipes) <= 8 and {recipe.duration_s for recipe in recipes} == {60.0}
    assert len({recipe.name for recipe in recipes}) == len(recipes)
    assert any(recipe.lens_k1 for recipe in recipes)


@pytest.mark.parametrize("index", range(8))
def test_every_default_loop_has_its_events_within_its_length(index: int) -> None:
    recipe = load_recipes(Path("default"))[index]
    random, next_id = np.random.default_rng(recipe.seed), [1]
    layout = LAYOUTS[recipe.kind](random)
    scripts = [make_script(kind, layout, recipe.duration_s, random, next_id) for kind in recipe.happenings]
    assert [script.events[-1].kind for script in scripts] == list(recipe.happenings)
    assert all(0 < event.start_s < event.end_s < recipe.duration_s for script in scripts for event in script.events)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "loops = []",
        '[[loops]]\nscene = "moon"',
        '[[loops]]\nscene = "street"\nhappenings = ["rapture"]',
        '[[loops]]\nscene = "street"\nseconds = 0',
        '[[loops]]\nscene = "street"\nsize_px = [65, 64]',
        '[[loops]]\nscene = "street"\nlens_k1 = 0.6',
        '[[loops]]\nscene = "street"\nrate_fps = 9',
        '[[loops]]\nscene = "street"\nrate_fps = 31',
        '[[loops]]\nscene = "street"\nrate_fps = 12.5',
        '[[loops]]\nscene = "street"\ncolour = "red"',
        "[[loops]",
    ],
)
def test_a_file_that_asks_for_what_cannot_be_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "loops.toml").write_text(text)
    with pytest.raises(BadSettings):
        load_recipes(tmp_path / "loops.toml")


def test_a_file_gives_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "loops.toml").write_text(
        '[[loops]]\nscene = "market"\nseed = 4\nlight = "rain"\nhappenings = ["gathering"]\nseconds = 25\nrate_fps = 12'
    )
    assert load_recipes(tmp_path / "loops.toml") == [LoopRecipe("market", 4, 25.0, ("gathering",), "rain", rate_fps=12)]
    assert names_recipes(tmp_path / "loops.toml") and names_recipes(Path("default")) and not names_recipes(tmp_path)


def test_loops_are_rendered_kept_and_counted(tmp_path: Path) -> None:
    try:
        open_context().release()
    except Unavailable as error:
        pytest.skip(str(error))
    (tmp_path / "loops.toml").write_text(TINY.format(seed=1) + TINY.format(seed=2))
    told: list[Share] = []
    with (
        mock.patch("os.sched_getaffinity", return_value={0}),
        loops_held(load_recipes(tmp_path / "loops.toml"), tmp_path / "cache", 1, told.append) as (loops, room),
    ):
        # Over the limit, but in use.
        assert room.removed == () and room.used_bytes > 1
        assert all((loop.truth / "gt.txt").is_file() and (loop.folder / "scene.toml").is_file() for loop in loops)
        assert told[-1] == Share(2, 1.0)
        assert [share.done for share in told] == sorted(share.done for share in told)
    assert len(make_room(tmp_path / "cache", 1).removed) == 2
