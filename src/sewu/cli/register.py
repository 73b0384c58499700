"""`sewu init`, `sewu cameras` and `sewu areas`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer
from rich.console import Console
from rich.table import Table

from sewu.base.clock import SystemClock
from sewu.base.errors import BadInput
from sewu.base.places import LEVELS, Level
from sewu.base.register import CONDITIONS, OWNER_CLASSES, CameraFilter, Condition, OwnerClass
from sewu.base.service import home_folder
from sewu.cli.language import words as words_of

if TYPE_CHECKING:
    from sewu.wiring.registering import Registering

T = TypeVar("T")
MAX_FAULTS_SHOWN = 200
HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of the service; SEWU_HOME or your data folder when left out.")]
ApplyOption = Annotated[bool, typer.Option("--apply", help="Store the good rows; without it nothing is stored.")]

cameras = typer.Typer(no_args_is_help=True, help="The register of cameras.")
areas = typer.Typer(no_args_is_help=True, help="The city's areas and their boundaries.")


def init(
    home: HomeOption = None,
    city_name: Annotated[str | None, typer.Option(help="Name of the city.")] = None,
    city_code: Annotated[str | None, typer.Option(help="Kemendagri code of the city, for example 33.74.")] = None,
    database_url: Annotated[str | None, typer.Option(help="postgresql://user:password@host/name; a SQLite file when left out.")] = None,
) -> None:
    """Make the home of a city service: settings, key, database, areas."""
    from sewu.wiring.registering import make_home

    chosen = {"city_name": city_name, "city_code": city_code, "database_url": database_url}
    values: dict[str, object] = {name: value for name, value in chosen.items() if value is not None}
    made = asyncio.run(make_home(home_folder(home), values, SystemClock().now_s()))
    typer.echo(words_of()("register.made", home=made.folder, key=made.key_file, settings=made.settings_file))


@cameras.command("import")
def import_cameras(
    file: Annotated[Path, typer.Argument(help="CSV with a header row, or GeoJSON points.")],
    apply: ApplyOption = False,
    home: HomeOption = None,
) -> None:
    """Read a list of cameras: say what is wrong with it, and store it with --apply. Exit code 2 when a row was not taken."""
    report = _with(home, lambda register: register.import_cameras(file, SystemClock().now_s(), not apply))
    words = words_of()
    for fault in report.faults[:MAX_FAULTS_SHOWN]:
        typer.echo(words("register.fault", row=fault.row, id=fault.camera_id or "-", reason=fault.reason), err=True)
    if len(report.faults) > MAX_FAULTS_SHOWN:
        typer.echo(words("register.more_faults", count=len(report.faults) - MAX_FAULTS_SHOWN), err=True)
    if report.ignored_columns:
        typer.echo(words("register.ignored", columns=", ".join(report.ignored_columns)), err=True)
    counts = {"new": len(report.new), "different": len(report.different), "same": report.same, "faults": len(report.faults)}
    typer.echo(words("register.imported" if apply else "register.tried", **counts))
    if report.faults:
        raise typer.Exit(2)


@cameras.command("export")
def export_cameras(
    file: Annotated[Path, typer.Argument(help="File to write: .csv or .geojson.")],
    area: Annotated[str | None, typer.Option(help="Only cameras within this area.")] = None,
    home: HomeOption = None,
) -> None:
    """Write the register, without passwords; `import` reads it back."""
    count = _with(home, lambda register: register.export_cameras(file, CameraFilter(area_code=area)))
    typer.echo(words_of()("register.exported", count=count, file=file))


@cameras.command("list")
def list_cameras(
    text: Annotated[str | None, typer.Argument(help="Part of a code or name.")] = None,
    area: Annotated[str | None, typer.Option(help="Only within this area.")] = None,
    owner_class: Annotated[str | None, typer.Option(help=f"Only of these owners: {', '.join(OWNER_CLASSES)}.")] = None,
    condition: Annotated[str | None, typer.Option(help=f"Only in this condition: {', '.join(CONDITIONS)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    home: HomeOption = None,
) -> None:
    """List cameras."""
    owner = cast(OwnerClass | None, _one_of(owner_class, OWNER_CLASSES, "--owner-class"))
    wanted = CameraFilter(area, owner, None, None, cast(Condition | None, _one_of(condition, CONDITIONS, "--condition")), None, text)
    page = _with(home, lambda register: register.list_cameras(wanted, limit))
    words = words_of()
    rows = [
        (c.camera.id, c.camera.name, c.camera.area_code, c.camera.owner_class, words(f"register.condition.{c.condition}"))
        for c in page.rows
    ]
    _print(("code", "name", "area", "owner", "condition"), rows)
    if page.next_cursor is not None:
        typer.echo(words("register.more", limit=limit), err=True)


@cameras.command()
def nearest(
    lat: Annotated[float, typer.Argument(help="Latitude, degrees.", min=-90, max=90)],
    lon: Annotated[float, typer.Argument(help="Longitude, degrees.", min=-180, max=180)],
    facing: Annotated[bool, typer.Option("--facing", help="Only cameras that look towards the place.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 8,
    home: HomeOption = None,
) -> None:
    """Find the cameras nearest to a place; put -- before a negative latitude."""
    from sewu.base.records import Place

    found = _with(home, lambda register: register.nearest(Place(lat, lon), limit, facing))
    words = words_of()
    rows = [
        (
            near.camera.id,
            near.camera.name,
            f"{near.distance_m:.0f} m",
            f"{near.bearing_deg:.0f}°",
            words(f"register.faces.{'unknown' if near.faces is None else str(near.faces).lower()}"),
            words(f"register.condition.{'unknown' if near.state is None else near.state.condition}"),
        )
        for near in found
    ]
    _print(("code", "name", "distance", "bearing", "faces", "condition"), rows)


@cameras.command()
def discover(
    out: Annotated[Path, typer.Option(help="List to write; fill in areas or places, then import it.")] = Path("found.csv"),
    target: Annotated[str, typer.Option(help="Address to ask; the whole network when left out.")] = "239.255.255.250",
    user: Annotated[str | None, typer.Option(help="User of the cameras; the password is asked for, or SEWU_CAMERA_PASSWORD.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="How long to wait for answers.")] = 3.0,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="UDP port to ask.")] = 3702,
) -> None:
    """Find ONVIF cameras on this network and write their streams as a list; stores nothing."""
    from sewu.wiring.discovering import discover as find

    password = None
    if user is not None:
        password = os.environ.get("SEWU_CAMERA_PASSWORD") or typer.prompt("password", hide_input=True)
    found, unusable = asyncio.run(find(out, target, port, seconds, None if password is None else (user or "", password)))
    words = words_of()
    for one in unusable:
        typer.echo(words("register.no_stream", address=one.address, reason=one.reason), err=True)
    typer.echo(words("register.found", found=len(found), unusable=len(unusable), file=out))


@areas.command("import")
def import_areas(
    file: Annotated[Path, typer.Argument(help="CSV of areas, or GeoJSON of boundaries (WGS84, property code).")], home: HomeOption = None
) -> None:
    """Store areas or boundaries; equal ones stay as they are. Exit code 2 when a row was not taken."""
    report = _with(home, lambda register: register.import_areas(file, SystemClock().now_s()))
    words = words_of()
    for fault in report.faults[:MAX_FAULTS_SHOWN]:
        typer.echo(words("register.fault", row=fault.row or "-", id=fault.code or "-", reason=fault.reason), err=True)
    typer.echo(words("register.areas", changed=len(report.changed), faults=len(report.faults)))
    if report.faults:
        raise typer.Exit(2)


@areas.command("list")
def list_areas(
    text: Annotated[str | None, typer.Argument(help="Part of a name, or a code.")] = None,
    below: Annotated[str | None, typer.Option(help="Only right below this area.")] = None,
    level: Annotated[str | None, typer.Option(help=f"Only of this level: {', '.join(LEVELS)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 200,
    home: HomeOption = None,
) -> None:
    """List areas."""
    from sewu.store.operations.areas import AreaFilter

    wanted = AreaFilter(cast(Level | None, _one_of(level, LEVELS, "--level")), below, text)
    page = _with(home, lambda register: register.list_areas(wanted, limit))
    rows = [(a.code, words_of()(f"register.level.{a.level}"), a.name, "" if a.area_km2 is None else f"{a.area_km2:g}") for a in page.rows]
    _print(("code", "level", "name", "size"), rows)
    if page.next_cursor is not None:
        typer.echo(words_of()("register.more", limit=limit), err=True)


def _with(home: Path | None, work: Callable[[Registering], Awaitable[T]]) -> T:
    from sewu.wiring.registering import registering

    async def whole() -> T:
        async with registering(home) as register:
            return await work(register)

    return asyncio.run(whole())


def _one_of(value: str | None, allowed: tuple[Any, ...], option: str) -> str | None:
    if value is not None and value not in allowed:
        raise BadInput(f"{option} {value!r} is none of {', '.join(allowed)}.", "Choose one of these.")
    return value


def _print(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    words, table = words_of(), Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(words(f"register.column.{column}"), overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
