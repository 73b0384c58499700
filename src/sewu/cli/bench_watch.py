"""`sewu bench watch`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import platformdirs
import typer


def watch(  # noqa: PLR0913 one parameter per option
    cameras: Annotated[int, typer.Option(min=1, max=20_000, help="How many cameras are watched.")] = 100,
    bad: Annotated[int, typer.Option(min=0, help="So many of them flap, stall or send garbage.")] = 0,
    interval_s: Annotated[float, typer.Option("--interval", min=0.2, help="Seconds between looks.")] = 2.0,
    whole_s: Annotated[float, typer.Option("--whole", min=0.2, help="Seconds until a whole look although nothing changed.")] = 20.0,
    seconds: Annotated[float, typer.Option(min=2, max=86_400, help="Length of a round, start-up excluded.")] = 60.0,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds; the usual ways are measured before each.")] = 3,
    workers: Annotated[int, typer.Option(min=1, max=512, help="Processes.")] = 2,
    model: Annotated[str, typer.Option(help='Model name, or "motion".')] = "yolox-nano",
    usual: Annotated[int, typer.Option(min=0, max=64, help="Cameras for the usual ways; 0 leaves them out.")] = 4,
    file: Annotated[list[Path] | None, typer.Option(help="Serve these H.264 or H.265 files instead of the test card.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Cost by stage, intervals kept and memory of watching many cameras, beside what the usual ways cost."""
    from sewu.base.clock import SystemClock
    from sewu.base.errors import BadSettings
    from sewu.bench.watch import report
    from sewu.simulate.testcard import SUB_CARD, cached_card
    from sewu.wiring.sharding import WatchOptions
    from sewu.wiring.watch_benching import WatchBench, measure_watch

    if bad >= cameras:
        raise BadSettings(f"{bad} of {cameras} cameras cannot be bad.", "Leave at least one good one.")
    loops = tuple(file or [cached_card(SUB_CARD, platformdirs.user_cache_path("sewu") / "testcards")])
    options = WatchOptions(Path(), model, interval_s, whole_s)
    bench = WatchBench(loops, cameras, bad, seconds, rounds, workers, usual_cameras=min(usual, cameras - bad), watch=options)
    cost = measure_watch(bench, SystemClock(), lambda one: typer.echo(f"{one.ms_per_camera_s:.2f} ms a camera-second", err=True))
    typer.echo(json.dumps(cost.as_json()) if as_json else report(cost))


def mount(app: typer.Typer) -> None:
    """Put the command under `sewu bench`."""
    app.command("watch")(watch)
