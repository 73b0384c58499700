"""`sewu zones`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from sewu.cli.language import words as words_of

app = typer.Typer(no_args_is_help=True, help="Propose, check and list zones.")


@app.command()
def draft(
    source: Annotated[str, typer.Argument(help="Clip or stream to watch.")],
    out: Annotated[Path, typer.Option(help="Zones file to write; a picture of it goes beside it.")] = Path("zones.toml"),
    model: Annotated[str | None, typer.Option(help='Model name, path of an .onnx file, or "motion".')] = None,
    rate_fps: Annotated[float, typer.Option("--rate", min=0.1, max=60, help="Looks a second.")] = 5.0,
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="How long to watch at most.")] = 600.0,
) -> None:
    """Propose zones and lines from where things move, stop and gather; edit the file, then use it with --zones."""
    from sewu.wiring.drafting import draft_zones

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task(source, total=None)

        def on_progress(done_s: float, duration_s: float | None) -> None:
            bars.update(task, completed=done_s, total=min(seconds, duration_s) if duration_s else seconds)

        scene, picture = draft_zones(source, out, model, rate_fps, seconds, on_progress)
    words = words_of()
    typer.echo(words("cli.drafted", zones=len(scene.zones), lines=len(scene.lines), file=out, picture=picture))


@app.command()
def check(file: Annotated[Path, typer.Argument(help="Zones file.")]) -> None:
    """Read a zones file and say what is in it; exit code 2 and every fault named when it cannot be used."""
    from sewu.wiring.flows import scene_from

    scene = scene_from(file)
    if scene is not None:
        typer.echo(words_of()("cli.checked", file=file, zones=len(scene.zones), lines=len(scene.lines)))


@app.command()
def kinds() -> None:
    """List the kinds of zones, with what to draw."""
    from sewu.wiring.flows import zone_kinds

    for kind, meaning in sorted(zone_kinds().items()):
        typer.echo(f"{kind:12} {meaning}")
