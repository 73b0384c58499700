"""Rules of many cameras: followed live, and never lost to a bad save."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sewu.base.errors import BadSettings
from sewu.wiring.ruling import RulesFile, rule_sets, shipped_rules

RULE: dict[str, Any] = {"id": "many", "kind": "gathering", "analytic": "crowd", "metric": "count", "above": 20}


def save(path: Path, text: str, version: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(version * 10**9, version * 10**9))


def test_a_camera_has_its_own_set_or_that_of_every_camera(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    market = {"rules": [{**RULE, "above": 5, "update_every_s": None}]}
    save(path, json.dumps({"rules": [RULE], "sets": {"market": market}, "cameras": {"K1": "market"}}), 1)
    rules = RulesFile(path)
    assert rules.refresh() and not rules.refresh(), "nothing changed since"
    own, common = rules.name_of("K1"), rules.name_of("K2")
    assert own is not None and common is not None and own != common and rules.name_of("K3") == common
    sets = rule_sets(json.loads(json.dumps(rules.documents([own, common, common]))))
    assert {name: some.rules[0].above for name, some in sets.items()} == {own: 5, common: 20}
    assert sets[own].rules[0].update_every_s is None, "never is not a minute"
    assert rules.strangers({"K2"}) == ("K1",)


def test_only_a_set_whose_rules_change_gets_another_name(tmp_path: Path) -> None:
    path, document = tmp_path / "rules.json", {"rules": [RULE], "sets": {"a": {"rules": [{**RULE, "above": 3}]}}, "cameras": {"K1": "a"}}
    save(path, json.dumps(document), 1)
    rules = RulesFile(path)
    rules.refresh()
    own, common = rules.name_of("K1"), rules.name_of("K2")
    save(path, json.dumps({**document, "rules": [{**RULE, "above": 9}]}), 2)
    assert rules.refresh()
    assert rules.name_of("K1") == own and rules.name_of("K2") != common, "K1 has another rule in its place"
    save(path, json.dumps({**document, "rules": [{**RULE, "above": 9}]}, indent=1), 3)
    assert not rules.refresh(), "written differently, the same rules"


def test_a_bad_save_keeps_the_last_good_rules_and_is_told_until_mended(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    save(path, json.dumps({"rules": [RULE]}), 1)
    rules = RulesFile(path)
    rules.refresh()
    good = rules.name_of("K1")
    for version, text in enumerate(["{", json.dumps({"rules": [{**RULE, "metric": "cuont"}]}), "\x00", "[]"], start=2):
        save(path, text, version)
        assert not rules.refresh()
        assert rules.name_of("K1") == good
        assert rules.fault is not None and str(path) in rules.fault
    path.unlink()
    assert not rules.refresh() and rules.name_of("K1") == good
    save(path, json.dumps({"rules": []}), 9)
    assert rules.refresh() and rules.fault is None


def test_rules_of_a_set_come_to_those_of_every_camera_or_to_those_that_ship(tmp_path: Path) -> None:
    path, more = tmp_path / "rules.json", {**RULE, "id": "more"}
    for version, (common, before) in enumerate([([RULE], ["many"]), (None, [rule.id for rule in shipped_rules().rules])], start=1):
        said = {} if common is None else {"rules": common}
        save(path, json.dumps({**said, "sets": {"a": {"rules": [more]}}, "cameras": {"K1": "a"}}), version)
        rules = RulesFile(path)
        rules.refresh()
        name = rules.name_of("K1")
        assert name is not None
        assert [rule.id for rule in rule_sets(rules.documents([name]))[name].rules] == [*before, "more"]


def test_without_a_file_the_shipped_rules_hold_until_there_is_one(tmp_path: Path) -> None:
    rules = RulesFile(tmp_path / "rules.json")
    assert not rules.refresh() and rules.fault is None and rules.name_of("K1") is None
    assert len(shipped_rules().rules) > 5
    save(tmp_path / "rules.json", json.dumps({"rules": []}), 1)
    assert rules.refresh() and rules.name_of("K1") is not None


@pytest.mark.parametrize("text", [None, "{", json.dumps({"rules": [{**RULE, "metric": "cuont"}]})])
def test_a_file_that_is_asked_for_must_be_there_and_good_at_the_start(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "rules.json").write_text(text)
    with pytest.raises(BadSettings, match=r"rules\.json"):
        RulesFile(tmp_path / "rules.json", required=True)
