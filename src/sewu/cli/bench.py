"""`sewu bench`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
import typer

from sewu.cli import bench_recall, bench_serve, bench_watch

app = typer.Typer(no_args_is_help=True, help="What it costs on this machine, beside the usual ways.")
bench_serve.mount(app)
bench_recall.mount(app)
bench_watch.mount(app)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def analyze(
    clip: Annotated[Path, typer.Argument(help="Clip to analyse.")],
    model: Annotated[str, typer.Option(help="Model name.")] = "yolox-nano",
    rate_fps: Annotated[float, typer.Option("--rate", min=0.1, help="Looks a second.")] = 10.0,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Alternating rounds.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Cost of an analysis beside decoding and inference alone."""
    from sewu.wiring.benching import bench_analysis

    cost = bench_analysis(clip, model, rate_fps, rounds)
    _say(
        asdict(cost),
        as_json,
        f"{cost.clip}: {cost.sewu_ms_per_look:.2f} ms a look, decoding and inference alone {cost.bare_ms_per_look:.2f} ms: "
        f"{cost.ratio:.2f} x (spread {cost.spread:.0%}, {cost.rounds} rounds of {cost.looks} looks)",
    )


@app.command()
def memory(
    clip: Annotated[Path, typer.Argument(help="Clip to repeat.")],
    model: Annotated[str, typer.Option(help="Model name.")] = "yolox-nano",
    rate_fps: Annotated[float, typer.Option("--rate", min=0.1, help="Looks a second.")] = 10.0,
    minutes: Annotated[float, typer.Option(min=0.1, help="Minutes of video.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Whether memory stays flat over a long clip."""
    from sewu.wiring.benching import bench_memory

    growth = bench_memory(clip, model, rate_fps, minutes)
    _say(
        asdict(growth) | {"growth_mib": growth.growth_mib},
        as_json,
        f"{growth.minutes:g} minutes: {growth.quarter_mib:.0f} MiB after a quarter, "
        f"{growth.end_mib:.0f} MiB at the end ({growth.growth_mib:+.1f})",
    )


@app.command()
def ingest(
    stream: Annotated[Literal["main", "sub"], typer.Option(help="1080p25 at 2.5 Mbit/s, or 640x360@10 at 400 kbit/s.")] = "sub",
    cameras: Annotated[int, typer.Option(min=1, max=2000, help="How many are received by Sewu; PyAV gets a few of them.")] = 100,
    seconds: Annotated[float, typer.Option(min=1, help="Length of a round.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Receiving RTSP with our own client beside PyAV's demuxer, on the same streams."""
    from sewu.bench.ingest import measure_ingest

    cost = measure_ingest(stream, cameras, seconds, platformdirs.user_cache_path("sewu") / "testcards")
    text = f"{cost.sewu_ms_per_camera_s:.3f} ms a camera-second, PyAV {cost.pyav_ms_per_camera_s:.2f}: {cost.ratio:.1f} x less"
    _say(cost.as_json(), as_json, f"{stream}, {cost.cameras} cameras: {text}")


@app.command()
def service(  # noqa: PLR0913 one parameter per option
    cameras: Annotated[int, typer.Option(min=400, max=100_000, help="Cameras.")] = 10_693,
    incidents: Annotated[int, typer.Option(min=1, help="Incidents.")] = 100_000,
    events: Annotated[int, typer.Option(min=1, help="Events.")] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each question is asked.")] = 100,
    listeners: Annotated[int, typer.Option(min=0, max=2000, help="Streams of changes that listen.")] = 200,
    database_url: Annotated[str | None, typer.Option(help="An empty PostgreSQL database; a SQLite file when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """What the city service answers and takes with a full database."""
    from sewu.wiring.service_benching import BenchOptions, bench_service

    sizes = {"cameras": cameras, "incidents": incidents, "events": events}
    cost = bench_service(BenchOptions(**sizes, rounds=rounds, listeners=listeners, database_url=database_url))
    rows = [
        f"{name}: median {found.median_ms:.1f} ms, p95 {found.p95_ms:.1f} ms, processor {found.cpu_ms:.1f} ms"
        for name, found in {**cost.answers, **cost.writes}.items()
    ]
    heard = cost.streams
    if heard is not None:
        text = f"{heard.listeners} listeners: {heard.expected} changes due, {heard.lost} lost, {heard.foreign} foreign"
        rows.append(f"{text}, the last after {heard.longest_s:.2f} s")
    _say(cost.as_json(), as_json, "\n".join([f"{cost.database}, {cost.cameras} cameras, {cost.incidents} incidents", *rows]))


@app.command()
def tracker(
    data: Annotated[Path | None, typer.Option(help="Folder of the labelled data; else SEWU_DATA.")] = None, as_json: AsJson = False
) -> None:
    """Speed of the tracker beside a plain SORT."""
    from sewu.wiring.benching import bench_tracker

    rows, association = bench_tracker(data or Path(os.environ.get("SEWU_DATA", "data")))
    lines = [f"{row.sequence}: {row.sewu_looks_per_s:.0f} looks/s, plain SORT {row.sort_looks_per_s:.0f}" for row in rows]
    lines.append(f"1,000 tracks x 1,000 detections: {association}")
    _say({"sequences": [asdict(row) for row in rows], "association": asdict(association)}, as_json, "\n".join(lines))


def _say(figures: dict[str, Any], as_json: bool, text: str) -> None:
    typer.echo(json.dumps(figures) if as_json else text)
