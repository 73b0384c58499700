"""What the service says of itself."""

from __future__ import annotations

from pathlib import Path

from tests.show.service.place import Place, at


def test_everybody_who_is_logged_in_may_read_how_long_data_is_kept(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        kept = (await (await there.of("rt")).get("retention")).json()
        assert kept == there.parts.home.settings.retention.model_dump()
        assert kept["evidence_days"] == 90.0
        assert (await there.browser().get("retention")).status_code == 401

    at(tmp_path, work)
