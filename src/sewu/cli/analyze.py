"""`sewu analyze`."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from sewu.base.errors import StoreFull
from sewu.base.words import Words
from sewu.cli.language import words as words_of

DEFAULT_OUT = Path("sewu-out")


def analyze(  # noqa: PLR0913 one parameter per option
    sources: Annotated[list[str], typer.Argument(help="Clips or streams: clip.mp4, rtsp://..., http://...")],
    zones: Annotated[Path | None, typer.Option(help="Zones file; make one with `sewu zones draft`.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Rules file; without it the rules that ship with Sewu.")] = None,
    model: Annotated[str | None, typer.Option(help='Model name, path of an .onnx file, "motion", or "NAME+motion".')] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = DEFAULT_OUT,
    video: Annotated[bool, typer.Option("--video", help="Also write an annotated video.")] = False,
    every: Annotated[str, typer.Option(help='How often to look: "5fps", "key" (keyframes), "all".')] = "10fps",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Sources analysed side by side.")] = max(1, os.cpu_count() or 1),
) -> None:
    """Analyse clips or streams: counts, tracks, events with evidence, and a report.

    Exit code: 0 all sources were analysed; 3 some were not; 4 the disk is full; 2 nothing was started; 130 stopped with Ctrl-C.
    """
    from sewu.wiring.analysis import AnalyzeOptions, Looking, model_in_use
    from sewu.wiring.analysis import analyze as run

    words, console = words_of(), Console(stderr=True)
    name, only_motion = model_in_use(model)
    if only_motion and model is None:
        console.print(words("cli.motion_only"), style="yellow")
    options = AnalyzeOptions(tuple(sources), out, zones, rules, model or name, Looking.parse(every), video, at_once)
    stop = threading.Event()
    with stopping(stop), bars(console, words) as on_progress:
        results = run(options, on_progress, stop)
    if as_json:
        typer.echo(json.dumps([_as_json(result) for result in results], indent=1))
    else:
        for result in results:
            print_result(result, words, Console())
    if stop.is_set():
        raise typer.Exit(130)
    codes = [result.outcome.error.exit_code for result in results if result.outcome.error]
    if codes:
        raise typer.Exit(StoreFull.exit_code if StoreFull.exit_code in codes else 3)


@contextmanager
def stopping(stop: threading.Event) -> Iterator[None]:
    """First Ctrl-C: finish properly what was seen. Second: leave at once."""

    def handle(_number: int, _frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def bars(console: Console, words: Words) -> Iterator[Any]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as shown:
        tasks: dict[str, TaskID] = {}
        lock = threading.Lock()

        def on_progress(progress: Any) -> None:
            with lock:
                if progress.camera_id not in tasks:
                    tasks[progress.camera_id] = shown.add_task(progress.camera_id, total=progress.duration_s, rate="")
                task = tasks[progress.camera_id]
                elapsed_s = shown.tasks[task].elapsed or 0.0
                rate = words("cli.rate", speed=f"{progress.done_s / elapsed_s:.1f}", looks=progress.looks) if elapsed_s > 1 else ""
                shown.update(task, completed=progress.done_s, rate=rate)

        yield on_progress


def print_result(result: Any, words: Words, console: Console) -> None:
    console.print(f"[bold]{result.camera_id}[/bold]  {result.source}", highlight=False)
    if result.outcome.error is not None:
        console.print(f"  {words('cli.failed')}: {result.outcome.error.what} {result.outcome.error.advice}", style="red", highlight=False)
    for fault in result.outcome.faults:
        console.print(f"  {words('cli.fault')}: {fault}", style="yellow", highlight=False)
    if result.report is None:
        return
    console.print(
        f"  {words('cli.looked', looks=result.outcome.looks, seconds=f'{result.duration_s:.0f}', model=result.model)}", highlight=False
    )
    for figure in result.figures:
        console.print(f"  {figure.value:>8}  {words('report.figure.' + figure.key)}", highlight=False)
    console.print(f"  {words('cli.report')}: {result.report}", highlight=False, soft_wrap=True)


def _as_json(result: Any) -> dict[str, Any]:
    outcome = result.outcome
    error = None if outcome.error is None else {"what": outcome.error.what, "advice": outcome.error.advice}
    return {
        "camera_id": result.camera_id,
        "source": result.source,
        "folder": str(result.folder),
        "report": None if result.report is None else str(result.report),
        "model": result.model,
        "looks": outcome.looks,
        "packets": outcome.packets,
        "duration_s": round(result.duration_s, 3),
        "observations": result.observations,
        "events": outcome.events_started,
        "figures": {figure.key: figure.value for figure in result.figures},
        "faults": list(outcome.faults),
        "stopped": outcome.stopped,
        "error": error,
    }
