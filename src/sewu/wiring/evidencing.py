"""The evidence room of a home: its folder, its signing key, and the masks of the register."""

from __future__ import annotations

from pathlib import Path

from sewu.base.rights import Scope
from sewu.base.service import Home
from sewu.respond.evidence import Blobs, EvidenceRoom
from sewu.respond.package import create_signing_key, open_signing_key
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.wiring.masking import masking

KEY_NAME = "evidence.key"


def signing_key_file(home: Home) -> Path:
    """Where the key lies that packages are signed with."""
    return home.folder / KEY_NAME


def evidence_room(home: Home, database: Database, cameras: Cameras) -> EvidenceRoom:
    """The room, with a new signing key when there is none yet.

    Raises:
        BadSettings: the key can be read by others, or is no key.
    """
    path = signing_key_file(home)
    if not path.exists():
        create_signing_key(path)
    city = Scope((home.settings.city_code,))
    return EvidenceRoom(database, Blobs(home.evidence_folder / "kept"), open_signing_key(path), masking(cameras, city))
