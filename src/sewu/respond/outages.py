"""A camera that stays down becomes an event like any other, so that storms gather, people are told and the desk keeps its history.

The condition itself is kept with the states. A camera that is back before the grace time is over is nobody's business.
"""

from __future__ import annotations

import hashlib

from sewu.base.records import Event
from sewu.respond.desk import Desk, Taken
from sewu.store.operations.outages import KIND, RULE_ID, Outage, Outages

GRACE_S = 120.0
SHARD = "outages"
BATCH = 2000


def event_of(outage: Outage, now_s: float) -> Event:
    """The event that an outage is: the same id on every run."""
    letters = hashlib.sha256(f"{outage.camera_id} {outage.since_s!r} down".encode()).hexdigest()[:24]
    end_s = outage.until_s
    at_s = now_s if end_s is None else max(end_s, outage.since_s)
    return Event(
        id=outage.event_id or f"ev-{letters}",
        camera_id=outage.camera_id,
        rule_id=RULE_ID,
        kind=KIND,
        phase="start" if end_s is None else "end",
        severity="medium",
        started_at_s=outage.since_s,
        at_s=at_s,
        value=at_s - outage.since_s,
        peak=at_s - outage.since_s,
        unit="s",
        ended_at_s=None if end_s is None else at_s,
        labels={} if outage.reason is None else {"reason": outage.reason},
    )


class OutageWatch:
    """Looks at the states again and again. One of it per database: it writes as the shard "outages"."""

    def __init__(self, desk: Desk, grace_s: float = GRACE_S) -> None:
        self._desk, self._grace_s, self._outages = desk, grace_s, Outages(desk.database)

    async def look(self, now_s: float) -> Taken | None:
        """Tell the desk which outages began and which ended since the last look; None when nothing did."""
        begun = await self._outages.untold(now_s - self._grace_s, BATCH)
        ended = await self._outages.over(BATCH)
        events = [event_of(outage, now_s) for outage in (*begun, *ended)]
        return await self._desk.take(SHARD, 1, events, now_s) if events else None
