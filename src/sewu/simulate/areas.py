"""Semarang's areas: kecamatan and kelurahan as they are, RW and RT below them invented.

The facts (codes, names, centroids, areas) are in `base/places.py`. How many RW and RT a kelurahan has, and where
they lie, is generated: nobody publishes it by place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sewu.base.places import Area, Level, real_areas
from sewu.base.records import Bools, Doubles, Ints, Place
from sewu.base.space import EARTH_RADIUS_M

__all__ = ["CENTRE", "Area", "Housing", "Kelurahan", "Level", "housing", "metres", "places", "real_areas", "shares"]

CENTRE = Place(-6.9904, 110.4229)
"""Simpang Lima, around which the city is densest."""
RT_PER_RW = 7.0
"""An assumption."""


def metres(places: Sequence[Place]) -> Doubles:
    """Metres east and north of `CENTRE`, (n, 2); good to 0.1 % within the city."""
    degrees = np.array([[place.lon_deg, place.lat_deg] for place in places], np.float64).reshape(-1, 2)
    east = np.radians(degrees[:, 0] - CENTRE.lon_deg) * EARTH_RADIUS_M * math.cos(math.radians(CENTRE.lat_deg))
    return np.stack([east, np.radians(degrees[:, 1] - CENTRE.lat_deg) * EARTH_RADIUS_M], axis=1)


def places(points_m: Doubles) -> list[Place]:
    """Back from metres, (n, 2)."""
    lon = CENTRE.lon_deg + np.degrees(points_m[:, 0] / (EARTH_RADIUS_M * math.cos(math.radians(CENTRE.lat_deg))))
    lat = CENTRE.lat_deg + np.degrees(points_m[:, 1] / EARTH_RADIUS_M)
    return [Place(round(float(a), 6), round(float(b), 6)) for a, b in zip(lat, lon, strict=True)]


class Kelurahan:
    """All kelurahan as discs of their true area that do not overlap (a power diagram), since only centroids are facts."""

    def __init__(self) -> None:
        self.areas = [area for area in real_areas() if area.level == "kelurahan"]
        self.centres_m = metres([area.place for area in self.areas])
        self.areas_m2 = np.array([(area.area_km2 or 1.0) * 1e6 for area in self.areas])
        self.radii_m = np.sqrt(self.areas_m2 / np.pi)

    def owns(self, index: Ints | int, points_m: Doubles) -> Bools:
        """Which points lie inside the disc and the cell of their kelurahan. (n, 2) -> (n,)."""
        power = ((points_m[:, None, :] - self.centres_m[None]) ** 2).sum(axis=2) - self.radii_m[None] ** 2
        own = np.broadcast_to(np.asarray(index), (len(points_m),))
        return np.asarray((power.argmin(axis=1) == own) & (power[np.arange(len(points_m)), own] <= 0), np.bool_)

    def weights(self) -> Doubles:
        """How many people live there, roughly: built-up area grows slower than area, density falls from the centre."""
        distance_km = np.linalg.norm(self.centres_m, axis=1) / 1000
        return np.asarray(np.sqrt(self.areas_m2) * (np.exp(-distance_km / 6.0) + 0.25), np.float64)


def shares(total: int, weights: Doubles, at_least: int) -> Ints:
    """Split a whole number by weights (largest remainder), nobody below `at_least`. (n,) -> (n,)."""
    exact = at_least + weights / weights.sum() * (total - at_least * len(weights))
    whole: Ints = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


@dataclass(frozen=True, slots=True)
class Housing:
    """Where the RT of the city lie. Columns of one length, one row per RT.

    kelurahan: int64, index into `Kelurahan.areas`. rw, rt: int64, numbers from 1. points_m: float64 (n, 2).
    street_deg: float64, direction of the street, degrees clockwise from north.
    """

    kelurahan: Ints
    rw: Ints
    rt: Ints
    points_m: Doubles
    street_deg: Doubles


def housing(land: Kelurahan, rt_per_kelurahan: Ints, random: np.random.Generator) -> Housing:
    """Lay out neighbourhoods: RW spread over the kelurahan, RT in rows along streets around each RW's middle."""
    columns: list[tuple[Ints, Ints, Ints, Doubles, Doubles]] = []
    for index, count in enumerate(rt_per_kelurahan.tolist()):
        rw_count = max(1, round(count / RT_PER_RW))
        centres = _spread(land, index, rw_count, random)
        members = shares(count, random.uniform(0.6, 1.4, rw_count), 1)
        rw = np.repeat(np.arange(rw_count), members)
        rt = np.concatenate([np.arange(1, n + 1) for n in members])
        streets = random.uniform(0, 180) + random.normal(0, 8, rw_count)
        # A block takes a third of the ground that would be its share: the rest is fields, roads, factories.
        side_m = float(np.clip(math.sqrt(land.areas_m2[index] / count) * 0.6, 35, 110))
        across, along = (rt - 1) % 3 - 1, (rt - 1) // 3 - (members[rw] - 1) // 6
        local = np.stack([across * side_m, along * side_m * 1.4], axis=1) + random.normal(0, side_m / 8, (count, 2))
        turn = np.radians(streets[rw])
        east = local[:, 0] * np.cos(turn) + local[:, 1] * np.sin(turn)
        north = -local[:, 0] * np.sin(turn) + local[:, 1] * np.cos(turn)
        points = _inside(land, index, centres[rw], np.stack([east, north], axis=1))
        columns.append((np.full(count, index), rw + 1, rt, points, streets[rw] % 360))
    merged = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    return Housing(merged[0], merged[1], merged[2], merged[3], merged[4])


def _spread(land: Kelurahan, index: int, count: int, random: np.random.Generator) -> Doubles:
    """So many points inside a kelurahan, each far from the others (greedy farthest point). -> (count, 2)."""
    angle, radius = random.uniform(0, 2 * np.pi, 24 * count), np.sqrt(random.uniform(0, 1, 24 * count))
    candidates = land.centres_m[index] + land.radii_m[index] * (radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    candidates = candidates[land.owns(index, candidates)]
    if len(candidates) < count:
        candidates = np.concatenate([candidates, np.repeat(land.centres_m[index][None], count, axis=0)])
    chosen = [0]
    nearest = np.linalg.norm(candidates - candidates[0], axis=1)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(candidates - candidates[chosen[-1]], axis=1))
    return np.asarray(candidates[chosen], np.float64)


def _inside(land: Kelurahan, index: int, middles: Doubles, offsets: Doubles) -> Doubles:
    """Middles plus offsets; offsets that leave the kelurahan are shortened until they do not."""
    offsets = offsets.copy()
    for _ in range(6):
        outside = ~land.owns(index, middles + offsets)
        if not outside.any():
            break
        offsets[outside] *= 0.5
    return middles + offsets
