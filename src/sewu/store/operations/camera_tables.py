"""The tables of cameras: what is registered, what is secret, and how each fares."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, RowMapping, Table, Text, text

from sewu.base.records import Place
from sewu.base.register import CameraState, RegisteredCamera
from sewu.store.operations.tables import metadata
from sewu.store.operations.upserts import Document

cameras = Table(
    "camera",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("search", Text, nullable=False),  # code and name, case-folded: databases fold letters differently
    Column("area_code", Text, nullable=False),
    Column("owner_class", Text, nullable=False),
    Column("owner", Text),
    Column("agreement", Text),
    Column("stream_url", Text, nullable=False),
    Column("sub_stream_url", Text),
    Column("user", Text),
    Column("lat_deg", Double),
    Column("lon_deg", Double),
    Column("heading_deg", Double),
    Column("field_of_view_deg", Double),
    Column("height_m", Double),
    Column("installed_on", Text),
    Column("warranty_until", Text),
    Column("tags", Text, nullable=False),  # "|tag|tag|", so that a tag is found by a plain LIKE in either database
    Column("masks", Document, nullable=False),
    Column("is_public", Boolean, nullable=False),
    Column("public_reason", Text),
    Column("version", Integer, nullable=False),
    Column("changed_at_s", Double, nullable=False),
    Column("deleted_at_s", Double),
    Index("ix_camera_area_code_id", "area_code", "id"),
    Index("ix_camera_lat_deg_lon_deg", "lat_deg", "lon_deg"),
    Index("ix_camera_alive_id", "id", postgresql_where=text("deleted_at_s IS NULL"), sqlite_where=text("deleted_at_s IS NULL")),
)

camera_secrets = Table(
    "camera_secret",
    metadata,
    Column("camera_id", Text, ForeignKey("camera.id"), primary_key=True),
    Column("sealed", Text, nullable=False),
)
"""Encrypted passwords, apart from the cameras, so that no query for cameras can return one."""

camera_states = Table(
    "camera_state",
    metadata,
    Column("camera_id", Text, ForeignKey("camera.id"), primary_key=True),
    Column("condition", Text, nullable=False, index=True),
    Column("reason", Text),
    Column("since_s", Double, nullable=False),
    Column("last_frame_at_s", Double),
    Column("still_ref", Text),
    Column("measures", Document, nullable=False),
    Column("written_at_s", Double, nullable=False),
)

PLAIN = tuple(
    name
    for name in RegisteredCamera.__dataclass_fields__
    if name not in ("place", "tags", "masks", "has_secret", "version", "changed_at_s")
)
"""Columns that are the noun's fields as they are."""
KEPT = frozenset({"version", "changed_at_s"})
"""What makes no difference between two rows of one camera."""


def row_of(camera: RegisteredCamera, now_s: float) -> dict[str, Any]:
    """The row of a camera; tags sorted, so that equal cameras have equal rows."""
    row: dict[str, Any] = {name: getattr(camera, name) for name in PLAIN}
    row["search"] = f"{camera.id}\n{camera.name}".casefold()
    row["lat_deg"] = None if camera.place is None else camera.place.lat_deg
    row["lon_deg"] = None if camera.place is None else camera.place.lon_deg
    row["tags"] = tags_text(camera.tags)
    row["masks"] = [[list(corner) for corner in mask] for mask in camera.masks]
    row["version"], row["changed_at_s"], row["deleted_at_s"] = 1, now_s, None
    return row


def tags_text(tags: tuple[str, ...]) -> str:
    """Tags as they are stored."""
    return f"|{'|'.join(sorted(set(tags)))}|" if tags else ""


def camera_of(row: RowMapping) -> RegisteredCamera:
    """The noun of a row that has the camera's columns and `has_secret`."""
    values: dict[str, Any] = {name: row[name] for name in PLAIN}
    lat, lon = row["lat_deg"], row["lon_deg"]
    values["place"] = None if lat is None or lon is None else Place(lat, lon)
    values["tags"] = tuple(row["tags"].strip("|").split("|")) if row["tags"] else ()
    values["masks"] = tuple(tuple((x, y) for x, y in mask) for mask in row["masks"])
    values["has_secret"] = bool(row["has_secret"])
    return RegisteredCamera(**values, version=row["version"], changed_at_s=row["changed_at_s"])


def state_of(row: RowMapping) -> CameraState | None:
    """The state in a row of cameras joined with states; None when there is none."""
    if row["condition"] is None:
        return None
    return CameraState(
        row["camera_id"], row["condition"], row["since_s"], row["reason"], row["last_frame_at_s"], row["still_ref"], row["measures"]
    )
