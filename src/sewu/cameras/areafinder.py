"""Which kelurahan a place lies in, for a whole list of cameras at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry import shape

from sewu.base.places import Area, Boundary
from sewu.base.records import Place
from sewu.base.space import EARTH_RADIUS_M

NEAR_M = 5000.0
"""A place this far from the nearest centroid lies outside the city."""


class AreaFinder:
    """The areas of a city, to be asked for a code or for a place."""

    def __init__(self, areas: Sequence[Area], boundaries: Sequence[Boundary]) -> None:
        self.codes = frozenset(area.code for area in areas)
        lowest = {area.code: area for area in areas if area.level == "kelurahan"}
        drawn = [boundary for boundary in boundaries if boundary.area_code in lowest]
        self._drawn = [boundary.area_code for boundary in drawn]
        self._shapes = shapely.STRtree([shape(boundary.geometry) for boundary in drawn])
        real = {boundary.area_code for boundary in drawn if not boundary.is_approximate}
        self._rest = [area for area in lowest.values() if area.code not in real]
        self._centres = np.array([(area.place.lon_deg, area.place.lat_deg) for area in self._rest]).reshape(-1, 2)

    def at(self, place: Place) -> str | None:
        """The kelurahan around a place: by boundary, else by the nearest centroid; None when it lies outside the city."""
        hits = self._shapes.query(shapely.Point(place.lon_deg, place.lat_deg), predicate="intersects")
        if len(hits):
            return self._drawn[int(hits.min())]
        if not len(self._centres):
            return None
        offset = np.radians(self._centres - (place.lon_deg, place.lat_deg)) * (np.cos(np.radians(place.lat_deg)), 1.0)
        distance_m = np.hypot(offset[:, 0], offset[:, 1]) * EARTH_RADIUS_M
        nearest = int(distance_m.argmin())
        return self._rest[nearest].code if distance_m[nearest] <= NEAR_M else None
