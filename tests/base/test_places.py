"""An area's code says its level and what it lies within."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.places import level_of, parent_of, real_areas
from sewu.base.rights import is_within


def test_the_facts_are_a_tree_from_the_city_down() -> None:
    areas = real_areas()
    codes = {area.code for area in areas}
    assert [sum(area.level == level for area in areas) for level in ("city", "kecamatan", "kelurahan")] == [1, 16, 177]
    for area in areas:
        assert area.parent_code == parent_of(area.code)
        assert area.parent_code is None or area.parent_code in codes
        assert is_within(area.code, "33.74")


@given(st.integers(1, 99), st.integers(1001, 2999), st.integers(1, 99), st.integers(1, 99))
def test_each_level_has_its_parent_above(kecamatan: int, kelurahan: int, rw: int, rt: int) -> None:
    code = f"33.74.{kecamatan:02d}.{kelurahan}.RW{rw:02d}.RT{rt:02d}"
    levels, current = [], code
    while (above := parent_of(current)) is not None:
        levels.append(level_of(current))
        current = above
    assert levels == ["rt", "rw", "kelurahan", "kecamatan"]
    assert level_of(current) == "city"


@pytest.mark.parametrize("code", ["", "33", "33.74.", "33.74.1", "33.74.01.1001.RT01", "３３.74", "33.74.01.1001.RW01.RT01.X", "33.74\n"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="no area code"):
        level_of(code)
