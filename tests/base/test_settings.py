"""Settings files: every fault is named, nothing else comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from sewu.base.clock import ManualClock, SystemClock, iso_utc
from sewu.base.errors import BadSettings
from sewu.base.settings import Settings, load_settings, read_document


class Shop(Settings):
    name: str
    rate_fps: float = Field(5.0, gt=0)


def test_a_good_file_is_read_in_both_formats(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('name = "x"\nrate_fps = 2.5\n')
    (tmp_path / "a.json").write_text('{"name": "x", "rate_fps": 2.5}')
    assert load_settings(Shop, tmp_path / "a.toml") == load_settings(Shop, tmp_path / "a.json") == Shop(name="x", rate_fps=2.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 3\n", "name"),
        ('name = "x"\nrate_fps = -1\n', "rate_fps"),
        ('name = "x"\nspeed = 1\n', "speed"),
        ('name = "x"\nrate_fps = nan\n', "rate_fps"),
        ("name = ", "TOML"),
    ],
)
def test_each_fault_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(BadSettings, match=words) as caught:
        load_settings(Shop, path)
    assert "a.toml" in caught.value.what
    assert caught.value.advice


def test_a_missing_file_a_folder_and_a_list_are_refused(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    for name in ("none.toml", ".", "list.json"):
        with pytest.raises(BadSettings):
            read_document(tmp_path / name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["toml", "json"]))
def test_any_bytes_give_a_table_or_a_clear_refusal(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(data)
    try:
        assert isinstance(read_document(path), dict)
    except BadSettings as error:
        assert str(path) in error.what


def test_a_deeply_nested_file_is_refused_not_fatal(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(BadSettings):
        read_document(tmp_path / "deep.json")


def test_the_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(100.0)
    clock.sleep(2.5)
    assert (clock.now_s(), clock.steady_s()) == (102.5, 2.5)
    clock.jump(-50)
    assert (clock.now_s(), clock.steady_s()) == (52.5, 2.5)
    assert iso_utc(0.25) == "1970-01-01T00:00:00.250Z"


def test_the_system_clock_goes_forward() -> None:
    clock = SystemClock()
    before = clock.steady_s()
    clock.sleep(0.001)
    assert clock.steady_s() > before
    assert clock.now_s() > 1_700_000_000
