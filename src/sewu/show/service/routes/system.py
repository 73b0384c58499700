"""For whoever runs the service: is it alive, is it ready, what does it count, what does it offer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from sewu import __version__
from sewu.base.service import Retention
from sewu.show.service.guard import Asked, GuardedRoute, declared, needs
from sewu.show.service.parts import parts_of

router = APIRouter(tags=["system"], route_class=GuardedRoute)


class Healthy(BaseModel):
    """Alive, or ready."""

    status: str


@router.get("/healthz")
async def healthz(_asked: Annotated[Asked, needs("anyone", writes="nothing")]) -> Healthy:
    """The process answers."""
    return Healthy(status="alive")


@router.get("/readyz")
async def readyz(request: Request, _asked: Annotated[Asked, needs("anyone", writes="nothing")]) -> Healthy:
    """The database answers too; 503 when it does not."""
    await parts_of(request).database.newest_change()
    return Healthy(status="ready")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
async def metrics(request: Request, _asked: Annotated[Asked, needs("metrics.read", writes="nothing")]) -> Response:
    """Counters for Prometheus; give its scraper an API token with the right metrics.read."""
    return Response(generate_latest(request.app.state.meters.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/api/v1/retention")
async def retention(request: Request, _asked: Annotated[Asked, needs("self", writes="nothing")]) -> Retention:
    """How many days each class of data is kept; set in sewu.toml. The audit is never deleted."""
    return parts_of(request).home.settings.retention


@router.get("/api/v1/openapi.json")
async def description(request: Request, _asked: Annotated[Asked, needs("anyone", writes="nothing")]) -> dict[str, Any]:
    """This API, as OpenAPI 3.1."""
    return openapi(request.app)


def openapi(app: Any) -> dict[str, Any]:
    """The OpenAPI description; `x-needs` says which right each operation takes, every operation can answer a Problem."""
    if app.openapi_schema is not None:
        found: dict[str, Any] = app.openapi_schema
        return found
    described = get_openapi(title="Sewu", version=__version__, openapi_version="3.1.0", routes=app.routes, description=ABOUT)
    rights = {(route.path, method.lower()): declared(route)[0].action for route in app.routes for method in getattr(route, "methods", ())}
    described["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    described["components"]["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": "sewu_session"},
        "token": {"type": "http", "scheme": "bearer"},
    }
    problem = {"description": "Refused", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for path, item in described["paths"].items():
        for method, operation in item.items():
            needed = rights[(path, method)]
            operation["x-needs"] = needed
            operation["security"] = [] if needed == "anyone" else [{"session": []}, {"token": []}]
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = problem
    app.openapi_schema = described
    return described


ABOUT = "City-scale CCTV analytics. Times are UTC seconds since 1970. Lists are paged: pass `next_cursor` back as `cursor`."
PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
    },
}
