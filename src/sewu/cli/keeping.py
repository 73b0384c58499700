"""`sewu backup`, `sewu restore` and `sewu prune`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from sewu.base.clock import SystemClock
from sewu.cli.language import words as words_of
from sewu.cli.register import HomeOption


def backup(
    file: Annotated[Path, typer.Argument(help="File to write, for example sewu-2026-11-24.backup.")], home: HomeOption = None
) -> None:
    """Copy the database, as it is at one moment, into one file; the service may go on. The key is not in it."""
    from sewu.wiring.keeping import back_up

    report = asyncio.run(back_up(home, file, SystemClock().now_s()))
    typer.echo(words_of()("keeping.saved", rows=sum(report.rows.values()), file=file))


def restore(file: Annotated[Path, typer.Argument(help="File that `sewu backup` wrote.")], home: HomeOption = None) -> None:
    """Fill the home's database, which must be empty, from a backup of either kind of database."""
    from sewu.wiring.keeping import fill_from

    report = asyncio.run(fill_from(home, file))
    typer.echo(words_of()("keeping.restored", rows=sum(report.rows.values()), revision=report.revision))


def prune(home: HomeOption = None) -> None:
    """Delete what is older than the settings' [retention] says."""
    from sewu.wiring.keeping import prune_now

    for name, count in asyncio.run(prune_now(home, SystemClock().now_s())).items():
        typer.echo(words_of()(f"keeping.pruned.{name}", count=count))
