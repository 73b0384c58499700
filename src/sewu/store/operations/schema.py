"""All tables together: whoever needs the whole database (migrations, backup, tests) takes `metadata` from here."""

from __future__ import annotations

from sewu.store.operations import (
    agencies,
    areas,
    camera_tables,
    dispatches,
    incident_tables,
    rules,
    shards,
    states,
    tables,
    zones,
)

MODULES = (tables, areas, camera_tables, states, zones, rules, shards, incident_tables, agencies, dispatches)
"""Every module that defines tables; a test compares this with the sources."""

metadata = tables.metadata
