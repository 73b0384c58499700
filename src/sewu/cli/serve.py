"""`sewu serve` and `sewu openapi`."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer
from structlog.tracebacks import ExceptionDictTransformer

from sewu.base.clock import SystemClock
from sewu.base.service import Home, ServiceSettings, open_home
from sewu.cli.language import words as words_of

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of the service; SEWU_HOME or your data folder when left out.")]


def serve(
    home: HomeOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the settings'.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on, instead of the settings'.")] = None,
) -> None:
    """Run the city service: the API, the screens, and what goes on beside them."""
    from sewu.store.operations.vault import open_vault
    from sewu.wiring.serving import build_parts, evidence_room, jobs_of
    from sewu.wiring.serving import serve as run

    configure_log()
    there = open_home(home)
    settings_host, _, settings_port = there.settings.listen.rpartition(":")
    chosen_host, chosen_port = host or settings_host.strip("[]"), int(settings_port) if port is None else port
    words = words_of()

    async def whole() -> None:
        parts = build_parts(there, SystemClock(), open_vault(there.key_file))
        try:
            await parts.database.upgrade()
            parts.room = evidence_room(parts)
            if not await parts.people.count():
                typer.echo(words("serve.nobody"), err=True)
            typer.echo(words("serve.running", url=f"http://{chosen_host}:{chosen_port}", home=there.folder), err=True)
            await run(parts, chosen_host, chosen_port, jobs_of(parts))
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


def configure_log(quiet: bool = False) -> None:
    """One JSON object a line on standard error; tracebacks without the values of variables, which may be secrets."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if quiet else logging.INFO),
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
