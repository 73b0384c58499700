"""Where a service lives, and what it may be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from sewu.base.errors import BadSettings
from sewu.base.service import Home, ServiceSettings, home_folder, open_home
from sewu.base.settings import validate


def test_a_named_home_wins_over_the_environment(tmp_path: Path) -> None:
    assert home_folder(tmp_path / "a", {"SEWU_HOME": str(tmp_path / "b")}) == tmp_path / "a"
    assert home_folder(None, {"SEWU_HOME": str(tmp_path / "b")}) == tmp_path / "b"
    assert home_folder(None, {}).is_absolute()


def test_a_folder_without_settings_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="sewu init"):
        open_home(tmp_path)


def test_a_home_knows_its_database_and_folders(tmp_path: Path) -> None:
    (tmp_path / "sewu.toml").write_text('city_name = "Kota Uji"\n[retention]\nhealth_days = 30\n', encoding="utf-8")
    home = open_home(tmp_path)
    assert home.database_url == f"sqlite:///{tmp_path}/sewu.sqlite"
    assert home.evidence_folder == tmp_path / "evidence"
    assert home.settings.retention.health_days == 30
    elsewhere = Home(tmp_path, ServiceSettings(database_url="postgresql://h/d", observations_folder=Path("/srv/o")))
    assert (elsewhere.database_url, elsewhere.observations_folder) == ("postgresql://h/d", Path("/srv/o"))


@pytest.mark.parametrize(
    "wrong", [{"listen": "8000"}, {"retention": {"audit_days": 1}}, {"city_code": "Semarang"}, {"language": "jv"}, {"x": 1}]
)
def test_wrong_settings_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(BadSettings, match=next(iter(wrong))):
        validate(ServiceSettings, wrong, "sewu.toml")
