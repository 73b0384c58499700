"""Work that goes on beside the web service: each job again and again, whatever happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from sewu.base.errors import SewuError

log = structlog.get_logger()
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so many seconds."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[object]]


@asynccontextmanager
async def supervised(jobs: Sequence[Job]) -> AsyncIterator[None]:
    """While the block runs, the jobs are done; a job that fails is tried again, ever later, at most a minute later."""
    tasks = [asyncio.create_task(_again_and_again(job), name=job.name) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _again_and_again(job: Job) -> None:
    failures = 0
    while True:
        try:
            await job.work()
            failures = 0
        except SewuError as error:
            failures += 1
            log.warning("a job failed", job=job.name, reason=error.what, advice=error.advice)
        except Exception:  # a supervisor: one job's fault must not stop it for good
            failures += 1
            log.exception("a job failed", job=job.name)
        await asyncio.sleep(min(LONGEST_WAIT_S, job.every_s * 2 ** min(failures, 8)) if failures else job.every_s)
