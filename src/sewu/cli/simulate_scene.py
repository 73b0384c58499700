"""`sewu simulate scene`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, cast

import platformdirs
import typer

from sewu.base.errors import BadSettings, StoreFull
from sewu.base.words import Words, choose_language
from sewu.simulate.loop_cache import LIMIT_BYTES, make_room
from sewu.simulate.loops import Loop, LoopRecipe, loop_held
from sewu.simulate.scenes.happenings import ZONE_KIND, HappeningKind
from sewu.simulate.scenes.light import Light
from sewu.simulate.scenes.place import SceneKind
from sewu.simulate.scenes.routine import routine
from sewu.simulate.sheet import write_sheet
from sewu.simulate.spoil import SPOIL_KINDS, Spoiled, spoiled
from sewu.simulate.spoil_clip import faults_jsonl, spoil_clip


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
    happenings: Annotated[Literal["routine"] | None, typer.Option(help="Draw what happens from the seed, as suits the place.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help=f"kind@from-to in seconds; may be repeated: {', '.join(SPOIL_KINDS)}.")] = None,
    light: Annotated[Light, typer.Option(help="Time and weather.")] = "day",
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT of the main stream.")] = "1920x1080",
    lens_k1: Annotated[float, typer.Option(help="Bending of the lens: -0.25 (strong barrel) to 0.25; 0 for none.")] = 0.0,
) -> None:
    """Render a street scene whose truth is known to the pixel, as a video."""
    say = Words(choose_language(os.environ.get("SEWU_LANGUAGE") or os.environ.get("LANG")))
    # The recipe refuses happenings that it does not know.
    chosen = dict.fromkeys((*cast(tuple[HappeningKind, ...], tuple(happening or ())), *(routine(kind, seed) if happenings else ())))
    faults = [spoiled(text) for text in fault or ()]
    recipe = LoopRecipe(kind, seed, seconds, tuple(chosen), light, _size_px(size), lens_k1)
    cache = platformdirs.user_cache_path("sewu") / "loops"
    zones = out.with_name("scene.toml" if out.name == "scene.mp4" else f"{out.stem}.scene.toml")
    with loop_held(recipe, cache, _progress(say)) as loop:
        _copy(loop, out, zones, truth)
        if faults:
            _spoil(loop, out, truth, faults)
        room = make_room(cache)
    typer.echo(say("simulate.scene.done", video=out, zones=zones, loop=loop.folder))
    typer.echo(say("simulate.scene.cache", used_mb=round(room.used_bytes / 1e6), limit_mb=round(LIMIT_BYTES / 1e6)))


def _copy(loop: Loop, out: Path, zones: Path, truth: Path | None) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(loop.streams["main"], out)
        shutil.copyfile(loop.folder / "scene.toml", zones)
        if truth is not None:
            shutil.copytree(loop.truth, truth, dirs_exist_ok=True)
    except OSError as error:
        raise StoreFull(f"{out} cannot be written: {error.strerror}.", "Name another place with --out and --truth.") from error


def _spoil(loop: Loop, out: Path, truth: Path | None, faults: Sequence[Spoiled]) -> None:
    """The copy gets the faults; the loop in the cache stays whole."""
    done = spoil_clip(loop.streams["main"], out, faults)
    if truth is not None:
        try:
            (truth / "faults.jsonl").write_text(faults_jsonl(done), encoding="utf-8")
        except OSError as error:
            raise StoreFull(f"{truth} cannot be written: {error.strerror}.", "Name another place with --truth.") from error


def sheet(
    loop: Annotated[Path, typer.Argument(help="Folder of a loop, as sewu simulate scene keeps them.")],
    out: Annotated[Path, typer.Option(help="Where the picture goes, .png or .jpg.")] = Path("sheet.png"),
) -> None:
    """Draw the middle of each true event of a loop, with its zone and those who did it."""
    say = Words(choose_language(os.environ.get("SEWU_LANGUAGE") or os.environ.get("LANG")))
    write_sheet(loop, out)
    typer.echo(say("simulate.sheet.done", sheet=out))


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
