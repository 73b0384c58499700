"""`sewu watch`."""

from __future__ import annotations

import json
import math
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from sewu.base.clock import SystemClock
from sewu.base.errors import BadSettings
from sewu.base.service import open_home
from sewu.base.words import Words
from sewu.cli.analyze import stopping
from sewu.cli.language import words as words_of

if TYPE_CHECKING:
    from sewu.wiring.metrics import WatchMetrics
    from sewu.workers.status import ShardStatus

JSON_EVERY_S = 1.0
Interval = Annotated[float, typer.Option("--interval", min=0.2, max=3600, help="Every camera is looked at at least this often, seconds.")]
Whole = Annotated[float, typer.Option("--whole", min=0.2, max=86_400, help="Seconds until a whole look although nothing changed.")]
Model = Annotated[str, typer.Option(help='Model name, or "motion".')]
Out = Annotated[Path, typer.Option(help="Folder for observations, events, states and logs.")]
Follow = Annotated[
    float,
    typer.Option("--follow", min=0, max=30, help="Pictures a second of a camera with counting lines or an open event; 0: never."),
]
FollowEvents = Annotated[
    str | None, typer.Option(help="Kinds of events that have their camera followed while open, with commas between; see the guide.")
]
Rules = Annotated[Path | None, typer.Option(help="Rules file, followed too; without it the shipped rules.")]


def watch(  # noqa: PLR0913 one parameter per option
    cameras: Annotated[Path | None, typer.Option(help="Camera list: CSV or GeoJSON; a change is taken over while running.")] = None,
    home: Annotated[
        Path | None,
        typer.Option(help="Home of a service: its cameras, passwords, zones and rules are watched, and it hears what is found."),
    ] = None,
    out: Out = Path("sewu-watch"),
    secrets: Annotated[Path | None, typer.Option(help='JSON of {"camera/ID": password}.')] = None,
    zones: Annotated[Path | None, typer.Option(help="Folder of zones files, ID.toml for camera ID; changes are taken over too.")] = None,
    interval_s: Interval = 2.0,
    whole_s: Whole = 20.0,
    follow_fps: Follow = 5.0,
    follow_events: FollowEvents = None,
    model: Model = "yolox-nano",
    rules: Rules = None,
    workers: Annotated[int, typer.Option(min=1, max=512, help="Processes, one core each.")] = max(1, os.cpu_count() or 1),
    main_stream: Annotated[bool, typer.Option("--main", help="Watch main streams instead of sub-streams.")] = False,
    no_evidence: Annotated[bool, typer.Option("--no-evidence", help="Keep no stills and clips of events.")] = False,
    metrics: Annotated[str | None, typer.Option(help="Serve Prometheus metrics on HOST:PORT.")] = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="Stop after so long.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON each second, the last one at the end.")] = False,
) -> None:
    """Watch many live RTSP cameras: every one at least every so many seconds, whatever the others do."""
    from sewu.detect.shelf import load
    from sewu.wiring.metrics import WatchMetrics, serving
    from sewu.wiring.outflow import RULES, watch_folder
    from sewu.wiring.ruling import RulesFile
    from sewu.wiring.sharding import WatchOptions
    from sewu.wiring.watching import CityList
    from sewu.wiring.watching import watch as run
    from sewu.wiring.zoning import ZonesFolder

    ruled = None if rules is None else RulesFile(rules, required=True)
    if home is not None:
        there = open_home(home)
        told = watch_folder(there)
        cameras, secrets, zones, out = told / "cameras.csv", told / "secrets.json", told / "zones", there.observations_folder
        ruled = ruled or RulesFile(told / RULES)
    if cameras is None:
        raise BadSettings("Nothing says which cameras to watch.", "Give --cameras FILE, or --home FOLDER of a service.")
    load(model)  # a model that is not here is said before anything starts
    _log_apart()
    city = CityList(cameras, secrets, None if zones is None else ZonesFolder(zones), not main_stream, ruled)
    kinds = None if follow_events is None else tuple(kind.strip() for kind in follow_events.split(",") if kind.strip())
    options = WatchOptions(out, model, interval_s, whole_s, follow_fps=follow_fps, follow_events=kinds, evidence=not no_evidence)
    clock, stop = SystemClock(), threading.Event()
    served = WatchMetrics()
    with stopping(stop), serving(metrics, served), Live(console=Console(stderr=True), refresh_per_second=2, screen=False) as live:
        teller = _Teller(live, served, words_of(), as_json, clock.steady_s())

        def on_status(all_together: ShardStatus, shards: Sequence[ShardStatus], faults: tuple[str, ...]) -> None:
            if teller.tell(all_together, shards, faults, clock.steady_s()) >= (seconds or math.inf):
                stop.set()

        run(city, workers, options, on_status, stop, clock)
    if teller.last is not None:
        typer.echo(_line(*teller.last) if as_json else teller.words("cli.watched", **_figures(teller.last[0])))


