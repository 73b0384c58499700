"""`sewu simulate scene`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import platformdirs
import typer

from sewu.base.errors import BadSettings, StoreFull
from sewu.base.words import Words, choose_language
from sewu.simulate.loops import Loop, LoopRecipe, render_loop
from sewu.simulate.scenes.happenings import ZONE_KIND, HappeningKind
from sewu.simulate.scenes.light import Light
from sewu.simulate.scenes.place import SceneKind


def _size_px(text: str) -> tuple[int, int]:
    """Of WIDTHxHEIGHT. Raises BadSettings."""
    width, by, height = text.lower().partition("x")
    if not (by and width.isdecimal() and height.isdecimal()):
        raise BadSettings(f"--size {text} is not WIDTHxHEIGHT.", "Write, for example, --size 1280x720.")
    return int(width), int(height)


def scene(  # noqa: PLR0913 - each is an option of the command line
    kind: Annotated[SceneKind, typer.Argument(help="Which place.")],
    out: Annotated[Path, typer.Option(help="Where the video goes; scene.toml is written beside it.")] = Path("scene.mp4"),
    truth: Annotated[Path | None, typer.Option(help="Folder for gt.txt, events.jsonl and counts.csv.")] = None,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other people and traffic.")] = 1,
    happening: Annotated[list[str] | None, typer.Option(help=f"What shall happen; may be repeated: {', '.join(ZONE_KIND)}.")] = None,
    light: Annotated[Light, typer.Option(help="Time and weather.")] = "day",
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT of the main stream.")] = "1920x1080",
) -> None:
    """Render a street scene whose truth is known to the pixel, as a video."""
    say = Words(choose_language(os.environ.get("SEWU_LANGUAGE") or os.environ.get("LANG")))
    # The recipe refuses happenings that it does not know.
    recipe = LoopRecipe(kind, seed, seconds, cast(tuple[HappeningKind, ...], tuple(happening or ())), light, _size_px(size))
    loop = render_loop(recipe, platformdirs.user_cache_path("sewu") / "loops", _progress(say))
    zones = out.with_name("scene.toml" if out.name == "scene.mp4" else f"{out.stem}.scene.toml")
    _copy(loop, out, zones, truth)
    typer.echo(say("simulate.scene.done", video=out, zones=zones, loop=loop.folder))


def _copy(loop: Loop, out: Path, zones: Path, truth: Path | None) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(loop.streams["main"], out)
        shutil.copyfile(loop.folder / "scene.toml", zones)
        if truth is not None:
            shutil.copytree(loop.truth, truth, dirs_exist_ok=True)
    except OSError as error:
        raise StoreFull(f"{out} cannot be written: {error.strerror}.", "Name another place with --out and --truth.") from error


def _progress(say: Words) -> Callable[[float], None] | None:
    """A line that counts up, where somebody looks on."""
    if not sys.stderr.isatty():
        return None
    shown = [-1]

    def show(share: float) -> None:
        if round(share * 100) != shown[0]:
            shown[0] = round(share * 100)
            typer.echo(f"\r{say('simulate.scene.rendering', percent=shown[0])}", err=True, nl=share >= 1)

    return show
