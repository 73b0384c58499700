"""Puts the web service together. It refuses to start with a route that declares no right."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from sewu import __version__
from sewu.base.errors import BadSettings
from sewu.show.service.guard import undeclared
from sewu.show.service.outer import Meters, Outer
from sewu.show.service.parts import Parts
from sewu.show.service.problems import explain
from sewu.show.service.routes import ROUTERS
from sewu.show.service.screens import Screens

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(parts: Parts, background: Callable[[], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    """The application.

    Args:
        parts: what it is made of. background: entered while the app serves (feeds, retention).

    Raises:
        BadSettings: a route declares no right; a mistake of ours.
    """
    meters = Meters()

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        parts.diary.start()
        await parts.feed.start()
        try:
            if background is None:
                yield
            else:
                async with background():
                    yield
        finally:
            await parts.feed.stop()
            await parts.diary.stop()

    app = FastAPI(title="Sewu", version=__version__, openapi_url=None, docs_url=None, redoc_url=None, lifespan=life, redirect_slashes=False)
    app.state.parts, app.state.meters = parts, meters
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    app.router.default = Screens()
    explain(app)
    app.add_middleware(Outer, clock=parts.clock, meters=meters, has_tls=parts.has_tls)
    faulty = undeclared(app)
    if faulty:
        raise BadSettings(f"These routes declare no right: {'; '.join(faulty)}.", "Declare one with needs(...).")
    return app
