"""The screens' own files: the same for everybody, so they need no right. What they show comes from the API, which asks for one."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sewu.show.service.problems import Problem, problem_response

PAGES = {"/kiosk": "/kiosk.html"}
"""Pages of their own beside the application."""
OF_THE_SERVICE = ("/api/", "/healthz", "/readyz", "/metrics")
FOREVER = "public, max-age=31536000, immutable"
"""Built files carry a hash of what they hold in their name."""
COMPRESSED = (".js", ".css", ".html", ".svg", ".json", ".txt")
NOT_BUILT = b"""<!doctype html><meta charset="utf-8"><title>Sewu</title><h1>Sewu</h1>
<p>The screens are not built on this machine. Run <code>make screens</code>, then start the service again.
The API works: /api/v1/openapi.json</p>
"""


@dataclass(frozen=True, slots=True)
class _File:
    plain: bytes
    packed: bytes | None
    media_type: str
    tag: str
    cache: str


class Screens:
    """An ASGI application for all paths that no route has: a file by its name, else the page that finds its own way.

    Every file is read once, at the start, and kept compressed: there are a few dozen. Nothing outside the folder can be asked for,
    because names are looked up, not opened.
    """

    def __init__(self, folder: Path | None = None) -> None:
        root = folder or Path(str(resources.files("sewu.show").joinpath("screens")))
        paths = [path for path in sorted(root.rglob("*")) if path.is_file()] if root.is_dir() else []
        self._files = {f"/{path.relative_to(root).as_posix()}": _read(path) for path in paths}
        self.built = "/index.html" in self._files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = request.url.path
        if path.startswith(OF_THE_SERVICE) or request.method not in {"GET", "HEAD"} or scope["type"] != "http":
            await problem_response(Problem(404, "not-found", "This does not exist."), scope["state"]["request_id"])(scope, receive, send)
            return
        file = self._files.get(PAGES.get(path, path))
        if file is None and "." in path.rsplit("/", 1)[-1] and path.startswith("/assets/"):
            await problem_response(Problem(404, "not-found", "This file does not exist."), scope["state"]["request_id"])(
                scope, receive, send
            )
            return
        await self._answer(request, file or self._files.get("/index.html"))(scope, receive, send)

    def _answer(self, request: Request, file: _File | None) -> Response:
        if file is None:
            return Response(NOT_BUILT, 503, media_type="text/html")
        headers = {"etag": file.tag, "cache-control": file.cache, "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        packs = file.packed is not None and "gzip" in request.headers.get("accept-encoding", "")
        if packs:
            headers["content-encoding"] = "gzip"
        return Response(file.packed if packs else file.plain, headers=headers, media_type=file.media_type)


def _read(path: Path) -> _File:
    plain = path.read_bytes()
    packed = gzip.compress(plain, 9, mtime=0) if path.suffix in COMPRESSED else None
    kind = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    tag = f'"{hashlib.blake2b(plain, digest_size=12).hexdigest()}"'
    return _File(plain, packed, kind, tag, FOREVER if path.parent.name == "assets" else "no-cache")
