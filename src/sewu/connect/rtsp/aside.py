"""A camera received by FFmpeg in a side process, behind the same face as a `Link`.

FFmpeg needs a thread that waits and can crash on what a camera sends; in a process of its own it harms nobody else.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from contextlib import suppress

from sewu.base.errors import CameraUnreachable, StreamBroken
from sewu.base.records import Packet
from sewu.connect.ffmpeg import without_login
from sewu.connect.rtsp.auth import Login
from sewu.connect.rtsp.handing import Unframed
from sewu.connect.rtsp.session import Now, with_login

KILL_S = 5.0
READ_BYTES = PIPE_BYTES = 1 << 20
_COMMAND = (sys.executable, "-m", "sewu.connect.rtsp.sideprocess")


class Aside:
    """One camera's side process; made anew for each attempt. It ends when this object is closed or this process dies.

    Memory: one packet under way and the pipe; while nobody reads, the side process waits and FFmpeg drops what comes.

    Raises:
        CameraUnreachable: no process could be started.
    """

    is_tls = False
    moved_to: str | None = None

    def __init__(self, camera_id: str, url: str, login: Login | None) -> None:
        self.name = without_login(url)
        self.is_playing = False
        self._frames = Unframed(camera_id)
        self._found: list[Packet] = []
        paths = os.pathsep.join(path for path in sys.path if path)
        try:
            process = subprocess.Popen(
                _COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
            )
        except OSError as error:
            raise CameraUnreachable(f"No side process for {self.name} ({error.strerror}).", "Raise the limit of processes.") from error
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._pipe = process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        with suppress(OSError, AttributeError):  # only Linux has it; the default holds 64 KiB
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        about = {"url": with_login(url, login), "camera_id": camera_id}
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(about).encode() + b"\n")
            process.stdin.flush()

    @property
    def cpu_s(self) -> float:
        """Processor seconds that the side process has used, as of its last packet."""
        return self._frames.cpu_s

    @property
    def pid(self) -> int:
        """The side process."""
        return self._process.pid

    def tick(self, now: Now) -> None:
        """Nothing is due: FFmpeg keeps its session alive."""

    def exchange(self, buffer: memoryview, now: Now) -> int:
        """Take what came; returns how many bytes.

        Raises:
            StreamBroken: the side process died. Refused, CameraUnreachable, BadSource: what it reported.
        """
        try:
            data = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return 0
        if not data:
            raise StreamBroken(f"The side process that receives {self.name} ended.", "It will be started again.")
        self._found += self._frames.take(data)
        self.is_playing = self.is_playing or bool(self._found)
        return len(data)

    def packets(self, now: Now) -> list[Packet]:
        """The packets that came since the last call."""
        found, self._found = self._found, []
        return found

    def counts(self) -> tuple[int, int]:
        """Units dropped and packets lost: FFmpeg does not tell."""
        return 0, 0

    def close(self, polite: bool = False) -> None:
        """End the side process; does not wait for FFmpeg to say goodbye."""
        process = self._process
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(KILL_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
