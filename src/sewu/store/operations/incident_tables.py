"""Tables of the desk: incidents, the events in them, and everything that was said and done about them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Double, ForeignKey, Index, Integer, Table, Text, text

from sewu.store.operations.tables import metadata

Counter = BigInteger().with_variant(Integer, "sqlite")

incidents = Table(
    "incident",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("opened_at_s", Double, nullable=False),
    Column("updated_at_s", Double, nullable=False),
    Column("began_at_s", Double),
    Column("version", Integer, nullable=False),
    Column("area_code", Text),
    Column("lat_deg", Double),
    Column("lon_deg", Double),
    Column("cell", Text),
    Column("zone_id", Text),
    Column("rule_id", Text),
    Column("group_key", Text),
    Column("agency", Text, nullable=False),
    Column("assignee", Text),
    Column("last_event_at_s", Double),
    Column("event_count", Integer, nullable=False),
    Column("going_on", Integer, nullable=False),
    Column("camera_count", Integer, nullable=False),
    Column("acknowledge_by_s", Double),
    Column("resolve_by_s", Double),
    Column("acknowledged_at_s", Double),
    Column("resolved_at_s", Double),
    Column("closed_at_s", Double),
    Column("level", Integer, nullable=False),
    Column("snoozed_until_s", Double),
    Column("merged_into", Text),
    Index("ix_incident_list", "opened_at_s", "id", "state", "kind", "severity", "agency", "area_code", "assignee", "search"),
    Index("ix_incident_state", "state", "opened_at_s", "id", "kind", "severity", "agency", "area_code"),
    Index("ix_incident_area", "area_code", "opened_at_s", "id", postgresql_ops={"area_code": "text_pattern_ops"}),
    Index("ix_incident_verdict", "state", "rule_id", "merged_into", "area_code", "agency"),
    Index("ix_incident_cell", "cell", "kind", "state"),
    Index("ix_incident_group", "group_key", "kind", "state"),
    Index("ix_incident_acknowledge", "acknowledge_by_s", "state"),
    Index("ix_incident_resolve", "resolve_by_s", "state"),
)
"""`cell` is the square of the map that `place` lies in (`cells_around`), by which neighbours are found. `search` is the case-folded
text that a person's words are looked for in. The first index holds all that a list filters by, so that a page is found without
reading the rows that it skips."""

incident_cameras = Table(
    "incident_camera",
    metadata,
    Column("incident_id", Text, ForeignKey("incident.id"), primary_key=True),
    Column("camera_id", Text, primary_key=True),
    Index("ix_incident_camera_camera_id", "camera_id", "incident_id"),
)

events = Table(
    "event",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, ForeignKey("incident.id")),
    Column("camera_id", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("started_at_s", Double, nullable=False),
    Column("at_s", Double, nullable=False),
    Column("ended_at_s", Double),
    Column("value", Double, nullable=False),
    Column("peak", Double, nullable=False),
    Column("unit", Text, nullable=False),
    Column("zone_id", Text),
    Column("subject", Text),
    Column("labels", JSON, nullable=False),
    Column("box_px", JSON),
    Column("area_code", Text),
    Column("agency", Text),
    Index("ix_event_incident", "incident_id", "started_at_s", "id"),
    Index("ix_event_camera", "camera_id", "started_at_s", "id"),
    Index("ix_event_going_on", "kind", "camera_id", postgresql_where=text("phase <> 'end'"), sqlite_where=text("phase <> 'end'")),
    Index("ix_event_area", "area_code", "started_at_s", "id", postgresql_ops={"area_code": "text_pattern_ops"}),
    Index("ix_event_kind", "kind", "started_at_s", "id", "area_code", "agency", "severity"),
    Index("ix_event_list", "started_at_s", "id", "kind", "area_code", "agency", "severity"),
)
"""The newest message of each event; `incident_id` is set in the transaction that stores its first one, never left open."""

history = Table(
    "incident_history",
    metadata,
    Column("number", Counter, primary_key=True, autoincrement=True),
    Column("incident_id", Text, ForeignKey("incident.id"), nullable=False),
    Column("at_s", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("reason", Text),
    Column("from_state", Text),
    Column("to_state", Text),
    Column("details", JSON, nullable=False),
    Index("ix_incident_history_incident", "incident_id", "number"),
    Index("ix_incident_history_actor", "actor", "at_s"),
    Index("ix_incident_history_at", "at_s", "action"),
)
"""Append-only: this package has no statement that changes or removes a row of it, except the retention of whole incidents."""

comments = Table(
    "incident_comment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, ForeignKey("incident.id"), nullable=False, index=True),
    Column("at_s", Double, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
)

attachments = Table(
    "incident_attachment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, ForeignKey("incident.id"), nullable=False, index=True),
    Column("at_s", Double, nullable=False),
    Column("author", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("bytes_count", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
)

watchers = Table(
    "incident_watcher",
    metadata,
    Column("incident_id", Text, ForeignKey("incident.id"), primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("since_s", Double, nullable=False),
)

snoozes = Table(
    "snooze",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("camera_id", Text),
    Column("area_code", Text, nullable=False),
    Column("until_s", Double, nullable=False, index=True),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

checks = Table(
    "incident_check",
    metadata,
    Column("incident_id", Text, ForeignKey("incident.id"), primary_key=True),
    Column("item", Text, primary_key=True),
    Column("done_by", Text, nullable=False),
    Column("done_at_s", Double, nullable=False),
)
"""Checklist items that somebody ticked; the items themselves are texts of the kind."""

announcements = Table(
    "announcement",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, ForeignKey("incident.id"), nullable=False),
    Column("occasion", Text, nullable=False),
    Column("at_s", Double, nullable=False),
    Column("agency", Text, nullable=False),
    Column("routed_at_s", Double),
    Index("ix_announcement_due", "routed_at_s", "at_s"),
)
"""Written by the desk in the transaction of the change; `route` makes dispatches of it and marks it, in one transaction."""
