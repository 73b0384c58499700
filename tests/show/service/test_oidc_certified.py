"""The whole log-in against npm's oidc-provider (certified by the OpenID Foundation) on loopback.

Installs nothing: needs node, and a folder with node_modules/oidc-provider named by SEWU_OIDC_PROVIDER.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sewu.base.clock import SystemClock
from sewu.base.service import OidcSettings
from sewu.show.service.oidc import Provider
from tests.show.service.issuer import CLIENT, SECRET
from tests.show.service.place import Place, at
from tests.show.service.test_log_in import kind
from tests.show.service.test_oidc import CALLBACK, START

FOLDER = Path(os.environ.get("SEWU_OIDC_PROVIDER", "/nowhere"))
pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules" / "oidc-provider").is_dir(),
        reason="SEWU_OIDC_PROVIDER names no folder in which `npm install oidc-provider` was run",
    ),
]
METHODS = ("client_secret_basic", "client_secret_post")


@contextmanager
def certified(method: str) -> Iterator[str]:
    """The provider's address, until the end of the block."""
    script = Path(__file__).with_name("certified.mjs")
    child = subprocess.Popen(
        ["node", str(script), str(FOLDER.absolute()), method], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert child.stdout is not None
        line = re.match(rb"\d+", child.stdout.readline())  # ends, empty, when the child fails
        assert line is not None, "the provider did not start"
        yield f"http://127.0.0.1:{line[0].decode()}"
    finally:
        child.kill()
        child.wait(10)
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


async def agreed(authorization_url: str, login: str, cancel: bool = False) -> str:
    """Do at the provider's pages what a person would: log in, consent. Returns the page of ours that they are sent back to."""
    async with httpx.AsyncClient(timeout=20) as http:
        answer = await http.get(authorization_url)
        for _ in range(12):
            if answer.is_redirect:
                target = answer.headers["location"]
                if urlsplit(target).hostname == "sewu.test":
                    return target.removeprefix("http://sewu.test")
                answer = await http.get(answer.url.join(target))
                continue
            assert answer.status_code == 200, answer.text
            form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            abort = re.search(r'href="([^"]+/abort)"', answer.text)
            assert form is not None and prompt is not None and abort is not None, answer.text
            if cancel:
                answer = await http.get(answer.url.join(abort[1]))
            else:
                answer = await http.post(answer.url.join(form[1]), data={"prompt": prompt[1], "login": login, "password": "any"})
        raise AssertionError("the provider never sent the browser back")


def provided(there: Place, url: str, secret: str | None = SECRET) -> None:
    chosen = OidcSettings(issuer=url, client_id=CLIENT)
    there.parts.oidc = Provider(chosen, secret, f"http://sewu.test{CALLBACK}", SystemClock())


@pytest.mark.parametrize("method", METHODS)
def test_a_person_of_a_certified_provider_comes_in_once(tmp_path: Path, method: str) -> None:
    async def work(there: Place) -> None:
        provided(there, url)
        await there.parts.people.change(there.ids["camat"], oidc_subject="camat-at-sso")
        browser = there.browser()
        begun = await browser.get(START, params={"back": "/incidents"})
        back = await agreed(begun.headers["location"], "camat-at-sso")
        assert parse_qs(urlsplit(back).query)["iss"] == [url], "this provider names itself (RFC 9207)"
        unnamed = re.sub(r"&iss=[^&]+", "", back)
        assert kind(await browser.get(unnamed)) == "log-in-stale", "it promised to, so an answer without is not its own"
        answer = await browser.get(back)
        assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
        assert (await browser.get("me")).json()["login"] == "camat"
        assert kind(await browser.get(back)) == "log-in-stale"

    with certified(method) as url:
        at(tmp_path, work)


def test_a_certified_provider_refuses_another_verifier_secret_or_a_cancelled_log_in(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        provided(there, url)
        first, second = await there.browser().get(START), there.browser()
        begun = await second.get(START)
        stolen = parse_qs(urlsplit(await agreed(first.headers["location"], "camat-at-sso")).query)["code"][0]
        own = await agreed(begun.headers["location"], "camat-at-sso")
        swapped = re.sub(r"code=[^&]+", f"code={stolen}", own)
        assert kind(await second.get(swapped)) == "log-in-refused", "PKCE: a code of another browser"
        browser = there.browser()
        back = await agreed((await browser.get(START)).headers["location"], "x", cancel=True)
        assert "error=access_denied" in back and kind(await browser.get(back)) == "log-in-refused"
        provided(there, url, "another secret")
        back = await agreed((await browser.get(START)).headers["location"], "camat-at-sso")
        assert kind(await browser.get(back)) == "log-in-refused"
        provided(there, url)
        back = await agreed((await browser.get(START)).headers["location"], "stranger")
        assert kind(await browser.get(back)) == "not-admitted"

    with certified("client_secret_basic") as url:
        at(tmp_path, work)
