"""A warning that reaches the city is shown while it holds; one for elsewhere, a drill, or a cancelled one is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sewu.base.rights import Scope
from sewu.route.cap.alert import AlertArea
from sewu.route.cap.context import warnings_of
from sewu.route.cap.xml import read
from sewu.store.operations.database import Database
from sewu.store.operations.warnings import Warnings
from tests.respond.desks import CITY, run
from tests.route.test_cap import BMKG_LIKE

ALERT = read(BMKG_LIKE.encode())
SEMARANG = (-7.12, 110.26, -6.93, 110.51)
ELSEWHERE = (-8.0, 112.0, -7.5, 113.0)
SENT_S = ALERT.sent_s


def test_a_warning_holds_until_it_expires_or_is_cancelled(database_url: str) -> None:
    async def work(database: Database) -> None:
        kept = Warnings(database)
        for _ in range(2):  # feeds repeat themselves
            await kept.put(*warnings_of(ALERT, "33.74", SEMARANG), SENT_S)
        (one,) = await kept.holding(CITY, SENT_S + 60)
        assert one.event == "Hujan Lebat dan Petir" and one.polygons[0][0] == (-6.93, 110.27)
        assert await kept.holding(CITY, one.until_s) == () and await kept.holding(Scope(("33.75",)), SENT_S) == ()
        cancel = replace(ALERT, msg_type="Cancel", identifier="2", references=((ALERT.sender, ALERT.identifier, SENT_S),))
        await kept.put(*warnings_of(cancel, "33.74", SEMARANG), SENT_S + 90)
        assert await kept.holding(CITY, SENT_S + 100) == ()
        await kept.put(*warnings_of(ALERT, "33.74", SEMARANG), SENT_S)
        assert await kept.forget(SENT_S) == 0 and await kept.forget(one.until_s + 1) == 1

    run(database_url, work)


@pytest.mark.parametrize("changed", [{"status": "Exercise"}, {"status": "Test"}, {"scope": "Private"}, {"msg_type": "Ack"}])
def test_drills_and_private_alerts_are_not_shown(changed: dict[str, str]) -> None:
    assert warnings_of(replace(ALERT, **changed), "33.74", SEMARANG) == ((), ())  # type: ignore[arg-type]


def test_only_what_reaches_the_city_counts() -> None:
    assert warnings_of(ALERT, "33.74", ELSEWHERE)[0] == ()
    info = ALERT.infos[0]
    for area, reaches in (
        (AlertArea("x", circles=((-6.8, 110.4, 5.0),)), False),
        (AlertArea("x", circles=((-6.8, 110.4, 20.0),)), True),
        (AlertArea("Kota Semarang"), True),
    ):
        found, _ = warnings_of(replace(ALERT, infos=(replace(info, areas=(area,)),)), "33.74", SEMARANG)
        assert bool(found) is reaches
