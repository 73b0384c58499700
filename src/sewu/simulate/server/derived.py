"""What is made of a file only when somebody asks: HLS segments, JPEGs, a thin copy. Once, in one thread, beside the server."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

from sewu.simulate.server.hls import Packaged, package
from sewu.simulate.server.media import Media
from sewu.simulate.server.mjpeg import Stills, decode_stills, thinned

T = TypeVar("T")


class Derived:
    """Makes and keeps. Use within one event loop; `close` ends what is being made."""

    def __init__(self, mjpeg_fps: float) -> None:
        self._mjpeg_fps = mjpeg_fps
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sewu-derive")
        self._kept: dict[tuple[object, ...], asyncio.Future[Any]] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def hls(self, media: Media) -> Packaged:
        """Raises BadSource."""
        return await self._once(("hls", id(media)), lambda: package(media))

    async def stills(self, media: Media) -> Stills:
        """Raises BadSource."""
        return await self._once(("stills", id(media)), lambda: decode_stills(media, self._mjpeg_fps, self._stop))

    async def thin(self, media: Media, kbit_s: float) -> Media:
        """Raises BadSource."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="sewu-thin-")
        folder = Path(self._folder.name)
        return await self._once(("thin", id(media), kbit_s), lambda: thinned(media, kbit_s, folder, self._stop))

    async def _once(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = asyncio.get_running_loop().run_in_executor(self._pool, make)
        # Shielded: a client that leaves does not take the work away from the others.
        return cast(T, await asyncio.shield(kept))

    def close(self) -> None:
        """Stop within about one picture's work."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for kept in self._kept.values():
            if kept.done() and not kept.cancelled():
                kept.exception()
        if self._folder is not None:
            self._folder.cleanup()
