"""`sewu models quantise` and `sewu models free`: variants of a model made on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sewu.cli.language import words


def quantise(
    name: Annotated[str, typer.Argument(help="Name of the model, as in `sewu models list`.")],
    frames: Annotated[Path, typer.Option(help="Folder of pictures or clips, or a clip, of the cameras it is meant for.")],
    count: Annotated[int, typer.Option(min=8, max=2000, help="Pictures to take from it.")] = 64,
    long_side: Annotated[int, typer.Option(min=32, max=4096, help="Long side of the input in pixels, for models of free size.")] = 416,
) -> None:
    """Make an INT8 variant with your own pictures. Measure it before you use it: it may be faster, and it finds less."""
    from sewu.wiring.quantising import quantise_model

    entry = quantise_model(name, frames, count, long_side)
    typer.echo(words()("models.quantised", name=entry.card.name, path=entry.path))


def free(name: Annotated[str, typer.Argument(help="Name of the model, as in `sewu models list`.")]) -> None:
    """Make a variant that takes any input size, so that wide pictures cost no padding: a third less time, the same boxes."""
    from sewu.detect.freeing import free as make
    from sewu.detect.shelf import Shelf

    entry = make(name, Shelf())
    typer.echo(words()("models.freed", name=entry.card.name, path=entry.path))


def mount(app: typer.Typer) -> None:
    """Put the commands under `sewu models`."""
    app.command("quantise")(quantise)
    app.command("free")(free)
