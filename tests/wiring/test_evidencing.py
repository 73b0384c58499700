"""A home gets one signing key, keeps it, and hands out masked evidence signed with it."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import cv2

from sewu.base.evidence import Custody, EvidenceRequest
from sewu.base.register import RegisteredCamera
from sewu.base.service import open_home
from sewu.respond.evidence import Found
from sewu.respond.package import open_signing_key, verify_package
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.wiring.evidencing import evidence_room, signing_key_file
from sewu.wiring.registering import make_home
from tests.clips import picture
from tests.respond.desks import CITY, NOW_S, camera, desk_over, event


def test_evidence_of_a_home_is_masked_signed_and_verified(tmp_path: Path) -> None:
    still = tmp_path / "still.jpg"
    still.write_bytes(cv2.imencode(".jpg", picture(3))[1].tobytes())

    async def work() -> None:
        await make_home(tmp_path / "home", {}, NOW_S)
        home = open_home(tmp_path / "home")
        database = Database(home.database_url)
        try:
            cameras = Cameras(database)
            mask = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
            await cameras.put(CITY, [RegisteredCamera("K1", "a", "rtsp://h/1", "33.74.01", masks=(mask,))], NOW_S)
            (incident_id,) = (await desk_over(database, camera(1)).take("s1", 1, [event(1)], NOW_S)).opened
            room = evidence_room(home, database, cameras)
            item = await room.keep(CITY, Found(incident_id, "still", "image/jpeg", NOW_S, NOW_S, "K1"), still, "usr_1", NOW_S)
            asked = EvidenceRequest("erq_1", incident_id, (item.id,), "usr_1", "safety", "laporan", NOW_S)
            await room.request(CITY, asked)
            await room.decide(CITY, "erq_1", Custody(NOW_S, "usr_2", "", ""), True)
            again = evidence_room(home, database, cameras)  # the key stays
            await again.export(CITY, "erq_1", Custody(NOW_S, "usr_1", "", ""), tmp_path / "bukti.zip")
        finally:
            await database.close()
        key = signing_key_file(home)
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert verify_package(tmp_path / "bukti.zip", open_signing_key(key).public_key()).is_intact

    asyncio.run(asyncio.wait_for(work(), 60))
