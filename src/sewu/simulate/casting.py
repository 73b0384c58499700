"""Which camera plays which loop: by scene where there is one of that name, else in turn; each at its own phase."""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sewu.base.errors import BadSource
from sewu.simulate.city import CityCamera
from sewu.simulate.server.plan import Scheme, ServedCamera, StreamFile
from sewu.simulate.testcard import MAIN_CARD, SUB_CARD, cached_card

USER = "viewer"
LOOKS_LIKE: dict[str, tuple[str, ...]] = {"parking": ("carpark",), "gate": ("street",)}
"""Scenes of the register that a loop of another name may show."""


class LoopFiles(Protocol):
    """What a rendered loop offers, and a folder or a test card too."""

    @property
    def folder(self) -> Path: ...

    @property
    def duration_s(self) -> float | None: ...

    @property
    def streams(self) -> Mapping[str, Path]:
        """Under "main" and perhaps "sub": H.264 or H.265 files."""
        ...

    @property
    def truth(self) -> Path | None: ...


@dataclass(frozen=True, slots=True)
class FolderLoop:
    """A loop found in a folder: `main.mp4`, perhaps `sub.mp4`, `truth`, and `loop.json` with `duration_s`."""

    folder: Path
    streams: Mapping[str, Path]
    duration_s: float | None = None
    truth: Path | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """A camera, its loop, and how it is served. `password` is None when nobody has to log in."""

    entry: CityCamera
    loop: LoopFiles = field(repr=False)
    served: ServedCamera

    @property
    def zones(self) -> Path | None:
        """The zones file of the loop's main stream."""
        file = self.loop.folder / "scene.toml"
        return file if file.is_file() else None

    def truth(self, started_at_s: float, duration_s: float) -> dict[str, object]:
        """What is known of the stream, for laying the loop's truth over what is received.

        At the UTC time t the camera shows the loop's media time (t - started_at_s + phase_s) mod duration_s.
        """
        return {
            "camera_id": self.served.id,
            "scene": self.entry.scene,
            "loop": self.loop.folder.name,
            "duration_s": duration_s,
            "started_at_s": started_at_s,
            "phase_s": self.served.phase_s,
            "truth": str(self.loop.truth) if self.loop.truth else None,
            "zones": f"zones/{self.served.id}.toml" if self.zones else None,
            "synthetic": True,
        }


def find_loops(folder: Path) -> list[FolderLoop]:
    """Every loop in a folder or one level below it.

    Raises:
        BadSource: there is none.
    """
    candidates = (
        [folder, *sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))] if folder.is_dir() else []
    )
    loops = [loop for candidate in candidates for loop in _loops_in(candidate)]
    if not loops:
        raise BadSource(f"{folder} holds no loop.", "Name a folder with main.mp4 (and sub.mp4), or with such folders in it.")
    return loops


def _loops_in(folder: Path) -> Iterator[FolderLoop]:
    main, sub, about = folder / "main.mp4", folder / "sub.mp4", folder / "loop.json"
    if not main.is_file():
        return
    streams = {"main": main, **({"sub": sub} if sub.is_file() else {})}
    truth = next((path for name in ("truth", "truth.jsonl", "truth.json") if (path := folder / name).exists()), None)
    yield FolderLoop(folder, streams, _duration_s(about), truth)


def _duration_s(about: Path) -> float | None:
    try:
        document = json.loads(about.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    value = document.get("duration_s") if isinstance(document, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def card_loop(cache: Path) -> FolderLoop:
    """A test card to play where nothing was rendered. Raises BadSource."""
    streams = {"main": cached_card(MAIN_CARD, cache), "sub": cached_card(SUB_CARD, cache)}
    return FolderLoop(cache / "testcard", streams, MAIN_CARD.duration_s)


def cast(entries: Sequence[CityCamera], loops: Sequence[LoopFiles], auth: Scheme = "none", in_turn: bool = False) -> list[Cast]:
    """Give every camera a loop, a phase and, unless `auth` is "none", a password of its own.

    Args:
        in_turn: deal the loops out one after the other, whatever the register calls the camera's scene.
    """
    cast_list = []
    for index, entry in enumerate(entries):
        fitting = [loop for loop in loops if any(name in loop.folder.name for name in (entry.scene, *LOOKS_LIKE.get(entry.scene, ())))]
        fitting = list(loops) if in_turn or not fitting else fitting
        loop = fitting[index % len(fitting)]
        camera_id = entry.camera.id
        share = zlib.crc32(camera_id.encode()) / 2**32
        sub = loop.streams.get("sub")
        served = ServedCamera(
            id=camera_id,
            main=StreamFile(path=loop.streams["main"], duration_s=loop.duration_s),
            sub=StreamFile(path=sub, duration_s=loop.duration_s) if sub else None,
            phase_s=round(share * (loop.duration_s or 60.0), 3),
            user=None if auth == "none" else USER,
            password=None if auth == "none" else secrets.token_urlsafe(9),
            auth=auth,
        )
        cast_list.append(Cast(entry, loop, served))
    return cast_list
