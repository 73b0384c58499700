"""RTSP over TLS against a real server with a certificate of its own."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from sewu.base.clock import SystemClock
from sewu.connect.rtsp import RtspPoller
from sewu.simulate.server import ServedCamera, ServerPlan, StreamFile, serve_in_thread
from tests.connect.rtsp.conftest import Clips, listen


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    path = folder / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is not on this machine")
    path.write_bytes((folder / "key").read_bytes() + (folder / "cert").read_bytes())
    return path


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_camera_over_tls_is_received_only_if_its_certificate_is_trusted(clips: Clips, certificate: Path, is_trusted: bool) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context()
    if is_trusted:
        trusting.load_verify_locations(certificate)
    plan = ServerPlan(cameras=(ServedCamera(id="a", main=StreamFile(path=clips.h264)),))
    with serve_in_thread(plan, tls=serving) as server:
        poller = RtspPoller(SystemClock(), tls=trusting)
        try:
            poller.add("a", server.url("a", "rtsps"))
            if is_trusted:
                assert listen(poller, lambda heard: len(heard.get("a", [])) >= 6)["a"][0].is_keyframe
            else:
                listen(poller, lambda _: bool(poller.states()["a"].reason))
                assert "certificate" in poller.states()["a"].reason
        finally:
            poller.close()
