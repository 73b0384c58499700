"""`sewu incidents`: what a person at the service's command line asks of the desk; such a person may reach the whole city."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sewu.base.errors import NotFound
from sewu.base.incidents import HistoryEntry, Incident, IncidentFilter, Precision
from sewu.base.paging import Page
from sewu.base.rights import Scope
from sewu.base.service import open_home
from sewu.respond.handover import HandOver, hand_over
from sewu.store.operations.database import Database
from sewu.store.operations.incidents import Incidents


@dataclass(frozen=True, slots=True)
class Story:
    """One incident with its cameras and all that was done."""

    incident: Incident
    cameras: tuple[str, ...]
    history: tuple[HistoryEntry, ...]


class DeskReader:
    """Reads of one home's incidents."""

    def __init__(self, database: Database, city: Scope) -> None:
        self._incidents, self._city = Incidents(database), city

    async def list(self, wanted: IncidentFilter, limit: int) -> Page[Incident]:
        """Newest first."""
        return await self._incidents.list(self._city, wanted, None, limit)

    async def story(self, incident_id: str) -> Story:
        """All of one. Raises `NotFound`."""
        incident = await self._incidents.get(self._city, incident_id)
        if incident is None:
            raise NotFound(f"There is no incident {incident_id}.", "Check the number with `sewu incidents list`.")
        cameras = await self._incidents.cameras(self._city, incident_id)
        return Story(incident, cameras, await self._incidents.history(self._city, incident_id))

    async def precision(self) -> tuple[Precision, ...]:
        """How often each rule was right."""
        return await self._incidents.precision(self._city)

    async def hand_over(self, from_s: float, until_s: float) -> HandOver:
        """The note of a shift."""
        return await hand_over(self._incidents, self._city, from_s, until_s)


@asynccontextmanager
async def desk_reader(home: Path | None) -> AsyncIterator[DeskReader]:
    """The incidents of a home. Raises `BadSettings` when there is no home."""
    opened = open_home(home)
    database = Database(opened.database_url)
    try:
        yield DeskReader(database, Scope((opened.settings.city_code,)))
    finally:
        await database.close()
