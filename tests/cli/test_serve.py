"""`sewu serve` as a process: it starts, answers, and ends by itself when told to, also with streams open."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sewu(*arguments: str, home: Path, log: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"SEWU_HOME": str(home), "SEWU_LANGUAGE": "en"}
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "sewu", *arguments], stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment
        )


def until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.mark.slow
def test_the_service_starts_answers_and_ends_when_told_to_with_a_stream_open(tmp_path: Path) -> None:
    home, log, port = tmp_path / "demo", tmp_path / "log", free_port()
    url = f"http://127.0.0.1:{port}"
    process = sewu("serve", "--demo", "--home", str(home), "--port", str(port), "--cameras", "400", home=tmp_path, log=log)
    try:
        until_ready(url, process, log)
        password = next(line.split("password: ")[1].split()[0] for line in log.read_text().splitlines() if "log-in: operator" in line)
        with httpx.Client(base_url=url, timeout=20) as http:
            assert http.post("/api/v1/auth/login", json={"login": "operator", "password": password}).status_code == 200
            assert len(http.get("/api/v1/cameras/geojson").json()["features"]) == 400
            assert http.get("/api/v1/incidents?limit=5").json()["rows"]
            with http.stream("GET", "/api/v1/changes") as stream:
                assert stream.status_code == 200 and next(stream.iter_lines()).startswith("retry")
                process.send_signal(signal.SIGTERM)
                assert process.wait(15) in (0, -signal.SIGTERM)
        said = log.read_text()
        assert "Traceback" not in said and password not in said.replace(f"password: {password}", "")
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    home, log, port = tmp_path / "demo", tmp_path / "log", free_port()
    url = f"http://127.0.0.1:{port}"
    start = ("serve", "--demo", "--home", str(home), "--port", str(port), "--cameras", "400")
    process = sewu(*start, home=tmp_path, log=log)
    acknowledged: list[str] = []
    try:
        until_ready(url, process, log)
        password = next(line.split("password: ")[1].split()[0] for line in log.read_text().splitlines() if "log-in: admin" in line)
        with httpx.Client(base_url=url, timeout=20) as http:
            http.post("/api/v1/auth/login", json={"login": "admin", "password": password})
            token = {"X-CSRF-Token": http.cookies["sewu_csrf"]}
            for row in http.get("/api/v1/incidents?state=open&limit=12").json()["rows"]:
                step = {"action": "acknowledge"}
                if http.post(f"/api/v1/incidents/{row['id']}/steps", json=step, headers=token).status_code == 200:
                    acknowledged.append(row["id"])
            process.kill()
            process.wait(10)
            process = sewu(*start, home=tmp_path, log=log)
            until_ready(url, process, log)
            assert len(acknowledged) == 12
            for incident_id in acknowledged:
                assert http.get(f"/api/v1/incidents/{incident_id}").json()["state"] == "acknowledged"
            verdict = http.get("/api/v1/audit/verification").json()
            assert verdict["broken_at"] is None and verdict["rows"] >= 13, "each change was in the audit before it was answered"
    finally:
        process.kill()
        process.wait(10)
