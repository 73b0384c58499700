"""Keep one process per shard alive: start, pin to a core, tell it its cameras, hear its status, restart it when it dies.

The parent holds no video and no state that a restart would lose. A shard that dies or falls silent is started
again at once; one that keeps dying is started again ever more slowly, so that it cannot take the machine down.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

from sewu.base.clock import Clock
from sewu.base.errors import StreamBroken
from sewu.workers.status import ShardStatus, parse_status

log = structlog.get_logger()

SILENCE_S = 15.0
"""A shard that says nothing for so long hangs, and is replaced."""
FIRST_RESTART_S = 0.2
LONGEST_RESTART_S = 30.0
SPARE = -1
"""In place of a shard's number: the process that waits to become one."""
SPARE_AFTER_S = 5.0
"""How long after the last start the spare is started."""
STEADY_S = 60.0
"""A shard that lived this long is forgiven its earlier deaths."""


def shard_of(camera_id: str, shards: int) -> int:
    """Which shard watches a camera: the highest of one hash per shard (rendezvous hashing), so that a change of the
    number of shards moves as few cameras as can be."""
    return max(range(shards), key=lambda shard: zlib.crc32(f"{shard}/{camera_id}".encode()))


@dataclass
class Worker:
    """One shard's process and what is known of it."""

    shard: int
    process: subprocess.Popen[str] | None = None
    listener: threading.Thread | None = None
    lines: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)
    status: ShardStatus | None = None
    started_at_s: float = 0.0
    heard_at_s: float = 0.0
    restart_at_s: float = 0.0
    deaths: int = 0
    restarts: int = 0


