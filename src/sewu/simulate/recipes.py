"""A file that lists loops to render: which places, seeds, happenings and light."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import Field

from sewu.base.settings import Settings, load_settings
from sewu.simulate.loop_cache import LIMIT_BYTES, Room, make_room
from sewu.simulate.loops import MAIN_FPS, MAIN_SIZE_PX, Loop, LoopRecipe, loop_held
from sewu.simulate.rendering import Progress, render_missing
from sewu.simulate.scenes.happenings import HappeningKind
from sewu.simulate.scenes.light import Light
from sewu.simulate.scenes.place import SceneKind

DEFAULT = "default"
DEFAULT_FILE = Path(__file__).parent / "data" / "default_loops.toml"
MAX_LOOPS = 200


class LoopEntry(Settings):
    """One loop of a recipes file."""

    scene: SceneKind
    """The place."""
    seed: int = Field(1, ge=0)
    """Another seed, other shops, people and traffic."""
    seconds: float = Field(60.0, ge=1, le=3600)
    """Length of the loop, s."""
    light: Light = "day"
    """Time and weather."""
    happenings: tuple[HappeningKind, ...] = ()
    """What shall happen; loops with happenings are 20 s long or more."""
    lens_k1: float = 0.0
    """Bending of the lens: -0.25 (strong barrel) to 0.25; 0 for none."""
    size_px: tuple[int, int] = MAIN_SIZE_PX
    """Width and height of the main stream, multiples of 4."""
    rate_fps: int = MAIN_FPS
    """Pictures a second of the main stream, 10 to 30."""

    def recipe(self) -> LoopRecipe:
        """Raises BadSettings: what cannot be rendered."""
        return LoopRecipe(self.scene, self.seed, self.seconds, self.happenings, self.light, self.size_px, self.lens_k1, self.rate_fps)


class RecipesFile(Settings):
    """The file: a list of loops."""

    loops: tuple[LoopEntry, ...] = Field(min_length=1, max_length=MAX_LOOPS)
    """The loops, in the order in which they are rendered."""


def load_recipes(path: Path) -> list[LoopRecipe]:
    """The loops of a recipes file (TOML or JSON); `default` names the one that comes with the package.

    Raises:
        BadSettings: the file cannot be read, or asks for what cannot be rendered.
    """
    return [entry.recipe() for entry in load_settings(RecipesFile, DEFAULT_FILE if str(path) == DEFAULT else path).loops]


def names_recipes(path: Path) -> bool:
    """Whether `--loops PATH` names a recipes file rather than a folder of loops."""
    return str(path) == DEFAULT or path.suffix.lower() in (".toml", ".json")


@contextmanager
def loops_held(
    recipes: Sequence[LoopRecipe], cache: Path, limit_bytes: int = LIMIT_BYTES, progress: Progress | None = None
) -> Iterator[tuple[list[Loop], Room]]:
    """All loops of these recipes, rendered where missing, and the room that was made for them; none is removed within the block.

    Args:
        limit_bytes: of the cache. Loops that are in use stay even when they are more.
        progress: called with what is done of all that are missing together.

    Raises:
        BadSettings, BadSource, StoreFull, Unavailable: as `loop_held`.
    """
    render_missing(recipes, cache, progress)
    with ExitStack() as held:
        # Should another process have removed one meanwhile, it is rendered here after all.
        loops = [held.enter_context(loop_held(recipe, cache)) for recipe in recipes]
        yield loops, make_room(cache, limit_bytes)
