"""Log-in by an identity provider: who it vouches for comes in; whatever else it, or a stranger, sends does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.rights import Scope
from sewu.base.service import OidcSettings, ServiceSettings
from sewu.show.service.guard import SESSION_COOKIE
from sewu.show.service.oidc import Provider
from sewu.show.service.routes.oidc import TRIP_COOKIE, local
from sewu.store.operations.audit import AuditFilter
from tests.show.service.issuer import CLIENT, KEYS, SECRET, Issuer, issuing
from tests.show.service.place import Browser, Place, at
from tests.show.service.test_log_in import kind

START, CALLBACK = "/api/v1/auth/oidc", "/api/v1/auth/oidc/callback"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing(0.0) as there:
        yield there


def with_provider(folder: Path, issuer: Issuer, work: Callable[[Place], Awaitable[None]], **settings: Any) -> None:
    """Do the work in a place whose operator is known to the provider as subject-1."""

    async def whole(there: Place) -> None:
        issuer.now_s = there.clock.now_s()
        chosen = OidcSettings(issuer=issuer.url, client_id=CLIENT, **settings)
        there.parts.oidc = Provider(chosen, SECRET, f"http://sewu.test{CALLBACK}", there.clock)
        await there.parts.people.change(there.ids["operator"], oidc_subject="subject-1")
        await work(there)

    at(folder, whole)


async def begun(issuer: Issuer, browser: Browser, back: str | None = None) -> str:
    """Go to the provider, agree there: the query that the browser comes back with."""
    answer = await browser.get(START, params={"back": back} if back else {})
    assert answer.status_code == 303, answer.text
    return issuer.approve(answer.headers["location"])


async def tried(issuer: Issuer, there: Place) -> httpx.Response:
    """One whole log-in in a fresh browser."""
    there.clock.advance(30)
    issuer.now_s = there.clock.now_s()
    browser = there.browser()
    return await browser.get(f"{CALLBACK}?{await begun(issuer, browser)}")


async def denials(there: Place) -> list[dict[str, Any]]:
    await there.parts.diary.flush()
    rows = await there.parts.diary.audit.page(AuditFilter(action="log_in"), Scope(("33.74",)), None, 50)
    return [dict(row.deed.detail) for row in rows if row.deed.outcome == "denied"]


def test_whom_the_provider_vouches_for_comes_in_and_returns_to_the_page_they_wanted(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        browser = there.browser()
        answer = await browser.get(f"{CALLBACK}?{await begun(issuer, browser, '/incidents?status=open')}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/incidents?status=open")
        me = (await browser.get("me")).json()
        assert me["login"] == "operator" and browser.http.cookies.get(TRIP_COOKIE) is None
        await there.parts.diary.flush()
        rows = await there.parts.diary.audit.page(AuditFilter(action="log_in"), Scope(("33.74",)), None, 50)
        assert [(row.deed.actor, row.deed.outcome, dict(row.deed.detail)) for row in rows] == [
            (there.ids["operator"], "done", {"way": "oidc"})
        ]

    with_provider(tmp_path, issuer, work)


def test_the_browser_gets_state_nonce_and_challenge_and_scripts_cannot_read_what_binds_them(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        first, second = await there.browser().get(START), await there.browser().get(START)
        asked = [{k: v[0] for k, v in parse_qs(urlsplit(answer.headers["location"]).query).items()} for answer in (first, second)]
        assert all(len(asked[0][name]) >= 43 and asked[0][name] != asked[1][name] for name in ("state", "nonce", "code_challenge"))
        assert asked[0]["scope"] == "openid profile" and asked[0]["redirect_uri"] == f"http://sewu.test{CALLBACK}"
        cookie = first.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("httponly", "samesite=lax", "max-age=600", "path=/api/v1/auth/oidc"))
        assert asked[0]["state"] not in first.headers["set-cookie"], "sealed"

    with_provider(tmp_path, issuer, work)


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "guessed"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another-service"},
    "an audience of many, for another party": {"aud": [CLIENT, "x"], "azp": "x"},
    "expired": {"exp": 1_000_000_000},
    "no expiry": {"exp": None},
    "an expiry that is no number": {"exp": "tomorrow"},
    "issued in the future": {"iat": 4_000_000_000},
    "another issuer": {"iss": "https://evil.example"},
    "a hash of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "no subject": {"sub": None},
    "an odd subject": {"sub": "a\x00b"},
}


def test_an_id_token_that_is_not_for_this_log_in_lets_nobody_in(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        for name, claims in WRONG_CLAIMS.items():
            issuer.claims = claims
            answer = await tried(issuer, there)
            assert (answer.status_code, kind(answer)) == (401, "log-in-refused"), name
            assert SESSION_COOKIE not in answer.cookies
        assert len(await denials(there)) == len(WRONG_CLAIMS)
        issuer.claims = {"aud": [CLIENT, "x"], "azp": CLIENT}
        assert (await tried(issuer, there)).status_code == 303

    with_provider(tmp_path, issuer, work)


def test_the_time_between_two_clocks_is_forgiven_for_a_minute_only(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        for late_s, status in ((50, 303), (90, 401)):
            issuer.claims = {"exp": int(there.clock.now_s()) + 30 - late_s}
            assert (await tried(issuer, there)).status_code == status

    with_provider(tmp_path, issuer, work)
