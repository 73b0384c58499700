"""What the city service answers, and how fast, with a full database: 10,693 cameras, a million events, 100,000 incidents.

The database is filled by plain inserts (that is not what is measured); questions go over HTTP on a loopback socket, one
after the other, writes through the same functions that the feed from the watch uses.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx
import numpy as np
from sqlalchemy import insert

from sewu.base.incidents import AGENCY_OF_KIND, HEALTH_KINDS, INCIDENT_STATES, Incident
from sewu.base.records import SEVERITIES, Event
from sewu.base.register import CameraState, RegisteredCamera
from sewu.store.operations.database import Database
from sewu.store.operations.incident_tables import events, incident_cameras, incidents
from sewu.store.operations.incidents import row_of

CHUNK = 5000
KINDS = tuple(kind for kind in AGENCY_OF_KIND if kind not in HEALTH_KINDS and kind not in ("call", "uplink_down"))
SETTLE_S = 2.5
YEAR_S = 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of one kind of work, repeated: median, 95th percentile, longest; processor milliseconds each, on average,
    of server and client together."""

    count: int
    cpu_ms: float
    median_ms: float
    p95_ms: float
    longest_ms: float


@dataclass(frozen=True, slots=True)
class Heard:
    """Changes sent to streams: how many listeners, how many things each should hear of, lost ones, longest delay."""

    listeners: int
    expected: int
    lost: int
    foreign: int
    longest_s: float


@dataclass(frozen=True, slots=True)
class ServiceCost:
    """Result of one run. Times are wall clock on this machine, with whatever else ran on it."""

    database: str
    cameras: int
    incidents: int
    events: int
    answers: Mapping[str, Timed]
    writes: Mapping[str, Timed]
    streams: Heard | None
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def timed(durations_s: Sequence[float], cpu_s: float) -> Timed:
    """Sums up durations in seconds, and the processor seconds of all of them."""
    values = np.asarray(durations_s, np.float64) * 1000
    return Timed(
        len(values), 1000 * cpu_s / max(1, len(values)), float(np.median(values)), float(np.percentile(values, 95)), float(values.max())
    )


