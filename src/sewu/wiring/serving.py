"""Builds the city service and runs it."""

from __future__ import annotations

from types import FrameType
from zoneinfo import ZoneInfo

import uvicorn
from argon2 import PasswordHasher

from sewu.base.clock import Clock
from sewu.base.records import Place as GeoPlace
from sewu.base.rights import Scope
from sewu.base.routing import ChannelKind
from sewu.base.service import Home
from sewu.base.words import Words
from sewu.measure import ANALYTICS
from sewu.respond.calls import CallDesk, Near, Nearest
from sewu.respond.desk import Desk
from sewu.respond.escalation import Escalation
from sewu.respond.evidence import Blobs, EvidenceRoom, retire
from sewu.respond.handling import Handling
from sewu.respond.package import create_signing_key, open_signing_key
from sewu.respond.policy import DeskSettings
from sewu.route.inapp import InApp
from sewu.route.mqtt import Mqtt
from sewu.route.push import Push
from sewu.route.router import Place, Router, Sender
from sewu.route.webhook import Webhook
from sewu.show.service.app import create_app
from sewu.show.service.diary import Diary
from sewu.show.service.feed import Feed
from sewu.show.service.parts import Parts
from sewu.show.service.passwords import Passwords
from sewu.store.operations.agencies import Agencies
from sewu.store.operations.areas import Areas
from sewu.store.operations.audit import Audit
from sewu.store.operations.camera_map import CameraMap
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.dispatches import Channels, Dispatches
from sewu.store.operations.idempotency import Idempotency
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.network import Network
from sewu.store.operations.notes import Notes
from sewu.store.operations.obligations import Obligations
from sewu.store.operations.outbox import Outbox
from sewu.store.operations.people import People
from sewu.store.operations.positions import Positions
from sewu.store.operations.retention import prune
from sewu.store.operations.rules import Rules
from sewu.store.operations.sessions import Kiosks, Sessions, Tokens
from sewu.store.operations.states import States
from sewu.store.operations.vault import Vault
from sewu.store.operations.zones import Zones
from sewu.wiring.exhibiting import Exhibiting
from sewu.wiring.feeding import WatchFeeder
from sewu.wiring.flows import zone_kinds
from sewu.wiring.locating import Locator
from sewu.wiring.masking import masking
from sewu.wiring.supervising import Job, supervised
from sewu.workers.viewing import Viewing
from sewu.workers.window import windows_in

GRACE_S = 3
"""Seconds that open requests have to end when the service is told to."""
DAY_S = 86_400.0
SIGNING_KEY = "sewu.sign.pem"
STATES_SILENT_S = 60.0
"""A camera that no worker has written of for so long is in no known condition."""


def build_parts(home: Home, clock: Clock, vault: Vault, hasher: PasswordHasher | None = None) -> Parts:
    """Everything the web service is made of, on the home's database. Nothing is opened yet."""
    database = Database(home.database_url)
    people, camera_map = People(database), CameraMap(database)
    words, settings = Words(home.settings.language), desk_settings(home)
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
        camera_map=camera_map,
        states=States(database),
        zones=Zones(database),
        rules=Rules(database),
        incidents=Incidents(database),
        notes=Notes(database),
        handling=Handling(database, settings),
        escalation=Escalation(database, settings),
        agencies=Agencies(database),
        channels=Channels(database, vault),
        dispatches=Dispatches(database),
        obligations=Obligations(database),
        network=Network(database),
        idempotency=Idempotency(database),
        zone_kinds=zone_kinds(),
        metrics={name: tuple(analytic.metrics) for name, analytic in ANALYTICS.items()},
        call_desk=CallDesk(database, settings, nearest_in(camera_map), words),
        viewing=Viewing(lambda: windows_in(home.observations_folder)),
    )


def evidence_room(parts: Parts) -> EvidenceRoom:
    """Where evidence is kept; its signing key is made at the first start. Raises `BadSettings` for a key that others can read."""
    key = parts.home.folder / SIGNING_KEY
    if not key.exists():
        create_signing_key(key)
    mask = masking(parts.cameras, Scope((parts.home.settings.city_code,)))
    return EvidenceRoom(parts.database, Blobs(parts.home.evidence_folder), open_signing_key(key), mask)


def nearest_in(camera_map: CameraMap) -> Nearest:
    """The nearest cameras as the call desk asks for them."""

    async def nearest(place: GeoPlace, scope: Scope, limit: int) -> list[Near]:
        return [
            Near(
                row.camera.id, row.camera.name, row.camera.area_code, row.distance_m, row.bearing_deg, row.faces,
                "unknown" if row.state is None else row.state.condition,
            )
            for row in await camera_map.nearest(scope, place, limit)
        ]  # fmt: skip

    return nearest


def desk_settings(home: Home) -> DeskSettings:
    """How this city's desk works."""
    return DeskSettings(city_area=home.settings.city_code)


def build_desk(parts: Parts) -> Desk:
    """The desk that turns events into incidents, on the register of these parts."""
    settings = parts.home.settings
    locate = Locator(parts.cameras, parts.areas, parts.network, Scope((settings.city_code,)), parts.clock)
    return Desk(parts.database, desk_settings(parts.home), locate, Words(settings.language))


def build_router(parts: Parts) -> Router:
    """Tells agencies, over the channels that the city has set up."""
    settings = parts.home.settings
    place = Place(Words(settings.language), ZoneInfo(settings.timezone), settings.city_code, settings.public_url)
    senders: dict[ChannelKind, Sender] = {"inapp": InApp(), "apprise": Push(), "mqtt": Mqtt(), "webhook": Webhook(parts.clock)}
    return Router(parts.database, place, senders, parts.channels.secret)


def jobs_of(parts: Parts) -> list[Job]:
    """What goes on beside the web service."""

    async def expire() -> None:
        await parts.states.expire(parts.clock.now_s(), STATES_SILENT_S)

    async def keep_less() -> None:
        kept, now_s = parts.home.settings.retention, parts.clock.now_s()
        await prune(parts.database, kept, now_s)
        if parts.room is not None:
            await retire(parts.room, kept.evidence_days * DAY_S, now_s)

    router, clock = build_router(parts), parts.clock
    jobs = [
        Job("retention", 3600.0, keep_less),
        Job("escalation", 10.0, lambda: parts.escalation.call(clock.now_s())),
        Job("routing", 1.0, lambda: router.route(clock.now_s())),
        Job("sending", 1.0, lambda: router.send(clock.now_s())),
    ]
    feeder = WatchFeeder(parts.home.observations_folder, build_desk(parts), parts.states, Positions(parts.database), clock)
    kept = [] if parts.room is None else [Job("evidence of the watch", 5.0, _exhibiting(parts, parts.room).keep)]
    feeding = [*kept, Job("events of the watch", 0.5, feeder.events), Job("conditions of the watch", 1.0, feeder.conditions)]
    return [*jobs, *feeding, Job("states nobody writes", 10.0, expire)]


def _exhibiting(parts: Parts, room: EvidenceRoom) -> Exhibiting:
    home = parts.home
    return Exhibiting(home.observations_folder, room, parts.incidents, Positions(parts.database), parts.clock, home.settings.city_code)


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
