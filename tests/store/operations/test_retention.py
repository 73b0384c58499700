"""What is old goes with all that belongs to it; what somebody still needs stays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, insert, select

from sewu.base.incidents import HistoryEntry, Incident
from sewu.base.register import CameraState, RegisteredCamera
from sewu.base.rights import Scope
from sewu.base.service import Retention
from sewu.store.operations import incidents as kept
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.evidence import items
from sewu.store.operations.incident_tables import history, incidents
from sewu.store.operations.retention import DAY_S, prune
from sewu.store.operations.states import States
from sewu.store.operations.tables import changes
from tests.store.operations.test_database import run

CITY = Scope(("33.74",))
NOW_S = 3000 * DAY_S


def incident(name: str, state: Any, age_days: float) -> Incident:
    at_s = NOW_S - age_days * DAY_S
    return Incident(
        f"inc_{name}", "flood", "medium", state, name, at_s, at_s, area_code="33.74", closed_at_s=at_s if state == "closed" else None
    )


def test_each_class_is_kept_as_long_as_its_setting_says(database_url: str) -> None:
    rows = [
        incident("old", "closed", 2000),
        incident("open", "open", 2000),
        incident("new", "closed", 10),
        incident("shown", "false_alarm", 2000),
    ]

    async def work(database: Database) -> tuple[Any, ...]:
        await Cameras(database).put(CITY, [RegisteredCamera("K1", "Satu", "rtsp://h/x", "33.74.01.1001")], 1.0)
        for epoch, at_s in enumerate((1.0, NOW_S - 500 * DAY_S, NOW_S - 10 * DAY_S)):
            await States(database).write("s", epoch, [CameraState("K1", "down" if epoch % 2 else "up", at_s)], at_s)
        async with database.writing() as connection:
            await kept.add(connection, rows)
            await kept.tell(connection, [HistoryEntry(row.id, row.opened_at_s, "ani", "opened") for row in rows])
            await connection.execute(
                insert(items).values(
                    id="evd_1", incident_id="inc_shown", kind="still", sha256="0", bytes_count=1, media_type="image/jpeg",
                    from_s=1, until_s=2, stored_at_s=1.0,
                )
            )  # fmt: skip
        first = await prune(database, Retention(), NOW_S)
        again = await prune(database, Retention(), NOW_S)
        async with database.reading() as connection:
            left = (await connection.execute(select(incidents.c.id).order_by(incidents.c.id))).scalars().all()
            told = (await connection.execute(select(history.c.incident_id).order_by(history.c.incident_id))).scalars().all()
            numbers = (await connection.execute(select(func.count(), func.max(changes.c.sequence)))).one()
        return first, again, left, told, tuple(numbers), await States(database).spans(CITY, "K1", 0, NOW_S)

    first, again, left, told, numbers, spans = run(database_url, work)
    assert first == {"changes": 3, "health": 1, "incidents": 1, "events": 0} and set(again.values()) == {0}
    assert left == ["inc_new", "inc_open", "inc_shown"] == told
    assert numbers == (1, 4)  # the newest change stays, so that its number is never given again
    assert [span.condition for span in spans] == ["down", "up"]
