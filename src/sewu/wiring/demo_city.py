"""`sewu serve --demo`: a synthetic city to try the screens on. Everything in it says that it is invented.

The register is the simulated city's; conditions and events are drawn by chance, and come in the way real ones do, through
the states and the desk.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sewu.base.incidents import AGENCY_OF_KIND, HEALTH_KINDS
from sewu.base.places import Area
from sewu.base.records import Event, Severity
from sewu.base.register import CameraState, Condition, RegisteredCamera
from sewu.base.rights import Grant, Role, Scope
from sewu.respond.desk import Desk
from sewu.show.service.parts import Parts
from sewu.simulate.city import City, make_city
from sewu.store.operations.people import NewUser
from sewu.store.operations.tables import new_id

DAY_S = 86_400.0
SHARD, EPOCH = "demo", 1
DEMO_CAMERAS = 1200
DEMO_EVENTS = 400
CONDITIONS: tuple[tuple[Condition, str | None, float], ...] = (
    ("up", None, 0.7),
    ("down", "unreachable", 0.2),
    ("degraded", "dark", 0.04),
    ("degraded", "blurred", 0.03),
    ("degraded", "covered", 0.03),
)
"""Shares as published of Semarang's neighbourhood cameras: about 30 % are not well."""
PEOPLE: tuple[tuple[str, str, Role, str, str | None], ...] = (
    ("admin", "Admin Diskominfo", "admin", "33.74", None),
    ("operator", "Operator Ruang Kendali", "operator", "33.74", None),
    ("dishub", "Petugas Dishub", "agency_officer", "33.74", "dishub"),
    ("polisi", "Petugas Polrestabes", "agency_officer", "33.74", "polisi"),
    ("camat", "Petugas Kecamatan Semarang Tengah", "district_officer", "33.74.01", None),
    ("rt", "Relawan RT", "rt", "33.74.01", None),
    ("teknisi", "Teknisi Kamera", "engineer", "33.74", None),
    ("bappeda", "Perencana", "planner", "33.74", None),
    ("inspektorat", "Auditor", "auditor", "33.74", None),
)
SEVERITY: Mapping[str, Severity] = {"commotion": "high", "person_down": "critical", "standing_water": "high", "rubbish": "low"}


@dataclass(frozen=True, slots=True)
class Login:
    """A demo person's way in, to be printed once."""

    login: str
    password: str
    role: Role
    area_code: str


async def seed(parts: Parts, desk: Desk, cameras: int, now_s: float) -> list[Login]:
    """Fill an empty service; does nothing, and returns nobody, where there are people already."""
    if await parts.people.count():
        return []
    city, chance = make_city(1, cameras), random.Random(1)  # noqa: S311 an invented city needs no secrecy
    await parts.areas.put([Area(a.code, a.level, a.name, a.parent_code, a.place, a.area_km2, a.is_synthetic) for a in city.areas], now_s)
    await parts.cameras.put(Scope(("33.74",)), list(registered(city)), now_s)
    ids = [entry.camera.id for entry in city.entries]
    await parts.states.write(SHARD, EPOCH, [_state(camera_id, chance, now_s) for camera_id in ids], now_s)
    for part in range(4):
        at_s = now_s - DAY_S + (part + 1) * DAY_S / 4
        events = sorted((_event(chance.choice(ids), chance, at_s - DAY_S / 4, at_s) for _ in range(DEMO_EVENTS // 4)), key=lambda e: e.at_s)
        await desk.take(SHARD, EPOCH, events, at_s)
    return await people(parts, now_s)


async def people(parts: Parts, now_s: float) -> list[Login]:
    """One person of each role, each with a password of its own."""
    found = []
    for login, name, role, area_code, agency in PEOPLE:
        password = secrets.token_urlsafe(9)
        user = await parts.people.add(NewUser(login, name, "id", await parts.passwords.hash(password)), now_s)
        await parts.people.grant(user.id, Grant(role, area_code, agency), None, now_s)
        found.append(Login(login, password, role, area_code))
    return found


def registered(city: City) -> Iterator[RegisteredCamera]:
    """The simulated cameras as a city would register them."""
    for entry in city.entries:
        camera = entry.camera
        yield RegisteredCamera(
            id=camera.id,
            name=camera.name,
            stream_url=camera.stream_url,
            sub_stream_url=camera.sub_stream_url,
            area_code=camera.area_code or "33.74",
            owner_class=camera.owner_class,
            place=camera.place,
            heading_deg=camera.heading_deg,
            field_of_view_deg=camera.field_of_view_deg,
            height_m=camera.height_m,
            tags=entry.tags,
        )


def _state(camera_id: str, chance: random.Random, now_s: float) -> CameraState:
    condition, reason, _ = chance.choices(CONDITIONS, [share for _, _, share in CONDITIONS])[0]
    since_s = now_s - chance.expovariate(1 / DAY_S)
    last_s = now_s if condition != "down" else since_s
    return CameraState(camera_id, condition, since_s, reason, last_s, None, {"rate_fps": 10.0} if condition != "down" else {})


def _event(camera_id: str, chance: random.Random, from_s: float, to_s: float) -> Event:
    kind = chance.choice([kind for kind in AGENCY_OF_KIND if kind not in HEALTH_KINDS and kind not in ("call", "uplink_down")])
    started_s = chance.uniform(from_s, to_s - 60)
    ended_s = min(to_s, started_s + chance.uniform(30, 1800))
    value, has_ended = round(chance.uniform(1, 30), 1), chance.random() < 0.8
    return Event(
        id=new_id("evt", started_s),
        camera_id=camera_id,
        rule_id=f"demo-{kind}",
        kind=kind,
        phase="end" if has_ended else "update",
        severity=SEVERITY.get(kind, "medium"),
        started_at_s=started_s,
        at_s=ended_s,
        value=value,
        peak=value,
        unit="1",
        ended_at_s=ended_s if has_ended else None,
        labels={"synthetic": "true"},
    )
