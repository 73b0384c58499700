"""Renders several loops at once: one process for each, as many at a time as there are cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from sewu.base.errors import SewuError, Unavailable
from sewu.simulate.loop_cache import READY
from sewu.simulate.loops import LoopRecipe, render_loop

STOPS_WITHIN_S = 5.0
THREADS = "LP_NUM_THREADS"
"""How many threads Mesa's software renderer draws with; one, where every core has a loop of its own."""


@dataclass(frozen=True, slots=True)
class Share:
    """loops: how many are missing and being rendered. done: share of their pictures that are, 0 to 1."""

    loops: int
    done: float


Progress = Callable[[Share], None]


def render_missing(
    recipes: Sequence[LoopRecipe], cache: Path, progress: Progress | None = None, processes: int | None = None
) -> list[LoopRecipe]:
    """Render those loops that the cache lacks; gives their recipes.

    Args:
        progress: called now and then with what is done of all of them together.
        processes: most that run at once; as many as this process may use cores when left out.

    Raises:
        BadSettings, BadSource, StoreFull, Unavailable: as `loop_held`; what other loops were being rendered is left out then.
    """
    missing = [recipe for recipe in dict.fromkeys(recipes) if not (cache / recipe.name / READY).is_file()]
    tell = _Together(missing, progress or (lambda share: None))
    most = min(len(missing), processes or len(os.sched_getaffinity(0)))
    if most > 1:
        _render_side_by_side(missing, cache, tell, most)
    else:
        # A process of its own would only cost its start.
        for recipe in missing:
            render_loop(recipe, cache, lambda share, recipe=recipe: tell(recipe, share))  # type: ignore[misc]
    return missing


class _Together:
    """Adds up what is done, by pictures and their size."""

    def __init__(self, recipes: Sequence[LoopRecipe], progress: Progress) -> None:
        sizes = [r.duration_s * r.rate_fps * r.size_px[0] * r.size_px[1] for r in recipes]
        self._weights = {recipe: size / sum(sizes) for recipe, size in zip(recipes, sizes, strict=True)}
        self._done = dict.fromkeys(recipes, 0.0)
        self._progress = progress

    def __call__(self, recipe: LoopRecipe, share: float) -> None:
        self._done[recipe] = share
        whole = all(done >= 1 for done in self._done.values())
        total = 1.0 if whole else sum(self._weights[each] * done for each, done in self._done.items())
        self._progress(Share(len(self._done), total))


def _render_side_by_side(recipes: Sequence[LoopRecipe], cache: Path, tell: _Together, most: int) -> None:
    waiting, running = list(reversed(recipes)), dict[Connection, tuple[SpawnProcess, LoopRecipe]]()
    try:
        while waiting or running:
            while waiting and len(running) < most:
                recipe = waiting.pop()
                told, process = _start(recipe, cache)
                running[told] = process, recipe
            heard = set(wait(list(running)))
            for told in [each for each in running if each in heard]:
                process, recipe = running[told]
                said = _heard(told, recipe)
                if isinstance(said, SewuError):
                    raise said
                if said is None:
                    _end(told, process)
                    del running[told]
                else:
                    tell(recipe, said)
    finally:
        for told, (process, _) in running.items():
            process.terminate()
            _end(told, process)


def _start(recipe: LoopRecipe, cache: Path) -> tuple[Connection, SpawnProcess]:
    # An OpenGL context does not survive a fork.
    context = multiprocessing.get_context("spawn")
    told, tells = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(recipe, cache, tells), daemon=True)
    process.start()
    # Only the child keeps this end, so that its death ends the pipe.
    tells.close()
    return told, process


def _heard(told: Connection, recipe: LoopRecipe) -> float | SewuError | None:
    """The share that is done, why it is not, or None at the end."""
    try:
        said: float | SewuError | None = told.recv()
    except EOFError:
        return Unavailable(f"The process that rendered {recipe.name} was ended.", "Check the memory of this machine, and start again.")
    return said


def _end(told: Connection, process: SpawnProcess) -> None:
    told.close()
    process.join(STOPS_WITHIN_S)
    if process.is_alive():
        process.kill()
        process.join(STOPS_WITHIN_S)


def _work(recipe: LoopRecipe, cache: Path, tells: Connection) -> None:
    """In a process of its own. It ends with the pipe, however its parent ended."""
    os.environ[THREADS] = "1"
    # Nobody listens any more.
    with suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            render_loop(recipe, cache, tells.send)
        except SewuError as error:
            tells.send(error)
        else:
            tells.send(None)
