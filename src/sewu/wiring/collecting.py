"""Stills and clips that the watch made become evidence of the incident that their event belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import structlog

from sewu.base.clock import Clock
from sewu.base.errors import BadInput, NotFound
from sewu.base.evidence import EvidenceKind
from sewu.base.records import Event
from sewu.base.rights import Scope
from sewu.respond.evidence import EvidenceRoom, Found
from sewu.store.operations.exhibits import Due, Exhibit, ExhibitList

log = structlog.get_logger()
ACTOR = "watch"
COMPLETE_AFTER_S = {"still": 3.0, "clip": 75.0}
"""A clip follows its event for at most 60 seconds, and is closed 10 seconds later at the latest."""
MEDIA = {".jpg": "image/jpeg", ".png": "image/png", ".mp4": "video/mp4"}
KINDS: dict[str, EvidenceKind] = {"still": "still", "clip": "clip"}


def exhibits_of(events: Iterable[Event], folder: Path, now_s: float) -> list[Exhibit]:
    """The files that these events name (labels `still` and `clip`), as far as they lie in the folder and are of a known kind."""
    root, found = folder.resolve(), []
    for event in events:
        for kind, wait_s in COMPLETE_AFTER_S.items():
            name = event.labels.get(kind)
            if not name:
                continue
            path = (root / name).resolve()
            if path.is_relative_to(root) and path.suffix in MEDIA:
                found.append(Exhibit(event.id, kind, str(path), now_s + wait_s))
    return found


class Collector:
    """Keeps what is complete.

    A service killed between keeping a file and noting so keeps it twice, under one hash; nothing is lost.
    """

    def __init__(self, room: EvidenceRoom, waiting: ExhibitList, city: Scope, clock: Clock) -> None:
        self._room, self._waiting, self._city, self._clock = room, waiting, city, clock

    async def collect(self) -> int:
        """Keep what is due; returns how many files were kept. Raises `StoreFull`, `StoreUnavailable`: the rest waits."""
        kept = 0
        for due in await self._waiting.due(self._city, self._clock.now_s()):
            kept += await self._one(due)
        return kept

    async def _one(self, due: Due) -> int:
        path, now_s = Path(due.exhibit.path), self._clock.now_s()
        found = Found(due.incident_id, KINDS[due.exhibit.kind], MEDIA[path.suffix], due.from_s, due.until_s, due.camera_id)
        try:
            await self._room.keep(self._city, found, path, ACTOR, now_s)
        except (BadInput, NotFound) as error:
            log.warning("a file of an event could not be kept", event_id=due.exhibit.event_id, reason=error.what)
            await self._waiting.settle(due.exhibit, now_s, kept=False)
            return 0
        await self._waiting.settle(due.exhibit, now_s, kept=True)
        return 1
