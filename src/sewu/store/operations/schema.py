"""All tables together: whoever needs the whole database (migrations, backup, tests) takes `metadata` from here."""

from __future__ import annotations

from sewu.store.operations import (
    agencies,
    areas,
    calls,
    camera_tables,
    dispatches,
    evidence,
    incident_tables,
    network,
    obligations,
    rules,
    shards,
    states,
    tables,
    warnings,
    zones,
)

MODULES = (
    *(tables, areas, camera_tables, states, zones, rules, shards, obligations, network),
    *(incident_tables, agencies, dispatches, calls, evidence, warnings),
)
"""Every module that defines tables; a test compares this with the sources."""

metadata = tables.metadata
