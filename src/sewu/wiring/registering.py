"""`sewu init`, `sewu areas` and `sewu cameras`: files in, the register out, and the other way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sewu.base.errors import BadInput, BadSettings
from sewu.base.paging import Page
from sewu.base.places import Area, real_areas
from sewu.base.records import Place
from sewu.base.register import CameraFilter, ListedCamera, NearCamera, RegisteredCamera
from sewu.base.rights import Scope
from sewu.base.service import Home, OidcSettings, Retention, ServiceSettings, open_home
from sewu.base.settings import validate
from sewu.cameras.areafinder import AreaFinder
from sewu.cameras.arealist import AreaFault, approximate_boundaries, read_areas, read_boundaries
from sewu.cameras.register import Fault
from sewu.cameras.registerlist import RegisterList, plain, read_register, write_register
from sewu.cameras.toml import value_toml
from sewu.store.files import write_whole
from sewu.store.operations.areas import AreaFilter, Areas
from sewu.store.operations.camera_map import CameraMap
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.vault import create_key, open_vault


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do: ids that are new and that differ, how many are as they were, rows not taken and why."""

    new: tuple[str, ...]
    different: tuple[str, ...]
    same: int
    faults: tuple[Fault, ...]
    ignored_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AreaReport:
    """What an import of areas or boundaries did: codes that were new or differ, rows not taken and why."""

    changed: tuple[str, ...]
    faults: tuple[AreaFault, ...]


class Registering:
    """The register of one home, for a person at its command line, who may reach the whole city."""

    def __init__(self, home: Home, database: Database) -> None:
        self.scope = Scope((home.settings.city_code,))
        self.areas = Areas(database)
        self.cameras = Cameras(database, open_vault(home.key_file))
        self.map = CameraMap(database)

    async def import_cameras(self, path: Path, now_s: float, dry_run: bool) -> ImportReport:
        """Read a list and store its good rows, or only say what would be done.

        Raises:
            BadSettings: the file as a whole cannot be read.
        """
        found = read_register(path, await self.area_finder())
        before = {camera.id: camera for camera in await self.cameras.every(self.scope)}
        fresh = tuple(camera.id for camera in found.cameras if camera.id not in before)
        if dry_run:
            different = await self._different(found, before)
        else:
            changed = await self.cameras.put(self.scope, found.cameras, now_s, found.logins)
            different = tuple(camera_id for camera_id in changed if camera_id in before)
        same = len(found.cameras) - len(fresh) - len(different)
        return ImportReport(fresh, different, same, found.faults, found.ignored_columns)

    async def _different(self, found: RegisterList, before: dict[str, RegisteredCamera]) -> tuple[str, ...]:
        """Ids whose row or password is not the stored one."""
        stored = await self.cameras.logins(self.scope, found.logins)
        different = []
        for camera in found.cameras:
            old, login = before.get(camera.id), found.logins.get(camera.id)
            new_password = login is not None and (camera.id not in stored or stored[camera.id].password != login.password)
            if old is not None and (new_password or plain(old) != plain(camera)):
                different.append(camera.id)
        return tuple(different)

    async def export_cameras(self, path: Path, wanted: CameraFilter) -> int:
        """Write the cameras that the filter finds; returns how many."""
        cameras = await self.cameras.every(self.scope, wanted)
        write_register(cameras, path)
        return len(cameras)

    async def list_cameras(self, wanted: CameraFilter, limit: int) -> Page[ListedCamera]:
        """The first cameras that the filter finds."""
        return await self.cameras.list(self.scope, wanted, None, limit)

    async def nearest(self, place: Place, limit: int, must_face: bool) -> tuple[NearCamera, ...]:
        """The cameras nearest to a place."""
        return await self.map.nearest(self.scope, place, limit, must_face)

    async def import_areas(self, path: Path, now_s: float) -> AreaReport:
        """Store areas (CSV) or boundaries (GeoJSON); areas get approximate boundaries until real ones are imported.

        Raises:
            BadSettings: the file as a whole cannot be read.
        """
        if path.suffix.lower() in {".json", ".geojson"}:
            drawn = read_boundaries(path)
            known = {area.code for area in await self.areas.every(self.scope)}
            strange = tuple(
                AreaFault(0, b.area_code, "no such area; import the areas first") for b in drawn.boundaries if b.area_code not in known
            )
            return AreaReport(await self.areas.put_boundaries(drawn.boundaries, now_s), (*drawn.faults, *strange))
        listed = read_areas(path)
        known = {area.code for area in (*listed.areas, *await self.areas.every(self.scope))}
        outside = [area for area in listed.areas if not self.scope.reaches(area.code) or (area.parent_code or area.code) not in known]
        faults = (*listed.faults, *(AreaFault(0, area.code, "lies outside this city, or the area above it is missing") for area in outside))
        changed = await self.areas.put([area for area in listed.areas if area not in outside], now_s)
        await self.areas.put_boundaries(approximate_boundaries(await self.areas.every(self.scope)), now_s)
        return AreaReport(changed, faults)

    async def list_areas(self, wanted: AreaFilter, limit: int) -> Page[Area]:
        """The first areas that the filter finds."""
        return await self.areas.list(self.scope, wanted, None, limit)

    async def area_finder(self) -> AreaFinder:
        """The city's areas, to be asked for a code or a place."""
        return AreaFinder(await self.areas.every(self.scope), await self.areas.boundaries(self.scope, "kelurahan"))


