"""The register's rules become the file that the watch follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from sewu.base.drawn import RuleDraft, RuleVersion
from sewu.base.rights import Scope
from sewu.notice import Rule, load_city_rules
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.outbox import Outbox
from sewu.store.operations.rules import Rules, rules_of
from sewu.store.operations.vault import Vault
from sewu.store.operations.zones import Zones
from sewu.wiring.flows import metrics_of
from sewu.wiring.outflow import RULES, Outflow
from sewu.wiring.rulesflow import city_rules
from sewu.wiring.ruling import NAMES, RulesFile, rule_sets
from tests.show.service.place import camera
from tests.store.operations.test_database import run

CITY = "33.74"
SCOPE = Scope((CITY,))
MANY: dict[str, Any] = {"kind": "gathering", "analytic": "crowd", "metric": "count", "above": 20}


def version(rule_id: str, area: str = CITY, camera_id: str | None = None, is_on: bool = True, **changes: Any) -> RuleVersion:
    return RuleVersion(rule_id, 1, area, camera_id, {"id": rule_id, **MANY, **changes}, "usr_1", 1.0, is_on)


CAMERAS = [camera("C1", "33.74.01"), camera("C2", "33.74.01.1001"), camera("C3", "33.74.02")]


def test_cameras_get_what_their_areas_and_they_themselves_are_given() -> None:
    standing = [version("city"), version("district", "33.74.01"), version("own", "33.74.01", "C2"), version("off", "33.74.02", is_on=False)]
    city = city_rules(CAMERAS, standing, CITY)
    for one in CAMERAS:
        more = city.sets[city.cameras[one.id]].rules if one.id in city.cameras else ()
        have = {rule.id for rule in (*(city.rules or ()), *more)}
        assert have == {rule.id for rule in rules_of([rule for rule in standing if rule.is_on], one.id, one.area_code)}
    assert set(city.cameras) == {"C1", "C2"}


def test_cameras_with_the_same_rules_share_a_set() -> None:
    many = [camera(f"C{n}", "33.74.01") for n in range(50)]
    city = city_rules(many, [version("district", "33.74.01"), version("own", "33.74.01", "C7")], CITY)
    assert len(city.sets) == 2 and len(city.cameras) == 50


def test_the_shipped_rules_hold_until_the_city_has_its_own_and_switching_those_off_does_not_bring_them_back() -> None:
    assert city_rules(CAMERAS, [version("district", "33.74.01")], CITY).rules is None
    assert city_rules(CAMERAS, [version("one", camera_id="C1")], CITY).rules is None
    assert city_rules(CAMERAS, [version("city", is_on=False)], CITY).rules == ()


def test_a_rule_that_is_not_understood_is_left_out_and_takes_no_other_away() -> None:
    city = city_rules(CAMERAS, [version("new", metric="from_the_future"), version("odd", sort="?"), version("good")], CITY)
    assert [rule.id for rule in city.rules or ()] == ["good"]


def test_a_rule_changed_in_the_register_is_in_the_file_and_an_unchanged_file_is_not_written(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        cameras, rules = Cameras(database, Vault((Fernet.generate_key().decode(),))), Rules(database)
        out = Outflow(tmp_path, cameras, Zones(database), rules, Outbox(database), CITY)
        path, metrics = tmp_path / RULES, metrics_of(NAMES)
        await cameras.put(SCOPE, CAMERAS, 1.0)
        assert await out.step()
        assert load_city_rules(path, metrics).rules is None, "nobody set any: the shipped ones"
        draft = RuleDraft("33.74.01", {**MANY, "update_every_s": None}, "C2")
        own = await rules.add(SCOPE, draft, "usr_1", 2.0)
        assert await out.step() and not await out.step()
        followed = RulesFile(path, required=True)
        name = followed.name_of("C2")
        assert name is not None and followed.name_of("C1") is None
        kept = rule_sets(followed.documents([name]))[name].rules[-1]
        assert kept == Rule.model_validate({**MANY, "id": own.id, "update_every_s": None})
        before = path.stat().st_mtime_ns
        await cameras.put(SCOPE, [camera("C4", "33.74.02")], 3.0)
        assert await out.step() and path.stat().st_mtime_ns == before
        await rules.change(SCOPE, own.id, RuleDraft("33.74.01", {**MANY, "above": 5}, "C2"), "usr_1", 4.0)
        assert await out.step() and followed.refresh() and followed.name_of("C2") != name
        await rules.delete(SCOPE, own.id, "usr_1", 5.0)
        assert await out.step() and followed.refresh() and followed.name_of("C2") is None

    run(database_url, work)
