"""The camera list: CSV or GeoJSON in, `Camera` records and a list of every bad row out.

Passwords do not belong in a camera list. A URL that carries `user:password@` is accepted, the two are taken out
of it and handed over apart, so that nothing that prints a camera can print its secret.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints
from urllib.parse import unquote, urlsplit, urlunsplit

from sewu.base.errors import BadSettings
from sewu.base.records import Camera, Place
from sewu.base.settings import MAX_FILE_BYTES

COLUMNS: tuple[str, ...] = (
    "id",
    "name",
    "stream_url",
    "sub_stream_url",
    "owner_class",
    "area_code",
    "lat",
    "lon",
    "heading_deg",
    "field_of_view_deg",
    "height_m",
    "user",
)
"""The columns read; others are kept out and named in the report."""

OWNER_CLASSES: tuple[str, ...] = get_args(get_type_hints(Camera)["owner_class"])
SCHEMES = ("rtsp", "rtsps", "http", "https", "file")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A camera's log-in; never printed."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """One row that was not taken, and why."""

    row: int
    camera_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class CameraList:
    """What a file gave: the good rows, their log-ins, the bad rows, the columns nobody reads."""

    cameras: tuple[Camera, ...]
    credentials: Mapping[str, Credentials]
    faults: tuple[Fault, ...] = ()
    ignored_columns: tuple[str, ...] = ()


def read_cameras(path: Path) -> CameraList:
    """Read a camera list; `.csv` by its header row, `.json`/`.geojson` as a FeatureCollection of points.

    Raises:
        BadSettings: the file as a whole cannot be read. Single bad rows do not raise: see `faults`.
    """
    rows = rows_of(path)
    return _collect(rows)


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a camera list as text by column; a GeoJSON point fills lat and lon. Raises `BadSettings`."""
    text = read_text(path)
    return _geojson_rows(text, path) if path.suffix.lower() in {".json", ".geojson"} else _csv_rows(text, path)


def read_text(path: Path) -> str:
    """The text of a list that a person gives. Raises `BadSettings` when it is missing, too large or not UTF-8."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadSettings(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB.", "Split the list.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions.") from error
    except UnicodeDecodeError as error:
        raise BadSettings(f"{path} is not UTF-8: {error.reason} at byte {error.start}.", "Save the list as UTF-8.") from error


def write_cameras(cameras: Iterable[Camera], path: Path) -> None:
    """Write a list that `read_cameras` reads back; without log-ins."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for camera in cameras:
            row: dict[str, Any] = {name: getattr(camera, name, None) for name in COLUMNS}
            if camera.place is not None:
                row["lat"], row["lon"] = camera.place.lat_deg, camera.place.lon_deg
            writer.writerow({name: "" if value is None else value for name, value in row.items()})


def split_credentials(url: str) -> tuple[str, Credentials | None]:
    """Take `user:password@` out of a URL. Raises ValueError for a URL that cannot be parsed."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host)), Credentials(unquote(parts.username), unquote(parts.password or ""))


def _csv_rows(text: str, path: Path) -> list[dict[str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        header = reader.fieldnames or []
        if not {"id", "stream_url"} <= set(header):
            raise BadSettings(
                f"{path} has no header row with the columns id and stream_url (found: {', '.join(map(str, header))[:120] or 'nothing'}).",
                f"Begin the file with: {','.join(COLUMNS)}",
            )
        return [{str(key): value or "" for key, value in row.items() if isinstance(value, str | None)} for row in reader]
    except csv.Error as error:
        raise BadSettings(f"{path} is not CSV: {error}.", "Save the list as comma-separated values.") from error


def _geojson_rows(text: str, path: Path) -> list[dict[str, str]]:
    try:
        document = json.loads(text)
        features = document["features"]
        rows = []
        for feature in features:
            row = {str(key): "" if value is None else str(value) for key, value in feature["properties"].items()}
            coordinates = (feature.get("geometry") or {}).get("coordinates")
            if isinstance(coordinates, list) and len(coordinates) >= 2:
                row["lon"], row["lat"] = str(coordinates[0]), str(coordinates[1])
            rows.append(row)
        return rows
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadSettings(f"{path} is not a GeoJSON FeatureCollection of points.", "Export the cameras as points.") from error


def _collect(rows: list[dict[str, str]]) -> CameraList:
    cameras: dict[str, Camera] = {}
    credentials: dict[str, Credentials] = {}
    faults: list[Fault] = []
    for number, row in enumerate(rows, start=2):
        camera_id = row.get("id", "").strip()
        try:
            if camera_id in cameras:
                raise ValueError(f"the id {camera_id} was used before")
            camera, login = camera_of(row)
        except ValueError as error:
            faults.append(Fault(number, camera_id, str(error)))
            continue
        cameras[camera_id] = camera
        if login is not None:
            credentials[camera_id] = login
    ignored = sorted({key for row in rows for key in row} - set(COLUMNS))
    return CameraList(tuple(cameras.values()), credentials, tuple(faults), tuple(ignored))


def camera_of(row: Mapping[str, str]) -> tuple[Camera, Credentials | None]:
    """The camera of one row and its log-in. Raises ValueError saying what is wrong."""
    text = {name: row.get(name, "").strip() for name in COLUMNS}
    if not ID.fullmatch(text["id"]):
        raise ValueError("the id must have 1 to 64 letters, digits, dots, dashes or underscores")
    url, login = _url(text["stream_url"], "stream_url")
    sub_url, sub_login = _url(text["sub_stream_url"], "sub_stream_url") if text["sub_stream_url"] else (None, None)
    owner = text["owner_class"] or "rt"
    if owner not in OWNER_CLASSES:
        raise ValueError(f"owner_class {owner!r} is none of {', '.join(OWNER_CLASSES)}")
    lat, lon = _number(text["lat"], "lat", -90, 90), _number(text["lon"], "lon", -180, 180)
    if (lat is None) != (lon is None):
        raise ValueError("lat and lon belong together")
    camera = Camera(
        id=text["id"],
        name=text["name"] or text["id"],
        stream_url=url,
        sub_stream_url=sub_url,
        owner_class=owner,  # type: ignore[arg-type]  # checked above
        area_code=text["area_code"] or None,
        place=Place(lat, lon) if lat is not None and lon is not None else None,
        heading_deg=_number(text["heading_deg"], "heading_deg", 0, 360),
        field_of_view_deg=_number(text["field_of_view_deg"], "field_of_view_deg", 1, 360),
        height_m=_number(text["height_m"], "height_m", 0, 200),
    )
    named = Credentials(text["user"], "") if text["user"] else None
    return camera, login or sub_login or named


def _url(text: str, column: str) -> tuple[str, Credentials | None]:
    try:
        parts = urlsplit(text)
        _ = parts.port
        if parts.scheme not in SCHEMES or not (parts.hostname or parts.scheme == "file"):
            raise ValueError
    except ValueError:
        raise ValueError(f"{column} must be an address such as rtsp://camera/stream ({', '.join(SCHEMES)})") from None
    return split_credentials(text)


def _number(text: str, column: str, low: float, high: float) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{column} {text[:20]!r} is not a number") from None
    if not low <= value <= high:
        raise ValueError(f"{column} {text[:20]} is not between {low:g} and {high:g}")
    return value
