"""`sewu rules`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from sewu.base.errors import BadInput
from sewu.cli.language import words as words_of
from sewu.cli.register import HomeOption

app = typer.Typer(no_args_is_help=True, help="Rules: what makes an event, where, for how long, when.")


@app.command("dry-run")
def dry_run(
    file: Annotated[Path, typer.Argument(help="Rules file, TOML or JSON.")],
    observations: Annotated[Path | None, typer.Option(help="Folder that the watch engine wrote to; the home's when left out.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First day to try, for example 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Day to stop before.")] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; may be given again.")] = None,
    home: HomeOption = None,
) -> None:
    """Say how many incidents a day these rules would have opened on what was observed."""
    from sewu.base.service import ServiceSettings, open_home
    from sewu.base.trials import TrialSpan
    from sewu.measure import ANALYTICS
    from sewu.wiring.flows import rules_from
    from sewu.wiring.trying import dry_run as try_rules

    there = open_home(home) if observations is None or home is not None else None
    settings = ServiceSettings() if there is None else there.settings
    folder = observations if observations is not None or there is None else there.observations_folder
    assert folder is not None, "one of the two is there"
    zone = ZoneInfo(settings.timezone)
    span = TrialSpan(_day_s(since, zone, "--from"), _day_s(until, zone, "--to"), camera or None)
    trial = try_rules(folder, rules_from(file, tuple(ANALYTICS)), settings.timezone, span)
    words = words_of()
    days = 0.0 if trial.from_s is None or trial.to_s is None else (trial.to_s - trial.from_s) / 86_400
    typer.echo(words("rules.tried", observations=trial.observations, cameras=trial.cameras, days=f"{days:.1f}"))
    for rule in trial.rules:
        per_day = trial.per_day(rule)
        rate = words("rules.too_short") if per_day is None else words("rules.per_day", count=f"{per_day:.1f}")
        typer.echo(words("rules.trial", rule=rule.rule_id, events=rule.events, incidents=rule.incidents, rate=rate))
        for day, count in rule.by_day.items():
            typer.echo(f"    {day}  {count}")


def _day_s(text: str | None, zone: ZoneInfo, option: str) -> float | None:
    """The first second of a day of the city's calendar."""
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone).timestamp()
    except ValueError:
        raise BadInput(f"{option} {text!r} is not a day such as 2026-11-24.", "Write year, month and day.") from None
