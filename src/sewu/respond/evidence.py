"""Evidence: kept under its SHA-256, asked for with a purpose, allowed by a second person, handed out masked, signed and traceable."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sewu.base.clock import iso_utc
from sewu.base.errors import BadInput, Conflict, NotFound, StoreFull
from sewu.base.evidence import Custody, EvidenceItem, EvidenceKind, EvidenceRequest
from sewu.base.rights import PURPOSES, Scope
from sewu.respond.package import file_sha256, write_package
from sewu.respond.policy import DAY_S
from sewu.store.operations.database import Database
from sewu.store.operations.evidence import Evidence
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.tables import new_id

Mask = Callable[[Path, Path, EvidenceItem], Awaitable[bool]]
"""Writes a copy of a clip or still with its camera's masks burnt in; False when the camera has none and nothing was written."""
SUFFIXES = {"video/mp4": ".mp4", "image/jpeg": ".jpg", "image/png": ".png", "text/csv": ".csv", "application/json": ".json"}
MAX_LOCK_S = 3650 * DAY_S
MAX_ITEMS = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A file to be kept: what it shows, of which incident and camera."""

    incident_id: str
    kind: EvidenceKind
    media_type: str
    from_s: float
    until_s: float
    camera_id: str | None = None


class Blobs:
    """Files under their SHA-256: <folder>/ab/abcd... ; written once, complete or not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the file of this hash is, or would be."""
        if len(sha256) != 64 or not all(letter in "0123456789abcdef" for letter in sha256):
            raise BadInput("This is no SHA-256.", "Give 64 hexadecimal letters.")
        return self.folder / sha256[:2] / sha256

    def take(self, source: Path) -> tuple[str, int]:
        """Keep a copy of a file; returns its hash and length. Raises `StoreFull`, `BadInput` (the source is gone)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        half: Path | None = None
        try:
            with source.open("rb") as read, tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as written:
                half = Path(written.name)
                while chunk := read.read(1 << 20):
                    written.write(chunk)
                written.flush()
                os.fsync(written.fileno())
            sha256, count = file_sha256(half)
            target = self.path(sha256)
            target.parent.mkdir(exist_ok=True)
            half.replace(target)
        except FileNotFoundError as error:
            raise BadInput(f"{source} is not there any more.", "Choose another.") from error
        except OSError as error:
            if half is not None:
                half.unlink(missing_ok=True)
            raise StoreFull(f"Evidence could not be kept: {error.strerror}.", "Free some space, then try again.") from error
        return sha256, count

    def remove(self, sha256: str) -> None:
        """Delete a file that nothing needs; no error when it is gone already."""
        self.path(sha256).unlink(missing_ok=True)


