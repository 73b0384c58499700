"""All tables together: whoever needs the whole database (migrations, backup, tests) takes `metadata` from here."""

from __future__ import annotations

from sewu.store.operations import (
    agencies,
    areas,
    audit,
    calls,
    camera_tables,
    dispatches,
    evidence,
    exhibits,
    idempotency,
    incident_tables,
    network,
    obligations,
    people,
    positions,
    rules,
    sessions,
    shards,
    states,
    tables,
    warnings,
    zones,
)

MODULES = (
    *(tables, areas, camera_tables, states, zones, rules, shards, obligations, network),
    *(incident_tables, agencies, dispatches, calls, evidence, warnings),
    *(people, sessions, audit, idempotency, positions, exhibits),
)
"""Every module that defines tables; a test compares this with the sources."""

metadata = tables.metadata
