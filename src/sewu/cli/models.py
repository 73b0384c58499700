"""`sewu models`: which detectors there are, and how to get them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from sewu.base.errors import BadModel, SewuError
from sewu.base.words import Words, choose_language
from sewu.cli import models_make

if TYPE_CHECKING:
    from sewu.detect.shelf import Entry, Shelf, Verified

app = typer.Typer(no_args_is_help=True, help="List, add, pull, verify and quantise detection models.")
models_make.mount(app)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
ModelArgument = Annotated[str, typer.Argument(help="Name of the model, as in `sewu models list`.")]


def _shelf() -> Shelf:
    # ONNX Runtime and OpenCV take half a second to load: not for `sewu --help`.
    from sewu.detect.shelf import Shelf

    return Shelf()


def _words() -> Words:
    return Words(choose_language(os.environ.get("SEWU_LANGUAGE") or os.environ.get("LANG")))


@contextmanager
def _explained() -> Iterator[None]:
    """Print an error of ours on stderr and leave with its exit code."""
    try:
        yield
    except SewuError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from error


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models with their licence, and whether their file is here and has the right hash."""
    words, shelf = _words(), _shelf()
    with _explained():
        entries = shelf.entries()
    for fault in shelf.faults():
        typer.echo(str(fault), err=True)
    if as_json:
        typer.echo(json.dumps([_as_dict(entry) for entry in entries], indent=2))
        return
    table = Table()
    for key in ("name", "family", "input", "licence", "here", "hash"):
        table.add_column(words(f"models.{key}"))
    for entry in entries:
        card, spec = entry.card, entry.card.input
        size = f"{spec.width_px}x{spec.height_px}" + (f" (n x {spec.multiple_of})" if spec.multiple_of else "")
        here = words("models.yes" if entry.path else "models.no")
        table.add_row(card.name, card.family, size, card.licence, here, words(f"models.hash.{entry.hash or 'absent'}"))
    Console().print(table)
    typer.echo(words("models.folders", folders=", ".join(str(folder) for folder in shelf.folders)))


@app.command()
def pull(
    name: ModelArgument,
    accept_unknown_hash: Annotated[
        bool, typer.Option("--accept-unknown-hash", help="Take a file whose card names no SHA-256, and write down the one it has.")
    ] = False,
) -> None:
    """Download the official file of a model and check its hash. Goes on where an earlier pull stopped."""
    words = _words()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with _explained(), Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(words("models.pulling", name=name), total=None)
        entry = _shelf().pull(name, lambda done, total: bar.update(task, completed=done, total=total), accept_unknown_hash)
    typer.echo(words("models.pulled", name=entry.card.name, path=entry.path))


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="An .onnx file.")],
    card: Annotated[Path | None, typer.Option(help="Its card (TOML); left out: the one beside it, else recognised.")] = None,
    name: Annotated[str | None, typer.Option(help="Call it so; left out: the card's name.")] = None,
) -> None:
    """Copy a model that you have, with its card, to where Sewu looks, after running it once."""
    words = _words()
    with _explained():
        entry = _shelf().add(file, card, name)
    typer.echo(words("models.added", name=entry.card.name, path=entry.path))


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Names or .onnx files; left out: every model that is here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare hashes, load each model and run it once on a grey picture. Exit code 2 when one is not good."""
    words, shelf = _words(), _shelf()
    with _explained():
        found = [shelf.verify(name) for name in names or [entry.card.name for entry in shelf.entries() if entry.path]]
        if not found:
            raise BadModel("There is no model to verify.", "Get one with `sewu models pull yolox-nano`.")
    if as_json:
        extra = [{"sha256": one.sha256, "providers": one.providers, "fault": one.fault, "good": one.good} for one in found]
        typer.echo(json.dumps([_as_dict(one.entry) | more for one, more in zip(found, extra, strict=True)], indent=2))
    else:
        for one in found:
            typer.echo(_sentence(one, words))
    if not all(one.good for one in found):
        raise typer.Exit(BadModel.exit_code)


def _sentence(one: Verified, words: Words) -> str:
    values = {"name": one.entry.card.name, "path": one.entry.path, "hash": words(f"models.hash.{one.entry.hash or 'absent'}")}
    if one.fault is not None:
        return words("models.faulty", **values, fault=one.fault)
    return words("models.verified", **values, providers=", ".join(one.providers))


def _as_dict(entry: Entry) -> dict[str, object]:
    card = entry.card
    return {
        "name": card.name,
        "family": card.family,
        "input_px": [card.input.width_px, card.input.height_px],
        "multiple_of": card.input.multiple_of,
        "licence": card.licence,
        "url": card.url,
        "path": str(entry.path) if entry.path else None,
        "hash": entry.hash,
        "note": card.note,
    }
