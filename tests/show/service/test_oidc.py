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
from joserfc import jwt
from pydantic import ValidationError

from sewu.base.clock import ManualClock
from sewu.base.rights import Scope
from sewu.base.service import OidcSettings, ServiceSettings
from sewu.show.service.guard import SESSION_COOKIE
from sewu.show.service.oidc import Provider
from sewu.show.service.problems import Problem
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
    "another audience, though this party": {"aud": ["another-service"], "azp": CLIENT},
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


def _forged(issuer: Issuer, header: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """The provider's own claims under another header and signature."""

    def text(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    nonce = list(issuer.codes.values())[-1]["nonce"]
    body = text(json.dumps(header).encode()) + "." + issuer.signed(nonce).split(".")[1]
    return f"{body}.{text(sign(body.encode()))}"


def test_unsigned_and_wrongly_signed_tokens_let_nobody_in(tmp_path: Path, issuer: Issuer) -> None:
    pem = KEYS["first"].as_pem(private=False)
    deep = base64.urlsafe_b64encode(b"[" * 30_000).decode()
    jwk_text = json.dumps(KEYS["first"].as_dict(private=False)).encode()
    forgeries: list[tuple[dict[str, Any], Callable[[bytes], bytes]]] = [
        ({"alg": "none"}, lambda _: b""),
        ({"alg": "None", "kid": "first"}, lambda _: b""),
        ({"alg": "HS256", "kid": "first"}, lambda body: hmac.digest(pem, body, hashlib.sha256)),
        ({"alg": "HS256", "kid": "first"}, lambda body: hmac.digest(jwk_text, body, hashlib.sha256)),
        ({"alg": "HS256", "kid": "shared"}, lambda body: hmac.digest(b"secret", body, hashlib.sha256)),
        ({"alg": "ES256", "kid": "first"}, lambda _: b"\0" * 64),
        ({"alg": "ES256", "kid": "first", "crit": ["x"], "x": 1}, lambda body: b"\0" * 64),
        ({"alg": "ES256", "jwk": KEYS["unpublished"].as_dict(private=False)}, lambda _: b"\0" * 64),
    ]

    async def work(there: Place) -> None:
        for header, sign in forgeries:
            there.clock.advance(30)
            browser = there.browser()
            query = await begun(issuer, browser)
            issuer.token = _forged(issuer, header, sign)
            answer = await browser.get(f"{CALLBACK}?{query}")
            assert (answer.status_code, kind(answer)) == (401, "log-in-refused"), header
        for garbage in ("x", "..", "a.b.c", "\u00e9.\u00e9.\u00e9", f"{deep}.e30.AA"):
            issuer.token = garbage
            assert kind(await tried(issuer, there)) == "log-in-refused"
        issuer.token, issuer.signing = None, "unpublished"
        assert kind(await tried(issuer, there)) == "log-in-refused"
        issuer.signing = "first"
        assert (await tried(issuer, there)).status_code == 303

    with_provider(tmp_path, issuer, work)


def test_renewed_keys_are_fetched_once_and_withdrawn_ones_are_forgotten(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        assert (await tried(issuer, there)).status_code == 303
        assert (await tried(issuer, there)).status_code == 303
        assert issuer.counted["/jwks"] == 1, "kept"
        issuer.published, issuer.signing = ["second"], "second"
        assert (await tried(issuer, there)).status_code == 303
        assert issuer.counted["/jwks"] == 2
        issuer.signing = "first"
        assert kind(await tried(issuer, there)) == "log-in-refused"
        there.clock.advance(3601)
        issuer.signing = "second"
        assert (await tried(issuer, there)).status_code == 303
        assert issuer.counted["/.well-known/openid-configuration"] == 2, "asked again after an hour"

    with_provider(tmp_path, issuer, work)


def test_an_answer_counts_once_in_time_and_in_the_browser_that_asked(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        victim, thief = there.browser(), there.browser()
        query = await begun(issuer, victim)
        cookie = str(victim.http.cookies.get(TRIP_COOKIE))
        assert kind(await thief.get(f"{CALLBACK}?{query}")) == "log-in-stale", "no cookie"
        await begun(issuer, thief)
        assert kind(await thief.get(f"{CALLBACK}?{query}")) == "log-in-stale", "the cookie of another trip"
        for wrong in ("code=c0de", "code=c0de&state=", "code=c0de&state=guessed"):
            assert kind(await victim.get(f"{CALLBACK}?{wrong}")) == "log-in-stale"
            victim.http.cookies.set(TRIP_COOKIE, cookie, domain="sewu.test", path=START)
        assert kind(await victim.get(f"{CALLBACK}?{query}&iss=https://evil.example")) == "log-in-stale"
        assert (await victim.get(f"{CALLBACK}?{query}")).status_code == 303
        again = there.browser()
        again.http.cookies.set(TRIP_COOKIE, cookie, domain="sewu.test", path=START)
        asked = issuer.counted["/token"]
        assert kind(await again.get(f"{CALLBACK}?{query}")) == "log-in-stale" and issuer.counted["/token"] == asked, "replayed"
        late = there.browser()
        query = await begun(issuer, late)
        there.clock.advance(601)
        assert kind(await late.get(f"{CALLBACK}?{query}")) == "log-in-stale"

    with_provider(tmp_path, issuer, work)


def test_a_cookie_of_another_making_is_refused(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        browser = there.browser()
        query = await begun(issuer, browser)
        sealed = str(browser.http.cookies.get(TRIP_COOKIE))
        flipped = sealed[:60] + ("A" if sealed[60] != "A" else "B") + sealed[61:]
        for forged in ("", "x", flipped, there.parts.vault.seal("usr_1 SECRET"), there.parts.vault.seal('{"state": "s"}')):
            browser.http.cookies.set(TRIP_COOKIE, forged, domain="sewu.test", path=START)
            assert kind(await browser.get(f"{CALLBACK}?{query}")) == "log-in-stale"

    with_provider(tmp_path, issuer, work)


def test_a_code_that_the_provider_does_not_accept_and_an_error_let_nobody_in(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        browser = there.browser()
        query = await begun(issuer, browser)
        issuer.codes.clear()
        assert kind(await browser.get(f"{CALLBACK}?{query}")) == "log-in-refused"
        query = await begun(issuer, browser)
        refused = await browser.get(f"{CALLBACK}?{query.replace('code=', 'error=access_denied&was=')}")
        assert (refused.status_code, kind(refused)) == (401, "log-in-refused")

    with_provider(tmp_path, issuer, work)


def test_who_is_unknown_or_disabled_stays_out_and_the_audit_says_which_subject(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        issuer.claims = {"sub": "stranger"}
        stranger = await tried(issuer, there)
        issuer.claims = {}
        await there.parts.people.change(there.ids["operator"], is_disabled=True)
        disabled = await tried(issuer, there)
        for answer in (stranger, disabled):
            assert (answer.status_code, kind(answer)) == (403, "not-admitted") and SESSION_COOKIE not in answer.cookies
        assert stranger.json()["detail"] == disabled.json()["detail"]
        assert [(row["why"], row["oidc_subject"]) for row in await denials(there)] == [("disabled", "subject-1"), ("unknown", "stranger")]

    with_provider(tmp_path, issuer, work)


def test_a_stranger_is_added_without_rights_only_where_the_settings_say_so(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        issuer.claims = {"sub": "stranger", "name": "Budi\x00\n S", "preferred_username": "admin"}
        for _ in range(2):
            there.clock.advance(30)
            issuer.now_s = there.clock.now_s()
            browser = there.browser()
            assert (await browser.get(f"{CALLBACK}?{await begun(issuer, browser)}")).status_code == 303
            me = (await browser.get("me")).json()
            assert (me["name"], me["rights"], me["must_change_password"]) == ("Budi S", [], False) and me["login"].startswith("oidc-")
            assert (await browser.get("cameras")).status_code == 403
        assert await there.parts.people.count() == 9, "added once"

    with_provider(tmp_path, issuer, work, creates_people=True)


FAULTS: dict[str, tuple[int, bytes]] = {
    "an error": (500, b""),
    "a page": (200, b"<html>"),
    "nothing": (200, b""),
    "a list": (200, b"[]"),
    "no text": (200, b"\xff\xfe"),
    "deep": (200, b"[" * 100_000),
    "a redirect": (302, b""),
    "too much": (200, b" " * (1 << 21)),
    "another issuer": (200, json.dumps({"issuer": "http://x", **dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), "http://x/")}).encode()),
    "addresses that are none": (200, b'{"issuer": "x", "authorization_endpoint": "javascript:1", "token_endpoint": 3, "jwks_uri": null}'),
}  # fmt: skip


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token"])
def test_a_provider_that_answers_nonsense_is_named_and_passwords_still_work(tmp_path: Path, issuer: Issuer, path: str) -> None:
    async def work(there: Place) -> None:
        for name, answer in FAULTS.items():
            there.clock.advance(3700)
            issuer.now_s = there.clock.now_s()
            browser = there.browser()
            if path.startswith("/."):
                issuer.answers = {path: answer}
                found = await browser.get(START)
            else:
                issuer.answers = {}
                query = await begun(issuer, browser)
                issuer.answers = {path: answer}
                found = await browser.get(f"{CALLBACK}?{query}")
            assert (found.status_code, kind(found)) == (502, "provider-faulty"), name
        assert (await there.browser().log_in("operator")).status_code == 200

    with_provider(tmp_path, issuer, work)


def test_a_provider_that_is_away_is_named_and_passwords_still_work(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        issuer.server.shutdown()
        issuer.server.server_close()
        answer = await there.browser().get(START)
        assert (answer.status_code, kind(answer)) == (503, "provider-away")
        page = await there.browser().get(START, headers={"Accept": "text/html,*/*"})
        assert (page.status_code, page.headers["location"]) == (303, "/?refused=provider-away")
        assert (await there.browser().log_in("operator")).status_code == 200

    with_provider(tmp_path, issuer, work)


def test_the_log_in_page_hears_of_a_provider_only_where_there_is_one(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        assert (await there.browser().get("auth/ways")).json() == {"password": True, "oidc": {"label": "SSO Kota"}}
        there.parts.oidc = None
        assert (await there.browser().get("auth/ways")).json() == {"password": True, "oidc": None}
        for path in (START, CALLBACK):
            assert kind(await there.browser().get(path)) == "not-set-up"

    with_provider(tmp_path, issuer, work, label="SSO Kota")


def test_attempts_are_limited_and_no_secret_is_logged(tmp_path: Path, issuer: Issuer, capsys: pytest.CaptureFixture[str]) -> None:
    async def work(there: Place) -> None:
        browser = there.browser()
        query = await begun(issuer, browser)
        trip = str(browser.http.cookies.get(TRIP_COOKIE))
        await browser.get(f"{CALLBACK}?{query}")
        answers = [(await there.browser().get(START)).status_code for _ in range(20)]
        assert answers == [303] * 18 + [429] * 2
        asked = issuer.codes["c0de-0"]
        logged = "".join(capsys.readouterr())
        for secret in (SECRET, "c0de-0", asked["state"], asked["nonce"], trip, "eyJ"):
            assert secret not in logged and secret not in (await there.browser().get("auth/ways")).text

    with_provider(tmp_path, issuer, work)


@given(
    st.one_of(
        st.text(max_size=40), st.lists(st.sampled_from(["/", "\\", "//", "evil.example", "http:", "@", "\t", "%2f", "."])).map("".join)
    )
)
def test_nobody_is_sent_to_another_site_after_logging_in(back: str) -> None:
    target = httpx.URL("https://sewu.test/api/v1/auth/oidc/callback").join(local(back))
    assert (target.scheme, target.host) == ("https", "sewu.test") and local(back)[:2] not in ("//", "/\\")


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example", "/api/v1/auth/logout", "/\n/evil", "", None])
def test_a_page_to_return_to_that_is_not_ours_becomes_the_first_one(back: str | None) -> None:
    assert local(back) == "/" and local("/incidents/inc_1?tab=notes") == "/incidents/inc_1?tab=notes"


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://sso.example"},
        {"issuer": "https://u:p@sso.example"},
        {"issuer": "ftp://x"},
        {"scopes": ["profile"]},
        {"scopes": ["a b"]},
    ],
)
def test_settings_without_tls_or_without_a_public_address_are_refused(wrong: dict[str, Any]) -> None:
    right = {"issuer": "https://sso.example/realms/kota", "client_id": "sewu"}
    assert ServiceSettings.model_validate({"public_url": "https://sewu.example", "oidc": right}).oidc is not None
    for document in ({"oidc": right}, {"public_url": "https://sewu.example", "oidc": right | wrong}):
        with pytest.raises(ValidationError):
            ServiceSettings.model_validate(document)


def test_administrators_say_whom_the_provider_means(tmp_path: Path, issuer: Issuer) -> None:
    async def work(there: Place) -> None:
        admin, operator = await there.of("admin"), await there.of("operator")
        planner = f"users/{there.ids['planner']}"
        taken = await admin.ask("PATCH", planner, json={"oidc_subject": "subject-1"})
        assert taken.status_code == 400, "the operator's"
        assert (await admin.ask("PATCH", f"users/{there.ids['operator']}", json={"oidc_subject": None})).status_code == 200
        assert (await operator.get("me")).status_code == 401, "called otherwise: logged out"
        changed = await admin.ask("PATCH", planner, json={"oidc_subject": "subject-1"})
        assert changed.json()["oidc_subject"] == "subject-1"
        browser = there.browser()
        await browser.get(f"{CALLBACK}?{await begun(issuer, browser)}")
        assert (await browser.get("me")).json()["login"] == "planner"
        added = await admin.post("users", {"login": "baru", "name": "Baru", "oidc_subject": "subject-2"})
        assert added.status_code == 201 and added.json()["must_change_password"] is False

    with_provider(tmp_path, issuer, work)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
names = st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "auth_time", "amr", "acr", "jti", "name"])


@given(st.dictionaries(names, json_values, max_size=4), st.sampled_from(["ES256", "RS512"]))
def test_whatever_claims_hold_is_a_person_or_a_refusal(odd: dict[str, Any], alg: str) -> None:
    clock = ManualClock()
    now_s = int(clock.now_s())
    settings = OidcSettings(issuer="https://sso.example", client_id=CLIENT)
    right = {"iss": settings.issuer, "sub": "s", "aud": CLIENT, "exp": now_s + 9, "iat": now_s, "nonce": "n"}
    token = jwt.Token({"alg": alg}, right | odd)
    try:
        known = Provider(settings, SECRET, "https://sewu.example", clock).checked(token, "n", "opaque")
    except Problem as problem:
        assert problem.status == 401 and odd
    else:
        assert known.subject == token.claims["sub"] and token.claims["nonce"] == "n"
