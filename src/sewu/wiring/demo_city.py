"""The demo's city: a synthetic register of every camera, and one person of each role. Nothing that was measured is invented.

Conditions, observations, events and incidents come from the watch engine alone; a camera that nobody watches is in no known
condition, and says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sewu.base.places import Area
from sewu.base.records import Camera
from sewu.base.register import RegisteredCamera
from sewu.base.rights import Grant, Role, Scope
from sewu.cameras.arealist import approximate_boundaries
from sewu.show.service.parts import Parts
from sewu.simulate.city import City
from sewu.store.operations.people import NewUser

CITY_CODE = "33.74"
LIVE_TAG = "demo-live"
"""Of the cameras that the demo serves and watches."""
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


@dataclass(frozen=True, slots=True)
class Login:
    """A demo person's way in, to be printed."""

    login: str
    password: str
    role: Role
    area_code: str


async def register_city(parts: Parts, city: City, live: Mapping[str, Camera], now_s: float) -> None:
    """Enter every camera of the city; `live`: those that are served, with their addresses."""
    areas = [Area(a.code, a.level, a.name, a.parent_code, a.place, a.area_km2, a.is_synthetic) for a in city.areas]
    await parts.areas.put(areas, now_s)
    await parts.areas.put_boundaries(approximate_boundaries(areas), now_s)
    await parts.cameras.put(Scope((CITY_CODE,)), list(registered(city, live)), now_s)


def registered(city: City, live: Mapping[str, Camera]) -> Iterator[RegisteredCamera]:
    """The simulated cameras as a city would register them."""
    for entry in city.entries:
        camera = entry.camera
        row = RegisteredCamera(
            id=camera.id,
            name=camera.name,
            stream_url=camera.stream_url,
            sub_stream_url=camera.sub_stream_url,
            area_code=camera.area_code or CITY_CODE,
            owner_class=camera.owner_class,
            place=camera.place,
            heading_deg=camera.heading_deg,
            field_of_view_deg=camera.field_of_view_deg,
            height_m=camera.height_m,
            tags=entry.tags,
        )
        served = live.get(camera.id)
        if served is not None:
            row = replace(row, stream_url=served.stream_url, sub_stream_url=served.sub_stream_url, tags=(*entry.tags, LIVE_TAG))
        yield row


async def people(parts: Parts, now_s: float) -> list[Login]:
    """One person of each role; each gets a new password at every start of the demo."""
    found = []
    for login, name, role, area_code, agency in PEOPLE:
        password = secrets.token_urlsafe(9)
        hashed = await parts.passwords.hash(password)
        known = await parts.people.by_login(login)
        if known is None:
            user = await parts.people.add(NewUser(login, name, "id", hashed), now_s)
            await parts.people.grant(user.id, Grant(role, area_code, agency), None, now_s)
        else:
            await parts.people.set_password(known.id, hashed)
        found.append(Login(login, password, role, area_code))
    return found
