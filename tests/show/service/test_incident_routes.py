"""An incident's way through the API: acts, conflicts, notes, and what the audit then says."""

from __future__ import annotations

from pathlib import Path

from sewu.base.rights import Scope
from sewu.store.operations.audit import AuditFilter
from tests.show.service.place import DISTRICT, Place, at, stocked


def test_an_operator_takes_an_incident_from_open_to_closed(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incident_id = (await stocked(there))["C1"]
        browser = await there.of("operator")
        first = await browser.get(f"incidents/{incident_id}")
        assert first.json()["state"] == "open" and first.headers["etag"].startswith('"v')
        for step in (
            {"action": "acknowledge"},
            {"action": "assign", "assignee": there.ids["dishub"]},
            {"action": "resolve"},
            {"action": "close"},
        ):
            answer = await browser.post(f"incidents/{incident_id}/steps", step)
            assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == "closed"
        refused = await browser.post(f"incidents/{incident_id}/steps", {"action": "acknowledge"})
        assert refused.status_code == 409 and refused.json()["type"] == "urn:sewu:problem:conflict"
        acts = [row["action"] for row in (await browser.get(f"incidents/{incident_id}/history")).json()]
        assert acts == ["opened", "acknowledge", "assign", "resolve", "close"]

    at(tmp_path, work)


def test_a_change_based_on_an_old_reading_is_refused(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incident_id = (await stocked(there))["C1"]
        browser = await there.of("operator")
        tag = (await browser.get(f"incidents/{incident_id}")).headers["etag"]
        same = await browser.get(f"incidents/{incident_id}", headers={"If-None-Match": tag})
        assert same.status_code == 304 and same.content == b""
        path, step = f"incidents/{incident_id}/steps", {"action": "acknowledge"}
        assert (await browser.post(path, step, headers={"If-Match": tag})).status_code == 200
        late = await browser.post(path, {"action": "start"}, headers={"If-Match": tag})
        assert late.status_code == 409
        assert (await browser.get(f"incidents/{incident_id}", headers={"If-None-Match": tag})).status_code == 200

    at(tmp_path, work)


def test_a_post_that_is_sent_again_is_answered_again_and_not_done_again(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incident_id = (await stocked(there))["C1"]
        browser, other = await there.of("operator"), await there.of("camat")
        path, key = f"incidents/{incident_id}/comments", {"Idempotency-Key": "4f1c2a7e-0001"}
        first = await browser.post(path, {"text": "Petugas menuju lokasi"}, headers=key)
        again = await browser.post(path, {"text": "Petugas menuju lokasi"}, headers=key)
        assert first.status_code == again.status_code == 201 and first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert (await browser.post(path, {"text": "Lain"}, headers=key)).status_code == 422
        assert (await browser.post(path, {"text": "x"}, headers={"Idempotency-Key": "short"})).status_code == 400
        assert (await other.post(path, {"text": "Petugas menuju lokasi"}, headers=key)).json()["id"] != first.json()["id"]
        assert (await browser.post(path, {"text": ""}, headers={"Idempotency-Key": "4f1c2a7e-0002"})).status_code == 422
        assert (await browser.post(path, {"text": "ok"}, headers={"Idempotency-Key": "4f1c2a7e-0002"})).status_code == 201
        assert len((await browser.get(path)).json()) == 3

    at(tmp_path, work)


def test_every_view_search_and_change_is_in_the_audit_with_who_and_where(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incident_id = (await stocked(there))["C1"]
        browser = await there.of("camat")
        await browser.get(f"incidents/{incident_id}", headers={"Sewu-Purpose": "traffic"})
        await browser.get("cameras?search=simpang")
        await browser.post(f"incidents/{incident_id}/steps", {"action": "acknowledge"})
        await browser.get("audit")
        await there.parts.diary.flush()
        rows = await there.parts.diary.audit.page(AuditFilter(actor=there.ids["camat"]), Scope(("33.74",)), None, 50)
        found = [(row.deed.action, row.deed.outcome, row.deed.purpose, row.deed.subject, row.deed.area_code) for row in reversed(rows)]
        assert found[1:] == [
            ("incident.read", "done", "traffic", incident_id, f"{DISTRICT}.1001"),
            ("camera.read", "done", None, None, None),
            ("incident.act", "done", None, incident_id, f"{DISTRICT}.1001"),
            ("audit.read", "denied", None, None, None),
        ]
        assert rows[2].deed.detail == {"search": "simpang"}
        verdict = (await (await there.of("auditor")).get("audit/verification")).json()
        assert verdict["broken_at"] is None and verdict["rows"] >= 5

    at(tmp_path, work)


def test_lists_are_paged_to_their_end_without_a_gap_or_a_repeat(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        browser = await there.of("operator")
        codes: list[str] = []
        cursor = ""
        while True:
            page = (await browser.get(f"areas?limit=50{cursor}")).json()
            codes += [row["code"] for row in page["rows"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert len(codes) == len(set(codes)) == 194 and codes == sorted(codes)
        assert (await browser.get("areas?cursor=nonsense")).status_code == 400

    at(tmp_path, work)


def test_a_call_opens_an_incident_and_its_link_shows_only_that_and_ends(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        browser, responder = await there.of("operator"), there.browser()
        answer = await browser.post("calls", {"lat": -6.9801, "lon": 110.4101, "address": "Jl. Pemuda", "area_code": DISTRICT})
        assert answer.status_code == 201, answer.text
        incident_id, now_s = answer.json()["incident"]["id"], there.clock.now_s()
        assert {row["camera_id"] for row in answer.json()["cameras"]} == {"C1", "C2"}
        minted = (await browser.post("calls/shares", {"incident_id": incident_id, "until_s": now_s + 600})).json()
        opened = await responder.get("shared", headers={"Sewu-Share": minted["token"]})
        assert opened.status_code == 200 and opened.json()["incident"]["id"] == incident_id
        assert (await responder.get("shared", headers={"Sewu-Share": "x" * 40})).status_code == 404
        assert (await responder.get(f"incidents/{incident_id}")).status_code == 401
        there.clock.advance(601)
        assert (await responder.get("shared", headers={"Sewu-Share": minted["token"]})).status_code == 404

    at(tmp_path, work)


def test_counts_by_district_show_only_what_the_asker_may_see(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        whole = (await (await there.of("operator")).get("incidents/by-district")).json()
        own = (await (await there.of("camat")).get("incidents/by-district")).json()
        assert own == [row for row in whole if row["area_code"] == DISTRICT]
        assert 0 < len(own) < len(whole)
        assert (await there.browser().get("incidents/by-district")).status_code == 401

    at(tmp_path, work)
