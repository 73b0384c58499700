"""The bench of receiving measures something that really arrived."""

from __future__ import annotations

from pathlib import Path

import pytest

from sewu.bench import ingest

pytestmark = pytest.mark.alone


def test_both_receivers_get_every_picture_and_have_a_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "ROUNDS", 1)
    monkeypatch.setattr(ingest, "WARM_S", 0.5)
    monkeypatch.setattr(ingest, "PYAV_CAMERAS", 2)
    cost = ingest.measure_ingest("sub", 3, 1.5, tmp_path)
    assert cost.sewu_fps == pytest.approx(10, abs=3)
    assert cost.pyav_fps == pytest.approx(10, abs=3)
    assert cost.sewu_ms_per_camera_s > 0
    assert cost.ratio == pytest.approx(cost.pyav_ms_per_camera_s / cost.sewu_ms_per_camera_s)
    assert set(cost.as_json()) >= {"sewu_ms_per_camera_s", "pyav_ms_per_camera_s", "ratio", "cameras"}
