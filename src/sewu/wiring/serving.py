"""Builds the city service and runs it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import FrameType

import uvicorn
from argon2 import PasswordHasher

from sewu.base.clock import Clock
from sewu.base.incidents import CameraFacts
from sewu.base.rights import Scope
from sewu.base.service import Home
from sewu.base.words import Words
from sewu.respond.desk import Desk
from sewu.respond.policy import DeskSettings
from sewu.show.service.app import create_app
from sewu.show.service.diary import Diary
from sewu.show.service.feed import Feed
from sewu.show.service.parts import Parts
from sewu.show.service.passwords import Passwords
from sewu.store.operations.areas import Areas
from sewu.store.operations.audit import Audit
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.outbox import Outbox
from sewu.store.operations.people import People
from sewu.store.operations.sessions import Kiosks, Sessions, Tokens
from sewu.store.operations.states import States
from sewu.store.operations.vault import Vault
from sewu.wiring.supervising import Job, supervised

GRACE_S = 3
"""Seconds that open requests have to end when the service is told to."""
STATES_SILENT_S = 60.0
"""A camera that no worker has written of for so long is in no known condition."""


def build_parts(home: Home, clock: Clock, vault: Vault, hasher: PasswordHasher | None = None) -> Parts:
    """Everything the web service is made of, on the home's database. Nothing is opened yet."""
    database = Database(home.database_url)
    people = People(database)
    return Parts(
        home=home,
        clock=clock,
        database=database,
        vault=vault,
        people=people,
        sessions=Sessions(database),
        tokens=Tokens(database),
        kiosks=Kiosks(database),
        passwords=Passwords(people, vault, hasher),
        diary=Diary(Audit(database)),
        feed=Feed(Outbox(database)),
        areas=Areas(database),
        cameras=Cameras(database, vault),
        states=States(database),
        incidents=Incidents(database),
    )


def build_desk(parts: Parts) -> Desk:
    """The desk that turns events into incidents, on the register of these parts."""
    settings = parts.home.settings

    async def locate(ids: Collection[str]) -> Mapping[str, CameraFacts]:
        found = await parts.cameras.some(Scope((settings.city_code,)), ids)
        return {row.camera.id: CameraFacts(row.camera.id, row.camera.name, row.camera.area_code, row.camera.place) for row in found}

    return Desk(parts.database, DeskSettings(city_area=settings.city_code), locate, Words(settings.language))


def jobs_of(parts: Parts, is_demo: bool = False) -> list[Job]:
    """What goes on beside the web service. A demo's cameras keep the conditions that were drawn for them: nobody watches them."""

    async def expire() -> None:
        await parts.states.expire(parts.clock.now_s(), STATES_SILENT_S)

    return [] if is_demo else [Job("states nobody writes", 10.0, expire)]


class Server(uvicorn.Server):
    """Ends the open streams as soon as it is told to stop, so that it need not wait for them."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._feed.close()


async def serve(parts: Parts, host: str, port: int, jobs: list[Job]) -> None:
    """Serve until a signal says to stop. The access log is ours; uvicorn's is off.

    A proxy on this machine may say from where a request came (X-Forwarded-For); nobody else is believed.
    """
    app = create_app(parts, lambda: supervised(jobs))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        forwarded_allow_ips="127.0.0.1",
        limit_concurrency=4000,
    )
    await Server(config, parts.feed).serve()
