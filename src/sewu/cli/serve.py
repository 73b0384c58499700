"""`sewu serve` and `sewu openapi`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer
from structlog.tracebacks import ExceptionDictTransformer

from sewu.base.clock import SystemClock
from sewu.base.errors import BadSettings
from sewu.base.service import Home, ServiceSettings, home_folder, open_home
from sewu.cli.language import words as words_of

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of the service; SEWU_HOME or your data folder when left out.")]


def serve(
    home: HomeOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the settings'.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on, instead of the settings'.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="A synthetic city with demo people, in a home of its own.")] = False,
    cameras: Annotated[int, typer.Option(min=400, max=20_000, help="How many cameras the synthetic city has.")] = 1200,
) -> None:
    """Run the city service: the API, the screens, and what goes on beside them."""
    from sewu.store.operations.vault import open_vault
    from sewu.wiring.demo_city import seed
    from sewu.wiring.serving import build_desk, build_parts, evidence_room, jobs_of
    from sewu.wiring.serving import serve as run

    configure_log()
    there = demo_home(home) if demo else open_home(home)
    settings_host, _, settings_port = there.settings.listen.rpartition(":")
    chosen_host, chosen_port = host or settings_host.strip("[]"), int(settings_port) if port is None else port
    words = words_of()

    async def whole() -> None:
        parts = build_parts(there, SystemClock(), open_vault(there.key_file))
        try:
            await parts.database.upgrade()
            parts.room = evidence_room(parts)
            if demo:
                for person in await seed(parts, build_desk(parts), cameras, parts.clock.now_s()):
                    typer.echo(words("serve.login", login=person.login, password=person.password, role=person.role, area=person.area_code))
            elif not await parts.people.count():
                typer.echo(words("serve.nobody"), err=True)
            typer.echo(words("serve.running", url=f"http://{chosen_host}:{chosen_port}", home=there.folder), err=True)
            await run(parts, chosen_host, chosen_port, jobs_of(parts, is_demo=demo))
        finally:
            await parts.database.close()

    asyncio.run(whole())


def openapi() -> None:
    """Print the API's OpenAPI 3.1 description; needs no home and no database."""
    from cryptography.fernet import Fernet

    from sewu.show.service.app import create_app
    from sewu.show.service.routes.system import openapi as describe
    from sewu.store.operations.vault import Vault
    from sewu.wiring.serving import build_parts

    home = Home(Path("nowhere"), ServiceSettings(database_url="sqlite:///:memory:"))
    parts = build_parts(home, SystemClock(), Vault((Fernet.generate_key().decode(),)))
    typer.echo(json.dumps(describe(create_app(parts)), indent=1, ensure_ascii=False))


def demo_home(named: Path | None) -> Home:
    """The home of a demo, made when it is not there. Raises `BadSettings` for a folder that is something else."""
    from sewu.store.operations.vault import create_key

    folder = home_folder(named) if named is not None else home_folder(None) / "demo"
    if not (folder / "sewu.toml").exists():
        if folder.exists() and any(folder.iterdir()):
            raise BadSettings(f"{folder} is not empty and is no home of a service.", "Name an empty folder with --home.")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "sewu.toml").write_text('city_name = "Kota Semarang (demo sintetis)"\n', encoding="utf-8")
        create_key(folder / "sewu.key")
    return open_home(folder)


def configure_log() -> None:
    """One JSON object a line on standard error; tracebacks without the values of variables, which may be secrets."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