@asynccontextmanager
async def registering(named: Path | None) -> AsyncIterator[Registering]:
    """The register of a home, its database brought up to date.

    Raises:
        BadSettings: no home there, its key is missing, or a newer Sewu made the database. StoreUnavailable: it is away.
    """
    home = open_home(named)
    database = Database(home.database_url)
    try:
        await database.upgrade()
        yield Registering(home, database)
    finally:
        await database.close()


async def make_home(folder: Path, values: dict[str, object], now_s: float) -> Home:
    """Make the home of a service: settings, key, folders, database, areas.

    Args:
        values: settings that are not to be the usual ones.

    Raises:
        BadSettings: a setting is wrong, or the folder holds something else already.
    """
    settings = validate(ServiceSettings, values, "the settings")
    home = Home(folder, settings)
    if home.settings_file.exists():
        raise BadInput(f"{folder} is the home of a service already.", "Use it, or name another folder with --home.")
    if folder.exists() and any(folder.iterdir()):
        raise BadSettings(f"{folder} is not empty.", "Name an empty folder with --home.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in (home.evidence_folder, home.observations_folder):
            part.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadSettings(f"{folder} cannot be made: {error.strerror}.", "Check the path and its permissions.") from error
    database = Database(home.database_url)
    try:
        await database.upgrade()
        areas = [area for area in real_areas() if Scope((settings.city_code,)).reaches(area.code)]
        await Areas(database).put(areas, now_s)
        await Areas(database).put_boundaries(approximate_boundaries(areas), now_s)
    finally:
        await database.close()
    create_key(home.key_file)
    write_whole(home.settings_file, settings_toml(values).encode())  # last: a folder with settings is a finished home
    return home


def settings_toml(values: Mapping[str, object]) -> str:
    """The settings file of a new home: what was chosen, and every other setting as a comment with its usual value."""
    plain_values = ServiceSettings().model_dump(mode="json", exclude={"retention", "oidc"})
    parts = []
    for name, field in ServiceSettings.model_fields.items():
        if name in ("retention", "oidc"):
            continue
        usual = plain_values[name]
        line = f"# {name} = " if name not in values else f"{name} = "
        shown = values.get(name, usual)
        parts.append(f"# {field.description}\n{line}{'...' if shown is None else value_toml(shown)}\n")
    parts.append("[retention]\n")
    for name, field in Retention.model_fields.items():
        parts.append(f"# {field.description}\n# {name} = {value_toml(field.default)}\n")
    parts.append(f"# {ServiceSettings.model_fields['oidc'].description}\n# [oidc]\n")
    for name, field in OidcSettings.model_fields.items():
        shown = "..." if field.is_required() else value_toml(field.default)
        parts.append(f"# {field.description}\n# {name} = {shown}\n")
    return "\n".join(parts)
