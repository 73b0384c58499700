"""`sewu audit`: is the trail whole, and a copy of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sewu.cli.language import words as words_of

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of the service; SEWU_HOME or your data folder when left out.")]

app = typer.Typer(no_args_is_help=True, help="Who looked at, searched, exported or changed what.")


@app.command("verify")
def verify(
    known: Annotated[str | None, typer.Option("--known", help="SEQUENCE:HASH that an earlier verify printed and you kept.")] = None,
    home: HomeOption = None,
) -> None:
    """Recompute the whole chain; exit code 1 when anything was changed, with where. Keep the head it prints elsewhere."""
    from sewu.wiring.peopling import at_home
    from sewu.wiring.peopling import verify as run

    verdict, words = at_home(home, lambda parts: run(parts, known)), words_of()
    if verdict.broken_at is not None:
        typer.echo(words("audit.broken", at=verdict.broken_at, why=verdict.why), err=True)
        raise typer.Exit(1)
    typer.echo(words("audit.whole", rows=verdict.rows, head=f"{verdict.head.sequence}:{verdict.head.hash}"))


@app.command("export")
def export(file: Annotated[Path, typer.Argument(help="File to write, JSON Lines.")], home: HomeOption = None) -> None:
    """Write every row with its hash, oldest first."""
    from sewu.wiring.peopling import at_home
    from sewu.wiring.peopling import export as run

    count = at_home(home, lambda parts: run(parts, file))
    typer.echo(words_of()("audit.exported", count=count, file=file))
