"""`sewu evidence`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sewu.cli.language import words as words_of

app = typer.Typer(no_args_is_help=True, help="Check evidence packages, offline.")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The evidence package (ZIP).")],
    key: Annotated[Path | None, typer.Option(help="Public key of the city (PEM), that came by another way than the package.")] = None,
) -> None:
    """Say whether a package is as it was signed, and name what was changed; exit code 1 when anything was."""
    from sewu.respond.package import public_key_of, verify_package

    words = words_of()
    verdict = verify_package(file, None if key is None else public_key_of(key))
    for fault in verdict.faults:
        typer.echo(f"{file}: {fault}", err=True)
    if not verdict.is_intact:
        typer.echo(words("evidence.tampered", file=file, count=len(verdict.faults)), err=True)
        raise typer.Exit(1)
    typer.echo(words("evidence.intact", file=file, count=verdict.files, key=verdict.key))
    typer.echo(words("evidence.origin" if verdict.origin else "evidence.origin_open"))