@dataclass
class _Teller:
    """Shows and prints how it goes."""

    live: Live
    metrics: WatchMetrics
    words: Words
    as_json: bool
    started_s: float
    printed_s: float = 0.0
    last: tuple[ShardStatus, Sequence[ShardStatus], tuple[str, ...]] | None = None

    def tell(self, together: ShardStatus, shards: Sequence[ShardStatus], faults: tuple[str, ...], now_s: float) -> float:
        """Takes the newest statuses; returns for how many seconds the watch has run."""
        self.last = together, shards, faults
        self.metrics.update(shards)
        if self.as_json and now_s - self.printed_s >= JSON_EVERY_S:
            self.printed_s = now_s
            typer.echo(_line(together, shards, faults))
        if sys.stderr.isatty():
            self.live.update(_dashboard(together, shards, faults, self.words))
        return now_s - self.started_s


def _line(status: ShardStatus, shards: Sequence[ShardStatus], faults: tuple[str, ...]) -> str:
    figures = asdict(status) | {"ms_per_camera_s": status.ms_per_camera_s, "kept": status.kept, "not_taken": faults}
    return json.dumps(figures | {"shards": [{"shard": row.shard, "pid": row.pid, "sending": row.sending} for row in shards]})


def watch_shard(
    number: Annotated[int, typer.Argument(help="Number of the shard.")],
    options: Annotated[str, typer.Option(help="How to watch, as JSON.")],
) -> None:
    """One worker of `sewu watch`; started by it."""
    import signal

    from sewu.wiring.sharding import ShardProcess, WatchOptions

    _log_apart()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends its workers in order
    ShardProcess(number, WatchOptions.of(options), SystemClock()).run(sys.stdin, sys.stdout)


def _log_apart() -> None:
    """Log lines go to standard error: standard output is for JSON, and a worker's is its pipe to the parent."""
    plain = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    stamps = structlog.processors.TimeStamper(fmt="iso", utc=True)
    structlog.configure(
        processors=[structlog.processors.add_log_level, stamps, plain],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )


def _figures(status: ShardStatus) -> dict[str, str]:
    cost, kept = status.ms_per_camera_s, status.kept
    return {
        "sending": f"{status.sending}/{status.cameras}",
        "pictures": str(status.pictures),
        "kept": "-" if kept is None else f"{kept:.1%}",
        "stretch": f"{status.stretch:.2f}",
        "cost": "-" if cost is None else f"{cost:.2f}",
        "events": str(status.events),
    }


def _dashboard(status: ShardStatus, shards: Sequence[ShardStatus], faults: tuple[str, ...], words: Words) -> Table:
    table = Table(title=words("cli.watched", **_figures(status)), title_justify="left")
    keys = ("cli.watch.shard", "cli.watch.cameras", "watch.following", "watch.kept", "watch.stretch")
    stages = ("cli.watch.receive", "cli.watch.decode", "cli.watch.look", "cli.watch.flow", "watch.follow")
    columns = (*keys, *stages, "cli.watch.memory", "cli.watch.down")
    for key in columns:
        table.add_column(words(key))
    for row in shards:
        seconds = (row.receive_s, row.decode_s, row.look_s, row.flow_s, row.follow_s)
        each = [f"{1000 * value / max(row.camera_s, 1e-9):.2f}" for value in seconds]
        kept = "-" if row.kept is None else f"{row.kept:.1%}"
        down = "; ".join(f"{name}: {reason}" for name, reason in list(row.down.items())[:3])
        figures = [str(row.shard), f"{row.sending}/{row.cameras}", str(row.following), kept, f"{row.stretch:.2f}", *each]
        table.add_row(*figures, f"{row.memory_bytes >> 20} MiB", down)
    notes = [words("watch.disk", reason=status.refused)] if status.refused else []
    if status.follow_stretch > 1.05:
        notes.append(words("watch.follow_stretch", factor=f"{status.follow_stretch:.1f}"))
    for note in (*notes, *faults[:5]):
        table.add_row(*[""] * (len(columns) - 1), note)
    return table
