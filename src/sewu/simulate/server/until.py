"""Run as a server: with as many connections as the system allows, until told to stop."""

from __future__ import annotations

import asyncio
import resource
import signal


def allow_many_connections() -> int:
    """Raise this process's limit of open files to what the system allows; returns it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


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
