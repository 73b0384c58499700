"""Logging in: what is right lets in, everything else costs time and says little."""

from __future__ import annotations

from pathlib import Path

import pyotp

from sewu.base.rights import Scope
from sewu.show.service.guard import CSRF_COOKIE, SESSION_COOKIE
from sewu.store.operations.audit import AuditFilter
from tests.show.service.place import PASSWORD, Place, at


def kind(answer: object) -> str:
    return str(answer.json()["type"]).removeprefix("urn:sewu:problem:")  # type: ignore[attr-defined]


def test_a_log_in_tells_who_i_am_and_what_i_may_do(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        browser = await there.of("camat")
        me = (await browser.get("me")).json()
        assert (me["kind"], me["login"], me["city_code"]) == ("user", "camat", "33.74")
        reach = {row["action"]: row["areas"] for row in me["rights"]}
        assert reach["camera.read"] == ["33.74.01"] and "audit.read" not in reach
        answer = await browser.post("auth/logout")
        assert answer.status_code == 204 and (await browser.get("me")).status_code == 401

    at(tmp_path, work)


def test_a_wrong_password_and_an_unknown_person_are_answered_alike(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        wrong = await there.browser().log_in("operator", "not this one")
        nobody = await there.browser().log_in("nobody", "not this one")
        assert (wrong.status_code, kind(wrong)) == (nobody.status_code, kind(nobody)) == (401, "wrong-log-in")
        assert wrong.json()["detail"] == nobody.json()["detail"]
        assert wrong.headers["content-type"] == "application/problem+json"

    at(tmp_path, work)


def test_the_right_password_does_not_help_while_locked_out(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        for _ in range(5):
            await there.browser().log_in("operator", "wrong wrong")
        locked = await there.browser().log_in("operator")
        assert (locked.status_code, kind(locked)) == (429, "locked-out") and int(locked.headers["retry-after"]) > 1
        there.clock.advance(31)
        assert (await there.browser().log_in("operator")).status_code == 200
        await there.parts.diary.flush()
        rows = await there.parts.diary.audit.page(AuditFilter(action="log_in"), Scope(("33.74",)), None, 50)
        assert [row.deed.outcome for row in rows] == ["done"] + ["denied"] * 6

    at(tmp_path, work)


def test_attempts_are_limited_for_names_that_do_not_exist_too(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        answers = [(await there.browser().log_in("ghost", "wrong wrong")).status_code for _ in range(10)]
        assert answers == [401] * 8 + [429] * 2

    at(tmp_path, work)


def test_a_session_is_never_one_that_the_browser_brought(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        browser = there.browser()
        browser.http.cookies.set(SESSION_COOKIE, "chosen-by-an-attacker", domain="sewu.test")
        answer = await browser.log_in("operator")
        first = answer.cookies[SESSION_COOKIE]
        assert first != "chosen-by-an-attacker" and len(first) >= 40
        again = await browser.log_in("operator")
        assert again.cookies[SESSION_COOKIE] != first
        browser.http.cookies.clear()
        browser.http.cookies.set(SESSION_COOKIE, first, domain="sewu.test")
        assert (await browser.get("me")).status_code == 401, "the session before ended"

    at(tmp_path, work)


def test_scripts_cannot_read_the_session_and_other_sites_cannot_use_it(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        answer = await there.browser().log_in("operator")
        cookies = {line.split("=")[0]: line.lower() for line in answer.headers.get_list("set-cookie")}
        assert "httponly" in cookies[SESSION_COOKIE] and "samesite=lax" in cookies[SESSION_COOKIE]
        assert "httponly" not in cookies[CSRF_COOKIE]
        browser = await there.of("operator")
        for token in ("", "guess", (await there.browser().log_in("camat")).cookies[CSRF_COOKIE]):
            refused = await browser.post("auth/logout", headers={"X-CSRF-Token": token})
            assert (refused.status_code, kind(refused)) == (403, "csrf")
        assert (await browser.get("me")).status_code == 200

    at(tmp_path, work)


def test_one_time_codes_are_asked_for_once_enrolled_and_work_once(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        browser = await there.of("admin")
        enrolment = (await browser.post("auth/totp", {"password": PASSWORD})).json()
        totp = pyotp.TOTP(enrolment["secret"])
        now_s = there.clock.now_s()
        wrong = await browser.post("auth/totp/confirm", {"ticket": enrolment["ticket"], "code": "000000"})
        assert kind(wrong) == "wrong-code"
        stolen = await (await there.of("operator")).post("auth/totp/confirm", {"ticket": enrolment["ticket"], "code": totp.at(now_s)})
        assert stolen.status_code == 400
        kept = await browser.post("auth/totp/confirm", {"ticket": enrolment["ticket"], "code": totp.at(now_s)})
        assert kept.status_code == 204
        assert kind(await there.browser().log_in("admin")) == "code-needed"
        assert (await there.browser().log_in("admin", code=totp.at(now_s))).status_code == 200
        assert (await there.browser().log_in("admin", code=totp.at(now_s))).status_code == 401, "replayed"
        there.clock.advance(60)
        assert (await there.browser().log_in("admin", code=totp.at(there.clock.now_s()))).status_code == 200

    at(tmp_path, work)


def test_a_new_password_ends_every_other_session(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        here, elsewhere = await there.of("operator"), await there.of("operator")
        wrong = await here.post("auth/password", {"current": "wrong", "new": "Another-Long-One"})
        weak = await here.post("auth/password", {"current": PASSWORD, "new": "password123"})
        assert (wrong.status_code, weak.status_code) == (403, 400)
        assert (await here.post("auth/password", {"current": PASSWORD, "new": "Another-Long-One"})).status_code == 204
        assert (await here.get("me")).status_code == 200 and (await elsewhere.get("me")).status_code == 401
        assert (await there.browser().log_in("operator")).status_code == 401

    at(tmp_path, work)


def test_a_disabled_person_is_out_at_once(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        browser = await there.of("operator")
        await there.parts.people.change(there.ids["operator"], is_disabled=True)
        assert (await browser.get("me")).status_code == 401
        assert (await there.browser().log_in("operator")).status_code == 401

    at(tmp_path, work)


def test_only_who_may_looks_through_an_areas_eyes(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        admin, camat = await there.of("admin"), await there.of("camat")
        narrowed = (await admin.ask("PUT", "me/looking", json={"view_as": "33.74.01", "purpose": "audit"})).json()
        assert {tuple(row["areas"]) for row in narrowed["rights"]} == {("33.74.01",)} and narrowed["purpose"] == "audit"
        assert (await admin.get("me")).json()["view_as"] == "33.74.01"
        assert (await camat.ask("PUT", "me/looking", json={"view_as": "33.74.02"})).status_code == 403
        assert (await admin.ask("PUT", "me/looking", json={"view_as": None})).json()["view_as"] is None

    at(tmp_path, work)


def test_every_answer_carries_the_security_headers_and_a_request_id(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        browser = there.browser()
        for path in ("/healthz", "/api/v1/me", "/api/v1/none", "/api/v1/me?x=%00"):
            answer = await browser.get(path, headers={"X-Request-ID": "given-0123456789", "Origin": "https://evil.example"})
            assert answer.headers["x-request-id"] == "given-0123456789"
            assert (
                "default-src 'self'" in answer.headers["content-security-policy"]
                and "unsafe" not in answer.headers["content-security-policy"]
            )
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "access-control-allow-origin" not in answer.headers
        assert (await browser.get("/healthz", headers={"X-Request-ID": "bad\tid"})).headers["x-request-id"] != "bad\tid"

    at(tmp_path, work)


def test_too_large_a_body_is_refused_whether_announced_or_not(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        async def drip() -> object:
            for _ in range(40):
                yield b" " * (1 << 16)

        browser = there.browser()
        announced = await browser.ask("POST", "auth/login", content=b" " * (3 << 20), headers={"Content-Type": "application/json"})
        dripped = await browser.ask("POST", "auth/login", content=drip(), headers={"Content-Type": "application/json"})
        assert (announced.status_code, dripped.status_code) == (413, 413)

    at(tmp_path, work)
