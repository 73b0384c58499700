"""Every route of the API, asked by nobody and by every role: the table of rights is the whole truth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st

from sewu.base.errors import BadSettings
from sewu.base.people import ApiToken
from sewu.base.rights import ROLES, Grant, is_within
from sewu.show.service.app import create_app
from sewu.show.service.guard import Asked, needs, section, undeclared
from sewu.show.service.rights import ACTIONS, ROLE_ACTIONS, Action, Caller
from sewu.show.service.routes import ROUTERS
from sewu.show.service.routes.system import openapi
from tests.show.service.place import CITY, DISTRICT, GRANTS, Place, at, stocked

AREAS = ("33.74", "33.74.01", "33.74.01.1001", "33.74.011", "33.74.02")


def operations(there: Place) -> list[tuple[str, str, str]]:
    """(method, path, right) of every operation."""
    described = openapi(there.app)
    return [
        (method.upper(), path, operation["x-needs"])
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if not path.endswith("/changes")  # a stream; test_changes asks it
    ]


def filled(path: str, **values: str) -> str:
    return re.sub(r"{(\w+)}", lambda found: values.get(found[1], "none"), path).replace("/areas/none", "/areas/33.74.09")


def test_every_operation_says_which_right_it_takes_and_nobody_gets_past_it(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        found = operations(there)
        assert len(found) > 60
        browser = there.browser()
        for method, path, right in found:
            there.clock.advance(1)
            answer = await browser.ask(method, filled(path))
            if right != "anyone":
                assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
                assert answer.headers["content-type"] == "application/problem+json"

    at(tmp_path, work)


@pytest.mark.parametrize("login", sorted(GRANTS))
def test_each_role_passes_exactly_where_the_table_says(tmp_path: Path, login: str) -> None:
    async def work(there: Place) -> None:
        browser, role = await there.of(login), GRANTS[login][0]
        for method, path, right in operations(there):
            if right in ("anyone", "self"):
                continue
            there.clock.advance(1)
            answer = await browser.ask(method, filled(path), headers={"Sewu-Purpose": "audit"})
            refused = answer.status_code == 403 and answer.json().get("right") == right
            allowed = right in ROLE_ACTIONS[role]
            assert answer.status_code < 500, f"{method} {path}: {answer.text}"
            assert refused != allowed or (allowed and answer.json().get("scope")), f"{role}: {method} {path} gave {answer.status_code}"

    at(tmp_path, work)


def test_what_lies_in_another_area_does_not_exist(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incidents = await stocked(there)
        browser = await there.of("camat")
        mine = {"camera_id": "C1", "incident_id": incidents["C1"], "code": DISTRICT}
        other = {"camera_id": "C2", "incident_id": incidents["C2"], "code": "33.74.02"}
        checked = 0
        for method, path, right in operations(there):
            named = re.findall(r"{(\w+)}", path)
            if right not in ROLE_ACTIONS["district_officer"] or not named or named[0] not in mine or path.startswith("/api/v1/agencies"):
                continue
            there.clock.advance(1)
            body: dict[str, Any] = {"action": "acknowledge", "agency": "polisi", "until_s": there.clock.now_s() + 60, "text": "x"}
            body |= {"reason": "x", "incident_ids": [incidents["C1"]], "event_ids": ["evt_x"]}
            for chosen in (body, *({key: body[key] for key in keys} for keys in BODIES)):
                answer = await browser.ask(method, filled(path, **other) + SPAN, json=chosen)
                assert answer.status_code in (404, 422), f"{method} {path}: {answer.status_code} {answer.text}"
                if answer.status_code == 404:
                    break
            else:
                raise AssertionError(f"no body fitted {method} {path}")
            if method == "GET" and "zones" not in path and "event_id" not in named:
                answer = await browser.get(
                    filled(path, **mine) + SPAN
                )  # no worker watches here, so there is no picture of one's own either
                assert answer.status_code == 200 or answer.json()["type"].endswith("no-picture"), path
            checked += 1
        assert checked > 15
        listed = (await browser.get("cameras")).json()["rows"]
        assert [row["id"] for row in listed] == ["C1"]
        assert [row["id"] for row in (await browser.get("incidents")).json()["rows"]] == [incidents["C1"]]
        shown = (await browser.get("cameras/geojson?area_code=33.74.02")).json()["features"]
        assert shown == [] and len((await browser.get("cameras/geojson")).json()["features"]) == 1

    at(tmp_path, work)


SPAN = "?from_s=1&to_s=1000&until_s=1000"
BODIES = (("action",), ("agency", "reason"), ("until_s", "reason"), ("incident_ids", "reason"), ("event_ids", "reason"), ("text",))


def test_an_agency_sees_its_own_incidents_only(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incidents = await stocked(there)
        desk = await there.of("operator")
        moved = await desk.post(f"incidents/{incidents['C2']}/agency", {"agency": "polisi", "reason": "Bukan parkir"})
        assert moved.status_code == 200, moved.text
        browser = await there.of("dishub")
        assert [row["id"] for row in (await browser.get("incidents")).json()["rows"]] == [incidents["C1"]]
        assert (await browser.get(f"incidents/{incidents['C2']}")).status_code == 404
        assert (await browser.post(f"incidents/{incidents['C2']}/steps", {"action": "acknowledge"})).status_code == 404

    at(tmp_path, work)


def test_no_answer_holds_a_password_and_addresses_are_for_who_maintains(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        for login in ("operator", "engineer", "camat"):
            browser = await there.of(login)
            for path in ("cameras", "cameras/C1", "cameras/geojson", "cameras/nearest?lat=-6.98&lon=110.41"):
                answer = await browser.get(path)
                assert answer.status_code == 200 and "s3cr3t" not in answer.text
                assert ("rtsp://" in answer.text) == (login == "engineer" and "geojson" not in path), f"{login} {path}"

    at(tmp_path, work)


def test_a_token_does_only_what_it_names_and_never_more_than_its_owner(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        browser = await there.of("operator")
        assert (await browser.post("tokens", {"name": "x", "actions": ["audit.read"]})).status_code == 403
        minted = (await browser.post("tokens", {"name": "script", "actions": ["camera.read"]})).json()
        program, bearer = there.browser(), {"Authorization": f"Bearer {minted['secret']}", "X-CSRF-Token": ""}
        assert (await program.get("cameras", headers=bearer)).status_code == 200
        assert (await program.get("incidents", headers=bearer)).status_code == 403
        assert (await program.post("tokens", {"name": "y", "actions": ["camera.read"]}, headers=bearer)).status_code == 403
        assert (await program.get("cameras", headers={"Authorization": "Bearer sewu_wrong"})).status_code == 401
        await browser.ask("DELETE", f"tokens/{minted['token']['id']}")
        assert (await program.get("cameras", headers=bearer)).status_code == 401

    at(tmp_path, work)


def test_an_administrator_of_an_area_cannot_reach_beyond_it(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        admin = await there.of("admin")
        added = (await admin.post("users", {"login": "lokal", "name": "Lokal", "password": "Kecamatan-Tengah1"})).json()
        await admin.post(f"users/{added['id']}/grants", {"role": "admin", "area_code": DISTRICT})
        local = there.browser()
        assert (await local.log_in("lokal", "Kecamatan-Tengah1")).status_code == 200
        assert (await local.get("users")).status_code == 403, "the first password must be changed first"
        changed = await local.post("auth/password", {"current": "Kecamatan-Tengah1", "new": "Kecamatan-Tengah2"})
        assert changed.status_code == 204
        seen = {row["login"] for row in (await local.get("users")).json()["rows"]}
        assert seen == {"camat", "rt", "lokal"}
        rt, operator = there.ids["rt"], there.ids["operator"]
        assert (await local.post(f"users/{rt}/grants", {"role": "admin", "area_code": CITY})).status_code == 403
        assert (await local.post(f"users/{operator}/password", {"password": "Some-Long-Secret9"})).status_code == 404
        await admin.post(f"users/{rt}/grants", {"role": "rt", "area_code": "33.74.02"})
        assert (await local.post(f"users/{rt}/password", {"password": "Some-Long-Secret9"})).status_code == 403

    at(tmp_path, work)


def test_a_paired_screen_watches_its_area_and_changes_nothing(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incidents = await stocked(there)
        screen, camat, operator = there.browser(), await there.of("camat"), await there.of("operator")
        shown = (await screen.post("kiosks/ask")).json()
        assert (await screen.get("kiosks/mine")).json()["is_paired"] is False and (await screen.get("cameras")).status_code == 401
        outside = {"code": shown["code"], "name": "Pos", "area_code": "33.74.02"}
        assert (await camat.post("kiosks/pair", outside)).status_code == 403
        assert (await camat.post("kiosks/pair", outside | {"area_code": DISTRICT})).status_code == 201
        assert [row["id"] for row in (await screen.get("cameras")).json()["rows"]] == ["C1"]
        assert (await screen.post(f"incidents/{incidents['C1']}/steps", {"action": "acknowledge"})).status_code == 401
        kiosk = (await operator.get("kiosks")).json()[0]
        assert (await operator.ask("DELETE", f"kiosks/{kiosk['id']}")).status_code == 204
        assert (await screen.get("cameras")).status_code == 401

    at(tmp_path, work)


def test_the_service_does_not_start_with_an_undeclared_route(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(there: Place) -> None:
        forgotten, unguarded, twice = section("forgotten"), APIRouter(), section("twice")
        forgotten.add_api_route("/x", lambda: None)

        async def declares(_asked: Annotated[Asked, needs("anyone")]) -> None: ...

        async def both(_a: Annotated[Asked, needs("self")], _b: Annotated[Asked, needs("camera.read")]) -> None: ...

        unguarded.add_api_route("/y", declares)
        twice.add_api_route("/z", both)
        for router in (forgotten, unguarded, twice):
            monkeypatch.setattr("sewu.show.service.app.ROUTERS", (*ROUTERS, router))
            with pytest.raises(BadSettings):
                create_app(there.parts)
        assert undeclared(there.app) == []

    at(tmp_path, work)


grants = st.builds(
    lambda role, area, agency: Grant(role, area, agency if role == "agency_officer" else None),
    st.sampled_from(ROLES),
    st.sampled_from(AREAS),
    st.sampled_from(["dishub", "polisi"]),
)


@given(st.lists(grants, max_size=5), st.sampled_from(ACTIONS), st.sampled_from(AREAS), st.sampled_from(["dishub", "polisi"]))
def test_a_scope_never_reaches_what_no_single_grant_gives(given_: list[Grant], action: Action, area: str, agency: str) -> None:
    scope = Caller("u", tuple(given_)).scope(action)
    if scope.reaches(area) and (scope.agencies is None or agency in scope.agencies):
        assert any(
            action in ROLE_ACTIONS[grant.role] and is_within(area, grant.area_code) and grant.agency in (None, agency) for grant in given_
        )


@given(st.lists(grants, max_size=4), st.sampled_from(ACTIONS))
def test_who_has_a_grant_for_an_action_reaches_something_and_a_token_only_narrows(given_: list[Grant], action: Action) -> None:
    wide = Caller("u", tuple(given_))
    token = ApiToken("t", "u", "n", ("camera.read",), 0, 1)
    assert wide.allows(action) == any(action in ROLE_ACTIONS[grant.role] for grant in given_)
    narrow = Caller("u", tuple(given_), token=token).scope(action)
    assert narrow == (wide.scope(action) if action == "camera.read" else Caller("u", ()).scope(action))
