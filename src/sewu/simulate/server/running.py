"""A server beside the caller: in a thread, or in a process of its own. Both start and stop within a bounded time."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sewu.base.clock import Clock, SystemClock
from sewu.base.errors import SewuError, Unavailable
from sewu.simulate.server.control import ControlClient
from sewu.simulate.server.faults import Fault
from sewu.simulate.server.plan import ServerPlan
from sewu.simulate.server.server import CameraServer

START_S = 60.0
STOP_S = 10.0
POLL_S = 0.02


class RunningServer:
    """A server in another thread of this process; its methods may be called from any thread."""

    def __init__(self, server: CameraServer, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self._loop = loop

    def url(self, camera_id: str, scheme: str = "rtsp", *, sub: bool = False) -> str:
        """Address of a stream, see `CameraServer.url`."""
        return self.server.url(camera_id, "sub" if sub else "main", scheme)

    def set_fault(self, camera_id: str, what: Fault | None) -> None:
        """Begin a fault, or end it with None; returns when it holds. Raises BadSettings for an unknown camera."""

        async def command() -> None:
            self.server.set_fault(camera_id, what)

        asyncio.run_coroutine_threadsafe(command(), self._loop).result(STOP_S)


@contextmanager
def serve_in_thread(plan: ServerPlan, clock: Clock | None = None, tls: ssl.SSLContext | None = None) -> Iterator[RunningServer]:
    """Run a server in a thread while the block runs.

    Raises:
        BadSource, Unavailable: it could not start.
    """
    started = threading.Event()
    state: list[tuple[CameraServer, asyncio.AbstractEventLoop, asyncio.Event]] = []
    failure: list[SewuError] = []

    async def main() -> None:
        server = CameraServer(plan, clock, tls)
        try:
            await server.start()
        except SewuError as error:
            failure.append(error)
            return
        stop = asyncio.Event()
        state.append((server, asyncio.get_running_loop(), stop))
        started.set()
        try:
            await stop.wait()
        finally:
            await server.stop()

    def run() -> None:
        try:
            asyncio.run(main())
        finally:
            started.set()

    thread = threading.Thread(target=run, name="sewu-camera-server", daemon=True)
    thread.start()
    if not started.wait(START_S) or not state:
        raise failure[0] if failure else Unavailable("The camera server did not start.", "Look at the error above it.")
    server, loop, stop = state[0]
    try:
        yield RunningServer(server, loop)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(STOP_S)


@contextmanager
def serve_in_process(plan: ServerPlan) -> Iterator[ControlClient]:
    """Run a server in a process of its own while the block runs; its addresses are in `client.addresses`.

    Raises:
        Unavailable: it could not start; says what it wrote last.
    """
    with tempfile.TemporaryDirectory(prefix="sewu-serve-") as folder:
        plan_file, control_file, log = (Path(folder) / name for name in ("plan.json", "control.json", "log"))
        plan_file.write_text(plan.model_dump_json(), encoding="utf-8")
        command = [sys.executable, "-m", "sewu.simulate.server", str(plan_file), str(control_file)]
        paths = os.pathsep.join(path for path in sys.path if path)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, "PYTHONPATH": paths}
            )
        waiting = SystemClock()
        try:
            deadline_s = waiting.steady_s() + START_S
            while not control_file.exists():
                if process.poll() is not None or waiting.steady_s() > deadline_s:
                    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                    raise Unavailable(f"The camera server did not start: {' '.join(last)}", "Check the files and ports of the plan.")
                waiting.sleep(POLL_S)
            yield ControlClient(control_file)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_S)
