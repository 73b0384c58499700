"""The area list and its boundaries as files: CSV and GeoJSON in, areas, boundaries and a list of every bad row out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape

from sewu.base.errors import BadSettings
from sewu.base.places import Area, Boundary, level_of, parent_of
from sewu.base.records import Place
from sewu.base.space import EARTH_RADIUS_M
from sewu.cameras.register import read_text

AREA_COLUMNS = ("code", "level", "name", "parent_code", "lat", "lon", "area_km2", "synthetic")
REACH = 2.0
"""An approximate cell ends at this many radii of the disc that has the area's size: land beyond the city is nobody's."""
UNKNOWN_KM2 = 2.0
"""Size taken for an area whose size nobody stated (about the mean of Semarang's kelurahan)."""
DIGITS = 6


@dataclass(frozen=True, slots=True)
class AreaFault:
    """One row or feature that was not taken, and why. `row`: line of the file, or number of the feature from 1."""

    row: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class AreaList:
    """What a file of areas gave."""

    areas: tuple[Area, ...]
    faults: tuple[AreaFault, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundaryList:
    """What a file of boundaries gave."""

    boundaries: tuple[Boundary, ...]
    faults: tuple[AreaFault, ...] = ()


def read_areas(path: Path) -> AreaList:
    """Read a CSV of areas; level and parent may be left out, the code says them.

    Raises:
        BadSettings: the file as a whole cannot be read. Single bad rows do not raise: see `faults`.
    """
    try:
        reader = csv.DictReader(io.StringIO(read_text(path)), strict=True)
        if not {"code", "name", "lat", "lon"} <= set(reader.fieldnames or []):
            raise BadSettings(f"{path} has no header row with code, name, lat, lon.", f"Begin the file with: {','.join(AREA_COLUMNS)}")
        rows = [{str(key): value for key, value in row.items() if isinstance(value, str)} for row in reader]
    except csv.Error as error:
        raise BadSettings(f"{path} is not CSV: {error}.", "Save the list as comma-separated values.") from error
    found: dict[str, Area] = {}
    faults: list[AreaFault] = []
    for number, row in enumerate(rows, start=2):
        try:
            area = _area(row)
            if area.code in found:
                raise ValueError("this code was used before")
            found[area.code] = area
        except ValueError as error:
            faults.append(AreaFault(number, row.get("code", "")[:60], str(error)))
    return AreaList(tuple(found.values()), tuple(faults))


def _area(row: Mapping[str, str]) -> Area:
    text = {name: row.get(name, "").strip() for name in AREA_COLUMNS}
    level, parent = level_of(text["code"]), parent_of(text["code"])
    if text["level"] not in ("", level):
        raise ValueError(f"the code is that of a {level}, the row says {text['level'][:20]!r}")
    if text["parent_code"] not in ("", parent or ""):
        raise ValueError(f"the code lies below {parent}, the row says {text['parent_code'][:60]!r}")
    if not 1 <= len(text["name"]) <= 200 or not text["name"].isprintable():
        raise ValueError("the name must have 1 to 200 printable letters")
    size = _number(text["area_km2"], "area_km2") if text["area_km2"] else None
    if size is not None and not 0 < size < 1e6:
        raise ValueError(f"area_km2 {size:g} is no size of an area")
    if text["synthetic"].lower() not in ("", "0", "1", "true", "false"):
        raise ValueError("synthetic must be 1 or 0")
    place = Place(_number(text["lat"], "lat"), _number(text["lon"], "lon"))
    return Area(text["code"], level, text["name"], parent, place, size, text["synthetic"].lower() in ("1", "true"))


def _number(text: str, column: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{column} {text[:20]!r} is not a number") from None


def read_boundaries(path: Path) -> BoundaryList:
    """Read a GeoJSON FeatureCollection of (multi)polygons with the property `code` (RFC 7946).

    Raises:
        BadSettings: the file as a whole cannot be read. Single bad features do not raise: see `faults`.
    """
    try:
        features = json.loads(read_text(path))["features"]
        if not isinstance(features, list):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadSettings(f"{path} is not a GeoJSON FeatureCollection.", "Export the boundaries as GeoJSON, WGS84.") from error
    found: dict[str, Boundary] = {}
    faults: list[AreaFault] = []
    for number, feature in enumerate(features, start=1):
        code = ""
        try:
            code = str(feature["properties"]["code"])
            level_of(code)
            if code in found:
                raise ValueError("this code was used before")
            found[code] = Boundary(code, _checked(feature["geometry"]), False)
        except (KeyError, TypeError, AttributeError):
            faults.append(AreaFault(number, code[:60], "needs the property code and a geometry"))
        except ValueError as error:
            faults.append(AreaFault(number, code[:60], str(error)))
    return BoundaryList(tuple(found.values()), tuple(faults))


def _checked(geometry: Mapping[str, Any]) -> dict[str, Any]:
    if geometry["type"] not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"the geometry is a {str(geometry['type'])[:20]}, not a Polygon or MultiPolygon")
    try:
        polygon = shape(geometry)
        bounds = polygon.bounds
    except (ShapelyError, ValueError, IndexError, TypeError, OverflowError):
        raise ValueError("the coordinates are not rings of [longitude, latitude]") from None
    if polygon.is_empty or not polygon.is_valid:
        raise ValueError("the geometry is empty" if polygon.is_empty else f"the edge is not simple: {shapely.is_valid_reason(polygon)}")
    if not (-180 <= bounds[0] <= bounds[2] <= 180 and -90 <= bounds[1] <= bounds[3] <= 90):
        raise ValueError("the coordinates are not degrees of longitude and latitude")
    return _plain(shapely.force_2d(polygon))


def _plain(polygon: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(mapping(shapely.set_precision(polygon, 10.0**-DIGITS))))
    return document


def approximate_boundaries(areas: Sequence[Area]) -> tuple[Boundary, ...]:
    """Cells drawn from the centroids of the kelurahan, until real boundaries are imported; kecamatan and city are their union.

    Voronoi cells (every point belongs to the nearest centroid), cut where a kelurahan of the stated size would hardly
    reach. They show roughly where a kelurahan is; no right, statistic or legal matter may rest on their edges.
    """
    some = [area for area in areas if area.level == "kelurahan"]
    if not some:
        return ()
    narrow = float(np.cos(np.radians(np.mean([area.place.lat_deg for area in some]))))
    scale_m = np.radians(1.0) * EARTH_RADIUS_M
    points = np.array([(area.place.lon_deg * narrow, area.place.lat_deg) for area in some])
    radii = np.sqrt(np.array([area.area_km2 or UNKNOWN_KM2 for area in some]) * 1e6 / np.pi) * REACH / scale_m
    discs = [shapely.Point(point).buffer(radius) for point, radius in zip(points, radii, strict=True)]
    land = shapely.union_all(discs)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=land.envelope)) if len(some) > 1 else [land]
    tree = shapely.STRtree(cells)
    drawn: dict[str, Any] = {}
    for area, point in zip(some, points, strict=True):
        hit = tree.query(shapely.Point(point), predicate="intersects")
        if len(hit):
            drawn[area.code] = shapely.transform(cells[hit[0]].intersection(land), lambda xy: xy / (narrow, 1.0))
    for above in [area for level in ("kecamatan", "city") for area in areas if area.level == level]:
        parts = [drawn[area.code] for area in some if area.code.startswith(f"{above.code}.") and area.code in drawn]
        if parts:
            drawn[above.code] = shapely.union_all(parts)
    return tuple(Boundary(code, _plain(polygon), True) for code, polygon in drawn.items())
