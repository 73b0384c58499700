"""The rules of a city of cameras in one file: those of every camera, and more for some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from sewu.base.settings import Settings, load_settings
from sewu.notice.rules import Metrics, Rule, RuleSet, Text, check_rules

CameraId = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class CityRules(Settings):
    """A rules file of many cameras. One file, so that it changes for all cameras at once; a plain rules file is one too."""

    rules: Annotated[tuple[Rule, ...], Field(max_length=10_000)] | None = None
    """The rules of every camera; those that ship with Sewu when left out."""
    sets: Annotated[Mapping[Text, RuleSet], Field(max_length=1_000_000)] = Field(default_factory=dict)
    """More rules for some cameras, by name of the set. One with the id of a rule of every camera stands in its place."""
    cameras: Annotated[Mapping[CameraId, Text], Field(max_length=1_000_000)] = Field(default_factory=dict)
    """Which set a camera has besides the rules of every camera: camera id -> name of the set."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        RuleSet(rules=self.rules or ())  # its ids are checked there
        unknown = sorted({name for name in self.cameras.values() if name not in self.sets})
        if unknown:
            raise ValueError(f"cameras name sets that are not there: {', '.join(unknown[:10])}")
        return self


def joined(common: Sequence[Rule], more: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules of every camera and those of a set; of two with one id the set's holds."""
    own = {rule.id for rule in more}
    return (*(rule for rule in common if rule.id not in own), *more)


def load_city_rules(path: Path, metrics: Metrics) -> CityRules:
    """Read a rules file of many cameras (TOML or JSON).

    Raises:
        BadSettings: the file cannot be read or is faulty; every fault is named with its rule, and the set it is in.
    """
    city = load_settings(CityRules, path)
    check_rules(RuleSet(rules=city.rules or ()), metrics, str(path))
    for name, some in city.sets.items():
        check_rules(some, metrics, f"{path}, set {name!r},")
    return city
