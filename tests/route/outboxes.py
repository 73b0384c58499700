"""Agencies with channels, incidents that must be told, and a router over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet

from sewu.base.routing import Channel, ChannelKind
from sewu.base.words import Words
from sewu.route.router import Place, Router, Sender
from sewu.store.operations.agencies import Agencies
from sewu.store.operations.database import Database
from sewu.store.operations.dispatches import Channels
from sewu.store.operations.vault import Vault
from tests.respond.desks import CITY, NOW_S, camera, desk_over, event

VAULT = Vault((Fernet.generate_key().decode(),))
PLACE = Place(Words("id"), ZoneInfo("Asia/Jakarta"), "33.74", "https://sewu.example")


async def told(database: Database, *ways: tuple[Channel, str | None], incidents: int = 1) -> tuple[str, ...]:
    """Seeds agencies and channels, opens incidents of illegal parking; returns their ids."""
    await Agencies(database).seed()
    channels = Channels(database, VAULT)
    for way, secret in ways:
        await channels.put(CITY, way, secret)
    batch = [event(number, zone_id=f"z{number}") for number in range(incidents)]
    return (await desk_over(database, camera(1)).take("s1", 1, batch, NOW_S)).opened


def router(database: Database, senders: Mapping[ChannelKind, Sender]) -> Router:
    return Router(database, PLACE, senders, Channels(database, VAULT).secret)


def way(kind: ChannelKind, agency: str = "dishub", id_: str | None = None, **settings: Any) -> Channel:
    return Channel(id_ or f"cha_{kind}", agency, kind, f"Kanal {kind}", settings)
