"""The screens in a real browser, over a real socket, on a real database: what people do with them, and whether everybody can."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from sewu.show.service.screens import Screens
from tests.show.service.place import PASSWORD, at, stocked
from tests.show.service.test_changes import over_http

pytestmark = pytest.mark.alone
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
WAIT_MS = 20_000


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A service with an incident on each of two cameras, in a thread of its own; yields its address."""
    ready, stop, address = threading.Event(), threading.Event(), list[str]()

    async def work(there: Any) -> None:
        await stocked(there)

        async def until_told(url: str) -> None:
            address.append(url)
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.05)

        await over_http(there, until_told)

    thread = threading.Thread(target=lambda: at(folder, work, within_s=150.0), daemon=True)
    thread.start()
    assert ready.wait(30), "the service did not start"
    try:
        yield address[0]
    finally:
        stop.set()
        thread.join(15)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not Screens().built:
        pytest.skip("the screens are not built: make screens")
    with serving(tmp_path_factory.mktemp("service")) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *GL])
        yield started
        started.close()


@contextmanager
def page_of(browser: Browser, url: str, login: str | None, **context: Any) -> Iterator[Page]:
    """A page in which this person is logged in; it must raise no script error."""
    made = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True, **context)
    page, wrong = made.new_page(), list[str]()
    page.set_default_timeout(WAIT_MS)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    try:
        if login is not None:
            page.goto(url)
            page.fill("input[name=login]", login)
            page.fill("input[name=password]", PASSWORD)
            page.click("button.primary")
            page.wait_for_selector(".shell")
        yield page
        assert wrong == []
    finally:
        made.close()


def test_an_operator_works_the_queue_by_keyboard_and_opens_an_incident(service: str, browser: Browser) -> None:
    with page_of(browser, service, "operator") as page:
        page.wait_for_selector("canvas.maplibregl-canvas")
        page.wait_for_selector(".incident")
        before = page.locator(".incident").count()
        assert before == 2
        page.keyboard.press("j")
        page.wait_for_selector('.incident[aria-current="true"]')
        page.keyboard.press("a")
        page.wait_for_function("document.querySelectorAll('.incident').length === 1")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/incidents/inc_*")
        page.wait_for_selector("h1")
        page.wait_for_selector(".tick")
        page.wait_for_selector("text=Checklist")
        page.click('button[lang="id"]')
        page.wait_for_selector("text=Daftar periksa")


def test_a_wrong_password_is_told_in_the_readers_language(service: str, browser: Browser) -> None:
    with page_of(browser, service, None) as page:
        page.goto(service)
        page.fill("input[name=login]", "operator")
        page.fill("input[name=password]", "not this one at all")
        page.click("button.primary")
        assert "salah" in page.inner_text('[role="alert"]')  # nobody is known yet, so it is Indonesian


def test_an_auditor_verifies_the_chain_and_an_operator_does_not_get_there(service: str, browser: Browser) -> None:
    with page_of(browser, service, "auditor") as page:
        page.goto(f"{service}/audit")
        page.click("button.primary")
        page.wait_for_selector('.note[role="status"]')
        assert "Whole" in page.inner_text('.note[role="status"]')
    with page_of(browser, service, "operator") as page:
        page.goto(f"{service}/audit")
        page.wait_for_function("location.pathname === '/'")


def test_the_public_page_works_without_script(service: str, browser: Browser) -> None:
    with page_of(browser, service, None, java_script_enabled=False) as page:
        page.goto(f"{service}/public")
        assert page.locator("h1").count() == 1
        assert page.locator("script").count() == 0


PAGES = ("/", "/cameras", "/cameras/C1", "/wall", "/account", "/people", "/audit", "/dash", "/rules", "/admin", "/import", "/kiosks")


def test_everybody_can_use_every_page_in_the_dark_and_in_the_light(service: str, browser: Browser) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not here: make screens")
    faults: list[str] = []
    with page_of(browser, service, "admin") as page:
        for theme in ("dark", "light"):
            page.evaluate(f"localStorage.setItem('sewu.theme', '{theme}')")
            for path in PAGES:
                page.goto(f"{service}{path}")
                page.wait_for_selector("h1, canvas")
                page.wait_for_timeout(500)
                page.add_script_tag(path=str(AXE))
                found = page.evaluate("rules => axe.run({runOnly: rules}).then(r => r.violations)", RULES)
                faults += [f"{theme} {path} {one['id']}: {node['html'][:140]}" for one in found for node in one["nodes"]]
    assert faults == []
