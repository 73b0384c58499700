"""Run until told to stop."""

from __future__ import annotations

import asyncio
import signal


async def until_told() -> None:
    """Return at SIGINT or SIGTERM. Only in the main thread."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    try:
        await told.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
