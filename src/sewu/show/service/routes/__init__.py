"""One file per resource; each route declares the right it needs."""

from __future__ import annotations

from fastapi import APIRouter

from sewu.show.service.routes import (
    agencies,
    areas,
    audit,
    auth,
    calls,
    cameras,
    changes,
    evidence,
    incident_acts,
    incident_notes,
    incidents,
    kiosks,
    live,
    me,
    obligations,
    observations,
    register,
    rules,
    system,
    tokens,
    users,
    zones,
)

ROUTERS: tuple[APIRouter, ...] = (
    auth.router,
    me.router,
    changes.router,
    areas.router,
    live.router,
    register.router,
    cameras.router,
    incidents.router,
    incident_acts.router,
    incident_notes.router,
    incident_notes.desk,
    zones.router,
    zones.cameras,
    evidence.incidents,
    evidence.router,
    obligations.router,
    obligations.network,
    rules.router,
    observations.router,
    calls.router,
    calls.shared,
    agencies.router,
    agencies.channels,
    agencies.dispatches,
    users.router,
    tokens.router,
    kiosks.router,
    audit.router,
    system.router,
)
"""In the order of the documentation."""
