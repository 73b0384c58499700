"""Semarang with 10,693 cameras that do not exist: in number and kind as published, at invented places.

Published (press, 2021): 10,693 cameras, of which 10,293 in neighbourhoods (RT). The rest stands at traffic lights (ATCS)
and on company buildings; how many each is not published, the split here is ours. Nothing here is the place of a real camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import numpy as np

from sewu.base.errors import BadSettings
from sewu.base.records import Camera, Doubles, Ints
from sewu.simulate.areas import Area, Housing, Kelurahan, housing, places, real_areas, shares

CITY_CAMERAS = 10_693
RT_CAMERAS = 10_293
ATCS_SHARE = 0.45
"""Of the 400 that are not in neighbourhoods; an assumption."""
APPROACHES = 3
"""ATCS cameras at one junction."""
SECOND_CAMERA_SHARE = 0.04
"""RT with two cameras; "one or more per RT"."""
COAST_M = 2_000.0
"""North of this line (metres north of Simpang Lima) the tide comes into the streets (rob)."""

OwnerClass = Literal["rt", "atcs", "company"]
SCENES = ("street", "market", "junction", "parking", "river", "gate")
RISKS = ("disorder", "illegal_parking", "standing_water", "rubbish", "congestion")
LENSES_DEG, LENS_SHARES = np.array([105.0, 84.0, 54.0]), np.array([0.35, 0.5, 0.15])
"""Horizontal view of the usual 2.8, 4 and 6 mm lenses before a 1/2.8-inch chip, and how often each hangs there."""


@dataclass(frozen=True, slots=True)
class CityCamera:
    """A camera of the register and what else is known of it. All are synthetic, and say so in id, name and tags."""

    camera: Camera
    scene: str
    risks: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class City:
    """The register: areas down to the RT, and cameras."""

    areas: tuple[Area, ...]
    entries: tuple[CityCamera, ...]

    @property
    def cameras(self) -> tuple[Camera, ...]:
        return tuple(entry.camera for entry in self.entries)

    def sample(self, count: int) -> tuple[CityCamera, ...]:
        """So many cameras evenly over the register, at least one of every owner class from three on.

        Raises:
            BadSettings: more than there are, or less than one.
        """
        if not 1 <= count <= len(self.entries):
            raise BadSettings(f"{count} cameras were asked for.", f"Ask for 1 to {len(self.entries)}.")
        classes = [[entry for entry in self.entries if entry.camera.owner_class == owner] for owner in MASTS]
        sizes = np.array([len(members) for members in classes], np.float64)
        chosen: list[CityCamera] = []
        for members, wanted in zip(classes, shares(count, sizes, 1 if count >= len(classes) else 0).tolist(), strict=True):
            chosen += [members[int((index + 0.5) * len(members) / wanted)] for index in range(wanted)]
        return tuple(chosen)


def make_city(seed: int = 1, cameras: int = CITY_CAMERAS, base_url: str = "rtsp://127.0.0.1:8554") -> City:
    """Populate the city; the same seed gives the same city.

    Args:
        cameras: how many; fewer than the city has keeps the proportions.
        base_url: where they are served; a camera's streams are `BASE/ID/main` and `BASE/ID/sub`.

    Raises:
        BadSettings: too few cameras to go round (at least one for every kelurahan), or more than 100,000.
    """
    land = Kelurahan()
    if not 2 * len(land.areas) <= cameras <= 100_000:
        raise BadSettings(f"A city of {cameras} cameras was asked for.", f"Ask for {2 * len(land.areas)} to 100000.")
    random = np.random.default_rng(seed)
    in_rt = round(cameras * RT_CAMERAS / CITY_CAMERAS)
    atcs = round((cameras - in_rt) * ATCS_SHARE)
    per_kelurahan = shares(in_rt, land.weights(), 1)
    seconds = np.minimum(np.round(per_kelurahan * SECOND_CAMERA_SHARE).astype(np.int64), per_kelurahan - 1)
    homes = housing(land, per_kelurahan - seconds, random)
    base = base_url.rstrip("/")
    entries = [
        *_neighbourhood(land, homes, seconds, base, random),
        *_junctions(land, atcs, base, random),
        *_companies(land, homes, cameras - in_rt - atcs, base, random),
    ]
    return City((*real_areas(), *_areas_below(land, homes)), tuple(entries))


def _areas_below(land: Kelurahan, homes: Housing) -> list[Area]:
    rows = places(homes.points_m)
    rw: list[Area] = []
    rt: list[Area] = []
    keys = homes.kelurahan * 1000 + homes.rw
    for key in np.unique(keys):
        members = np.flatnonzero(keys == key)
        parent = land.areas[homes.kelurahan[members[0]]]
        code, name = f"{parent.code}.RW{key % 1000:02d}", f"{parent.name} RW {key % 1000:02d}"
        rw.append(Area(code, "rw", name, parent.code, places(homes.points_m[members].mean(axis=0)[None])[0], None, True))
        for row in members:
            number = int(homes.rt[row])
            rt.append(Area(f"{code}.RT{number:02d}", "rt", f"{name} RT {number:02d}", code, rows[row], None, True))
    return [*rw, *rt]


@dataclass(frozen=True, slots=True)
class Mast:
    """What an owner's cameras have in common."""

    owner: OwnerClass
    height_m: tuple[float, float, float]
    scenes: tuple[tuple[str, float], ...]
    risk_shares: tuple[tuple[str, float], ...]


