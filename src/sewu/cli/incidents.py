"""`sewu incidents`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from sewu.base.clock import SystemClock, iso_utc
from sewu.base.errors import BadInput
from sewu.base.incidents import INCIDENT_STATES, LIVE_STATES, IncidentFilter
from sewu.base.service import home_folder
from sewu.cli.language import words as words_of

if TYPE_CHECKING:
    from sewu.wiring.incidents import DeskReader

T = TypeVar("T")
HOUR_S = 3600.0
HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of the service; SEWU_HOME or your data folder when left out.")]
app = typer.Typer(no_args_is_help=True, help="Incidents: list them, read one, hand a shift over.")


@app.command("list")
def list_incidents(
    text: Annotated[str | None, typer.Argument(help="Part of a title, or a number.")] = None,
    state: Annotated[str | None, typer.Option(help=f"Only in this state: {', '.join(INCIDENT_STATES)}.")] = None,
    area: Annotated[str | None, typer.Option(help="Only within this area.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that ended.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
    home: HomeOption = None,
) -> None:
    """List incidents on which somebody must act, newest first."""
    if state is not None and state not in INCIDENT_STATES:
        raise BadInput(f"--state {state!r} is none of {', '.join(INCIDENT_STATES)}.", "Choose one of these.")
    states = (state,) if state is not None else () if everything else LIVE_STATES
    page = _with(home, lambda desk: desk.list(IncidentFilter(states=states, area_code=area, text=text), limit))
    words = words_of()
    rows = [
        (
            row.id,
            iso_utc(row.opened_at_s)[:19],
            words(f"severity.{row.severity}"),
            words(f"incident.state.{row.state}"),
            row.agency,
            row.title,
        )
        for row in page.rows
    ]
    _print(("number", "opened", "severity", "state", "agency", "title"), rows)
    if page.next_cursor is not None:
        typer.echo(words("incidents.more", limit=limit), err=True)


@app.command()
def show(number: Annotated[str, typer.Argument(help="Number of the incident.")], home: HomeOption = None) -> None:
    """Read one incident with all that was done about it."""
    story, words = _with(home, lambda desk: desk.story(number)), words_of()
    row = story.incident
    typer.echo(f"{row.id}  {row.title}")
    facts = {"severity": words(f"severity.{row.severity}"), "state": words(f"incident.state.{row.state}"), "agency": row.agency}
    typer.echo(words("incidents.facts", **facts, area=row.area_code or "-", events=row.event_count, going_on=row.going_on))
    typer.echo(words("incidents.cameras", cameras=", ".join(story.cameras) or "-"))
    rows = [(iso_utc(line.at_s)[:19], line.actor, line.action, line.to_state or "", line.reason or "") for line in story.history]
    _print(("at", "actor", "action", "state", "reason"), rows)


@app.command()
def handover(
    hours: Annotated[float, typer.Option(min=0.5, max=168, help="Length of the shift that ends now.")] = 8.0,
    home: HomeOption = None,
) -> None:
    """What this shift leaves to the next."""
    now_s, words = SystemClock().now_s(), words_of()
    note = _with(home, lambda desk: desk.hand_over(now_s - hours * HOUR_S, now_s))
    typer.echo(words("incidents.handover", opened=note.opened, ended=note.ended, live=len(note.live), late=len(note.late)))
    if note.busiest is not None and note.busiest.opened:
        typer.echo(
            words("incidents.busiest", at=iso_utc(note.busiest.from_s)[11:16], opened=note.busiest.opened, people=note.busiest.operators)
        )
    late = set(note.late)
    rows = [
        (
            row.id,
            words(f"severity.{row.severity}"),
            words(f"incident.state.{row.state}"),
            words("incidents.late") if row.id in late else "",
            row.title,
        )
        for row in note.live
    ]
    _print(("number", "severity", "state", "late", "title"), rows)


@app.command()
def precision(home: HomeOption = None) -> None:
    """How often each rule was right, by what people said of its incidents."""
    rows = _with(home, lambda desk: desk.precision())
    shown = [
        (row.rule_id, str(row.confirmed), str(row.false_alarms), "" if row.share is None else f"{100 * row.share:.0f} %") for row in rows
    ]
    _print(("rule", "confirmed", "false_alarms", "precision"), shown)


def _with(home: Path | None, work: Callable[[DeskReader], Awaitable[T]]) -> T:
    from sewu.wiring.incidents import desk_reader

    async def whole() -> T:
        async with desk_reader(home_folder(home)) as desk:
            return await work(desk)

    return asyncio.run(whole())


def _print(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    words, table = words_of(), Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(words(f"incidents.column.{column}"), overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
