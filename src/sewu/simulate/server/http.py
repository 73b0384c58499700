"""A small HTTP/1.1 server on asyncio: whole answers or endless ones, bounded in size, time and number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from sewu.simulate.server.message import BadRequest, Interleaved, Request, RequestParser, response

IDLE_S = 30.0
READ_BYTES = 64 * 1024
MAX_CONNECTIONS = 4096
REASONS = {
    200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
    405: "Method Not Allowed", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. With `chunks` it goes on until they end or the client leaves, and the connection closes after it."""

    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""
    headers: dict[str, str | list[str]] = field(default_factory=dict)
    chunks: AsyncIterator[bytes] | None = None


class Cut(Exception):
    """The handler wants the connection reset."""


class Silence(Exception):
    """The handler wants no answer, and the connection left open."""


Handler = Callable[[Request, "HttpConnection"], Awaitable[Reply]]


def path_of(request: Request) -> list[str]:
    """The decoded segments of the request's path; empty for an address that cannot be read."""
    try:
        return [unquote(part) for part in urlsplit(request.uri).path.split("/") if part]
    except ValueError:
        return []


class HttpConnection:
    """One client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.camera_ids: set[str] = set()

    def cut(self) -> None:
        """Reset it."""
        self.writer.transport.abort()

    async def serve(self, handler: Handler) -> None:
        """Answer requests one after the other until the client leaves, is silent for too long, or sends nonsense."""
        parser = RequestParser(interleaving=False)
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    data = await self._reader.read(READ_BYTES)
            except TimeoutError:
                return
            if not data:
                return
            try:
                requests = parser.feed(data)
            except BadRequest:
                self.writer.write(response("HTTP/1.1", 400, REASONS[400], {"Connection": "close", "Content-Length": "0"}))
                return
            for request in requests:
                if isinstance(request, Interleaved) or not await self._answer(handler, request):
                    return

    async def _answer(self, handler: Handler, request: Request) -> bool:
        """Give one answer; True when the connection goes on."""
        reply = await handler(request, self)
        keep = reply.chunks is None and request.version == "HTTP/1.1" and (request.header("connection") or "").lower() != "close"
        headers: dict[str, str | list[str]] = {"Content-Type": reply.content_type, "Cache-Control": "no-store", **reply.headers}
        if reply.chunks is None and not reply.body:
            headers["Content-Length"] = "0"
        headers["Connection"] = "keep-alive" if keep else "close"
        self.writer.write(response("HTTP/1.1", reply.status, REASONS[reply.status], headers, reply.body))
        await self._drain()
        if reply.chunks is not None:
            async for chunk in reply.chunks:
                self.writer.write(chunk)
                await self._drain()
        return keep

    async def _drain(self) -> None:
        async with asyncio.timeout(IDLE_S):
            await self.writer.drain()


class HttpServer:
    """Listens, and ends everything on `stop`."""

    def __init__(self, handler: Handler, on_close: Callable[[HttpConnection], None] | None = None) -> None:
        self._handler = handler
        self._on_close = on_close
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Begin to listen; returns the port. Raises OSError."""
        self._server = await asyncio.start_server(self._connected, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=5.0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._tasks) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._tasks.add(task)
        connection = HttpConnection(reader, writer)
        try:
            await connection.serve(self._handler)
        except Silence:
            await self._stay(reader)
        except Cut:
            connection.cut()
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            connection.cut()
        finally:
            self._tasks.discard(task)
            if self._on_close is not None:
                self._on_close(connection)
            writer.close()

    async def _stay(self, reader: asyncio.StreamReader) -> None:
        """Hold the connection without a word until the client gives up or the server stops."""
        try:
            while await reader.read(READ_BYTES):
                pass
        except (ConnectionError, asyncio.CancelledError):
            return
