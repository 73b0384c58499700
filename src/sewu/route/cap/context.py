"""Other services' alerts become warnings beside our incidents: only actual, public ones that reach the city's ground."""

from __future__ import annotations

from shapely import Polygon, box

from sewu.base.records import Place
from sewu.base.space import distance_m
from sewu.route.cap.alert import Alert, AlertArea
from sewu.store.operations.warnings import Warning

DEFAULT_HOURS = 6
Bounds = tuple[float, float, float, float]
"""lat_min, lon_min, lat_max, lon_max, degrees."""


def warnings_of(alert: Alert, city_area: str, bounds: Bounds) -> tuple[tuple[Warning, ...], tuple[str, ...]]:
    """The warnings that an alert brings to the city, and the ids of those that it replaces or cancels.

    An area without a polygon or circle, named only in words, counts: better a warning too many.
    """
    replaced = tuple(f"{sender} {id_}" for sender, id_, _ in alert.references)
    if alert.status != "Actual" or alert.scope != "Public" or alert.msg_type not in ("Alert", "Update", "Cancel"):
        return (), ()
    if alert.msg_type == "Cancel":
        return (), tuple(f"{id_} {number}" for id_ in replaced for number in range(MAX_INFOS))
    rows = []
    for number, info in enumerate(alert.infos[:MAX_INFOS]):
        if info.areas and not any(_reaches(area, bounds) for area in info.areas):
            continue
        from_s = info.onset_s if info.onset_s is not None else info.effective_s if info.effective_s is not None else alert.sent_s
        rows.append(
            Warning(
                id=f"{alert.sender} {alert.identifier} {number}",
                sender=info.sender_name or alert.sender,
                sent_s=alert.sent_s,
                event=info.event,
                severity=info.severity,
                urgency=info.urgency,
                certainty=info.certainty,
                from_s=from_s,
                until_s=info.expires_s if info.expires_s is not None else from_s + DEFAULT_HOURS * 3600.0,
                area_code=city_area,
                headline=info.headline,
                description=info.description,
                web=info.web,
                polygons=tuple(ring for area in info.areas for ring in area.polygons),
            )
        )
    return tuple(rows), tuple(f"{id_} {number}" for id_ in replaced for number in range(MAX_INFOS))


MAX_INFOS = 10


def _reaches(area: AlertArea, bounds: Bounds) -> bool:
    if not area.polygons and not area.circles:
        return True
    city = box(bounds[1], bounds[0], bounds[3], bounds[2])
    for ring in area.polygons:
        shape = Polygon([(lon, lat) for lat, lon in ring])
        if (shape if shape.is_valid else shape.convex_hull).intersects(city):
            return True
    for lat, lon, radius_km in area.circles:
        nearest = Place(min(max(lat, bounds[0]), bounds[2]), min(max(lon, bounds[1]), bounds[3]))
        if distance_m(Place(lat, lon), nearest) <= radius_km * 1000:
            return True
    return False
