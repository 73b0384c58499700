"""Areas: the city, its kecamatan and kelurahan with Kemendagri codes, the RW and RT below them.

An area's code begins with its parent's: 33.74 > 33.74.01 > 33.74.01.1001 > 33.74.01.1001.RW02 > 33.74.01.1001.RW02.RT03, so
what lies within what can be told from the codes alone, and rights need no tree walk.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from sewu.base.records import Place

Level = Literal["city", "kecamatan", "kelurahan", "rw", "rt"]
LEVELS: tuple[Level, ...] = get_args(Level)
AREA_CODE = re.compile(r"\d{2}\.\d{2}(?:\.\d{2}(?:\.\d{4}(?:\.RW\d{2,3}(?:\.RT\d{2,3})?)?)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Area:
    """One area. `is_synthetic` for invented ones (a simulated city's RW and RT); `area_km2` where it is known."""

    code: str
    level: Level
    name: str
    parent_code: str | None
    place: Place
    area_km2: float | None
    is_synthetic: bool = False


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where an area ends. `geometry`: GeoJSON Polygon or MultiPolygon, WGS84. Approximate when it was drawn from centroids."""

    area_code: str
    geometry: Mapping[str, Any]
    is_approximate: bool


def level_of(code: str) -> Level:
    """The level that a code says. Raises ValueError for what is no area's code."""
    if not AREA_CODE.fullmatch(code):
        raise ValueError(f"{code[:60]!r} is no area code such as 33.74.01.1001 or 33.74.01.1001.RW02.RT03")
    return LEVELS[code.count(".") - 1]


def parent_of(code: str) -> str | None:
    """The code of the area above; None for a city. Raises ValueError for what is no area's code."""
    return None if level_of(code) == "city" else code.rpartition(".")[0]


@cache
def real_areas() -> tuple[Area, ...]:
    """Semarang, its 16 kecamatan and 177 kelurahan: codes, names, centroids and sizes are facts."""
    text = resources.files("sewu.base").joinpath("data", "areas.csv").read_text(encoding="utf-8")
    return tuple(
        Area(
            row["code"],
            level_of(row["code"]),
            row["name"],
            row["parent_code"] or None,
            Place(float(row["lat"]), float(row["lon"])),
            float(row["area_km2"]) if row["area_km2"] else None,
        )
        for row in csv.DictReader(io.StringIO(text))
    )
