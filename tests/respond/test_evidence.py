"""No evidence leaves without a purpose, a second person, masks, a signature and a line in the chain of custody."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sewu.base.errors import BadInput, Conflict, NotFound
from sewu.base.evidence import Custody, EvidenceItem, EvidenceRequest
from sewu.base.rights import Scope
from sewu.respond.evidence import Blobs, EvidenceRoom, Found, retire
from sewu.respond.package import verify_package
from sewu.store.operations.database import Database
from tests.respond.desks import CITY, NOW_S, camera, desk_over, event, run

KEY = Ed25519PrivateKey.generate()
ELSEWHERE = Scope(("33.75",))


async def burn(source: Path, target: Path, item: EvidenceItem) -> bool:
    """Stands for the re-encoding: K1 has masks, no other camera has."""
    if item.camera_id != "K1":
        return False
    target.write_bytes(b"masked " + source.read_bytes())
    return True


def note(actor: str, after_s: float, reason: str = "", **details: object) -> Custody:
    return Custody(NOW_S + after_s, actor, "", "", details={"reason": reason, **details})


async def filled(database: Database, folder: Path) -> tuple[EvidenceRoom, list[EvidenceItem]]:
    """A room with a clip of K1, a still of K2 and measurements of one incident."""
    (incident_id,) = (await desk_over(database, camera(1)).take("s1", 1, [event(1)], NOW_S)).opened
    room = EvidenceRoom(database, Blobs(folder / "evidence"), KEY, burn)
    items = []
    for kind, media, camera_id in (("clip", "video/mp4", "K1"), ("still", "image/jpeg", "K2"), ("measurements", "text/csv", None)):
        source = folder / f"source-{kind}"
        source.write_bytes(f"bytes of the {kind}".encode())
        found = Found(incident_id, kind, media, NOW_S, NOW_S + 10, camera_id)  # type: ignore[arg-type]
        items.append(await room.keep(CITY, found, source, "usr_1", NOW_S + 1))
    return room, items


def request(items: list[EvidenceItem], **values: object) -> EvidenceRequest:
    base = EvidenceRequest("erq_1", items[0].incident_id, tuple(i.id for i in items), "usr_1", "safety", "laporan polisi", NOW_S + 2)
    return replace(base, **values)  # type: ignore[arg-type]


def test_evidence_goes_from_request_over_approval_to_a_masked_signed_package(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        room, items = await filled(database, tmp_path)
        await room.request(CITY, request(items))
        target = tmp_path / "out" / "bukti.zip"
        with pytest.raises(Conflict):  # not approved
            await room.export(CITY, "erq_1", note("usr_1", 3), target)
        with pytest.raises(Conflict):  # one's own
            await room.decide(CITY, "erq_1", note("usr_1", 3), True)
        with pytest.raises(NotFound):
            await room.decide(ELSEWHERE, "erq_1", note("usr_2", 3), True)
        await room.decide(CITY, "erq_1", note("usr_2", 4, "sesuai aturan"), True)
        with pytest.raises(Conflict):  # decided already
            await room.decide(CITY, "erq_1", note("usr_3", 5, "tidak"), False)
        done = await room.export(CITY, "erq_1", note("usr_1", 6, audit=["aud_1"]), target)
        verdict = verify_package(target, KEY.public_key())
        assert verdict.is_intact and verdict.origin and done.state == "exported"
        with zipfile.ZipFile(target) as package:
            manifest = json.loads(package.read("manifest.json"))
            by_kind = {row["kind"]: row for row in manifest["items"]}
            assert package.read(by_kind["clip"]["path"]) == b"masked bytes of the clip" and by_kind["clip"]["masked"]
            assert package.read(by_kind["still"]["path"]) == b"bytes of the still" and not by_kind["still"]["masked"]
        assert manifest["audit"] == ["aud_1"] and manifest["request"]["decided_by"] == "usr_2"
        assert [row["action"] for row in manifest["chain_of_custody"]] == ["stored"] * 3 + ["requested", "approved"]
        chain = await room.kept.chain(CITY, items[0].incident_id)
        assert [row.action for row in chain][-4:] == ["exported"] * 4 and await room.kept.chain(ELSEWHERE, items[0].incident_id) == ()

    run(database_url, work)


def test_no_picture_leaves_where_masks_cannot_be_burnt_in(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        room, items = await filled(database, tmp_path)
        bare = EvidenceRoom(database, room.blobs, KEY, None)
        await bare.request(CITY, request(items[:1]))
        await bare.request(CITY, request(items[2:], id="erq_2"))
        for id_ in ("erq_1", "erq_2"):
            await bare.decide(CITY, id_, note("usr_2", 4), True)
        with pytest.raises(Conflict):
            await bare.export(CITY, "erq_1", note("usr_1", 6), tmp_path / "a.zip")
        assert not (tmp_path / "a.zip").exists()
        await bare.export(CITY, "erq_2", note("usr_1", 6), tmp_path / "b.zip")
        assert verify_package(tmp_path / "b.zip").is_intact

    run(database_url, work)


def test_a_damaged_file_is_not_handed_out(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        room, items = await filled(database, tmp_path)
        await room.request(CITY, request(items))
        await room.decide(CITY, "erq_1", note("usr_2", 4), True)
        room.blobs.path(items[2].sha256).write_bytes(b"forged")
        with pytest.raises(NotFound):
            await room.export(CITY, "erq_1", note("usr_1", 6), tmp_path / "a.zip")
        assert (await room.kept.request(CITY, "erq_1")).state == "approved"

    run(database_url, work)


def test_a_request_needs_a_purpose_a_reason_and_its_own_incidents_items(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        room, items = await filled(database, tmp_path)
        for wrong in ({"purpose": "curiosity"}, {"reason": "  "}, {"item_ids": ("evd_x",)}, {"item_ids": ()}):
            with pytest.raises(BadInput):
                await room.request(CITY, request(items, **wrong))
        with pytest.raises(NotFound):
            await room.request(ELSEWHERE, request(items))
        await room.request(CITY, request(items))
        with pytest.raises(BadInput):
            await room.decide(CITY, "erq_1", note("usr_2", 4), False)
        refused = await room.decide(CITY, "erq_1", note("usr_2", 4, "tidak perlu"), False)
        assert refused.state == "refused" and refused.decision == "tidak perlu"
        assert (await room.kept.viewed(CITY, items[0].incident_id, items[0].id, "usr_9", NOW_S + 9)) == items[0]
        assert (await room.kept.chain(CITY, items[0].incident_id))[-1].action == "viewed"

    run(database_url, work)


def test_retention_spares_what_is_locked_or_asked_for(database_url: str, tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        room, items = await filled(database, tmp_path)
        clip, still, table = items
        day_s = 86_400.0
        await room.request(CITY, request([clip]))
        await room.lock(CITY, still, NOW_S + 100 * day_s, note("usr_1", 5, "sidang"))
        with pytest.raises(BadInput):
            await room.lock(CITY, still, NOW_S, note("usr_1", 5, "sidang"))
        assert await retire(room, 30 * day_s, NOW_S + 10 * day_s) == 0  # not old enough
        assert await retire(room, 30 * day_s, NOW_S + 40 * day_s) == 1
        assert not room.blobs.path(table.sha256).exists() and room.blobs.path(still.sha256).exists()
        await room.decide(CITY, "erq_1", note("usr_2", 4, "tidak"), False)
        assert await retire(room, 30 * day_s, NOW_S + 101 * day_s) == 2  # the lock has ended, the request is refused
        assert not room.blobs.path(still.sha256).exists() and await room.kept.items(CITY, clip.incident_id) == ()
        assert [row.action for row in await room.kept.chain(CITY, clip.incident_id)].count("deleted") == 3

    run(database_url, work)