class Fleet:
    """The shards of one machine.

    Args:
        command: how to start a shard: shard number -> argument list.
        cameras: shard number -> what to tell it, one JSON-safe object; told at start and after every change.
        log_folder: each shard's standard error goes to `shard-N.log` there.
        cores: the cores to pin shards to, in turn; empty pins nothing.
        spare: whether one more process waits, everything loaded, to take the place of a shard that dies; it is started as
            `command(SPARE)` and reads the shard's number as its first line of input.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        shards: int,
        log_folder: Path,
        clock: Clock,
        cores: Sequence[int] = (),
        spare: bool = False,
    ) -> None:
        self._command, self._clock, self._log_folder, self._cores = command, clock, log_folder, tuple(cores)
        self._spare: subprocess.Popen[str] | None = None
        self._wants_spare, self._spare_at_s = spare, clock.steady_s() + SPARE_AFTER_S
        self.workers = [Worker(shard) for shard in range(shards)]
        self._tasks: dict[int, str] = {}
        self._lock = threading.Lock()

    def assign(self, tasks: Mapping[int, object]) -> None:
        """Tell each shard its cameras; those running learn of a change at once."""
        lines = {shard: json.dumps(task, separators=(",", ":")) for shard, task in tasks.items()}
        for worker in self.workers:
            changed = lines.get(worker.shard) != self._tasks.get(worker.shard)
            if changed and worker.process is not None and worker.shard in lines:
                self._tell(worker, lines[worker.shard])
        self._tasks = lines

    def check(self) -> None:
        """Start what should run and does not; call it several times a second."""
        now_s = self._clock.steady_s()
        for worker in self.workers:
            if worker.process is not None and worker.process.poll() is not None:
                self._died(worker, f"exit code {worker.process.returncode}", now_s)
            elif worker.process is not None and now_s - worker.heard_at_s > SILENCE_S:
                worker.process.kill()
                worker.process.wait()
                self._died(worker, f"silent for {SILENCE_S:.0f} s", now_s)
            if worker.process is None and now_s >= worker.restart_at_s:
                self._start(worker, now_s)
        self._keep_spare(now_s)

    def statuses(self) -> list[ShardStatus]:
        """The last word of each shard that has spoken since its start."""
        with self._lock:
            return [worker.status for worker in self.workers if worker.status is not None]

    def stop(self, patience_s: float = 10.0) -> None:
        """Ask every shard to finish (its end of input), then make it."""
        if self._spare is not None:  # it holds nothing that could be lost
            self._spare.kill()
            self._spare.wait()
            for pipe in (self._spare.stdin, self._spare.stdout):
                _close(pipe)
            self._spare = None
        for worker in self.workers:
            worker.lines.put(None)
        deadline_s = self._clock.steady_s() + patience_s
        for worker in self.workers:
            if worker.process is None:
                continue
            try:
                worker.process.wait(timeout=max(0.1, deadline_s - self._clock.steady_s()))
            except subprocess.TimeoutExpired:
                log.warning("a shard did not stop in time and was killed", shard=worker.shard)
                worker.process.kill()
                worker.process.wait()
            worker.process = None
            if worker.listener is not None:
                worker.listener.join(timeout=2.0)

    def _start(self, worker: Worker, now_s: float) -> None:
        worker.process = self._take_spare(worker.shard, now_s) or self._opened(worker.shard, f"shard-{worker.shard}.log")
        worker.started_at_s = worker.heard_at_s = now_s
        if self._cores:
            core = self._cores[worker.shard % len(self._cores)]
            try:
                os.sched_setaffinity(worker.process.pid, {core})
            except OSError as error:
                log.warning("a shard could not be pinned", shard=worker.shard, core=core, reason=error.strerror)
        worker.listener = threading.Thread(target=self._hear, args=(worker, worker.process), daemon=True, name=f"shard-{worker.shard}")
        worker.listener.start()
        worker.lines = queue.SimpleQueue()
        # A list with zones is longer than a pipe holds, and a worker reads only once it has started: only this thread waits for that.
        threading.Thread(target=_speak, args=(worker.process, worker.lines), daemon=True, name=f"to-shard-{worker.shard}").start()
        if worker.shard in self._tasks:
            self._tell(worker, self._tasks[worker.shard])

    def _opened(self, shard: int, log_name: str) -> subprocess.Popen[str]:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        command = list(self._command(shard))
        with (self._log_folder / log_name).open("ab") as errors:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1)

    def _keep_spare(self, now_s: float) -> None:
        """Have one spare when nothing has started for a while: a shard that comes back needs the processor more."""
        if self._spare is not None and self._spare.poll() is not None:
            self._spare, self._spare_at_s = None, now_s + LONGEST_RESTART_S
        if self._wants_spare and self._spare is None and now_s >= self._spare_at_s:
            self._spare = self._opened(SPARE, "spare.log")

    def _take_spare(self, shard: int, now_s: float) -> subprocess.Popen[str] | None:
        """The spare, told which shard it is now; None when there is none that lives."""
        self._spare_at_s = now_s + SPARE_AFTER_S
        spare, self._spare = self._spare, None
        if spare is None or spare.stdin is None:
            return None
        try:
            spare.stdin.write(f"{shard}\n")
            spare.stdin.flush()
        except OSError:
            spare.kill()
            spare.wait()
            return None
        return spare

    def _died(self, worker: Worker, why: str, now_s: float) -> None:
        worker.deaths = 1 if now_s - worker.started_at_s > STEADY_S else worker.deaths + 1
        delay_s = min(LONGEST_RESTART_S, FIRST_RESTART_S * 2 ** (worker.deaths - 1))
        worker.restart_at_s = now_s + delay_s
        worker.restarts += 1
        worker.lines.put(None)
        worker.process = None
        log.warning("a shard died and will be started again", shard=worker.shard, why=why, in_s=round(delay_s, 1))

    def _tell(self, worker: Worker, line: str) -> None:
        worker.lines.put(line)

    def _hear(self, worker: Worker, process: subprocess.Popen[str]) -> None:
        if process.stdout is None:
            return
        with process.stdout:
            for line in process.stdout:
                try:
                    status = parse_status(line)
                except StreamBroken:
                    log.warning("a shard's line is no status", shard=worker.shard, line=line[:80])
                    continue
                with self._lock:
                    if worker.process is process:
                        worker.status, worker.heard_at_s = status, self._clock.steady_s()


def _speak(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    """Write what a worker is told, until None; then close its input, which tells it to end."""
    try:
        while process.stdin is not None and (line := lines.get()) is not None:
            process.stdin.write(line + "\n")
            process.stdin.flush()
    except (OSError, ValueError):
        pass  # it died; `check` starts it again and tells it then
    _close(process.stdin)


def _close(pipe: IO[str] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:
        pass  # the other end is gone already
