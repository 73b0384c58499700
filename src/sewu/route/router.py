"""Word that the desk left becomes messages, and messages are sent until they arrive or are given up.

Both halves work on the database alone: a service killed between writing and sending sends after its restart. A message may
arrive twice (it was sent, and the service died before it noted so), always under the same id.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from sewu.base.clock import iso_utc
from sewu.base.errors import Retry, SewuError
from sewu.base.incidents import Announcement, Incident
from sewu.base.rights import Scope
from sewu.base.routing import Channel, ChannelKind, Dispatch, Message
from sewu.base.words import Words
from sewu.route.ownership import chosen, recipients
from sewu.store.operations.agencies import Agencies
from sewu.store.operations.database import Database
from sewu.store.operations.dispatches import Dispatches
from sewu.store.operations.incidents import change_of

log = structlog.get_logger()
BATCH, SEND_BATCH = 200, 40
LEASE_S = 600.0
SEND_TIMEOUT_S = 30.0
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 1800.0
GIVE_UP_AFTER_S = 48 * 3600.0


class Sender(Protocol):
    """One kind of channel."""

    async def send(self, message: Message, channel: Channel, secret: str | None) -> None:
        """Return when the other side has it.

        Raises:
            Retry: not now (unreachable, busy). Any other SewuError: never like this; a person must act.
        """
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What one round did."""

    sent: int = 0
    postponed: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service stands: its city's language and time zone, and how people reach it (None: links are left out)."""

    words: Words
    zone: ZoneInfo
    city_area: str
    public_url: str | None = None


class Router:
    """Routes and sends.

    Args:
        database: where word is left and messages are kept. place: the city.
        senders: one for each kind of channel that this service has. secret: opens a channel's secret for sending.
    """

    def __init__(
        self,
        database: Database,
        place: Place,
        senders: Mapping[ChannelKind, Sender],
        secret: Callable[[str], Awaitable[str | None]],
    ) -> None:
        self.database, self.place, self.senders = database, place, senders
        self._secret, self._outbox = secret, Dispatches(database)
        self._agencies = Agencies(database)

    async def route(self, now_s: float) -> int:
        """Make messages of the word that was left; returns how many messages."""
        rows = await self._agencies.ownerships(Scope((self.place.city_area,)))
        async with self.database.writing() as connection:
            words = await self._outbox.unrouted(connection, BATCH)
            ways = await self._outbox.active_channels(connection) if words else []
            made: list[Dispatch] = []
            for word, incident in words:
                for agency in recipients(incident, rows, word.at_s, self.place.zone):
                    made += [self._message(word, incident, agency, way, now_s) for way in chosen(word, incident, agency, ways)]
            if words:
                await self._outbox.routed(connection, [word for word, _ in words], made, now_s)
                told = {incident.id: incident for _, incident in words}
                await self.database.record(connection, [{**change_of(incident), "at_s": now_s} for incident in told.values()])
        return len(made)

    def _message(self, word: Announcement, incident: Incident, agency: str, way: Channel, now_s: float) -> Dispatch:
        id_ = f"dsp_{hashlib.sha256(f'{word.id} {way.id}'.encode()).hexdigest()[:26]}"
        return Dispatch(id_, incident.id, word.id, agency, way.id, "waiting", now_s, 0, now_s, self.compose(id_, word, incident, agency))

    def compose(self, id_: str, word: Announcement, incident: Incident, agency: str) -> Message:
        """The texts of a message, in the city's language."""
        say, link = self.place.words, None
        if self.place.public_url is not None:
            link = f"{self.place.public_url.rstrip('/')}/incidents/{incident.id}"
        severity, state = say(f"severity.{incident.severity}"), say(f"incident.state.{incident.state}")
        title = say(f"message.title.{word.occasion}", title=incident.title, severity=severity)
        lines = [
            say("message.body", state=state, cameras=incident.camera_count, events=incident.event_count, at=iso_utc(word.at_s)),
            say("message.area", area=incident.area_code or "-"),
        ]
        lines += [] if link is None else [link]
        place = incident.place
        return Message(
            id=id_,
            title=title,
            body="\n".join(lines),
            occasion=word.occasion,
            at_s=word.at_s,
            incident_id=incident.id,
            agency=agency,
            severity=incident.severity,
            kind=incident.kind,
            state=incident.state,
            area_code=incident.area_code,
            lat_deg=None if place is None else place.lat_deg,
            lon_deg=None if place is None else place.lon_deg,
            link=link,
        )

    async def send(self, now_s: float) -> Told:
        """Send what is due, over all channels at once; what fails waits longer each time, and is given up after two days."""
        due = await self._outbox.lease(now_s, LEASE_S, SEND_BATCH)
        by_channel: dict[str, list[tuple[Dispatch, Channel]]] = {}
        for row, way in due:
            by_channel.setdefault(way.id, []).append((row, way))
        results = [state for states in await asyncio.gather(*(self._over(rows, now_s) for rows in by_channel.values())) for state in states]
        return Told(results.count("sent"), results.count("waiting"), results.count("dead"))

    async def _over(self, rows: list[tuple[Dispatch, Channel]], now_s: float) -> list[str]:
        """Send over one channel, in order; once it does not answer, the rest waits without trying."""
        results: list[str] = []
        for row, way in rows:
            if "waiting" in results:
                await self._outbox.settle(row, "waiting", now_s + wait_s(row.id, row.attempts), now_s, "The channel did not answer.")
                results.append("waiting")
            else:
                results.append(await self._attempt(row, way, now_s))
        return results

    async def _attempt(self, row: Dispatch, way: Channel, now_s: float) -> str:
        sender = self.senders.get(way.kind)
        try:
            if sender is None or not way.is_active:
                raise SewuError(f"Channel {way.id} is not in use.", "Choose another channel, then send again.")
            await asyncio.wait_for(sender.send(row.message, way, await self._secret(way.id)), SEND_TIMEOUT_S)
        except (Retry, TimeoutError) as error:
            said = str(error) or f"No answer within {SEND_TIMEOUT_S:.0f} s."
            if now_s - row.made_at_s >= GIVE_UP_AFTER_S:
                await self._outbox.settle(row, "dead", now_s, now_s, said)
                return "dead"
            await self._outbox.settle(row, "waiting", now_s + wait_s(row.id, row.attempts), now_s, said)
            return "waiting"
        except SewuError as error:
            await self._outbox.settle(row, "dead", now_s, now_s, str(error))
            return "dead"
        except Exception:  # a supervisor: what one channel's library throws must not keep the other channels' messages back
            log.exception("a channel failed in an unknown way", channel=way.id, dispatch=row.id)
            await self._outbox.settle(row, "dead", now_s, now_s, "The channel failed in an unknown way; the service's log says how.")
            return "dead"
        await self._outbox.settle(row, "sent", now_s, now_s)
        return "sent"


def wait_s(id_: str, attempts: int) -> float:
    """How long to wait after a failed attempt: doubling, with up to a quarter more, by id, so that not all come back at once."""
    spread = int(hashlib.sha256(f"{id_}{attempts}".encode()).hexdigest()[:4], 16) / 0xFFFF
    return float(min(FIRST_WAIT_S * 2 ** min(attempts, 20), LONGEST_WAIT_S) * (1 + spread / 4))
