"""A small HTTP server for downloads, with every bad habit a server can have."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Habits:
    """What the server does. `requests` records (path, Range header) of each request."""

    content: bytes = b""
    etag: str | None = '"v1"'
    status: int = 200
    ranges: bool = True
    stop_after: list[int] = field(default_factory=list)
    """Bytes sent before the connection is cut, one entry for each request; empty: all."""
    chunk_pause_s: float = 0.0
    redirects: int = 0
    requests: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def serving(habits: Habits) -> Iterator[str]:
    """Serve on localhost; gives the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, habits)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/model.onnx"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _answer(handler: BaseHTTPRequestHandler, habits: Habits) -> None:
    wanted = handler.headers.get("Range")
    habits.requests.append((handler.path, wanted))
    if habits.redirects > 0:
        habits.redirects -= 1
        handler.send_response(302)
        handler.send_header("Location", f"/moved{habits.redirects}.onnx")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    if habits.status >= 400:
        handler.send_error(habits.status)
        return
    start = 0
    if wanted and habits.ranges and handler.headers.get("If-Range") == habits.etag:
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(habits.content):
            handler.send_error(416)
            return
    body = habits.content[start:]
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(habits.content) - 1}/{len(habits.content)}")
    if habits.etag:
        handler.send_header("ETag", habits.etag)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    end = habits.stop_after.pop(0) if habits.stop_after else len(body)
    for position in range(0, min(end, len(body)), 65536):
        handler.wfile.write(body[position : min(position + 65536, end)])
        time.sleep(habits.chunk_pause_s)
    handler.close_connection = True
