"""What the log says of requests: enough to find them again, and no secret."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from sewu.show.service.guard import SESSION_COOKIE
from tests.show.service.place import PASSWORD, Place, at, stocked


def test_the_log_holds_no_password_token_cookie_search_or_body(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        with capture_logs() as lines:
            browser = there.browser()
            await browser.log_in("operator", "a wrong Passw0rd")
            answer = await browser.log_in("operator")
            minted = (await browser.post("tokens", {"name": "x", "actions": ["camera.read"]})).json()
            await there.browser().get("cameras?search=rahasia-dicari", headers={"Authorization": f"Bearer {minted['secret']}"})
            await (await there.of("engineer")).ask(
                "PUT",
                "cameras/N1",
                json={"name": "N", "stream_url": "rtsp://h/x", "area_code": "33.74.01", "login": {"user": "u", "password": "kamera-pw"}},
            )
            await there.browser().get("shared", headers={"Sewu-Share": "t" * 43})
        said = "\n".join(str(line) for line in lines)
        secrets = (PASSWORD, "a wrong Passw0rd", answer.cookies[SESSION_COOKIE], minted["secret"], "rahasia-dicari", "kamera-pw", "t" * 43)
        assert not [secret for secret in secrets if secret in said]
        requests = [line for line in lines if line["event"] == "request"]
        assert len(requests) >= 6 and all({"id", "method", "path", "status", "ms", "actor"} <= line.keys() for line in requests)

    at(tmp_path, work)


def test_an_internal_error_is_logged_with_its_request_id_and_answered_without_its_words(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        async def broken(*_: object) -> None:
            raise RuntimeError("inside: hunter2")

        there.parts.camera_map.geojson = broken  # type: ignore[assignment, method-assign]  # stands in for a bug of ours
        browser = await there.of("operator")
        with capture_logs() as lines:
            answer = await browser.get("cameras/geojson")
        assert answer.status_code == 500 and "hunter2" not in answer.text
        assert answer.json()["request_id"] == answer.headers["x-request-id"] and "content-security-policy" in answer.headers
        assert any(line["log_level"] == "error" and isinstance(line.get("exc_info"), RuntimeError) for line in lines)

    at(tmp_path, work)
