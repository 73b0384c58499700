"""`sewu models quantise`."""

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


def mount(app: typer.Typer) -> None:
    """Put the command under `sewu models`."""
    app.command("quantise")(quantise)
