"""Builds the city service and runs it."""

from __future__ import annotations

from argon2 import PasswordHasher

from sewu.base.clock import Clock
from sewu.base.service import Home
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
