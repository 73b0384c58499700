"""The demo takes the user's own camera in, with its whole address and its log-in apart."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from sewu.base.clock import ManualClock
from sewu.base.rights import Scope
from sewu.cameras.register import read_cameras
from sewu.store.operations.vault import open_vault
from sewu.wiring.demo_city import LIVE_TAG
from sewu.wiring.living import OWN, add_own
from sewu.wiring.outflow import watch_folder
from sewu.wiring.registering import make_home
from sewu.wiring.serving import build_outflow, build_parts


def test_the_users_own_camera_is_watched_with_its_log_in_and_its_whole_address(tmp_path: Path) -> None:
    async def work() -> tuple[str, str | None, dict[str, str], str]:
        clock = ManualClock()
        home = await make_home(tmp_path / "home", {"watched_tag": LIVE_TAG}, clock.now_s())
        parts = build_parts(home, clock, open_vault(home.key_file))
        try:
            await add_own(parts, "rtsp://me:s3cr%40t@10.0.0.9:554/cam?channel=2", {}, clock.now_s())
            await build_outflow(parts).step()
            (kept,) = await parts.cameras.every(Scope(("33.74",)))
        finally:
            await parts.database.close()
        told = watch_folder(home)
        (row,) = read_cameras(told / "cameras.csv").cameras
        return kept.stream_url, kept.user, json.loads((told / "secrets.json").read_text()), row.stream_url

    address, user, secrets, told = asyncio.run(work())
    assert address == told == "rtsp://10.0.0.9:554/cam?channel=2"
    assert (user, secrets) == ("me", {f"camera/{OWN}": "s3cr@t"})
