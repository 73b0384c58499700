"""What the watch took of an event becomes evidence of its incident, by itself: hashed, in the chain of custody, under retention."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from sewu.base.clock import Clock
from sewu.base.errors import BadInput, NotFound
from sewu.base.evidence import EvidenceKind
from sewu.base.rights import Scope
from sewu.respond.evidence import EvidenceRoom, Found
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.positions import Positions

log = structlog.get_logger()
ACTOR = "watch"
SETTLED_S = 30.0
"""A clip that nobody wrote to for so long is complete; one that follows its event to its end grows every second."""
MOST_AT_ONCE = 50
KINDS: dict[str, tuple[EvidenceKind, str]] = {".jpg": ("still", "image/jpeg"), ".mp4": ("clip", "video/mp4")}


class Exhibiting:
    """Reads the evidence folder of one watch, in the order in which its files were completed.

    Args:
        folder: what `sewu watch --out` names. city: the code of the area that holds everything.
    """

    def __init__(self, folder: Path, room: EvidenceRoom, incidents: Incidents, positions: Positions, clock: Clock, city: str) -> None:
        self._folder, self._room, self._incidents, self._positions, self._clock = folder, room, incidents, positions, clock
        self._scope = Scope((city,))

    async def keep(self) -> int:
        """Keep what is complete by now; returns how many files. Raises `StoreFull`: it goes on there next time."""
        source = f"evidence of {self._folder.absolute()}"
        position, count = await self._positions.of(source), 0
        until_ns = int((self._clock.now_s() - SETTLED_S) * 1e9)
        for changed_ns, path in (await asyncio.to_thread(_settled, self._folder / "evidence", position, until_ns))[:MOST_AT_ONCE]:
            count += await self._keep(path)
            await self._positions.save(source, changed_ns, self._clock.now_s())
        return count

    async def _keep(self, path: Path) -> bool:
        """False for a file of no incident: the event was dropped by its rule's policy."""
        found = await self._incidents.of_event(path.stem)
        if found is None:
            return False
        incident_id, event = found
        kind, media_type = KINDS[path.suffix]
        until_s = event.at_s if kind == "still" else max(event.at_s, event.ended_at_s or event.at_s)
        wanted = Found(incident_id, kind, media_type, event.started_at_s, until_s, event.camera_id)
        try:
            item = await self._room.keep(self._scope, wanted, path, ACTOR, self._clock.now_s())
        except (NotFound, BadInput) as error:
            log.warning("evidence is left out", file=path.name, reason=error.what)
            return False
        return item.bytes_count > 0


def _settled(folder: Path, after_ns: int, until_ns: int) -> list[tuple[int, Path]]:
    """Files changed after one time and not after the other, oldest first."""
    found = []
    for path in folder.glob("*/*"):
        if path.suffix in KINDS and path.is_file():
            changed_ns = path.stat().st_mtime_ns
            if after_ns < changed_ns <= until_ns:
                found.append((changed_ns, path))
    return sorted(found)
