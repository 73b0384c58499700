"""The register over HTTP: imported, changed, exported; and evidence from request to signed package."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np

from sewu.respond.package import verify_package
from tests.show.service.place import DISTRICT, OTHER, Place, at, stocked

LIST = (
    "id,name,area_code,lat,lon,stream_url,user,password\n"
    f"N1,Satu,{DISTRICT}.1001,-6.98,110.41,rtsp://10.0.0.1/a,root,hunter2-secret\n"
    f"N2,Dua,{DISTRICT}.1001,-96.98,110.41,rtsp://10.0.0.2/a,,\n"
    f"N3,Tiga,{DISTRICT}.1002,-6.98,110.42,rtsp://10.0.0.3/a,,\n"
)


def test_an_import_says_what_is_wrong_before_it_is_applied_and_twice_changes_nothing(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        browser, csv = await there.of("engineer"), {"Content-Type": "text/csv"}
        tried = (await browser.ask("POST", "cameras/import", content=LIST, headers=csv)).json()
        assert (tried["applied"], tried["good"], tried["changed"], tried["fault_count"]) == (False, 2, [], 1)
        assert tried["faults"][0]["camera_id"] == "N2"
        assert (await browser.get("cameras/N1")).status_code == 404
        done = (await browser.ask("POST", "cameras/import?apply=true", content=LIST, headers=csv)).json()
        again = (await browser.ask("POST", "cameras/import?apply=true", content=LIST, headers=csv)).json()
        assert done["changed"] == ["N1", "N3"] and again["changed"] == []
        shown = (await browser.get("cameras/N1")).text
        assert "hunter2" not in shown and "10.0.0.1" in shown
        assert (await browser.get("cameras/export")).status_code == 428, "what for must be said"
        exported = await browser.get("cameras/export", headers={"Sewu-Purpose": "maintenance"})
        assert exported.text.count("\n") == 5 and "hunter2" not in exported.text
        table = (await browser.get("cameras/satu-data", headers={"Sewu-Purpose": "planning"})).text
        assert f"{DISTRICT}.1001,Miroto,kelurahan,rt,2,unit" in table

    at(tmp_path, work)


def test_a_camera_is_changed_only_as_it_was_read_and_only_at_home(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        browser = await there.of("engineer")
        body = {
            "name": "Baru",
            "stream_url": "rtsp://10.1.1.1/x",
            "area_code": f"{DISTRICT}.1001",
            "login": {"user": "u", "password": "pw-1"},
        }
        made = await browser.ask("PUT", "cameras/N9", json=body)
        assert made.status_code == 201 and made.json()["has_secret"] is True and "pw-1" not in made.text
        assert (await browser.ask("PUT", "cameras/N9", json=body | {"name": "Lain"})).status_code == 428
        changed = await browser.ask("PUT", "cameras/N9", json=body | {"name": "Lain"}, headers={"If-Match": made.headers["etag"]})
        assert changed.status_code == 200 and changed.json()["name"] == "Lain"
        late = await browser.ask("PUT", "cameras/N9", json=body, headers={"If-Match": made.headers["etag"]})
        assert late.status_code == 409
        password_in_url = body | {"stream_url": "rtsp://u:p@10.1.1.1/x"}
        assert (await browser.ask("PUT", "cameras/N8", json=password_in_url)).status_code == 422
        edited = await browser.post("cameras/edits", {"ids": ["N9", "C1"], "add_tags": ["pasar"]})
        assert edited.json()["changed"] == ["C1", "N9"]
        assert (await browser.post("cameras/edits", {"ids": ["N9", "none"], "add_tags": ["x"]})).status_code == 404
        assert (await browser.ask("DELETE", "cameras/N9")).status_code == 204
        assert (await browser.get("cameras/N9")).status_code == 404

    at(tmp_path, work)


def test_evidence_leaves_only_after_a_second_person_said_yes_and_its_package_can_be_checked(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        incident_id = (await stocked(there))["C1"]
        officer, auditor = await there.of("operator"), await there.of("auditor")
        picture = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
        query = "kind=still&media_type=image/jpeg&from_s=1&until_s=1&camera_id=C1"
        path = f"incidents/{incident_id}/evidence?{query}"
        assert (await officer.ask("POST", path, content=b"no picture")).status_code == 400
        item = (await officer.ask("POST", path, content=picture)).json()
        wanted = {"incident_id": incident_id, "item_ids": [item["id"]], "purpose": "safety", "reason": "Laporan polisi 12/2026"}
        asked = (await officer.post("evidence/requests", wanted)).json()
        package, purpose = f"evidence/requests/{asked['id']}/package", {"Sewu-Purpose": "safety"}
        assert (await officer.post(package, headers=purpose)).status_code == 409, "nobody approved it"
        assert (await officer.post(f"evidence/requests/{asked['id']}/decision", {"approve": True})).status_code == 403
        yes = await auditor.post(f"evidence/requests/{asked['id']}/decision", {"approve": True, "reason": "Sah"})
        assert yes.status_code == 200, yes.text
        assert (await officer.post(package)).status_code == 428
        sent = await officer.post(package, headers=purpose)
        assert sent.status_code == 200 and sent.headers["content-type"] == "application/zip"
        (tmp_path / "package.zip").write_bytes(sent.content)
        assert not verify_package(tmp_path / "package.zip").faults
        assert "manifest.json" in zipfile.ZipFile(io.BytesIO(sent.content)).namelist()
        acts = [row["action"] for row in (await auditor.get(f"incidents/{incident_id}/custody")).json()]
        assert acts[:3] == ["stored", "requested", "approved"] and "exported" in acts

    at(tmp_path, work)


def test_obligations_and_the_network_are_kept_within_areas(tmp_path: Path) -> None:
    async def work(there: Place) -> None:
        await stocked(there)
        planner, engineer, camat = await there.of("planner"), await there.of("engineer"), await there.of("camat")
        tower = {"subject": "tower", "name": "Menara A", "owner": "PT B", "area_code": f"{OTHER}.1001", "risk": "genangan"}
        made = await planner.post("obligations", tower | {"letters": [{"kind": "reminder", "due_on": "2026-12-01"}]})
        assert made.status_code == 201, made.text
        due = (await planner.get("obligations/due?on=2026-12-02")).json()
        assert [row["id"] for row in due] == [made.json()["id"]]
        assert (await camat.get(f"obligations/{made.json()['id']}")).status_code == 404
        changed = await planner.ask(
            "PUT", f"obligations/{made.json()['id']}", json=tower | {"status": "exempt"}, headers={"If-Match": '"v1"'}
        )
        assert changed.status_code == 200 and changed.json()["version"] == 2
        uplink = (await engineer.post("network", {"kind": "uplink", "name": "FO-12", "area_code": DISTRICT})).json()
        assert (await engineer.ask("PUT", f"network/{uplink['id']}/cameras", json={"camera_ids": ["C1", "C2"]})).status_code == 204
        assert (await engineer.get(f"network/{uplink['id']}/cameras")).json() == ["C1", "C2"]
        assert (await camat.get(f"network/{uplink['id']}/cameras")).json() == ["C1"]

    at(tmp_path, work)
