"""One file says which rules each camera has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.base.interfaces import Metric
from sewu.notice.city import CityRules, load_city_rules

METRICS = {"crowd": (Metric("count", "persons", "people in the zone"),)}
RULE: dict[str, Any] = {"id": "many", "kind": "gathering", "analytic": "crowd", "metric": "count", "above": 20}


def written(folder: Path, document: object) -> Path:
    path = folder / "rules.json"
    path.write_text(json.dumps(document))
    return path


def test_a_plain_rules_file_is_the_rules_of_every_camera(tmp_path: Path) -> None:
    city = load_city_rules(written(tmp_path, {"rules": [RULE]}), METRICS)
    assert [rule.id for rule in city.rules or ()] == ["many"] and not city.cameras


def test_no_rules_are_not_the_same_as_none_said(tmp_path: Path) -> None:
    assert load_city_rules(written(tmp_path, {"rules": []}), METRICS).rules == ()
    assert load_city_rules(written(tmp_path, {}), METRICS).rules is None


def test_a_camera_has_the_set_that_is_named_for_it(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(
        '[cameras]\nK1 = "market"\n[sets.market]\n[[sets.market.rules]]\n'
        'id = "many"\nkind = "gathering"\nanalytic = "crowd"\nmetric = "count"\nabove = 5\n'
    )
    city = load_city_rules(path, METRICS)
    assert city.sets[city.cameras["K1"]].rules[0].above == 5


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"rules": [RULE, RULE]}, "unique"),
        ({"cameras": {"K1": "nowhere"}}, "nowhere"),
        ({"rules": [{**RULE, "metric": "cuont"}]}, "did you mean 'count'"),
        ({"sets": {"market": {"rules": [{**RULE, "analytic": "crwd"}]}}}, "set 'market'.*did you mean 'crowd'"),
        ({"sets": {"market": {"rules": [{**RULE, "above": "many"}]}}}, "sets.market.rules.0.above"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, document: object, said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        load_city_rules(written(tmp_path, document), METRICS)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["rules", "sets", "cameras", "K1", "id"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(text=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_the_file_holds_it_is_read_or_refused_with_a_reason(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(text)
    try:
        assert isinstance(load_city_rules(path, METRICS), CityRules)
    except BadSettings as error:
        assert error.what
