"""A folder of zones files, one per camera, followed while it changes.

A file that is wrong never takes zones away: the camera keeps those of the last good version, and the fault is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sewu.base.errors import BadSettings, SewuError
from sewu.base.settings import load_settings
from sewu.base.space import Scene
from sewu.cameras.zonefile import ZoneFile, scene_of
from sewu.measure import ANALYTICS
from sewu.wiring.flows import zone_kinds

SUFFIXES = (".toml", ".json")
Document = dict[str, Any]
"""A zones file as JSON-safe values: what a worker is told, so that it never reads a half-written file."""


@dataclass
class ZonesFolder:
    """The zones of many cameras: `CAMERA.toml` or `CAMERA.json` in one folder.

    `faults` holds what is wrong now, by file name.
    """

    folder: Path
    faults: dict[str, str] = field(default_factory=dict)
    _versions: dict[str, tuple[int, int]] = field(default_factory=dict)
    _documents: dict[str, Document] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise BadSettings(f"{self.folder} is no folder.", "Give the folder that holds a zones file per camera (ID.toml).")

    def refresh(self) -> bool:
        """Read what has changed since the last call; True when some camera's zones are different now."""
        try:
            files = {path.name: path for path in self.folder.iterdir() if path.suffix in SUFFIXES and not path.name.startswith(".")}
            versions = {name: (stat.st_mtime_ns, stat.st_size) for name, path in files.items() for stat in [path.stat()]}
        except OSError:
            return False  # away for a moment, as while somebody replaces the folder: what was read still holds
        different = False
        for name in self._versions.keys() - versions.keys():
            self.faults.pop(name, None)
            different |= self._documents.pop(Path(name).stem, None) is not None
        for name, version in versions.items():
            if self._versions.get(name) != version:
                different |= self._read(files[name])
        self._versions = versions
        return different

    def document(self, camera_id: str) -> Document | None:
        """The newest good zones of a camera; None when nothing is drawn for it."""
        return self._documents.get(camera_id)

    def strangers(self, camera_ids: set[str]) -> tuple[str, ...]:
        """Cameras that have zones and are not in the list: a mistyped file name would otherwise watch nothing in silence."""
        return tuple(sorted(self._documents.keys() - camera_ids))

    def _read(self, path: Path) -> bool:
        try:
            file = load_settings(ZoneFile, path)
            check_analytics(scene_of(file, zone_kinds(), path.name))
        except SewuError as error:
            self.faults[path.name] = error.what
            return False
        self.faults.pop(path.name, None)
        document = file.model_dump(mode="json")
        different = self._documents.get(path.stem) != document
        self._documents[path.stem] = document
        return different


def scene_from_document(document: Document | None) -> Scene | None:
    """The scene that a worker was told. Raises `BadSettings` when it is not one."""
    return None if document is None else scene_of(ZoneFile.model_validate(document), zone_kinds())


def check_analytics(scene: Scene) -> None:
    """Build every analytic once on this scene, so that a zone's wrong setting is told before anything is watched. Raises `BadSettings`."""
    for analytic in ANALYTICS.values():
        analytic("check", scene, analytic.Settings())


def needs_following(scene: Scene | None) -> bool:
    """Whether something drawn here is read by an analytic that needs several pictures a second."""
    if scene is None:
        return False
    moving = [analytic for analytic in ANALYTICS.values() if analytic.needs_motion]
    kinds = {kind for analytic in moving for kind in analytic.zone_kinds}
    return bool(scene.zones_of(*kinds)) or (bool(scene.lines) and any(analytic.uses_lines for analytic in moving))
