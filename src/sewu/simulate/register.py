"""The register as files: cameras and areas as CSV to import, and the truth about what each camera plays."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from sewu.simulate.areas import Area
from sewu.simulate.city import CityCamera

CAMERA_COLUMNS = (
    "id", "name", "owner_class", "area_code", "lat", "lon", "heading_deg", "field_of_view_deg", "height_m",
    "stream_url", "sub_stream_url", "user", "secret_name", "scene", "risks", "tags",
)  # fmt: skip
AREA_COLUMNS = ("code", "level", "name", "parent_code", "lat", "lon", "area_km2", "synthetic")
SEPARATOR = ";"
"""Between several risks or tags in one cell."""


def write_cameras(entries: Iterable[CityCamera], path: Path, user: str | None = None) -> None:
    """One row per camera, without passwords: `secret_name` says under which name the password is kept.

    Args:
        user: who logs in to every camera; None when nobody has to.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CAMERA_COLUMNS)
        for entry in entries:
            camera, place = entry.camera, entry.camera.place
            secret = f"camera/{camera.id}" if user else None
            where = (place.lat_deg, place.lon_deg) if place else (None, None)
            writer.writerow(
                [
                    camera.id, camera.name, camera.owner_class, camera.area_code, *where, camera.heading_deg, camera.field_of_view_deg,
                    camera.height_m, camera.stream_url, camera.sub_stream_url, user, secret, entry.scene,
                    SEPARATOR.join(entry.risks), SEPARATOR.join(entry.tags),
                ]
            )  # fmt: skip


def write_areas(areas: Iterable[Area], path: Path) -> None:
    """One row per area, parents before children. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(AREA_COLUMNS)
        for area in areas:
            place = area.place
            writer.writerow(
                [area.code, area.level, area.name, area.parent_code, place.lat_deg, place.lon_deg, area.area_km2, int(area.is_synthetic)]
            )


def write_lines(rows: Iterable[Mapping[str, object]], path: Path) -> None:
    """JSON Lines. Raises OSError."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
