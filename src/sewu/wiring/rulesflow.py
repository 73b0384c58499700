"""The register's rules as the file that a watch follows: which cameras have which rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import structlog

from sewu.base.drawn import RuleVersion
from sewu.base.errors import SewuError
from sewu.base.register import RegisteredCamera
from sewu.base.settings import validate
from sewu.notice import CityRules, Rule, RuleSet, check_rules
from sewu.store.files import write_whole
from sewu.wiring.flows import metrics_of
from sewu.wiring.ruling import NAMES

log = structlog.get_logger()


def city_rules(cameras: Sequence[RegisteredCamera], standing: Sequence[RuleVersion], city_code: str) -> CityRules:
    """Who has which rules.

    The rules of every camera are those of the whole city; as long as the register has none of these, on or off, they are
    those that ship with Sewu. To them come the rules of the areas a camera stands in, and its own.

    Args:
        standing: all rules that are not deleted, on or off.
    """
    of_city = [rule for rule in standing if rule.camera_id is None and rule.area_code == city_code]
    of_camera, of_area = defaultdict[str, list[Rule]](list), defaultdict[str, list[Rule]](list)
    for version, rule in _usable(version for version in standing if version.is_on):
        if version.camera_id is not None:
            of_camera[version.camera_id].append(rule)
        elif version.area_code != city_code:
            of_area[version.area_code].append(rule)
    made: dict[tuple[str, ...], str] = {}
    sets: dict[str, RuleSet] = {}
    named: dict[str, str] = {}
    for camera in cameras:
        own = [*of_camera.get(camera.id, ()), *(rule for area in _above(camera.area_code) for rule in of_area.get(area, ()))]
        if not own:
            continue
        key = tuple(sorted(rule.id for rule in own))
        if key not in made:
            made[key] = f"set-{len(made) + 1}"
            sets[made[key]] = RuleSet(rules=tuple(sorted(own, key=lambda rule: rule.id)))
        named[camera.id] = made[key]
    common = tuple(rule for _, rule in _usable(version for version in of_city if version.is_on))
    return CityRules(rules=common if of_city else None, sets=sets, cameras=named)


def _above(area_code: str) -> Iterator[str]:
    """An area and those it lies in: 33, 33.74, 33.74.01."""
    parts = area_code.split(".")
    return (".".join(parts[: depth + 1]) for depth in range(len(parts)))


def write_rules(city: CityRules, path: Path) -> bool:
    """Write the file when it is different, whole or not at all; says whether it was. Raises `StoreFull`, `SewuError`."""
    fresh = city.model_dump_json(exclude_defaults=True).encode()
    try:
        if path.read_bytes() == fresh:
            return False
    except OSError:
        pass  # not there yet, or not to be read: written anew
    write_whole(path, fresh)
    return True


def _usable(versions: Iterable[RuleVersion]) -> Iterator[tuple[RuleVersion, Rule]]:
    """The rules that this version of Sewu understands; one that it does not must not take the others away."""
    metrics = metrics_of(NAMES)
    for version in versions:
        try:
            rule = validate(Rule, dict(version.document), f"rule {version.id}")
            check_rules(RuleSet(rules=(rule,)), metrics, f"rule {version.id}")
        except SewuError as error:
            log.warning("a rule could not be handed to the watch", rule=version.id, reason=error.what[:300])
            continue
        yield version, rule