async def fill(database: Database, cameras: Sequence[RegisteredCamera], counts: tuple[int, int], now_s: float) -> None:
    """Insert so many incidents and events of the last year, spread over the cameras. counts: (incidents, events)."""
    chance = random.Random(7)  # noqa: S311 only spreads rows
    many, total = counts
    each = max(1, total // many)
    for start in range(0, many, CHUNK // 5):
        rows, seen, happened = [], [], []
        for number in range(start, min(start + CHUNK // 5, many)):
            camera = chance.choice(cameras)
            incident = _incident(number, camera, chance, now_s)
            rows.append(row_of(incident))
            seen.append({"incident_id": incident.id, "camera_id": camera.id})
            happened += [_event(f"evt_b{number}_{index}", incident, camera, chance) for index in range(each)]
        async with database.writing() as connection:
            await connection.execute(insert(incidents), rows)
            await connection.execute(insert(incident_cameras), seen)
            for part in range(0, len(happened), CHUNK):
                await connection.execute(insert(events), happened[part : part + CHUNK])


def _incident(number: int, camera: RegisteredCamera, chance: random.Random, now_s: float) -> Incident:
    at_s, kind = now_s - chance.random() * YEAR_S, chance.choice(KINDS)
    return Incident(
        id=f"inc_b{number:018d}",
        kind=kind,
        severity=chance.choice(SEVERITIES),
        state=chance.choices(INCIDENT_STATES, (1, 1, 1, 1, 2, 90, 4))[0],
        title=f"{kind}: {camera.name}",
        opened_at_s=at_s,
        updated_at_s=at_s,
        began_at_s=at_s,
        area_code=camera.area_code,
        place=camera.place,
        agency=AGENCY_OF_KIND[kind],
        event_count=10,
        camera_count=1,
    )


def _event(event_id: str, incident: Incident, camera: RegisteredCamera, chance: random.Random) -> dict[str, Any]:
    started_s = incident.opened_at_s + chance.random() * 600
    return {
        "id": event_id, "incident_id": incident.id, "camera_id": camera.id, "rule_id": "bench", "kind": incident.kind, "phase": "end",
        "severity": incident.severity, "started_at_s": started_s, "at_s": started_s + 60, "ended_at_s": started_s + 60, "value": 1.0,
        "peak": 1.0, "unit": "1", "zone_id": None, "subject": None, "labels": {}, "box_px": None, "area_code": camera.area_code,
        "agency": incident.agency,
    }  # fmt: skip


async def ask(url: str, headers: Mapping[str, str], questions: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Timed]:
    """Ask each question so often, in turns; the first turn warms up and does not count.

    Args:
        questions: what is measured -> paths, of which each turn takes the next.
    """
    found: dict[str, list[float]] = {name: [] for name in questions}
    cpu_s = dict.fromkeys(questions, 0.0)
    async with httpx.AsyncClient(base_url=url, headers=dict(headers), timeout=120) as http:
        for turn in range(rounds + 1):
            for name, paths in questions.items():
                started_s, before_s = time.perf_counter(), time.process_time()
                answer = await http.get(paths[turn % len(paths)])
                took_s = time.perf_counter() - started_s
                answer.raise_for_status()
                if turn > 0:
                    found[name].append(took_s)
                    cpu_s[name] += time.process_time() - before_s
    return {name: timed(durations, cpu_s[name]) for name, durations in found.items()}


async def repeat(work: Callable[[int], Awaitable[object]], rounds: int) -> Timed:
    """Do a write so often."""
    durations, before_s = [], time.process_time()
    for turn in range(rounds):
        started_s = time.perf_counter()
        await work(turn)
        durations.append(time.perf_counter() - started_s)
    return timed(durations, time.process_time() - before_s)


def conditions(camera_ids: Sequence[str], turn: int, now_s: float) -> list[CameraState]:
    """A state for each camera, of which one in fifty changes from turn to turn."""
    return [
        CameraState(
            camera_id, "down" if (index + turn) % 50 == 0 else "up", now_s, "unreachable" if (index + turn) % 50 == 0 else None, now_s
        )
        for index, camera_id in enumerate(camera_ids)
    ]


def happenings(camera_ids: Sequence[str], turn: int, count: int, now_s: float) -> list[Event]:
    """So many new events, as shards send them."""
    return [
        Event(
            f"evt_w{turn}_{index}", camera_ids[(turn * count + index * 7) % len(camera_ids)], "bench", KINDS[index % len(KINDS)], "start",
            "medium", now_s - 1, now_s, 1.0, 1.0, "1",
        )
        for index in range(count)
    ]  # fmt: skip


async def listen(host: str, port: int, cookies: Sequence[str], cause: Callable[[], Awaitable[dict[int, set[str]]]]) -> Heard:
    """Open one stream per cookie, cause changes, and see what each hears.

    Args:
        cause: makes changes; returns which subject ids each listener (by number) should hear of.
    """
    heard: list[set[str]] = [set() for _ in cookies]
    last_s = [0.0] * len(cookies)
    ready = [asyncio.Event() for _ in cookies]
    tasks = [asyncio.create_task(_stream(host, port, cookie, heard, last_s, (n, ready[n]))) for n, cookie in enumerate(cookies)]
    try:
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in ready)), 60)
        await asyncio.sleep(SETTLE_S)  # what was written before is told by then
        for one in heard:
            one.clear()
        expected = await cause()
        caused_s = time.perf_counter()
        for _ in range(200):
            if all(expected[number] <= heard[number] for number in expected):
                break
            await asyncio.sleep(0.05)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    lost = sum(len(expected[number] - heard[number]) for number in expected)
    foreign = sum(len(heard[number] - expected[number]) for number in expected)
    longest_s = max(last_s) - caused_s if any(last_s) else float("nan")
    return Heard(len(cookies), sum(map(len, expected.values())), lost, foreign, longest_s)


async def _stream(host: str, port: int, cookie: str, heard: list[set[str]], last_s: list[float], mine: tuple[int, asyncio.Event]) -> None:
    number, ready = mine
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 22)
    try:
        writer.write(f"GET /api/v1/changes HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n".encode())
        await writer.drain()
        while line := await reader.readline():
            if line.startswith(b"id: "):
                ready.set()
            if line.startswith(b"data: "):
                for part in line.split(b'"id":"')[1:]:
                    heard[number].add(part.split(b'"', 1)[0].decode())
                last_s[number] = time.perf_counter()
    finally:
        writer.close()
