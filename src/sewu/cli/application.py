"""All commands of `sewu`."""

from __future__ import annotations

from typing import Annotated

import typer

from sewu import __version__
from sewu.cli import analyze, evaluate, models

app = typer.Typer(
    name="sewu",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="City-scale CCTV analytics: counts, tracks, events with evidence, every number with its measured error.",
)
app.command("analyze")(analyze.analyze)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(models.app, name="models")


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False) -> None:
    """Read the version, or go on to a command."""
    if version:
        typer.echo(f"sewu {__version__}")
        raise typer.Exit
