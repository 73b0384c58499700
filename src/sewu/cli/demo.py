"""`sewu demo`."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from sewu.cli.analyze import bars, print_result, stopping
from sewu.cli.language import words as words_of


def demo(
    source: Annotated[str | None, typer.Option(help="Your own clip or stream instead of the painted street.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("sewu-out/demo"),
) -> None:
    """See Sewu work: analyse a painted street whose truth is known, or your own source, and say where the report is."""
    from sewu.wiring.demo import demonstrate, fetch_model

    words, console, stop = words_of(), Console(stderr=True), threading.Event()
    console.print(fetch_model(lambda text: console.print(text, highlight=False)), highlight=False, style="bold")
    with stopping(stop), Progress(console=console, transient=True) as painting, bars(console, words) as on_progress:
        task = painting.add_task(words("cli.painting"), total=1.0, visible=False)

        def on_paint(share: float) -> None:
            painting.update(task, completed=share, visible=share < 1)

        result = demonstrate(source, out, on_paint, on_progress, stop)
    print_result(result.analysed, words, Console())
    if result.true is not None:
        typer.echo(
            "  " + words("cli.demo_truth", found=result.found, true=result.true, false=result.false, crossings=result.crossings_true)
        )
    if result.analysed.report is not None:
        typer.echo("  " + words("cli.demo_open", report=result.analysed.report.resolve().as_uri()))
    if result.analysed.outcome.error is not None:
        raise typer.Exit(result.analysed.outcome.error.exit_code)