MASTS: dict[OwnerClass, Mast] = {
    "rt": Mast(
        "rt",
        (3.0, 4.2, 6.0),
        (("street", 0.62), ("gate", 0.14), ("market", 0.09), ("parking", 0.08), ("river", 0.07)),
        (("disorder", 0.5), ("rubbish", 0.2), ("illegal_parking", 0.12)),
    ),
    "atcs": Mast("atcs", (6.0, 8.0, 10.0), (("junction", 1.0),), (("congestion", 1.0), ("illegal_parking", 0.3))),
    "company": Mast(
        "company",
        (3.0, 5.0, 12.0),
        (("street", 0.45), ("parking", 0.35), ("gate", 0.2)),
        (("disorder", 0.5), ("illegal_parking", 0.5)),
    ),
}


def _entries(
    mast: Mast,
    labels: Sequence[tuple[str, str, str | None]],
    points_m: Doubles,
    headings_deg: Doubles,
    base: str,
    random: np.random.Generator,
) -> list[CityCamera]:
    """Cameras of one owner. labels: (id, name, area code) each."""
    count = len(labels)
    low, usual, high = mast.height_m
    heights = np.round(random.triangular(low, usual, high, count), 1)
    lenses = random.choice(LENSES_DEG, count, p=LENS_SHARES)
    scenes = random.choice(len(mast.scenes), count, p=[share for _, share in mast.scenes])
    drawn = random.uniform(0, 1, (count, len(mast.risk_shares)))
    entries = []
    for row, ((camera_id, name, area_code), place) in enumerate(zip(labels, places(points_m), strict=True)):
        scene = mast.scenes[scenes[row]][0]
        risks = [risk for column, (risk, share) in enumerate(mast.risk_shares) if drawn[row, column] < share]
        if scene == "river" or points_m[row, 1] > COAST_M:
            risks.append("standing_water")
        url = f"{base}/{quote(camera_id)}"
        camera = Camera(
            camera_id, f"{name} (sintetis)", f"{url}/main", f"{url}/sub", mast.owner, area_code, place,
            round(float(headings_deg[row]) % 360, 1) % 360, float(lenses[row]), float(heights[row]),
        )  # fmt: skip
        entries.append(CityCamera(camera, scene, tuple(risks), ("synthetic", mast.owner, scene)))
    return entries


