"""One file per resource; each route declares the right it needs."""

from __future__ import annotations

from fastapi import APIRouter

from sewu.show.service.routes import auth, changes, me, system

ROUTERS: tuple[APIRouter, ...] = (auth.router, me.router, changes.router, system.router)
"""In the order of the documentation."""
