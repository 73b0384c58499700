"""The rules file of a watch, followed while it changes: which rules each camera has.

A file that is wrong never takes rules away: every camera keeps those of the last good version, and the fault is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sewu.base.errors import BadSettings, SewuError
from sewu.measure import ANALYTICS
from sewu.notice import CityRules, Rule, RuleSet, check_rules, default_rules, joined, load_city_rules
from sewu.wiring.flows import metrics_of

RuleDocuments = list[dict[str, Any]]
"""Rules as JSON-safe values: what a worker is told, so that it never reads a half-written file."""
NAMES = tuple(ANALYTICS)


@dataclass
class RulesFile:
    """The rules of many cameras in one file, `CityRules`; while it is not there, those that ship with Sewu.

    Args:
        required: whether it must be there and good when it is first read.

    `fault`: what is wrong with the file now.
    """

    path: Path
    required: bool = False
    fault: str | None = None
    _city: CityRules = field(default_factory=CityRules)
    _version: tuple[int, int] | None = None
    _names: dict[str, str] = field(default_factory=dict)
    _common: str | None = None
    _documents: dict[str, RuleDocuments] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.required:
            self.refresh()
            if self._version is None:
                raise BadSettings(f"{self.path} cannot be read.", "Check the path and its permissions.")
            if self.fault is not None:
                raise BadSettings(self.fault, "Correct the rules file.")

    def refresh(self) -> bool:
        """Read the file when it changed since the last call; True when some camera's rules are different now."""
        try:
            stat = self.path.stat()
            version = stat.st_mtime_ns, stat.st_size
        except OSError:
            return False  # away for a moment, while somebody replaces it: what was read still holds
        if version == self._version:
            return False
        self._version = version
        try:
            city = load_city_rules(self.path, metrics_of(NAMES))
        except SewuError as error:
            self.fault = error.what
            return False
        self.fault = None
        different, self._city = city != self._city, city
        self._documents = {}
        common = shipped_rules().rules if city.rules is None else city.rules
        self._common = None if city.rules is None else self._keep(common)
        self._names = {name: self._keep(joined(common, some.rules)) for name, some in city.sets.items()}
        return different

    def name_of(self, camera_id: str) -> str | None:
        """The name of a camera's set: a fingerprint of what is in it. None: the rules that ship with Sewu."""
        own = self._city.cameras.get(camera_id)
        return self._common if own is None else self._names[own]

    def documents(self, names: Iterable[str]) -> dict[str, RuleDocuments]:
        """The rules of these sets."""
        return {name: self._documents[name] for name in sorted(set(names))}

    def strangers(self, camera_ids: set[str]) -> tuple[str, ...]:
        """Cameras that have rules and are not in the list: a mistyped id would otherwise be watched by other rules in silence."""
        return tuple(sorted(self._city.cameras.keys() - camera_ids))

    def _keep(self, rules: Sequence[Rule]) -> str:
        name = hashlib.sha256("".join(rule.definition for rule in rules).encode()).hexdigest()[:16]
        if name not in self._documents:
            self._documents[name] = [rule.model_dump(mode="json", exclude_defaults=True) for rule in rules]
        return name


def rule_sets(documents: Mapping[str, RuleDocuments]) -> dict[str, RuleSet]:
    """The sets that a worker was told. Raises `BadSettings` when one is none."""
    metrics = metrics_of(NAMES)
    made = {name: RuleSet.model_validate({"rules": some}) for name, some in documents.items()}
    return {name: check_rules(some, metrics, "a set of rules") for name, some in made.items()}


def shipped_rules() -> RuleSet:
    """The rules of cameras that nobody set any for."""
    return default_rules(metrics_of(NAMES))
