"""Both databases, for contract tests: a SQLite file, and a real PostgreSQL started in a temporary folder by an unprivileged user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BINARIES = ("/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/14/bin")
WHY_NOT = "PostgreSQL is not installed (Debian: apt-get install postgresql)"


def postgres_binaries() -> Path:
    """The folder of initdb and pg_ctl; skips the test, saying so, where PostgreSQL is not installed."""
    for folder in BINARIES:
        if (Path(folder) / "initdb").exists():
            return Path(folder)
    found = shutil.which("initdb")
    if found is None:
        pytest.skip(WHY_NOT)
    return Path(found).resolve().parent


class Postgres:
    """A server of its own, in a folder of its own, on a free port of the loopback. `restart` is for tests of recovery."""

    def __init__(self, folder: Path) -> None:
        self._binaries, self._folder = postgres_binaries(), folder
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
            folder.chmod(0o700)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._run("initdb", "-D", str(folder / "data"), "-U", "sewu", "--auth=trust", "-E", "UTF8", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        user = {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid} if self._user else {}
        with (self._folder.parent / f"{self._folder.name}.{program}.log").open("ab") as log:
            command = [str(self._binaries / program), *arguments]
            subprocess.run(command, check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=60, **user)  # type: ignore[call-overload]

    def start(self) -> None:
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-o", options, "-l", str(self._folder / "server.log"), "-w", "start")

    def stop(self, how: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", how, "-w", "stop")

    def url(self, name: str) -> str:
        return f"postgresql://sewu@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> str:
        """A fresh database; returns its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "sewu", name)
        return self.url(name)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A started server, stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sewu-pg-"))
    folder.parent.chmod(folder.parent.stat().st_mode | 0o011)
    try:
        server = Postgres(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for log in folder.parent.glob(f"{folder.name}.*.log"):
            log.unlink(missing_ok=True)