class EvidenceRoom:
    """Keeps evidence and hands it out.

    Args:
        database: items, requests, chain of custody. blobs: the files. key: signs packages.
        mask: burns a camera's masks in; without it no clip and no still leaves.
    """

    def __init__(self, database: Database, blobs: Blobs, key: Ed25519PrivateKey, mask: Mask | None) -> None:
        self.database, self.blobs, self.kept = database, blobs, Evidence(database)
        self._key, self._mask = key, mask

    async def keep(self, scope: Scope, found: Found, source: Path, actor: str, now_s: float) -> EvidenceItem:
        """Keep a copy of a file for an incident. Raises `NotFound`, `StoreFull`, `BadInput`."""
        if await Incidents(self.database).get(scope, found.incident_id) is None:
            raise NotFound(f"There is no incident {found.incident_id} that you may see.", "Check the number.")
        sha256, count = await asyncio.to_thread(self.blobs.take, source)
        item = EvidenceItem(
            id=new_id("evd", now_s),
            incident_id=found.incident_id,
            kind=found.kind,
            sha256=sha256,
            bytes_count=count,
            media_type=found.media_type,
            from_s=found.from_s,
            until_s=found.until_s,
            stored_at_s=now_s,
            camera_id=found.camera_id,
        )
        await self.kept.add(scope, item, actor)
        return item

    async def shown(self, item: EvidenceItem, source: Path, target: Path) -> Path:
        """What may be shown of a file that shows `item`: itself, or `target`, written with the camera's masks burnt in.

        Raises:
            Conflict: masks cannot be burnt in here. NotFound: its camera is not registered. BadSource: the file cannot be read.
        """
        if self._mask is None:
            raise Conflict("Masks cannot be burnt in on this server, so no picture is shown.", "Look at it where they can.")
        return target if await self._mask(source, target, item) else source

    async def lock(self, scope: Scope, item: EvidenceItem, until_s: float | None, note: Custody) -> None:
        """Keep an item from retention until a time, at most ten years; None ends the lock. `note`: who, when and why ("reason")."""
        if until_s is not None and not note.at_s < until_s <= note.at_s + MAX_LOCK_S:
            raise BadInput("A lock ends within ten years from now.", "Choose a time in the next ten years.")
        entry = replace(note, action="unlocked" if until_s is None else "locked", incident_id=item.incident_id, item_id=item.id)
        await self.kept.lock(scope, item, until_s, replace(entry, details={**note.details, "until_s": until_s}))

    async def request(self, scope: Scope, request: EvidenceRequest) -> EvidenceRequest:
        """Ask for some items. Raises `BadInput` for an unknown purpose, a missing reason, or items of another incident."""
        if request.purpose not in PURPOSES:
            raise BadInput(f"{request.purpose} is no purpose.", f"Choose one of {', '.join(PURPOSES)}.")
        if not request.reason.strip() or len(request.reason) > 2000 or len(request.item_ids) > MAX_ITEMS:
            raise BadInput(f"A request has a reason of at most 2000 letters, and at most {MAX_ITEMS} items.", "Correct it.")
        asked = replace(request, state="requested", decided_by=None, decided_at_s=None, decision=None, package_sha256=None)
        await self.kept.ask(scope, asked)
        return asked

    async def decide(self, scope: Scope, request_id: str, note: Custody, approve: bool) -> EvidenceRequest:
        """Approve or refuse; never one's own request. `note`: who, when and why ("reason"). Raises `Conflict`, `BadInput`, `NotFound`."""
        before = await self.kept.request(scope, request_id)
        reason = str(note.details.get("reason", "")).strip()
        if before.requester == note.actor:
            raise Conflict("Nobody decides on their own request.", "Let a second person decide.")
        if before.state != "requested":
            raise Conflict(f"Request {request_id} is {before.state} already.", "Make a new one.")
        if not approve and not reason:
            raise BadInput("A refusal needs a reason.", "Say why, in a sentence.")
        state, action = ("approved", "approved") if approve else ("refused", "refused")
        after = replace(before, state=state, decided_by=note.actor, decided_at_s=note.at_s, decision=reason or None)  # type: ignore[arg-type]
        entry = replace(note, action=action, incident_id=before.incident_id, request_id=request_id, details={"reason": reason})
        await self.kept.move(scope, before, after, entry)
        return after

    async def export(self, scope: Scope, request_id: str, note: Custody, target: Path) -> EvidenceRequest:
        """Write the package of an approved request, masks burnt in. `note.details` may name "audit": ids of audit rows.

        Raises:
            Conflict: not approved; masks cannot be burnt in here. NotFound: an item's file is gone. StoreFull: the disk refused.
        """
        before = await self.kept.request(scope, request_id)
        if before.state not in ("approved", "exported"):
            raise Conflict(f"Request {request_id} is {before.state}; only approved evidence is exported.", "Have it approved.")
        items = [item for item in await self.kept.items(scope, before.incident_id) if item.id in before.item_ids]
        if len(items) != len(before.item_ids):
            raise NotFound("Some of the evidence was deleted meanwhile.", "Make a new request.")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="export-") as folder:
            files, rows = await self._prepared(items, Path(folder))
            story = await self._story(scope, before, rows, note)
            sha256 = await asyncio.to_thread(write_package, target, files, story, self._key)
        after = replace(before, state="exported", exported_at_s=note.at_s, package_sha256=sha256)
        details = {"package_sha256": sha256, "audit": list(note.details.get("audit", ()))}
        entry = replace(note, action="exported", incident_id=before.incident_id, request_id=request_id, details=details)
        try:
            await self.kept.move(scope, before, after, entry)
        except BaseException:
            target.unlink(missing_ok=True)  # what was not noted must not leave
            raise
        return after

    async def _prepared(self, items: Sequence[EvidenceItem], folder: Path) -> tuple[dict[str, Path], list[dict[str, object]]]:
        """Files of the package, with a row for each in the manifest: how it relates to what was stored."""
        files: dict[str, Path] = {}
        rows: list[dict[str, object]] = []
        for number, item in enumerate(items, 1):
            source = self.blobs.path(item.sha256)
            if not source.exists() or (await asyncio.to_thread(file_sha256, source))[0] != item.sha256:
                raise NotFound(f"The file of evidence {item.id} is missing or damaged.", "Restore the evidence folder from its backup.")
            name = f"{number:03d}-{item.kind}-{item.id}{SUFFIXES.get(item.media_type, '.bin')}"
            masked, is_masked = folder / name, False
            if item.kind != "measurements":
                if self._mask is None:
                    raise Conflict("Masks cannot be burnt in on this server, so no picture leaves it.", "Export where they can.")
                is_masked = await self._mask(source, masked, item)
            files[name] = masked if is_masked else source
            row = {
                "path": name,
                "masked": is_masked,
                "stored_sha256": item.sha256,
                "from": iso_utc(item.from_s),
                "until": iso_utc(item.until_s),
            }
            rows.append(row | {"id": item.id, "kind": item.kind, "camera_id": item.camera_id, "media_type": item.media_type})
        return files, rows

    async def _story(self, scope: Scope, request: EvidenceRequest, rows: list[dict[str, object]], note: Custody) -> dict[str, object]:
        incident = await Incidents(self.database).get(scope, request.incident_id)
        assert incident is not None, "the request was found in this scope"
        wanted = set(request.item_ids)
        chain = [asdict(entry) for entry in await self.kept.chain(scope, request.incident_id) if _belongs(entry, request.id, wanted)]
        for entry in chain:
            entry["at"] = iso_utc(entry["at_s"])
        about = {"id": incident.id, "kind": incident.kind, "title": incident.title, "area_code": incident.area_code}
        story: dict[str, object] = {
            "made_at": iso_utc(note.at_s),
            "made_by": note.actor,
            "incident": about | {"opened_at": iso_utc(incident.opened_at_s), "severity": incident.severity, "state": incident.state},
            "request": asdict(request),
            "items": rows,
            "chain_of_custody": chain,
            "audit": list(note.details.get("audit", ())),
        }
        return dict(json.loads(json.dumps(story)))


def _belongs(entry: Custody, request_id: str, item_ids: set[str]) -> bool:
    return entry.request_id == request_id or entry.item_id in item_ids


async def retire(room: EvidenceRoom, keep_s: float, now_s: float) -> int:
    """Retention: delete what is older than this and that neither a lock nor an open request holds; returns how many items."""
    rows = await room.kept.expired(now_s - keep_s, now_s)
    for sha256 in await room.kept.forget(rows, now_s):
        room.blobs.remove(sha256)
    return len(rows)
