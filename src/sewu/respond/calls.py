"""The 112 side: a call's place opens an incident, names the cameras that face it, and can be shared with a responder for a while."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sewu.base.errors import BadInput
from sewu.base.incidents import Announcement, HistoryEntry, Incident
from sewu.base.records import Place, Severity
from sewu.base.rights import Scope
from sewu.base.words import Words
from sewu.respond.policy import DAY_S, DeskSettings
from sewu.store.operations import incidents as kept
from sewu.store.operations import intake
from sewu.store.operations.calls import Call, Calls, Response, Share
from sewu.store.operations.database import Database
from sewu.store.operations.tables import new_id

MAX_CAMERAS = 8
MAX_SHARE_S = 7 * DAY_S


@dataclass(frozen=True, slots=True)
class Near:
    """A camera near a call. bearing_deg: from the camera to the place, clockwise from north. faces: whether its field of view holds it.

    state: the camera's health word. faces None: its heading is not known.
    """

    camera_id: str
    name: str
    area_code: str
    distance_m: float
    bearing_deg: float
    faces: bool | None
    state: str


Nearest = Callable[[Place, Scope, int], Awaitable[Sequence[Near]]]
"""The register: the nearest cameras of the scope to a place, nearest first."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What the call-taker knows. area_code: where the place is, when known (an RT code)."""

    place: Place
    address: str | None = None
    note: str | None = None
    area_code: str | None = None
    severity: Severity = "high"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the call-taker gets back."""

    call: Call
    incident: Incident
    cameras: tuple[Near, ...]


class CallDesk:
    """Takes calls. nearest: see `Nearest`. words: the city's language."""

    def __init__(self, database: Database, settings: DeskSettings, nearest: Nearest, words: Words) -> None:
        self.database, self.settings = database, settings
        self._nearest, self._words, self.calls = nearest, words, Calls(database)

    async def take(self, scope: Scope, taken_by: str, caller: Caller, now_s: float) -> Answer:
        """Open an incident for a call. Each call opens its own: two callers of one accident are merged by a person, not by us.

        Raises:
            BadInput: the texts are too long, or the area lies outside of the scope.
        """
        if len(caller.address or "") > 300 or len(caller.note or "") > 2000:
            raise BadInput("The address has at most 300 letters, the note 2000.", "Shorten them.")
        cameras = tuple(await self._nearest(caller.place, scope, MAX_CAMERAS))
        area_code = caller.area_code or (cameras[0].area_code if cameras else self.settings.city_area)
        if not scope.reaches(area_code):
            raise BadInput(f"Area {area_code} is outside of what you may act on.", "Choose a place of your own area.")
        clock = self.settings.clock("call", caller.severity)
        where = caller.address or f"{caller.place.lat_deg:.5f}, {caller.place.lon_deg:.5f}"
        incident = Incident(
            id=new_id("inc", now_s),
            kind="call",
            severity=caller.severity,
            state="open",
            title=self._words("incident.title", kind=self._words("incident.kind.call"), camera=where),
            opened_at_s=now_s,
            updated_at_s=now_s,
            began_at_s=now_s,
            area_code=area_code,
            place=caller.place,
            agency="112",
            camera_count=len(cameras),
            acknowledge_by_s=now_s + clock.acknowledge_s,
            resolve_by_s=now_s + clock.resolve_s,
        )
        ids = tuple(camera.camera_id for camera in cameras)
        call = Call(new_id("cal", now_s), incident.id, now_s, caller.place, taken_by, caller.address, caller.note, ids)
        async with self.database.writing() as connection:
            await kept.add(connection, [incident])
            await intake.see(connection, {(incident.id, camera_id) for camera_id in ids})
            await self.calls.add(connection, call)
            await kept.tell(connection, [HistoryEntry(incident.id, now_s, taken_by, "opened", "112", None, "open", {"call": call.id})])
            await intake.announce(connection, [Announcement(new_id("ann", now_s), incident.id, "opened", now_s, incident.agency)])
            change = kept.change_of(incident)
            await self.database.record(connection, [change, {**change, "topic": "call", "subject_id": call.id}])
        return Answer(call, incident, cameras)

    async def share(self, scope: Scope, made_by: str, incident_id: str, until_s: float, now_s: float) -> tuple[Share, str]:
        """A link to an incident until a time, and its token, shown this once. Raises `BadInput` (time), `NotFound`."""
        if not now_s < until_s <= now_s + MAX_SHARE_S:
            raise BadInput("A link ends within seven days from now.", "Choose a time in the next seven days.")
        share = Share(new_id("shr", now_s), incident_id, made_by, now_s, until_s)
        return share, await self.calls.share(scope, share)


@dataclass(frozen=True, slots=True)
class Figures:
    """Response times over some calls: count that got there, median and 90th percentile in seconds (None: none did)."""

    count: int
    median_s: float | None
    p90_s: float | None


def figures(times_s: Sequence[float | None]) -> Figures:
    """The figures of these times; None is a call for which it has not happened."""
    known = sorted(time_s for time_s in times_s if time_s is not None)
    if not known:
        return Figures(0, None, None)
    return Figures(len(known), statistics.median(known), known[min(len(known) - 1, int(len(known) * 0.9))])


def response_figures(rows: Sequence[Response]) -> dict[str, Figures]:
    """Figures for acknowledging, setting out and resolving."""
    return {
        "acknowledged": figures([row.acknowledged_s for row in rows]),
        "started": figures([row.started_s for row in rows]),
        "resolved": figures([row.resolved_s for row in rows]),
    }
