"""All commands of `sewu`."""

from __future__ import annotations

from typing import Annotated

import typer

from sewu import __version__
from sewu.cli import (
    analyze,
    audit,
    bench,
    demo,
    evaluate,
    evidence,
    incidents,
    keeping,
    models,
    register,
    rules,
    serve,
    simulate_city,
    simulate_scene,
    users,
    watch,
    zones,
)

app = typer.Typer(
    name="sewu",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="City-scale CCTV analytics: counts, tracks, events with evidence, every number with its measured error.",
)
app.command("analyze")(analyze.analyze)
app.command("demo")(demo.demo)
app.command("watch")(watch.watch)
app.command("watch-shard", hidden=True)(watch.watch_shard)
app.command("serve")(serve.serve)
app.command("openapi")(serve.openapi)
app.add_typer(users.app, name="users")
app.add_typer(audit.app, name="audit")
app.command("evaluate")(evaluate.evaluate)
app.command("init")(register.init)
app.add_typer(register.cameras, name="cameras")
app.add_typer(register.areas, name="areas")
app.add_typer(rules.app, name="rules")
app.command("backup")(keeping.backup)
app.command("restore")(keeping.restore)
app.command("prune")(keeping.prune)
app.add_typer(zones.app, name="zones")
app.add_typer(models.app, name="models")
app.add_typer(incidents.app, name="incidents")
app.add_typer(evidence.app, name="evidence")
simulate = typer.Typer(no_args_is_help=True, help="Cameras and a city with known truth.")
simulate_city.mount(simulate)
simulate.command("scene")(simulate_scene.scene)
app.add_typer(simulate, name="simulate")
app.add_typer(bench.app, name="bench")


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False) -> None:
    """Read the version, or go on to a command."""
    if version:
        typer.echo(f"sewu {__version__}")
        raise typer.Exit
