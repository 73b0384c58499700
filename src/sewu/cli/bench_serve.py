"""`sewu bench serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import platformdirs
import typer

from sewu.bench.serving import measure_serving, report


def serve(
    stream: Annotated[Literal["main", "sub"], typer.Option(help="1080p25 at 2.5 Mbit/s, or 640x360@10 at 400 kbit/s.")] = "sub",
    cameras: Annotated[int, typer.Option(min=1, max=20_000, help="How many are served, one viewer each.")] = 200,
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="How long.")] = 60.0,
    minutes: Annotated[float | None, typer.Option(min=0.02, max=1440, help="How long, instead of --seconds.")] = None,
    file: Annotated[list[Path] | None, typer.Option(help="Serve these H.264 or H.265 files instead of the test card.")] = None,
) -> None:
    """Measure what serving simulated cameras costs and how late their pictures are."""
    cost = measure_serving(
        stream, cameras, seconds if minutes is None else minutes * 60, platformdirs.user_cache_path("sewu") / "testcards", file or []
    )
    typer.echo(report(cost), nl=False)


def mount(app: typer.Typer) -> None:
    """Put the command under `sewu bench`."""
    app.command("serve")(serve)