def _neighbourhood(land: Kelurahan, homes: Housing, seconds: Ints, base: str, random: np.random.Generator) -> list[CityCamera]:
    first = np.arange(len(homes.rt))
    extra = [random.choice(np.flatnonzero(homes.kelurahan == index), count, replace=False) for index, count in enumerate(seconds.tolist())]
    rows = np.concatenate([first, *extra]).astype(np.int64)
    number = np.repeat([1, 2], [len(first), len(rows) - len(first)])
    labels: list[tuple[str, str, str | None]] = []
    for row, which in zip(rows.tolist(), number.tolist(), strict=True):
        parent, rw, rt = land.areas[homes.kelurahan[row]], homes.rw[row], homes.rt[row]
        labels.append(
            (
                f"SIM-{parent.code}-{rw:02d}-{rt:02d}-{which}",
                f"{parent.name} RW {rw:02d} RT {rt:02d} / {which}",
                f"{parent.code}.RW{rw:02d}.RT{rt:02d}",
            )
        )
    # Along the street, one way or the other, seldom across it; the second camera looks the other way.
    way = random.choice([0.0, 180.0, 90.0, 270.0], len(first), p=[0.42, 0.42, 0.08, 0.08])
    headings = homes.street_deg[rows] + way[rows] + 180.0 * (number == 2) + random.normal(0, 10, len(rows))
    points = homes.points_m[rows] + random.normal(0, 6, (len(rows), 2))
    points = np.where(land.owns(homes.kelurahan[rows], points)[:, None], points, homes.points_m[rows])
    return _entries(MASTS["rt"], labels, points, headings, base, random)


def _junctions(land: Kelurahan, count: int, base: str, random: np.random.Generator) -> list[CityCamera]:
    """Junctions where the city is dense; each camera looks along one approach from a mast at the corner."""
    junctions = -(-count // APPROACHES)
    where = random.choice(len(land.areas), junctions, p=land.weights() / land.weights().sum())
    offset = random.normal(0, 0.25, (junctions, 2)) * land.radii_m[where][:, None]
    middles = land.centres_m[where] + np.where(land.owns(where, land.centres_m[where] + offset)[:, None], offset, 0.0)
    turned = random.uniform(0, 360, junctions)
    rows = np.arange(count)
    headings = turned[rows // APPROACHES] + 90.0 * (rows % APPROACHES) + random.normal(0, 4, count)
    back = np.radians(headings + 180)
    points = middles[rows // APPROACHES] + 12.0 * np.stack([np.sin(back), np.cos(back)], axis=1)
    labels: list[tuple[str, str, str | None]] = [
        (f"SIM-ATCS-{row // APPROACHES + 1:03d}-{row % APPROACHES + 1}", f"ATCS {row // APPROACHES + 1:03d} / {row % APPROACHES + 1}",
         land.areas[where[row // APPROACHES]].code)
        for row in range(count)
    ]  # fmt: skip
    return _entries(MASTS["atcs"], labels, points, headings, base, random)


def _companies(land: Kelurahan, homes: Housing, count: int, base: str, random: np.random.Generator) -> list[CityCamera]:
    """Buildings that must watch public space, near where people live."""
    rows = random.choice(len(homes.rt), count, replace=count > len(homes.rt))
    points = homes.points_m[rows] + random.normal(0, 40, (count, 2))
    points = np.where(land.owns(homes.kelurahan[rows], points)[:, None], points, homes.points_m[rows])
    labels: list[tuple[str, str, str | None]] = [
        (
            f"SIM-CO-{index + 1:03d}",
            f"Gedung {index + 1:03d}, {land.areas[homes.kelurahan[row]].name}",
            land.areas[homes.kelurahan[row]].code,
        )
        for index, row in enumerate(rows.tolist())
    ]
    headings = homes.street_deg[rows] + random.choice([90.0, 270.0], count) + random.normal(0, 15, count)
    return _entries(MASTS["company"], labels, points, headings, base, random)
