"""The whole register as files: CSV or GeoJSON in, registered cameras and a list of every bad row out; and out again.

More columns than a plain camera list has (`sewu.cameras.register`), all of them optional: owner, agreement, dates, tags,
masks, whether the public may look and why.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import shapely

from sewu.base.records import Camera
from sewu.base.register import Login, Polygon, RegisteredCamera
from sewu.cameras.areafinder import AreaFinder
from sewu.cameras.register import COLUMNS, Credentials, Fault, camera_of, rows_of
from sewu.store.files import write_whole

MORE_COLUMNS = ("owner", "agreement", "installed_on", "warranty_until", "tags", "masks", "is_public", "public_reason")
ALL_COLUMNS = (*COLUMNS, *MORE_COLUMNS)
SEPARATOR = ";"
"""Between several tags in one cell."""
TAG = re.compile(r"[^\W_][\w .-]{0,39}")
YES, NO = frozenset({"1", "true", "yes", "ya"}), frozenset({"", "0", "false", "no", "tidak"})
MAX_MASKS, MAX_CORNERS = 50, 200
MAX_TEXT, MAX_URL = 300, 1000


@dataclass(frozen=True, slots=True)
class RegisterList:
    """What a file gave: the good rows, their log-ins, the bad rows, the columns nobody reads."""

    cameras: tuple[RegisteredCamera, ...]
    logins: Mapping[str, Login]
    faults: tuple[Fault, ...] = ()
    ignored_columns: tuple[str, ...] = ()


def read_register(path: Path, areas: AreaFinder) -> RegisterList:
    """Read a register; a camera without area is given the kelurahan it stands in.

    Raises:
        BadSettings: the file as a whole cannot be read. Single bad rows do not raise: see `faults`.
    """
    rows = rows_of(path)
    found: dict[str, RegisteredCamera] = {}
    logins: dict[str, Login] = {}
    faults: list[Fault] = []
    for number, row in enumerate(rows, start=2):
        camera_id = row.get("id", "").strip()
        try:
            if camera_id in found:
                raise ValueError(f"the id {camera_id} was used before")
            camera, login = registered(row, areas)
        except ValueError as error:
            faults.append(Fault(number, camera_id[:64], str(error)))
            continue
        found[camera_id] = camera
        if login is not None and login.password:
            logins[camera_id] = Login(login.user, login.password)
    ignored = sorted({key for row in rows for key in row} - set(ALL_COLUMNS))
    return RegisterList(tuple(found.values()), logins, tuple(faults), tuple(ignored))


def registered(row: Mapping[str, str], areas: AreaFinder) -> tuple[RegisteredCamera, Credentials | None]:
    """The camera of one row and its log-in. Raises ValueError saying what is wrong."""
    camera, login = camera_of(row)
    text = {name: row.get(name, "").strip() for name in MORE_COLUMNS}
    user = login.user if login is not None else ""
    _readable({name: text[name] for name in ("owner", "agreement", "public_reason")} | {"name": camera.name, "user": user})
    _readable({"stream_url": camera.stream_url, "sub_stream_url": camera.sub_stream_url or ""}, MAX_URL)
    is_public = text["is_public"].lower() in YES
    if not is_public and text["is_public"].lower() not in NO:
        raise ValueError(f"is_public {text['is_public'][:20]!r} must be 1 or 0")
    if is_public and not text["public_reason"]:
        raise ValueError("a camera that the public may see needs a public_reason")
    return RegisteredCamera(
        id=camera.id,
        name=camera.name,
        stream_url=camera.stream_url,
        area_code=_area_code(camera, areas),
        sub_stream_url=camera.sub_stream_url,
        owner_class=camera.owner_class,
        owner=text["owner"] or None,
        agreement=text["agreement"] or None,
        place=camera.place,
        heading_deg=camera.heading_deg,
        field_of_view_deg=camera.field_of_view_deg,
        height_m=camera.height_m,
        user=user or None,
        installed_on=_date(text["installed_on"], "installed_on"),
        warranty_until=_date(text["warranty_until"], "warranty_until"),
        tags=tags_of(text["tags"]),
        masks=masks_of(text["masks"]),
        is_public=is_public,
        public_reason=text["public_reason"] or None,
    ), login


def _readable(cells: Mapping[str, str], longest: int = MAX_TEXT) -> None:
    """Refuses what a database, a log or a page could not show: control characters, halves of letters."""
    for name, value in cells.items():
        if len(value) > longest or not value.isprintable():
            raise ValueError(f"{name} must have at most {longest} printable letters")


def _area_code(camera: Camera, areas: AreaFinder) -> str:
    if camera.area_code is not None:
        if camera.area_code not in areas.codes:
            raise ValueError(f"area_code {camera.area_code[:60]} is no area of this city; import the areas first")
        return camera.area_code
    found = None if camera.place is None else areas.at(camera.place)
    if found is None:
        raise ValueError("needs an area_code, or lat and lon inside the city")
    return found


def tags_of(text: str) -> tuple[str, ...]:
    """Tags of one cell, sorted. Raises ValueError."""
    tags = sorted({part.strip() for part in text.split(SEPARATOR)} - {""})
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise ValueError(f"tag {tag[:40]!r} must have 1 to 40 letters, digits, spaces, dots or dashes")
    return tuple(tags)


def masks_of(text: str) -> tuple[Polygon, ...]:
    """Masks of one cell: a JSON list of polygons, corners from 0 to 1. Raises ValueError."""
    if not text:
        return ()
    try:
        masks = tuple(tuple((float(x), float(y)) for x, y in mask) for mask in json.loads(text))
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise ValueError("masks must be a JSON list of polygons such as [[[0,0],[0.2,0],[0.2,0.3]]]") from None
    if fault := masks_fault(masks):
        raise ValueError(fault)
    return masks


def masks_fault(masks: tuple[Polygon, ...]) -> str | None:
    """Why these are no masks; None when they are."""
    if len(masks) > MAX_MASKS:
        return f"there are {len(masks)} masks, {MAX_MASKS} are allowed"
    for number, mask in enumerate(masks, start=1):
        if not 3 <= len(mask) <= MAX_CORNERS:
            return f"mask {number} has {len(mask)} corners, 3 to {MAX_CORNERS} are allowed"
        if not all(0 <= x <= 1 and 0 <= y <= 1 for x, y in mask):
            return f"mask {number} has a corner outside of the picture (0 to 1)"
        polygon = shapely.Polygon(mask)
        if not polygon.is_valid or polygon.area <= 0:
            return f"mask {number} is not a simple polygon with an area"
    return None


def _date(text: str, column: str) -> str | None:
    if not text:
        return None
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(f"{column} {text[:20]!r} is not a date such as 2026-11-24") from None


def write_register(cameras: Iterable[RegisteredCamera], path: Path) -> None:
    """Write a register that `read_register` reads back: `.geojson` as points, anything else as CSV; without passwords.

    Raises:
        StoreFull: the disk is full. SewuError: it may not be written.
    """
    rows = [row_of(camera) for camera in cameras]
    if path.suffix.lower() in {".json", ".geojson"}:
        text = json.dumps({"type": "FeatureCollection", "features": [_feature(row) for row in rows]}, ensure_ascii=False)
        write_whole(path, text.encode())
        return
    lines = _Lines()
    writer = csv.DictWriter(lines, ALL_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, "".join(lines.parts).encode())


def row_of(camera: RegisteredCamera) -> dict[str, Any]:
    """The cells of a camera, by column; "" where nothing is known."""
    row: dict[str, Any] = {name: getattr(camera, name, None) for name in ALL_COLUMNS}
    if camera.place is not None:
        row["lat"], row["lon"] = camera.place.lat_deg, camera.place.lon_deg
    row["tags"] = SEPARATOR.join(camera.tags)
    row["masks"] = json.dumps(camera.masks) if camera.masks else ""
    row["is_public"] = int(camera.is_public)
    return {name: "" if value is None else value for name, value in row.items()}


def plain(camera: RegisteredCamera) -> RegisteredCamera:
    """The camera without what only the database knows, to be compared."""
    return replace(camera, has_secret=False, version=1, changed_at_s=0.0)


class _Lines:
    """A file for the CSV writer."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        self.parts.append(text)
        return len(text)


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    point = None if row["lat"] == "" else {"type": "Point", "coordinates": [row["lon"], row["lat"]]}
    properties = {name: value for name, value in row.items() if name not in ("lat", "lon") and value != ""}
    return {"type": "Feature", "properties": properties, "geometry": point}
