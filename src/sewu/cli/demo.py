"""`sewu demo`."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.progress import Progress

from sewu.base.clock import SystemClock
from sewu.cli.analyze import bars, print_result, stopping
from sewu.cli.language import words as words_of


def demo(
    source: Annotated[str | None, typer.Option(help="Your own: an RTSP address is watched beside the city, a clip is analysed.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path("sewu-out/demo"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the screens.")] = 8374,
    cameras: Annotated[int, typer.Option(min=4, max=500, help="How many cameras are live.")] = 24,
    painted: Annotated[bool, typer.Option("--painted", help="Only analyse a painted street whose truth is known; half a minute.")] = False,
) -> None:
    """See a city live: simulated cameras, the watch engine, the service and its screens; or analyse your own clip."""
    from sewu.cli.serve import configure_log
    from sewu.wiring.demo import fetch_model

    words, console = words_of(), Console(stderr=True)
    model, sentence = fetch_model(lambda text: console.print(text, highlight=False))
    console.print(sentence, highlight=False, style="bold")
    if source is not None and urlsplit(source).scheme not in {"rtsp", "rtsps"}:
        _own_clip(source, out)
        return
    if painted:
        _painted(out)
        return
    from sewu.wiring.living import DemoOptions, living

    configure_log(quiet=True)
    living(DemoOptions(out, model, host, port, cameras, source), words, typer.echo, SystemClock())


def _painted(out: Path) -> None:
    """Analyse a painted street, and compare what was found with what is true."""
    from sewu.wiring.demo import demonstrate

    words, console, stop = words_of(), Console(stderr=True), threading.Event()
    with stopping(stop), Progress(console=console, transient=True) as painting, bars(console, words) as on_progress:
        task = painting.add_task(words("cli.painting"), total=1.0, visible=False)
        result = demonstrate(out, lambda share: painting.update(task, completed=share, visible=share < 1), on_progress, stop)
    print_result(result.analysed, words, Console())
    typer.echo("  " + words("cli.demo_truth", found=result.found, true=result.true, false=result.false, crossings=result.crossings_true))
    if result.analysed.report is not None:
        typer.echo("  " + words("cli.demo_open", report=result.analysed.report.resolve().as_uri()))
    if result.analysed.outcome.error is not None:
        raise typer.Exit(result.analysed.outcome.error.exit_code)


def _own_clip(source: str, out: Path) -> None:
    """Analyse the user's clip or stream and say where the report is."""
    from sewu.wiring.analysis import AnalyzeOptions, analyze

    words, console, stop = words_of(), Console(stderr=True), threading.Event()
    with stopping(stop), bars(console, words) as on_progress:
        (analysed,) = analyze(AnalyzeOptions((source,), out), on_progress, stop)
    print_result(analysed, words, Console())
    if analysed.report is not None:
        typer.echo("  " + words("cli.demo_open", report=analysed.report.resolve().as_uri()))
    if analysed.outcome.error is not None:
        raise typer.Exit(analysed.outcome.error.exit_code)
