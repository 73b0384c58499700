"""What the workers are told: cameras, and each set of rules once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

from sewu.base.records import Camera
from sewu.cameras.register import write_cameras
from sewu.wiring.ruling import RulesFile
from sewu.wiring.watching import CityList, tasks_from

RULE: dict[str, Any] = {"id": "many", "kind": "gathering", "analytic": "crowd", "metric": "count", "above": 20}


def told(city: CityList, shards: int) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", list(tasks_from(city, shards)[0].values()))


def city_of(folder: Path, cameras: int) -> CityList:
    write_cameras([Camera(f"K{n}", f"K{n}", f"rtsp://h/{n}") for n in range(cameras)], folder / "cameras.csv")
    return CityList(folder / "cameras.csv", rules=RulesFile(folder / "rules.json"))


def save(path: Path, document: object, version: int) -> None:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    os.utime(path, ns=(version * 10**9, version * 10**9))


def test_each_worker_is_told_the_sets_of_its_own_cameras_once(tmp_path: Path) -> None:
    city = city_of(tmp_path, 40)
    save(tmp_path / "rules.json", {"rules": [RULE], "sets": {"own": {"rules": [{**RULE, "above": 3}]}}, "cameras": {"K7": "own"}}, 1)
    assert city.changed()
    tasks = told(city, 4)
    for task in tasks:
        assert set(task["rules"]) == {row["rules"] for row in task["cameras"]}
    of = {row["id"]: task["rules"][row["rules"]] for task in tasks for row in task["cameras"]}
    assert {name: [rule["above"] for rule in rules] for name, rules in of.items()} == {f"K{n}": [3 if n == 7 else 20] for n in range(40)}
    assert sorted(len(task["rules"]) for task in tasks) == [1, 1, 1, 2]


def test_changed_rules_are_a_change_and_a_bad_file_is_a_fault_until_mended(tmp_path: Path) -> None:
    city, path = city_of(tmp_path, 1), tmp_path / "rules.json"
    assert city.changed() and "rules" not in told(city, 1)[0]["cameras"][0], "no file yet: the shipped rules"
    save(path, {"rules": [RULE]}, 1)
    assert city.changed() and not city.changed()
    good = told(city, 1)
    save(path, "{", 2)
    assert not city.changed()
    assert told(city, 1) == good and len(city.standing_faults()) == 1 and str(path) in city.standing_faults()[0]
    save(path, {"rules": [RULE]}, 3)
    assert not city.changed() and city.standing_faults() == ()


def test_rules_of_a_camera_that_is_not_in_the_list_are_named(tmp_path: Path) -> None:
    city = city_of(tmp_path, 1)
    save(tmp_path / "rules.json", {"sets": {"own": {"rules": []}}, "cameras": {"K9": "own"}}, 1)
    city.changed()
    assert tasks_from(city, 1)[1] == ("rules of K9: there is no such camera in the list",)
