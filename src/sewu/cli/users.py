"""`sewu users`: who may log in, and what they may do."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from sewu.base.clock import iso_utc
from sewu.base.errors import BadInput
from sewu.base.rights import ROLES, Grant
from sewu.base.service import open_home
from sewu.cli.language import words as words_of

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of the service; SEWU_HOME or your data folder when left out.")]
LoginArgument = Annotated[str, typer.Argument(help="Log-in of the person.")]
RoleOption = Annotated[str | None, typer.Option("--role", help=f"One of: {', '.join(ROLES)}.")]
AreaOption = Annotated[str | None, typer.Option("--area", help="Code of the area, with all below it; the whole city when left out.")]
AgencyOption = Annotated[str | None, typer.Option("--agency", help="Agency of an agency_officer, for example dishub.")]
UntilOption = Annotated[str | None, typer.Option("--until", help="Last day of the right, for example 2026-12-31.")]
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking.")]

app = typer.Typer(no_args_is_help=True, help="People, and what they may do.")


@app.command("add")
def add(  # noqa: PLR0913 one parameter per option
    login: LoginArgument,
    name: Annotated[str | None, typer.Option(help="Full name.")] = None,
    role: RoleOption = None,
    area: AreaOption = None,
    agency: AgencyOption = None,
    until: UntilOption = None,
    language: Annotated[str, typer.Option(help="id or en.")] = "id",
    password_stdin: Stdin = False,
    home: HomeOption = None,
) -> None:
    """Add a person, with a first right when --role is given. The password must be changed at the first log-in."""
    from sewu.store.operations.people import NewUser
    from sewu.wiring.peopling import add_user, at_home

    if language not in ("id", "en"):
        raise BadInput(f"{language} is no language of Sewu.", "Choose id or en.")
    grant = None if role is None else _grant(home, role, area, agency, until)
    new, password = NewUser(login, name or login, language, must_change_password=True), _password(password_stdin)
    user = at_home(home, lambda parts: add_user(parts, new, password, grant))
    typer.echo(words_of()("users.added", login=user.login, id=user.id))


@app.command("list")
def list_(home: HomeOption = None) -> None:
    """Everybody, with their rights."""
    from sewu.wiring.peopling import at_home, everybody

    words = words_of()
    for user in at_home(home, everybody):
        typer.echo(f"{user.login}\t{user.name}\t{words('users.disabled') if user.is_disabled else ''}")
        for given in user.grants:
            until = "" if given.grant.until_s is None else f" {words('users.until')} {iso_utc(given.grant.until_s)}"
            agency = "" if given.grant.agency is None else f" ({given.grant.agency})"
            typer.echo(f"\t{given.grant.role}{agency} {given.grant.area_code}{until}")


@app.command("grant")
def grant(
    login: LoginArgument,
    role: Annotated[str, typer.Option("--role", help=f"One of: {', '.join(ROLES)}.")],
    area: AreaOption = None,
    agency: AgencyOption = None,
    until: UntilOption = None,
    home: HomeOption = None,
) -> None:
    """Give a right: a role in an area, until a day."""
    from sewu.wiring.peopling import at_home, give

    given = _grant(home, role, area, agency, until)
    at_home(home, lambda parts: give(parts, login, given))
    typer.echo(words_of()("users.granted", login=login, role=role, area=given.area_code))


@app.command("passwd")
def passwd(login: LoginArgument, password_stdin: Stdin = False, home: HomeOption = None) -> None:
    """Set a new password, which must be changed at the next log-in; every session ends."""
    from sewu.wiring.peopling import at_home, set_password

    password = _password(password_stdin)
    at_home(home, lambda parts: set_password(parts, login, password))
    typer.echo(words_of()("users.password", login=login))


@app.command("disable")
def disable(
    login: LoginArgument,
    again: Annotated[bool, typer.Option("--enable", help="Let the person in again.")] = False,
    home: HomeOption = None,
) -> None:
    """Lock a person out at once, or let them in again."""
    from sewu.wiring.peopling import at_home
    from sewu.wiring.peopling import disable as run

    at_home(home, lambda parts: run(parts, login, not again))
    typer.echo(words_of()("users.enabled" if again else "users.locked_out", login=login))


def _grant(home: Path | None, role: str, area: str | None, agency: str | None, until: str | None) -> Grant:
    if role not in ROLES:
        raise BadInput(f"{role} is no role.", f"Choose one of {', '.join(ROLES)}.")
    settings = open_home(home).settings
    return Grant(role, area or settings.city_code, agency, None if until is None else _end_of(until, settings.timezone))


def _end_of(day: str, zone: str) -> float:
    """The end of a local day, UTC seconds. Raises `BadInput`."""
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(hour=23, minute=59, second=59, tzinfo=ZoneInfo(zone)).timestamp()
    except ValueError:
        raise BadInput(f"{day} is no day.", "Write it like 2026-12-31.") from None


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt(words_of()("users.ask"), hide_input=True, confirmation_prompt=True))
