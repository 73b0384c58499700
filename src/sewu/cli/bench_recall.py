"""`sewu bench recall` and `sewu bench glance`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

INTERVALS = (1.0, 2.0, 4.0, 8.0, 16.0)


def recall(  # noqa: PLR0913 one parameter per option
    interval: Annotated[list[float] | None, typer.Option(min=0.1, help="Seconds between looks; may be repeated.")] = None,
    model: Annotated[str, typer.Option(help="Model name.")] = "yolox-nano",
    long_side: Annotated[int, typer.Option(min=32, help="Long side of the input in pixels, for models of free size.")] = 416,
    scenes: Annotated[int, typer.Option(min=1, max=8, help="Rendered scenes; each costs two minutes of one core the first time.")] = 8,
    faults: Annotated[bool, typer.Option(help="Dark, blurred, covered, frozen and moved cameras too.")] = True,
    data: Annotated[Path | None, typer.Option(help="Folder of the labelled data: its real clips instead of rendered scenes.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Events found and processor time, by how often a camera is looked at, beside an exhaustive pipeline."""
    from sewu.bench.recall import table
    from sewu.detect.economy import thrifty
    from sewu.wiring.analysis import MIN_SCORE
    from sewu.wiring.recalling import RecallBench, city_loops, real_loops

    cache = platformdirs.user_cache_path("sewu")
    if data is None:
        loops = city_loops(cache / "loops", scenes, faults, lambda name: typer.echo(name, err=True))
    else:
        loops = real_loops(data, cache / "recoded")
    bench = RecallBench(loops, lambda: thrifty(model, long_side, MIN_SCORE), long_side)
    intervals = interval or list(INTERVALS)
    curve = bench.curve(
        intervals, lambda one: typer.echo(f"{one.name} {one.interval_s or ''}: {one.ms_per_camera_s:.2f} ms a camera-second", err=True)
    )
    typer.echo(json.dumps(curve.as_json()) if as_json else table(curve))


def glance(
    scenes: Annotated[int, typer.Option(min=1, max=8, help="Rendered scenes; each costs two minutes of one core the first time.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How much of what truly moved a glance notices, and how much of the picture it calls changed."""
    from dataclasses import asdict

    from sewu.bench.glancing import table
    from sewu.wiring.glance_benching import measure_glances

    scores = measure_glances(platformdirs.user_cache_path("sewu") / "loops", scenes, lambda one: typer.echo(one.name, err=True))
    typer.echo(json.dumps([asdict(one) | {"recall": one.recall} for one in scores]) if as_json else table(scores))


def mount(app: typer.Typer) -> None:
    """Put the commands under `sewu bench`."""
    app.command("recall")(recall)
    app.command("glance")(glance)
