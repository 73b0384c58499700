"""What is in each picture, to the pixel: boxes, identities, classes, visibility; and counts and events of the loop.

gt.txt is in MOTChallenge format (Milan et al. 2016, "MOT16", section 4.1): frame, id, left, top, width, height, 1, class,
visibility. Classes are MOT16's where it has one: 1 pedestrian, 2 person on vehicle, 3 car (angkot too), 4 bicycle, 5 motorbike,
6 non-motorized vehicle (pushcart); and, as it has none, 14 bus, 15 truck, 16 bag, 17 rubbish heap.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sewu.base.records import Floats
from sewu.simulate.scenes.actors import Actor
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.mesh import Ints, Mesh
from sewu.simulate.scenes.outline import NEAR_M, Box, shown_box_px
from sewu.simulate.scenes.place import CountLine
from sewu.simulate.scenes.scripts import Script

CLASS_OF = {
    "person": 1, "car": 3, "angkot": 3, "bicycle": 4, "motorcycle": 5, "pushcart": 6, "bus": 14, "truck": 15, "bag": 16, "heap": 17,
}  # fmt: skip
"""What has no class (a market stall, water) is scenery: it hides others and has no box."""
RIDER_CLASS = 2
NAMES = {
    1: "person", 2: "rider", 3: "car", 4: "bicycle", 5: "motorcycle", 6: "pushcart", 14: "bus", 15: "truck", 16: "bag", 17: "heap",
}  # fmt: skip
SAMPLE = 48
MIN_SIDE_PX = 2.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing in one picture. box_px: xyxy, inside the picture. visible: share of it that nothing hides, 0 to 1."""

    id: int
    cls: int
    box_px: tuple[float, float, float, float]
    visible: float


class Observer:
    """Turns meshes in the world into boxes in the picture.

    A box holds the projection of every triangle of the thing, cut at the edges of the picture. `visible` is the share of up to 48
    vertices whose place in the picture shows that very thing, so that a thing never hides itself; of what lies outside the picture
    nothing is visible.
    """

    def __init__(self, camera: PoleCamera, size_px: tuple[int, int]) -> None:
        self._matrix, self.size_px = camera.matrix(size_px).astype(np.float32), size_px
        self._bend = camera.lens(size_px)

    def see(self, placed: Sequence[tuple[Actor, Mesh]], names: Floats) -> list[Seen]:
        """Everything of which at least 2 x 2 px are in the picture. names: (h, w), as `Renderer.names` gives it."""
        found: list[Seen] = []
        for actor, mesh in placed:
            if actor.kind not in CLASS_OF:
                continue
            at = mesh.at_m @ self._matrix[:, :3].T + self._matrix[:, 3]
            for thing in range(actor.riders + 1):
                # The vertices of a thing lie one after the other.
                first, end = np.searchsorted(mesh.thing, (thing, thing + 1)) if actor.riders else (0, len(at))
                whose = mesh.thing[mesh.faces[:, 0]] == thing if actor.riders else slice(None)
                seen = self._one(at[first:end], mesh.faces[whose] - first, actor.id + thing, names)
                if seen is not None:
                    cls = CLASS_OF[actor.kind] if not thing else CLASS_OF["person"] if actor.kind == "pushcart" else RIDER_CLASS
                    found.append(Seen(actor.id + thing, cls, *seen))
        return found

    def _one(self, at: Floats, faces: Ints, number: int, names: Floats) -> tuple[Box, float] | None:
        width, height = self.size_px
        box_px = shown_box_px(at, faces, self.size_px, self._bend)
        if box_px is None or box_px[2] - box_px[0] < MIN_SIDE_PX or box_px[3] - box_px[1] < MIN_SIDE_PX:
            return None
        some = at[:: max(1, len(at) // SAMPLE)]
        some = some[some[:, 2] > NEAR_M]
        xy = self._bend(some[:, :2] / some[:, 2:])
        inside = (xy >= 0).all(axis=1) & (xy < (width, height)).all(axis=1)
        at_px = (xy[inside] * (names.shape[1] / width, names.shape[0] / height)).astype(int)
        rows, columns = np.clip(at_px[:, 1], 1, names.shape[0] - 2), np.clip(at_px[:, 0], 1, names.shape[1] - 2)
        shown = np.zeros(len(rows), np.bool_)
        # A vertex on the outline may round to the pixel beside it.
        for dy, dx in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)):
            shown |= names[rows + dy, columns + dx] == number + 1
        return box_px, float(shown.sum()) / max(1, len(some))


@dataclass(slots=True)
class Ledger:
    """Collects the truth of a loop and writes it."""

    lines: Sequence[CountLine]
    rate_fps: float
    _rows: list[str] = field(default_factory=list)
    _side: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)
    _crossed: dict[tuple[int, str, str, str], int] = field(default_factory=lambda: defaultdict(int))
    _present: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    _pictures: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, index: int, seen: Sequence[Seen]) -> None:
        """The boxes of picture `index`, from 0."""
        for one in sorted(seen, key=lambda s: s.id):
            x0, y0, x1, y1 = one.box_px
            self._rows.append(f"{index + 1},{one.id},{x0:.1f},{y0:.1f},{x1 - x0:.1f},{y1 - y0:.1f},1,{one.cls},{one.visible:.2f}\n")
        minute = int(index / self.rate_fps // 60)
        self._pictures[minute] += 1
        for one in seen:
            if one.visible > 0.25:
                self._present[minute, NAMES[one.cls]] += 1

    def count(self, index: int, actors: Sequence[Actor]) -> None:
        """Which actors crossed a line on the ground since the picture before; riders go with their vehicle."""
        minute = int(index / self.rate_fps // 60)
        for line in self.lines:
            start, end = np.asarray(line.start_m), np.asarray(line.end_m)
            unit = end - start
            for actor in actors:
                if actor.kind not in CLASS_OF:
                    continue
                off = np.asarray([actor.x_m, actor.y_m]) - start
                share, side = float(off @ unit) / float(unit @ unit), float(unit[0] * off[1] - unit[1] * off[0])
                before = self._side.get((line.id, actor.id))
                self._side[line.id, actor.id] = (share, side)
                if before is not None and 0 <= share <= 1 and (before[1] > 0) != (side > 0):
                    # The ground is seen from above, the picture too: left of the line stays left.
                    way = line.backward if side > 0 else line.forward
                    self._crossed[minute, line.id, way, NAMES[CLASS_OF[actor.kind]]] += 1

    def write(self, folder: Path, scripts: Sequence[Script]) -> None:
        """gt.txt, events.jsonl, counts.csv and the scripts' own tables in `folder`. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        for script in scripts:
            for name, text in script.tables.items():
                (folder / name).write_text(text, encoding="utf-8")
        events = sorted((event for script in scripts for event in script.events), key=lambda e: (e.start_s, e.kind, e.zone))
        (folder / "gt.txt").write_text("".join(self._rows), encoding="utf-8")
        rows = [{"kind": e.kind, "zone": e.zone, "start_s": e.start_s, "end_s": e.end_s, "ids": e.ids} for e in events]
        (folder / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        table = ["minute,measure,place,class,value\n"]
        for (minute, name), total in sorted(self._present.items()):
            table.append(f"{minute},present_mean,,{name},{total / self._pictures[minute]:.2f}\n")
        for (minute, line, way, name), total in sorted(self._crossed.items()):
            table.append(f"{minute},crossed {way},{line},{name},{total}\n")
        (folder / "counts.csv").write_text("".join(table), encoding="utf-8")
